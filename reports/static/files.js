"use strict";
// For the site as files, where no server reads the address: filters of the matrix, the form of "Can I load it?", and squares that stand
// for one load, which lead to the model in its format and are marked there. What is counted here is what reports/grid.py counts: the share that passes of the loads that really happened.
(() => {
  const data = window.TFMATRIX || { outcomes: [], environments: [] };
  const $ = (selector, within = document) => within.querySelector(selector);
  const at = (path) => new URL(path, new URL(document.body.dataset.root, location.href));
  const outcome = Object.fromEntries(data.outcomes.map((one, place) => [one.name, place]));
  const size = data.environments.length;
  const chosen = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

  const counts = (filters) => {
    const found = new Map();
    for (const [model, format, method, primary, letters] of data.grids) {
      const { id, group } = data.models[model];
      if (filters.format && filters.format !== data.formats[format]) continue;
      if (filters.model && filters.model !== id) continue;
      if (filters.group && filters.group !== group) continue;
      if (filters.method ? filters.method !== data.methods[method] : !primary) continue;
      for (let place = 0; place < letters.length; place += 1) {
        if (letters[place] === ".") continue;
        if (!found.has(place)) found.set(place, new Uint32Array(data.outcomes.length));
        found.get(place)[letters.charCodeAt(place) - 97] += 1;
      }
    }
    return found;
  };

  const judged = (counted) => {
    let measured = 0;
    data.outcomes.forEach((one, place) => { if (one.measured) measured += counted[place]; });
    const passed = counted[outcome.pass], drifted = counted[outcome.drift];
    if (!measured) {
      if (counted[outcome.loads]) return { look: "loads", text: "○", drifts: false, measured };
      if (counted[outcome["harness-broken"]]) return { look: "broken", text: "!", drifts: false, measured };
      const any = counted.some(Boolean);
      return counted[outcome["not-measured"]] || !any ? { look: "unmeasured", text: "?", drifts: false, measured } : { look: "nothing", text: "·", drifts: false, measured };
    }
    const share = Math.floor((passed * 100) / measured) || (passed ? 1 : 0);
    if (drifted === measured) return { look: "drifts", text: "≠", drifts: false, measured, share };
    const drifts = drifted > 0;
    if (share === 100) return { look: "s6", text: "✓", drifts, measured, share };
    if (share === 0) return { look: "s0", text: "✕", drifts, measured, share };
    return { look: ["s1", "s2", "s3", "s4", "s5"][Math.floor(share / 20)], text: String(share), drifts, measured, share };
  };

  const words = (counted, found) => {
    const parts = data.outcomes.map((one, place) => [counted[place], one.name]).filter(([many]) => many);
    const rest = parts.map(([many, name]) => `${many.toLocaleString("en")} ${name}`).join(", ");
    if (!found.measured) return rest || "not measured yet";
    return `${counted[outcome.pass].toLocaleString("en")} of ${found.measured.toLocaleString("en")} pass (${found.share} %): ${rest}`;
  };

  const square = (counted, saver, loader) => {
    const found = judged(counted);
    const td = document.createElement("td");
    td.className = found.look + (found.measured && counted[outcome["not-measured"]] ? " p" : "") + (saver === loader ? " e" : "");
    const any = counted.some(Boolean);
    const inside = document.createElement(any ? "a" : "span");
    if (any) inside.href = `pairs/${data.environments[saver].id}/${data.environments[loader].id}.html`;
    inside.title = words(counted, found);
    inside.textContent = found.text;
    if (found.drifts) inside.append(Object.assign(document.createElement("b"), { textContent: "≠" }));
    td.append(inside);
    return td;
  };

  const heading = (place, scope) => {
    const th = document.createElement("th");
    th.scope = scope;
    const link = document.createElement("a");
    link.href = `environments/${data.environments[place].id}.html`;
    link.append(Object.assign(document.createElement("span"), { textContent: data.environments[place].label }));
    th.append(link);
    return th;
  };

  const drawMatrix = (table, filters) => {
    const all = data.environments.map((_, place) => place);
    const savers = all.filter((place) => data.environments[place].own || data.environments[place].flavour === filters.flavour);
    const loaders = all.filter((place) => (filters.flavour ? data.environments[place].flavour === filters.flavour : data.environments[place].own));
    const found = counts(filters), nothing = new Uint32Array(data.outcomes.length), total = new Uint32Array(data.outcomes.length);
    const head = document.createElement("tr");
    const corner = $(".corner", table).cloneNode(true);
    corner.removeAttribute("rowspan");
    head.append(corner, ...loaders.map((place) => heading(place, "col")));
    const body = savers.map((saver) => {
      const row = document.createElement("tr");
      row.append(heading(saver, "row"), ...loaders.map((loader) => {
        const counted = found.get(saver * size + loader) || nothing;
        counted.forEach((many, place) => { total[place] += many; });
        return square(counted, saver, loader);
      }));
      return row;
    });
    $("thead", table).replaceChildren(head);
    $("tbody", table).replaceChildren(...body);
    const columns = $("col.cs", table);
    if (columns) columns.span = loaders.length;
    $(".count").textContent = words(total, judged(total));
    document.dispatchEvent(new CustomEvent("drawn", { detail: table }));
  };

  const show = (form, filters) => {
    for (const field of form.elements) {
      if (field.type === "radio") field.checked = field.value === (filters[field.name] || "");
      else if (field.name) field.value = filters[field.name] || "";
    }
  };

  const ask = (choice) => {
    const [saver, model, format] = [choice.saver, choice.model, choice.format];
    if (model && format) return `models/${model}/${format}.html${saver ? `#${saver}` : ""}`;
    return saver && format ? `load/${saver}/${format}.html` : null;
  };

  const apply = () => {
    if (document.body.dataset.page === "model_as") mark();
    const form = $('form[data-auto="files"]');
    if (!form) return;
    const choice = chosen();
    const matrix = $("table.heat[data-down='saved in']");
    if (document.body.dataset.page === "home" && matrix) {
      if (!Object.keys(choice).length && !apply.drawn) return;
      apply.drawn = true;
      show(form, choice);
      drawMatrix(matrix, choice);
    }
    if (document.body.dataset.page === "load") {
      const target = ask(choice);
      if (target) location.assign(at(target));
    }
  };

  // Headings lead to the pages of what they name, so their links tell which square is whose.
  const named = (th) => decodeURIComponent(($("a", th) || { pathname: "" }).pathname.split("/").pop().replace(/\.html$/, ""));
  const heads = (table) => [...table.querySelectorAll("thead tr:last-child th")].map(named);
  const mark = () => {
    const [saver, loader] = decodeURIComponent(location.hash.slice(1)).split("/");
    for (const table of document.querySelectorAll("table.heat")) {
      const row = [...table.querySelectorAll("tbody tr")].find((one) => named($("th", one)) === saver);
      const place = heads(table).indexOf(loader);
      if (!row || place < 0) continue;
      document.querySelectorAll("td.target").forEach((one) => one.classList.remove("target"));
      const square = row.querySelectorAll("td")[place];
      square.classList.add("target");
      square.scrollIntoView({ block: "center", inline: "center" });
    }
  };
  const lead = (event) => {
    const square = event.target.closest("td"), table = event.target.closest("table.heat");
    if (!square || !table || square.classList.contains("corner")) return;
    const row = square.parentElement;
    const format = heads(table)[[...row.querySelectorAll("td")].indexOf(square)];
    const [saver, loader] = location.pathname.replace(/\.html$/, "").split("/").slice(-2);
    location.assign(at(`models/${named($("th", row))}/${format}.html#${saver}/${loader}`));
  };
  addEventListener("DOMContentLoaded", () => {
    if (document.body.dataset.page !== "pair") return;
    for (const table of document.querySelectorAll("table.heat")) table.addEventListener("click", lead);
  });
  addEventListener("hashchange", apply);
  addEventListener("DOMContentLoaded", apply);
})();
