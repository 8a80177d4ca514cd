(() => {
  function setUp(box) {
    const words = JSON.parse(box.dataset.words);
    const forms = [...box.querySelectorAll("form")];
    const progress = box.querySelector("[data-progress]");
    const count = () => {
      const right = forms.filter((form) => form.dataset.state === "right").length;
      const text = words.count.replace("{right}", right).replace("{all}", forms.length);
      // Written only when it changes: a screen reader speaks each writing.
      if (progress && progress.textContent !== text) progress.textContent = text;
    };
    forms.forEach((form) => listen(form, words, count));
    count();
  }

  function listen(form, words, count) {
    const key = JSON.parse([...form.dataset.key].reverse().join(""));
    const field = form.querySelector("[type=text]");
    const status = form.querySelector("[role=status]");
    const show = (state, html) => {
      form.dataset.state = state;
      status.innerHTML = html;
      count();
    };
    const judge = ([right, because]) => {
      const [state, mark] = right ? ["right", "✓"] : ["wrong", "✗"];
      const word = words[state];
      show(state, `<span aria-hidden="true">${mark}</span><span><b>${word}</b> ${because}</span>`);
    };
    const check = (event) => {
      event.preventDefault();
      const values = readings(field.value);
      const within = ([, , low, high]) =>
        low === undefined || values.some((value) => low <= value && value <= high);
      if (values.length) judge(key.find(within));
      else show("", words.unreadable);
    };
    if (field) {
      form.onsubmit = check;
      // Enter submits a form by itself, except in JupyterLab.
      field.onkeydown = (event) => {
        if (event.key === "Enter") check(event);
      };
      // A verdict on a number that has been changed since would be false.
      field.oninput = () => show("", "");
    } else {
      form.onchange = (event) => judge(key[event.target.value]);
      form.onkeydown = (event) => walk(event, [...form.elements.choice]);
    }
  }

  // Arrow keys move between the choices without choosing: an explanation shown on the way would
  // give the answer away. The space bar or Enter chooses.
  function walk(event, choices) {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Enter: 0 };
    const step = steps[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = choices.indexOf(event.target) + step + choices.length;
    choices[next % choices.length][step ? "focus" : "click"]();
  }

  // A comma may divide thousands or stand for the point: both are read.
  function readings(text) {
    const plain = text.replace(/[\s'’_]/g, "").replace("−", "-");
    const forms = [plain.replace(",", ".")];
    if (/^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(plain)) forms.push(plain.replaceAll(",", ""));
    return forms.filter((form) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(form)).map(Number);
  }

  for (const box of document.querySelectorAll(".labkit-questions:not([data-ready])")) {
    box.dataset.ready = "";
    setUp(box);
  }
})();
