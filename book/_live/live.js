// Answers in the page: fields under the cells of a lab, and labkit to judge them, in a worker that
// is started by the first check. BUNDLE, before this text, says what has to be loaded for that; the
// page holds what labkit/language.js tells, in its own language.
(() => {
  "use strict";

  const SECONDS_FOR_A_VERDICT = 10;
  const SECONDS_UNTIL_TOLD = 0.15;
  const folder = new URL("live/", document.currentScript.src);
  const NOT_LOADED = phrase("not_loaded");

  // Answers stay in this browser, or, where it keeps nothing, in the open page.
  const ANSWER = "labkit answer ";
  const kept = {
    open: new Map(),
    // What is answered, on all pages of the book.
    keys() {
      let stored = [];
      try {
        stored = Object.keys(localStorage);
      } catch {
        // Forbidden: there are those of the open page alone.
      }
      const answers = new Set([...stored, ...this.open.keys()].filter((key) => key.startsWith(ANSWER)));
      return [...answers].filter((key) => this.get(key) || this.open.get(key));
    },
    get(key) {
      try {
        return localStorage.getItem(key) ?? "";
      } catch {
        return this.open.get(key) ?? "";
      }
    },
    set(key, text) {
      this.open.set(key, text);
      try {
        if (text) localStorage.setItem(key, text);
        else localStorage.removeItem(key);
      } catch {
        // Forbidden or full: the open page remembers.
      }
    },
  };

  // ---- Python

  let engine; // a promise of a worker that is ready
  const parts = [];
  window.labkitPart = (number, text) => (parts[number] = text);

  function load(number) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(`python-${number}.js?${BUNDLE.digest}`, folder).href;
      script.onload = () => (number in parts ? resolve() : script.onerror());
      script.onerror = () => reject(new Error(NOT_LOADED));
      document.head.append(script);
    });
  }

  // Load what is packed, a part after the other, so that there is something to tell.
  async function packed(tell) {
    for (let number = 0; number < BUNDLE.parts; number += 1) {
      if (!(number in parts)) {
        tell(phrase("loading", {loaded: (number * BUNDLE.megabytes / BUNDLE.parts).toFixed(0), all: BUNDLE.megabytes}), number / BUNDLE.parts);
        await load(number);
      }
    }
    const text = parts.join("");
    let from = 0;
    return Object.fromEntries(BUNDLE.files.map(([name, length]) => [name, text.slice(from, (from += length))]));
  }

  async function started(tell) {
    const { "worker.js": source, ...files } = await packed(tell);
    tell(phrase("starting"));
    const address = URL.createObjectURL(new Blob([await inflated(source)], { type: "text/javascript" }));
    const worker = new Worker(address);
    await reply(worker, { packed: files }, Infinity);
    URL.revokeObjectURL(address);
    tell(phrase("checking"));
    return worker;
  }

  async function inflated(text) {
    const zipped = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Response(new Response(zipped).body.pipeThrough(new DecompressionStream("gzip"))).text();
  }

  // Send something to the worker and return what it says.
  function reply(worker, message, seconds) {
    return new Promise((resolve, reject) => {
      const late = seconds < Infinity && setTimeout(() => reject(new Error("late")), 1000 * seconds);
      worker.onmessage = ({ data }) => {
        clearTimeout(late);
        if (data.failed) reject(new Error(data.failed));
        else resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      worker.postMessage(message);
    });
  }

  // One answer is judged at a time.
  let queue = Promise.resolve();

  function judged(answer, tell) {
    const turn = queue.then(() => judge(answer, tell));
    queue = turn.catch(() => {});
    return turn;
  }

  async function judge(answer, tell) {
    engine ??= started(tell);
    let worker;
    try {
      worker = await engine;
    } catch (error) {
      engine = undefined;
      console.info(error);
      return `<p>${error.message === NOT_LOADED ? NOT_LOADED : phrase("no_engine")}</p>`;
    }
    // What is told is painted, while the worker wants the processor: not for a verdict that comes at once.
    const slow = setTimeout(() => tell(phrase("checking")), 1000 * SECONDS_UNTIL_TOLD);
    try {
      return (await reply(worker, { answer }, SECONDS_FOR_A_VERDICT)).html;
    } catch (error) {
      worker.terminate();
      engine = started(() => {});
      engine.catch(() => {});
      const last = new Option(error.message.trim().split("\n").pop()).innerHTML;
      return `<p>${error.message === "late" ? phrase("late") : phrase("stopped", {error: last})}</p>`;
    } finally {
      clearTimeout(slow);
    }
  }

  // ---- The fields

  class Field {
    constructor(box) {
      this.cell = JSON.parse(box.dataset.cell);
      this.key = ANSWER + box.dataset.place;
      this.form = box.querySelector("form");
      this.status = box.querySelector("[data-live=status]");
      this.verdict = box.querySelector("[data-live=verdict]");
      this.inputs = [...box.querySelectorAll("[data-kind]")];
      this.other = box.querySelector("[data-live=other]");
      this.recall();
      this.listen();
    }

    listen() {
      this.form.onsubmit = (event) => {
        event.preventDefault();
        this.check();
      };
      this.form.oninput = () => this.changed();
      // In a box for a function Enter begins a line.
      this.form.onkeydown = (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.check();
      };
      this.form.querySelector("[data-live=clear]").onclick = () => this.clear();
      if (this.other) this.other.onclick = () => this.turn();
    }

    // What is open now: a line for a formula or a number, or a box for a function.
    get input() {
      return this.inputs.find((input) => !input.closest("label").hidden);
    }

    choose(kind) {
      for (const input of this.inputs) input.closest("label").hidden = input.dataset.kind !== kind;
      if (this.other) this.other.textContent = this.other.dataset[kind];
    }

    turn() {
      this.choose(this.inputs.find((input) => input !== this.input).dataset.kind);
      this.changed();
      this.input.focus();
    }

    // A verdict on an answer that has been changed since would be false.
    changed() {
      const values = Object.fromEntries(this.inputs.map((input) => [input.dataset.kind, input.value]));
      const blank = this.inputs.every((input) => input.value === input.defaultValue);
      kept.set(this.key, blank ? "" : JSON.stringify({ kind: this.input.dataset.kind, values }));
      this.show("");
      this.tell("");
    }

    // What is kept may come from a time when the cell asked for something else, or be no answer.
    stored() {
      try {
        const answer = JSON.parse(kept.get(this.key) || "{}") ?? {};
        return this.inputs.some((input) => input.dataset.kind === answer.kind) ? answer : {};
      } catch {
        return {};
      }
    }

    recall() {
      const { kind, values } = this.stored();
      for (const input of this.inputs) input.value = values?.[input.dataset.kind] ?? input.defaultValue;
      this.choose(kind ?? this.inputs[0].dataset.kind);
    }

    clear() {
      this.empty();
      this.tell(phrase("cleared"));
      this.input.focus();
    }

    empty() {
      kept.set(this.key, "");
      this.recall();
      this.show("");
      this.tell("");
    }

    async check() {
      const { input } = this;
      const { value } = input;
      this.show("");
      if (["", input.defaultValue.trim()].includes(value.trim())) {
        this.tell(phrase("blank"));
        return;
      }
      const answer = [this.cell.source, this.cell.name, input.dataset.kind, value, this.cell.explorer, LANGUAGE];
      const html = await judged(answer, (...told) => this.tell(...told));
      const same = input === this.input && value === input.value;
      this.tell(same ? "" : phrase("changed"));
      if (same) this.show(html);
    }

    // Written only when it changes: a screen reader speaks each writing.
    tell(text, share) {
      if (this.status.textContent !== text) this.status.textContent = text;
      this.status.style.setProperty("--share", share ?? (text ? 1 : 0));
    }

    show(html) {
      window.MathJax?.typesetClear?.([this.verdict]);
      this.verdict.innerHTML = html;
      if (html) window.MathJax?.typesetPromise?.([this.verdict]);
    }
  }

  const fields = [...document.querySelectorAll(".live-answer[data-cell]")].map((box) => new Field(box));

  // ---- All answers of the book

  function offerToClear(box) {
    const part = (name) => box.querySelector(`[data-live=${name}]`);
    const tell = (text) => (part("status").textContent = text);

    function ask() {
      if (!kept.keys().length) {
        tell(phrase("none_to_clear"));
        return;
      }
      tell("");
      turn(true);
      part("keep").focus();
    }

    function turn(asked) {
      part("asked").hidden = !asked;
      part("ask").hidden = asked;
    }

    function close(told) {
      turn(false);
      tell(told);
      part("ask").focus();
    }

    function clear() {
      const keys = kept.keys();
      keys.forEach((key) => kept.set(key, ""));
      fields.forEach((field) => field.empty());
      close(phrase("cleared_all", {n: keys.length}));
    }

    part("ask").onclick = ask;
    part("sure").onclick = clear;
    part("keep").onclick = () => close(phrase("kept"));
    part("asked").onkeydown = (event) => event.key === "Escape" && close(phrase("kept"));
  }

  document.querySelectorAll(".live-all").forEach(offerToClear);
})();
