"use strict";
// The form works without this. It adds: files dropped anywhere on it, a look at their size before they are sent, and how much is sent.
(() => {
  const PARTS = { npz: "inputs", json: "architecture" };
  const ending = (file) => file.name.toLowerCase().split(".").pop();

  addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-upload]");
    if (!form) return;
    const $ = (selector) => form.querySelector(selector);
    const drop = $(".drop"), model = $("#model"), sending = $(".sending"), warned = $(".warned[role=alert]"), button = $("button[type=submit]");
    const most = Number(form.dataset.most);

    const complain = (text) => { warned.textContent = text; warned.hidden = !text; };
    const chosen = () => [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    const check = () => {
      const size = chosen().reduce((sum, file) => sum + file.size, 0), empty = chosen().find((file) => !file.size);
      if (size > most) complain(`These are ${Math.ceil(size / 1048576)} MiB, and ${Math.floor(most / 1048576)} MiB are taken.`);
      else complain(empty ? `${empty.name} is empty.` : "");
      return size <= most && !empty;
    };
    form.addEventListener("change", check);

    // Several files at once: each goes where its ending says, and the one that is left is the model.
    const put = (name, file) => {
      const input = $(`#${name}`);
      if (!input || input.files.length) return false;
      const box = new DataTransfer();
      box.items.add(file);
      input.files = box.files;
      if (name !== "model") input.closest("details").open = true;
      return true;
    };
    const take = (files) => {
      for (const input of form.querySelectorAll("input[type=file]")) input.value = "";
      const scripts = files.filter((file) => ending(file) === "py");
      const models = files.filter((file) => ending(file) !== "py" && !PARTS[ending(file)]);
      const left = files.filter((file) => PARTS[ending(file)] && !put(PARTS[ending(file)], file));
      const [first, ...more] = models.length ? models : scripts.splice(0, 1);
      if (first) put("model", first);
      for (const script of scripts) if (!put(/build/i.test(script.name) ? "builder" : "custom_objects", script) && !put("custom_objects", script)) left.push(script);
      left.push(...more);
      if (check() && left.length) complain(`${left.map((file) => file.name).join(", ")}: not taken. A model of several files comes as one: pack its folder with zip or tar.`);
    };
    const over = (event, on) => { event.preventDefault(); drop.classList.toggle("over", on); };
    addEventListener("dragover", (event) => over(event, true));
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(event, false); });
    addEventListener("drop", (event) => { over(event, false); if (event.dataTransfer.files.length) take([...event.dataTransfer.files]); });
    drop.classList.add("ready");

    const said = (request) => {
      try { const { message, next_step: step } = JSON.parse(request.responseText).error; return `${message} ${step}`.trim(); } catch { return `It was not taken (${request.status || "no answer"}).`; }
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!check()) return;
      const request = new XMLHttpRequest();
      const [bar, words] = sending.children;
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        bar.value = total ? (100 * loaded) / total : 0;
        words.textContent = loaded < total ? `${(loaded / 1048576).toFixed(1)} of ${(total / 1048576).toFixed(1)} MiB sent` : "Sent";
      });
      request.addEventListener("loadend", () => {
        if (request.status && request.status < 400 && request.responseURL !== form.action) { location.assign(request.responseURL); return; }
        sending.hidden = true;
        button.disabled = false;
        complain(said(request));
      });
      complain("");
      sending.hidden = false;
      button.disabled = true;
      request.send(new FormData(form));
    });
    addEventListener("pageshow", () => { button.disabled = false; sending.hidden = true; });
  });
})();
