const CHOICES = ["split", "copies", "seed"];
const KEPT = ["split"];

const percent = (share) => `${Math.round(100 * share)} %`;
const dashed = (text) => String(text).replace(/ /g, "-");

function mount(root, number) {
  const part = partsOf(root, "sl"), whenPaused = onPause();
  const {dogs, twins, trainings} = JSON.parse(part("data").textContent);
  const values = (name) => [...new Set(trainings.map((training) => training[name]))];
  const shares = values("share").sort((a, b) => a - b);
  const images = [...root.querySelectorAll(".sl-row img")].sort((a, b) => a.dataset.n - b.dataset.n);
  const rows = [...root.querySelectorAll(".sl-row")];
  let chosen = trainings[0];

  const isAlike = (a, b, names) => names.every((name) => a[name] === b[name]);
  const find = (changes) => trainings.find((training) => isAlike(training, {...chosen, ...changes}, [...CHOICES, "share"]));
  const draws = () => trainings.filter((training) => isAlike(training, chosen, ["split", "copies", "share"]));

  // ---- The board

  function showBoard() {
    const {validates} = chosen, most = dogs.filter((breed) => breed === 0).length;
    rows.forEach((row, breed) => {
      const own = inOrder(breed), [training, validating] = ["0", "1"].map((sign) => own.filter((n) => validates[n] === sign));
      const line = row.querySelector(".sl-line");
      row.replaceChildren(...training.map((n) => images[n]), line, ...validating.map((n) => images[n]));
      row.style.setProperty("--most", most);
      const known = validating.filter(isLeaked).length;
      row.parentElement.querySelector('[data-sl="counts"]').textContent = phrase(known ? "counts_known" : "counts", {training: training.length, validating: validating.length, known});
    });
    images.forEach((image, n) => {
      image.classList.toggle("sl-leaked", isLeaked(n));
      image.classList.toggle("sl-twin", hasTwin(n) && !isLeaked(n));
    });
  }

  const hasTwin = (n) => twins[n] !== null && chosen.validates[twins[n]] !== "-";
  const isLeaked = (n) => hasTwin(n) && chosen.validates[twins[n]] !== chosen.validates[n];

  // A picture stands the further to the right, the smaller the share at which it validates already:
  // so the line moves, and no picture does.
  function inOrder(breed) {
    const family = shares.map((share) => find({share}).validates);
    const times = (n) => family.filter((validates) => validates[n] === "1").length;
    return [...dogs.keys()].filter((n) => dogs[n] === breed && chosen.validates[n] !== "-").sort((a, b) => times(a) - times(b) || a - b);
  }

  // The share that was recorded and lies nearest to where the pointer would draw the line.
  function dragTo({clientX}) {
    const row = rows[0], [first, last] = [row.firstChild, row.lastChild].map((each) => each.getBoundingClientRect());
    const share = (100 * (last.right - clientX)) / (last.right - first.left);
    const nearest = shares.reduce((best, each) => (Math.abs(each - share) < Math.abs(best - share) ? each : best));
    if (nearest !== chosen.share) choose({share: nearest});
  }

  // ---- The results

  function showResult(name, right, total, interval, of) {
    const place = part(name), all = draws();
    place.replaceChildren();
    make(place, "b", {}, percent(chosen[right] / chosen[total]));
    place.append(` ${phrase(of, {right: chosen[right], all: chosen[total], low: percent(chosen[interval][0]), high: percent(chosen[interval][1])})}`);
    const scale = make(place, "div", {class: "sl-scale", "aria-hidden": "true"});
    make(scale, "span", {class: "sl-interval", style: `--low: ${chosen[interval][0]}; --high: ${chosen[interval][1]}`});
    [...all.filter((draw) => draw !== chosen), chosen].forEach((draw) => {
      make(scale, "span", {class: `sl-dot${draw === chosen ? " sl-on" : ""}`, style: `--at: ${draw[right] / draw[total]}`});
    });
  }

  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const average = (right, total) => percent(mean(draws().map((draw) => draw[right] / draw[total])));

  function showResults() {
    showResult("seems", "validation_right", "validation", "interval", "of_validating");
    showResult("worth", "new_right", "new", "new_interval", "of_new");
    const {leaked, validation} = chosen;
    part("leaked").textContent = leaked ? phrase("leaked", {n: leaked, all: validation}) : phrase("none_leaked");
    part("all").textContent = phrase("average", {draws: draws().length, validation: average("validation_right", "validation"), fresh: average("new_right", "new")});
  }

  function inWords() {
    const {training, validation, validation_right, new_right, share, split, copies} = chosen;
    const said = phrase("result", {share, split: phrase(split), copies: phrase(copies), training, n: validation, validation: percent(validation_right / validation), fresh: percent(new_right / chosen.new)});
    return `${said} ${part("leaked").textContent}`;
  }

  // ---- Choosing

  function choose(changes, {keepAddress = false} = {}) {
    chosen = find(changes) ?? chosen;
    part("message").textContent = "";
    showAll();
    whenPaused(() => {
      part("result").textContent = inWords();
      if (!keepAddress) writeAddress(fragment());
    });
  }

  function showAll() {
    CHOICES.forEach((name) => choosers[name](values(name).indexOf(chosen[name])));
    const range = part("range");
    range.value = shares.indexOf(chosen.share);
    range.setAttribute("aria-valuetext", phrase("share", {share: chosen.share}));
    part("share").textContent = `${chosen.share} %`;
    showBoard();
    showResults();
  }

  function chooser(name) {
    const labels = values(name).map((value) => (name === "seed" ? value : phrase(value)));
    return radios(part(name), `sl-${name}-${number}`, labels, (n) => choose({[name]: values(name)[n]}));
  }

  // ---- The address: split, copies, share and draw, with a dot between two

  const inAddress = (training) => ["split", "copies", "share", "seed"].map((name) => dashed(training[name])).join(".");
  const fragment = () => fragmentOf(KEPT, number, {split: inAddress(chosen)});

  function open() {
    const text = readFragments(KEPT).find((each) => each.number === number)?.text;
    if (text === undefined || text === inAddress(chosen)) return text !== undefined;
    const found = trainings.find((training) => inAddress(training) === text);
    if (found) choose(found, {keepAddress: true});
    else part("message").textContent = phrase("not_recorded", {text: text.slice(0, 40), example: inAddress(chosen)});
    return true;
  }

  const choosers = Object.fromEntries(CHOICES.map((name) => [name, chooser(name)]));
  part("range").max = shares.length - 1;
  part("range").addEventListener("input", () => choose({share: shares[part("range").valueAsNumber]}));
  part("copy").addEventListener("click", async () => { part("message").textContent = await copyLink(fragment(), root); });
  const board = part("board");
  board.classList.add("sl-dragged");
  board.addEventListener("dragstart", (event) => event.preventDefault());
  board.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    board.setPointerCapture(event.pointerId);
    if (event.pointerType === "mouse") dragTo(event);
  });
  board.addEventListener("pointermove", (event) => { if (board.hasPointerCapture(event.pointerId)) dragTo(event); });
  part("fallback").remove();
  for (const name of ["controls", "slider", "results"]) part(name).hidden = false;
  showAll();
  if (open()) bringIntoSight(root);
  window.addEventListener("hashchange", open);
}

mountEach(".split-and-leak", mount);
