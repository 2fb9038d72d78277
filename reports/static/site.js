"use strict";
// Every page is whole without this. It adds: a choice of theme, filters that apply themselves, copy buttons, arrow keys in heat tables,
// "/" for search, and pages that keep themselves up to date. Text goes through textContent; what is swapped in comes from this site alone.
(() => {
  const root = document.documentElement;
  const memory = {
    get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
    set: (value) => { try { value ? localStorage.setItem("theme", value) : localStorage.removeItem("theme"); } catch { /* private mode */ } },
  };
  const wear = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  wear(["light", "dark"].includes(memory.get()) ? memory.get() : null);

  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, cls, text) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Theme: follows the system until a person chooses; choosing the system's own again follows it again.
  const addTheme = () => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const button = make("button", "theme");
    button.type = "button";
    button.append(drawn());
    const worn = () => root.dataset.theme || (dark.matches ? "dark" : "light");
    const name = () => { button.title = worn() === "dark" ? "Light colours" : "Dark colours"; button.setAttribute("aria-label", button.title); };
    button.addEventListener("click", () => {
      const next = worn() === "dark" ? "light" : "dark";
      const chosen = next === (dark.matches ? "dark" : "light") ? null : next;
      wear(chosen);
      memory.set(chosen);
      name();
    });
    dark.addEventListener("change", name);
    name();
    $(".bar-top").append(button);
  };
  const drawn = () => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const half = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [key, value] of [["width", 16], ["height", 16], ["viewBox", "0 0 16 16"], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
    half.setAttribute("fill", "currentColor");
    half.setAttribute("d", "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.5v11a5.5 5.5 0 0 1 0-11Z");
    svg.append(half);
    return svg;
  };

  // Copy buttons, beside whatever is marked with data-copy.
  const copyButton = (text) => {
    const button = make("button", "copy", "Copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text()); button.textContent = "Copied"; } catch { button.textContent = "Select and copy"; }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return button;
  };
  const addCopying = (within) => {
    for (const pre of all("pre[data-copy]", within)) {
      // Lines that fetch from this site say $SITE, for a page is not told under which address it is read.
      if (location.protocol.startsWith("http") && pre.textContent.includes("$SITE/")) pre.textContent = pre.textContent.replaceAll("$SITE/", `${location.origin}/`);
      if (pre.parentElement.classList.contains("copied")) continue;
      const box = make("div", "copied");
      pre.replaceWith(box);
      box.append(pre, copyButton(() => pre.textContent.trimEnd()));
    }
  };

  // What a sign stands for, where a square of one load does not say it (reports/grid.py has the signs).
  const WORDS = { "✓": "pass", "≠": "drift", "✕": "fail", "∞": "timeout", "↯": "crash", "▲": "out of memory", "!": "harness broken", "⊘": "save failed", "·": "nothing was saved to load", "?": "not measured" };

  // Heat tables: one square is reached with Tab, the others with the arrow keys; Enter follows the link. A line below says what is under the pointer.
  const addWalking = (within) => {
    for (const table of all("table.heat", within)) {
      const rows = all("tbody tr", table).map((row) => all("td", row));
      const heads = all("thead tr:last-child th", table), names = all("tbody th", table);
      const place = new Map(rows.flatMap((row, y) => row.map((td, x) => [td, [y, x]])));
      const linked = ([y, x]) => rows[y] && rows[y][x] && $("a", rows[y][x]);
      let current = rows.flat().map((td) => $("a", td)).find(Boolean);
      if (!current) continue;
      for (const link of all("td a", table)) link.tabIndex = -1;
      current.tabIndex = 0;
      const readout = make("p", "readout");
      (table.closest(".scroll") || table).after(readout);
      const tell = (td) => {
        for (const head of [...heads, ...names]) head.classList.remove("on");
        if (!td) { readout.replaceChildren(); return; }
        const [y, x] = place.get(td), mark = td.title ? td : $("[title]", td);
        heads[x].classList.add("on");
        names[y].classList.add("on");
        const from = $("span", names[y]).textContent, to = $("span", heads[x]).textContent;
        readout.replaceChildren(make("b", "", `${table.dataset.down} ${from}, ${table.dataset.across} ${to}`), `: ${mark ? mark.title : WORDS[td.textContent] || ""}`);
      };
      const go = (to) => {
        const link = linked(to);
        if (!link) return;
        current.tabIndex = -1;
        current = link;
        link.tabIndex = 0;
        link.focus();
      };
      table.addEventListener("keydown", (event) => {
        const td = event.target.closest("td");
        if (!place.has(td) || event.ctrlKey || event.metaKey || event.altKey) return;
        const [y, x] = place.get(td), step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
        if (event.key === "Home") go([y, rows[y].findIndex((one) => $("a", one))]);
        else if (event.key === "End") go([y, rows[y].findLastIndex((one) => $("a", one))]);
        else if (!step) return;
        else {
          let to = [y + step[0], x + step[1]];
          while (place.has((rows[to[0]] || [])[to[1]]) && !linked(to)) to = [to[0] + step[0], to[1] + step[1]];
          go(to);
        }
        event.preventDefault();
      });
      table.addEventListener("mouseover", (event) => tell(place.has(event.target.closest("td")) ? event.target.closest("td") : null));
      table.addEventListener("focusin", (event) => {
        const td = event.target.closest("td");
        tell(place.has(td) ? td : null);
        if (!place.has(td)) return;
        const link = $("a", td);
        link.setAttribute("aria-label", readout.textContent);
        current.tabIndex = -1;
        current = link;
        current.tabIndex = 0;
      });
      table.addEventListener("mouseleave", () => tell(null));
      table.addEventListener("focusout", () => tell(null));
    }
  };

  // Among files a script draws the matrix anew (files.js): what listened to the old squares goes with them.
  document.addEventListener("drawn", ({ detail: table }) => {
    const box = table.closest(".scroll"), readout = box.nextElementSibling;
    if (readout && readout.classList.contains("readout")) readout.remove();
    table.replaceWith(table.cloneNode(true));
    addWalking(box);
  });

  // "3 hours ago" stays true on a page that stays open.
  const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const ages = () => {
    for (const box of all(".when")) {
      const time = $("time", box), ago = $(".ago", box);
      if (!time || !ago) continue;
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (!(seconds >= 0)) continue;
      const [unit, size] = UNITS.find(([, length]) => seconds >= length) || ["", 1];
      const count = Math.floor(seconds / size);
      ago.textContent = unit ? `${count} ${unit}${count === 1 ? "" : "s"} ago` : "just now";
    }
  };

  // Another state of this page takes the place of this one; the focus, what is unfolded or typed and how far it is scrolled stay.
  // A place is told from its section on, for sections may come in between.
  const pathOf = (element) => {
    const steps = [];
    let at = element;
    for (; at.id !== "main" && !at.matches("section[aria-labelledby]"); at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
    return [at.id === "main" ? "" : at.getAttribute("aria-labelledby"), steps];
  };
  const follow = (main, [section, steps]) => {
    const top = section ? $(`section[aria-labelledby="${section}"]`, main) : main;
    return steps.reduce((at, step) => at && at.children[step], top);
  };
  let shown = null;
  const swap = (fresh) => {
    const next = fresh.getElementById("main"), main = $("#main");
    if (!next || next.innerHTML === shown) return;
    shown = next.innerHTML;
    next.querySelectorAll("script").forEach((script) => script.remove());
    prepare(next);
    const focus = main.contains(document.activeElement) && document.activeElement !== main ? document.activeElement : null;
    const steps = focus && pathOf(focus), folds = all("details", main).map((one) => [pathOf(one), one.open]);
    const typed = all("input[type=text]", main).map((one) => [pathOf(one), one.value]);
    const scrolled = all(".scroll", main).map((box) => [pathOf(box), box.scrollLeft, box.scrollTop]);
    main.replaceChildren(...next.childNodes);
    main.toggleAttribute("data-live", next.hasAttribute("data-live"));
    if (!next.hasAttribute("data-events")) main.removeAttribute("data-events");
    document.title = fresh.title;
    for (const [path, open] of folds) { const box = follow(main, path); if (box && box.tagName === "DETAILS") box.open = open; }
    for (const [path, value] of typed) { const field = follow(main, path); if (field && field.type === "text") field.value = value; }
    for (const [path, left, top] of scrolled) { const box = follow(main, path); if (box && box.scrollTo) box.scrollTo(left, top); }
    if (steps) { const again = follow(main, steps); if (again && again.focus) again.focus({ preventScroll: true }); }
    ages();
  };
  const ask = async (address, signal) => {
    const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
    if (!answer.ok || new URL(answer.url).origin !== location.origin) throw new Error(String(answer.status));
    return answer.text();
  };
  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  // Filters apply themselves. What is not chosen stays out of the address, so that an address says only what matters.
  // Among files there is no server to read what stands after "?": there it stands after "#".
  let asking = null;
  const addressOf = (form) => {
    const address = new URL(form.action, location.href), chosen = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") chosen.append(name, value);
    address[form.dataset.auto === "files" ? "hash" : "search"] = chosen;
    return address;
  };
  const load = async (address, push) => {
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    try {
      const fresh = parsed(await ask(address, mine.signal));
      if (push) history.pushState(null, "", address);
      swap(fresh);
    } catch (error) {
      if (error.name !== "AbortError") location.assign(address);
    }
    if (asking === mine) asking = null;
  };
  const served = location.protocol !== "file:";
  const addFilters = (within) => {
    for (const form of all("form[data-auto]", within)) {
      const button = $("button[type=submit]", form);
      if (button) button.hidden = true;
      const apply = () => {
        const address = addressOf(form);
        if (served && address.pathname === location.pathname) load(address, true); else location.assign(address);
      };
      form.addEventListener("change", apply);
      form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
    }
  };

  // Pages of what is going on look again every five seconds, while somebody looks at them.
  const keepFresh = () => {
    if (!served) return;
    setInterval(async () => {
      if (document.hidden || asking || !$("[data-live]") || (told && told.readyState === EventSource.OPEN)) return;
      try { const fresh = parsed(await ask(location.href)); if (!asking) swap(fresh); } catch { /* it will be asked again */ }
    }, 5000);
  };

  // What fills in while somebody looks is told when it pays to look again. Where that is not to be had, the five seconds serve.
  let told = null;
  const listen = () => {
    const address = $("#main").dataset.events;
    if (!address || !served || !window.EventSource) return;
    let looking = false, again = false;
    const look = async () => {
      again = looking;
      if (looking) return;
      looking = true;
      try { swap(parsed(await ask(location.href))); } catch (error) { if (["404", "410"].includes(error.message)) location.reload(); }
      if (!$("#main").dataset.events) told.close();
      await new Promise((done) => { setTimeout(done, 300); });
      looking = false;
      if (again) look();
    };
    told = new EventSource(address);
    told.addEventListener("changed", look);
    told.addEventListener("end", () => { told.close(); look(); });
  };

  const prepare = (within) => { addCopying(within); addWalking(within); addFilters(within); };
  addEventListener("DOMContentLoaded", () => {
    addTheme();
    prepare(document);
    ages();
    setInterval(ages, 30000);
    keepFresh();
    listen();
    addEventListener("popstate", () => { if (served && !location.hash) load(location.href, false); });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      const field = $("input[type=search]");
      if (!field) return;
      event.preventDefault();
      field.focus();
      field.select();
    });
  });
})();
