"use strict";
// Filters, squares that open, copy buttons. All text of results goes through textContent, never through markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MEASURED = new Set(["pass", "drift", "fail", "timeout", "crash", "out-of-memory"]);
  const FAILING = new Set(["fail", "timeout", "crash", "out-of-memory"]);
  const SIGN = { pass: "✓", drift: "≠", fail: "✕", timeout: "∞", crash: "↯", "out-of-memory": "▲", "harness-broken": "!",
    "save-failed": "⊘", unsupported: "·", "not-applicable": "·", "not-measured": "?" };
  const LOOK = { pass: "s6", drift: "drifts", "harness-broken": "broken", "not-measured": "unmeasured",
    "save-failed": "nothing", unsupported: "nothing", "not-applicable": "nothing" };
  const WORST_FIRST = ["drift", "crash", "out-of-memory", "timeout", "fail", "not-measured", "pass", "harness-broken",
    "save-failed", "not-applicable", "unsupported"];
  const RUNGS = ["nothing", "opened", "deserialized", "signature equal", "called", "outputs equal"];
  const $ = (selector, within = document) => within.querySelector(selector);
  const make = (tag, cls, text) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const count = (number) => number.toLocaleString("en-US");

  // One object per row: a load, or (for a save that gave nothing) one per loader it therefore never reached.
  const rows = data.loads.map(([a, loader, method, primary, outcome, rung, error, absolute, relative, seconds, age]) => {
    const [saver, model, format, save, saveError] = data.artifacts[a];
    return { artifact: a, saver, model, format, loader, method, primary, rung, absolute, relative, seconds, age,
      outcome: data.outcomes[outcome], error: error ?? saveError, save: data.outcomes[save] };
  });
  const byPair = new Map(), byArtifact = new Map();
  for (const row of rows) {
    const pair = row.saver * data.environments.length + row.loader;
    byPair.has(pair) ? byPair.get(pair).push(row) : byPair.set(pair, [row]);
    const artifact = row.artifact * data.methods.length + row.method;
    byArtifact.has(artifact) ? byArtifact.get(artifact).push(row) : byArtifact.set(artifact, [row]);
  }
  const pairRows = (saver, loader) => byPair.get(saver * data.environments.length + loader) || [];

  // What is chosen lives in the address: #format=h5&model=lstm&method=default&cell=tf2.4..tf2.16
  const form = $(".filters"), dialog = $("#cell"), grid = $("#grid");
  const state = { format: -1, model: -1, method: -1, cell: null };
  const isState = (hash) => hash === "" || hash.includes("=");
  const readAddress = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    state.format = data.formats.indexOf(words.get("format"));
    state.model = data.models.indexOf(words.get("model"));
    state.method = data.methods.indexOf(words.get("method"));
    const [saver, loader] = (words.get("cell") || "").split("..").map((id) => data.environments.indexOf(id));
    state.cell = saver >= 0 && loader >= 0 ? [saver, loader] : null;
  };
  const address = (cell = state.cell) => {
    const words = [["format", data.formats[state.format]], ["model", data.models[state.model]],
      ["method", data.methods[state.method]], ["cell", cell && cell.map((place) => data.environments[place]).join("..")]];
    return "#" + words.filter(([, value]) => value).map(([key, value]) => key + "=" + encodeURIComponent(value)).join("&");
  };
  const go = (cell = state.cell) => {
    state.cell = cell;
    history.replaceState(null, "", address() === "#" ? location.pathname + location.search : address());
    show();
  };

  const fits = (row) => (state.format < 0 || row.format === state.format) && (state.model < 0 || row.model === state.model);
  const counts = (row) => fits(row) && (state.method < 0 ? row.primary : row.method === state.method);
  const tally = (some) => {
    const result = { counts: {}, measured: 0, passed: 0, drifted: 0 };
    for (const row of some) {
      result.counts[row.outcome] = (result.counts[row.outcome] || 0) + 1;
      if (MEASURED.has(row.outcome)) result.measured += 1;
    }
    result.passed = result.counts.pass || 0;
    result.drifted = result.counts.drift || 0;
    result.share = result.measured ? Math.floor(result.passed * 100 / result.measured) || (result.passed ? 1 : 0) : null;
    return result;
  };
  const look = (t) => {
    if (t.share === null) {
      if (t.counts["harness-broken"]) return ["broken", "!"];
      return !Object.keys(t.counts).length || t.counts["not-measured"] ? ["unmeasured", "?"] : ["nothing", "·"];
    }
    if (t.drifted === t.measured) return ["drifts", "≠"];
    if (t.share === 100) return ["s6", "✓"];
    return t.share === 0 ? ["s0", "✕"] : ["s" + (1 + Math.floor(t.share / 20)), String(t.share)];
  };
  const describe = (t) => {
    const rest = data.outcomes.filter((name) => t.counts[name]).map((name) => count(t.counts[name]) + " " + name).join(", ");
    if (!rest) return "not measured yet";
    return t.measured ? `${count(t.passed)} of ${count(t.measured)} pass (${t.share} %): ${rest}` : rest;
  };

  const squares = [...grid.querySelectorAll("td[data-row]")].map((td) => {
    const saver = data.environments.indexOf(td.dataset.row), loader = data.environments.indexOf(td.dataset.column);
    const link = make("a"), sign = make("span", "n"), drift = make("b", "", "≠");
    link.tabIndex = -1;
    link.append(sign, drift);
    td.replaceChildren(link);
    return { td, link, sign, drift, saver, loader };
  });
  const paint = () => {
    for (const { td, link, sign, drift, saver, loader } of squares) {
      const t = tally(pairRows(saver, loader).filter(counts)), [cls, text] = look(t);
      td.className = cls + (t.measured && t.counts["not-measured"] ? " part" : "") + (saver === loader ? " self" : "") +
        (firsts.has(loader) ? " first" : "");
      sign.textContent = text;
      drift.hidden = !t.drifted || cls === "drifts";
      td.title = `saved in ${data.labels[saver]}, loaded in ${data.labels[loader]}: ${describe(t)}`;
      link.href = address([saver, loader]);
      link.setAttribute("aria-label", td.title);
    }
    const total = tally(rows.filter(counts)), line = $("#count");
    line.replaceChildren(...data.outcomes.filter((name) => total.counts[name]).map((name) => {
      const item = make("span", "o " + name), sign = make("i", "", SIGN[name]);
      sign.setAttribute("aria-hidden", "true");
      item.append(sign, ` ${count(total.counts[name])} ${name}`);
      return item;
    }));
    if (!line.children.length) line.textContent = rows.length ? "Nothing fits this choice." : "Nothing measured yet. Run: make matrix";
    form.format.value = state.format < 0 ? "" : data.formats[state.format];
    form.model.value = state.model < 0 ? "" : data.models[state.model];
    form.method.value = state.method < 0 ? "" : data.methods[state.method];
    $("button", form).hidden = state.format < 0 && state.model < 0 && state.method < 0;
  };
  const firsts = new Set([...grid.querySelectorAll("thead th.first")].map((th) => data.environments.indexOf(th.dataset.column)));

  // One square's results, in a sheet.
  const number = (value) => typeof value === "string" ? value : value === 0 ? "0" : value.toPrecision(2).replace("e-", "e−");
  const copyButton = (text) => {
    const button = make("button", "copy", "Copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text()); button.textContent = "Copied"; } catch { button.textContent = "Select and copy"; }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return button;
  };
  const addCopying = (body) => {
    for (const pre of body.querySelectorAll("pre")) {
      const box = make("div", "copyable");
      pre.replaceWith(box);
      box.append(pre, copyButton(() => pre.textContent));
    }
  };
  const errorOf = (row, command) => {
    const kind = document.getElementById("e" + row.error);
    if (!kind) return [];
    const details = make("details"), summary = make("summary");
    summary.append(...[...$(".what", kind).childNodes].map((node) => node.cloneNode(true)));
    details.append(summary);
    details.addEventListener("toggle", () => {
      if (!details.open || $(".body", details)) return;
      const body = make("div", "body");
      const message = make("pre", "message", $("pre.message", kind).textContent);
      const trace = make("details");
      trace.append(make("summary", "", "Traceback"), make("pre", "trace", $("pre.trace", kind).textContent));
      const all = make("p", "where");
      const link = make("a", "", "where else this happens");
      link.href = "#" + kind.id;
      link.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); reveal(kind); });
      all.append(link);
      body.append(message, trace, all);
      addCopying(body);
      details.append(body);
    });
    return [details];
  };
  const strip = (row) => {
    const neighbours = byArtifact.get(row.artifact * data.methods.length + row.method) || [];
    const seen = new Map(neighbours.map((one) => [one.loader, one.outcome]));
    const box = make("div", "strip");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", "The same file in every version: " + rangesOf(seen));
    data.environments.forEach((_, place) => {
      const outcome = seen.get(place) || "not-measured";
      const item = make("i", (LOOK[outcome] || "s0") + (place === row.loader ? " here" : ""), SIGN[outcome]);
      item.title = `${data.labels[place]}: ${outcome}`;
      box.append(item);
    });
    return box;
  };
  const rangesOf = (seen) => {
    const runs = [];
    data.labels.forEach((label, place) => {
      const outcome = seen.get(place) || "not-measured", last = runs.at(-1);
      last && last.outcome === outcome ? last.to = label : runs.push({ from: label, to: label, outcome });
    });
    return runs.map((run) => (run.from === run.to ? run.from : `${run.from}-${run.to}`) + " " + run.outcome).join(", ");
  };
  const result = (row) => {
    const item = make("article", "res " + row.outcome), head = make("div", "head"), who = make("div", "who");
    const sign = make("span", "sign " + (LOOK[row.outcome] || "s0"), SIGN[row.outcome]);
    sign.setAttribute("aria-hidden", "true");
    who.append(make("span", "", data.titles[row.model]), make("small", "", `${data.formats[row.format]} · ${data.methods[row.method]}`));
    head.append(sign, who, make("span", "verdict", row.outcome));
    item.append(head);
    const meta = make("div", "meta");
    if (row.rung >= 0 && MEASURED.has(row.outcome)) {
      const ladder = make("span"), steps = make("span", "rungs");
      for (let step = 1; step < RUNGS.length; step += 1) steps.append(make("i", step <= row.rung ? "up" : ""));
      ladder.append(steps, row.rung ? "reached: " + RUNGS[row.rung] : "not even opened");
      meta.append(ladder);
    }
    if (row.absolute !== undefined && row.absolute !== -1) meta.append(make("span", "", `differs by ${number(row.absolute)} abs, ${number(row.relative)} rel`));
    if (row.seconds > -1) meta.append(make("span", "", `${row.seconds.toFixed(2)} s`));
    if (row.age > -1 && data.oldest) {
      const at = new Date(Date.parse(data.oldest) + row.age * 1000).toISOString();
      meta.append(make("span", "", at.slice(0, 16).replace("T", " ") + " UTC"));
    }
    if (meta.children.length) item.append(meta);
    if (row.save === "pass") item.append(strip(row));
    const words = ["tfmatrix cell", data.environments[row.saver], data.models[row.model], data.formats[row.format], data.environments[row.loader]];
    const command = words.join(" ") + (row.primary ? "" : " --method " + data.methods[row.method]);
    item.append(...errorOf(row, command));
    if (row.outcome !== "pass" && row.outcome !== "unsupported" && row.outcome !== "not-applicable") {
      const again = make("p", "again");
      again.append(make("code", "", command), copyButton(() => command));
      item.append(again);
    }
    return item;
  };
  const fill = ([saver, loader]) => {
    const all = pairRows(saver, loader).filter(fits);
    const counted = all.filter(counts), others = all.filter((row) => !counts(row) && row.save === "pass");
    const order = (a, b) => WORST_FIRST.indexOf(a.outcome) - WORST_FIRST.indexOf(b.outcome) || a.format - b.format || a.model - b.model;
    $("#cell-h").textContent = `Saved in ${data.labels[saver]}, loaded in ${data.labels[loader]}`;
    $(".sum", dialog).textContent = describe(tally(counted)) + ".";
    const list = $(".list", dialog), nothing = counted.filter((row) => row.save !== "pass" && row.outcome !== "save-failed");
    list.replaceChildren(...counted.filter((row) => !nothing.includes(row)).sort(order).map(result));
    if (others.length) list.append(make("h3", "", "Loaded in other ways, not counted"), ...others.sort(order).map(result));
    if (nothing.length) {
      const names = [...new Set(nothing.map((row) => `${data.formats[row.format]} (${row.outcome})`))];
      list.append(make("h3", "", `Nothing to load: ${count(nothing.length)}`), make("p", "meta", names.join(", ")));
    }
    if (!list.children.length) list.append(make("p", "", rows.length ? "Nothing fits this choice." : "Nothing measured yet. Run: make matrix"));
  };

  let current = null;
  const headings = (on) => {
    for (const th of grid.querySelectorAll("th.on")) th.classList.remove("on");
    if (!on) return;
    $(`thead th[data-column="${CSS.escape(on.td.dataset.column)}"]`, grid).classList.add("on");
    on.td.parentElement.querySelector("th").classList.add("on");
  };
  const rove = (square, focus = true) => {
    if (current) current.link.tabIndex = -1;
    current = square;
    if (!square) return;
    square.link.tabIndex = 0;
    if (focus) square.link.focus();
  };
  const squareAt = (saver, loader) => squares.find((one) => one.saver === saver && one.loader === loader);
  const show = () => {
    paint();
    if (!state.cell) { if (dialog.open) dialog.close(); return; }
    fill(state.cell);
    rove(squareAt(...state.cell), false);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  const reveal = (element) => {
    for (let box = element; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
    element.scrollIntoView({ block: "start" });
    const summary = $("summary", element);
    if (summary) summary.focus({ preventScroll: true });
  };

  grid.addEventListener("click", (event) => {
    const square = squares.find((one) => one.link === event.target.closest("a"));
    if (!square || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    rove(square);
    go([square.saver, square.loader]);
  });
  grid.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === " " && current) { event.preventDefault(); current.link.click(); return; }
    const last = data.environments.length - 1;
    const to = step ? [current.saver + step[0], current.loader + step[1]]
      : event.key === "Home" ? [current.saver, 0] : event.key === "End" ? [current.saver, last] : null;
    if (!to) return;
    event.preventDefault();
    rove(squareAt(...to) || current);
  });
  grid.addEventListener("mouseover", (event) => headings(squares.find((one) => one.td === event.target.closest("td[data-row]"))));
  grid.addEventListener("focusin", (event) => headings(squares.find((one) => one.link === event.target)));
  grid.addEventListener("mouseleave", () => headings(null));
  grid.addEventListener("focusout", () => headings(null));
  form.addEventListener("change", () => {
    state.format = data.formats.indexOf(form.format.value);
    state.model = data.models.indexOf(form.model.value);
    state.method = data.methods.indexOf(form.method.value);
    go();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    state.format = state.model = state.method = -1;
    go();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  $(".close", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    if (state.cell) go(null);
    if (current) current.link.focus();
  });
  addEventListener("hashchange", () => {
    if (!isState(location.hash)) { const target = document.getElementById(location.hash.slice(1)); if (target) reveal(target); return; }
    readAddress();
    show();
  });

  // The small table of models and formats sets the filters.
  for (const td of document.querySelectorAll("#by-model td[data-row]")) {
    const link = make("a");
    link.href = `#format=${encodeURIComponent(td.dataset.column)}&model=${encodeURIComponent(td.dataset.row)}`;
    link.setAttribute("aria-label", td.title);
    link.append(...td.childNodes);
    link.addEventListener("click", () => $("#matrix").scrollIntoView());
    td.append(link);
  }
  for (const link of document.querySelectorAll(".findings a.js")) link.addEventListener("click", () => $("#matrix").scrollIntoView());
  for (const element of document.querySelectorAll(".js, .filters")) element.hidden = false;
  for (const error of document.querySelectorAll("#errors .error")) {
    error.addEventListener("toggle", () => {
      if ($(".copy", error)) return;
      addCopying(error);
      const code = $(".again code", error);
      code.after(copyButton(() => code.textContent));
    });
  }
  rove(squares[0] || null, false);
  if (isState(location.hash)) { readAddress(); show(); if (location.hash) $("#matrix").scrollIntoView(); } else { paint(); const target = document.getElementById(location.hash.slice(1)); if (target) reveal(target); }
})();
