// Answers in the page: fields under the cells of a lab, and labkit to judge them, in a worker that
// is started by the first check. BUNDLE, before this text, says what has to be loaded for that.
(() => {
  "use strict";

  const SECONDS_FOR_A_VERDICT = 10;
  const folder = new URL("live/", document.currentScript.src);
  const NOT_LOADED = "A part of Python could not be loaded: check the connection, then press Check again.";
  const NO_ENGINE = "This browser cannot run Python in a page. Open the lab in Colab, and answer there.";
  const LATE = "No verdict in time, so Python was stopped: does your answer come to an end?";

  // Answers stay in this browser, or, where it keeps nothing, in the open page.
  const kept = {
    open: new Map(),
    get(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return this.open.get(key) ?? null;
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
        tell(`Loading Python: ${(number * BUNDLE.megabytes / BUNDLE.parts).toFixed(0)} of ${BUNDLE.megabytes} MB …`, number / BUNDLE.parts);
        await load(number);
      }
    }
    const text = parts.join("");
    let from = 0;
    return Object.fromEntries(BUNDLE.files.map(([name, length]) => [name, text.slice(from, (from += length))]));
  }

  async function started(tell) {
    const { "worker.js": source, ...files } = await packed(tell);
    tell("Starting Python …");
    const address = URL.createObjectURL(new Blob([await inflated(source)], { type: "text/javascript" }));
    const worker = new Worker(address);
    await reply(worker, { packed: files }, Infinity);
    URL.revokeObjectURL(address);
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
      return `<p>${error.message === NOT_LOADED ? NOT_LOADED : NO_ENGINE}</p>`;
    }
    tell("Checking …");
    try {
      return (await reply(worker, { answer }, SECONDS_FOR_A_VERDICT)).html;
    } catch (error) {
      worker.terminate();
      engine = started(() => {});
      engine.catch(() => {});
      console.info(error);
      return `<p>${error.message === "late" ? LATE : NO_ENGINE}</p>`;
    }
  }

  // ---- The fields

  function setUp(box) {
    const cell = JSON.parse(box.dataset.cell);
    const key = `labkit answer ${box.dataset.place}`;
    const form = box.querySelector("form");
    const status = box.querySelector("[data-live=status]");
    const verdict = box.querySelector("[data-live=verdict]");
    const fields = [...form.querySelectorAll("[data-kind]")];
    const other = form.querySelector("[data-live=other]");
    const current = () => fields.find((field) => !field.closest("label").hidden);

    function tell(text, share) {
      if (status.textContent !== text) status.textContent = text;
      status.style.setProperty("--share", share ?? (text ? 1 : 0));
    }

    function choose(kind) {
      for (const field of fields) field.closest("label").hidden = field.dataset.kind !== kind;
      if (other) other.textContent = other.dataset[kind];
    }

    function keep() {
      const values = Object.fromEntries(fields.map((field) => [field.dataset.kind, field.value]));
      const blank = fields.every((field) => field.value === field.defaultValue);
      kept.set(key, blank ? "" : JSON.stringify({ kind: current().dataset.kind, values }));
    }

    function recall() {
      const { kind, values } = JSON.parse(kept.get(key) || "{}");
      for (const field of fields) field.value = values?.[field.dataset.kind] ?? field.defaultValue;
      choose(kind ?? fields[0].dataset.kind);
    }

    async function check() {
      const field = current();
      const answer = field.value.trim();
      show("");
      if (!answer || answer === field.defaultValue.trim()) return tell("No answer yet: write it above, then press Check.");
      const html = await judged([cell.source, cell.name, field.dataset.kind, field.value, cell.explorer], tell);
      tell("");
      // A verdict on an answer that has been changed since would be false.
      if (field === current() && answer === field.value.trim()) show(html);
      else tell("The answer was changed meanwhile: press Check again.");
    }

    function show(html) {
      window.MathJax?.typesetClear?.([verdict]);
      verdict.innerHTML = html;
      if (html) window.MathJax?.typesetPromise?.([verdict]);
    }

    form.onsubmit = (event) => {
      event.preventDefault();
      check();
    };
    form.oninput = () => {
      keep();
      show("");
      tell("");
    };
    form.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) check();
    };
    form.querySelector("[data-live=clear]").onclick = () => {
      kept.set(key, "");
      recall();
      show("");
      tell("Cleared.");
      current().focus();
    };
    if (other) {
      other.onclick = () => {
        choose(fields.find((field) => field !== current()).dataset.kind);
        keep();
        show("");
        current().focus();
      };
    }
    recall();
  }

  for (const box of document.querySelectorAll(".live-answer[data-cell]")) setUp(box);
})();
