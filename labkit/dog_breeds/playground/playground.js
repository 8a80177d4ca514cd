const OTHERS = 4, SEEN = 4, PART = 0.18;

// What is to be changed: in the lab's own list, or besides. Sliders reach beyond the lab's ranges.
function changesOf([height, width]) {
  return [
    {name: "theta", least: -180, most: 180, step: 1, unit: "°"},
    {name: "tx", least: -width / 2, most: width / 2, step: 0.5, unit: " px"},
    {name: "ty", least: -height / 2, most: height / 2, step: 0.5, unit: " px"},
    {name: "zx", least: 0.4, most: 2, step: 0.01, unit: " ×"},
    {name: "zy", least: 0.4, most: 2, step: 0.01, unit: " ×"},
    {name: "brightness", least: 0, most: 3, step: 0.01, unit: " ×"},
    {name: "flip_horizontal"},
    {name: "shear", least: -60, most: 60, step: 1, unit: "°"},
    {name: "channel_shift_intensity", least: -128, most: 128, step: 1, unit: ""},
    {name: "flip_vertical"},
  ];
}

const CVAL = {name: "cval", least: 0, most: 255, step: 1, unit: ""};
const plain = (value, digits = 2) => minus(inDecimals(String(Number(value.toFixed(digits)))));

async function mount(root) {
  const part = partsOf(root, "in"), engine = networkEngine(), augment = augmentationEngine();
  const {data, networks} = await read(part, engine), {ranges} = data;
  const sides = networks[0].input_shape.slice(0, 2), [height, width] = sides, changes = changesOf(sides);
  const state = {network: networks.length - 1, dog: 0, seed: null, fill_mode: data.fill_mode, cval: data.cval, parameters: {...augment.NEUTRAL}};
  let pixels = null, original = null, changed = null, scores = null, before = [], asked = 0, spoken = false;

  const whenPaused = onPause(), send = startServing(engine, networks, receive), answers = oneAtATime(send);
  const network = () => networks[state.network];
  const truth = () => (state.dog === null ? -1 : data.dogs[state.dog].breed);
  const matrix = () => augment.matrixOf(state.parameters, sides);

  function say(sentence) {
    part("message").textContent = sentence;
  }

  // From a change until the network's answer to it has been told.
  function setBusy(busy) {
    part("answer").setAttribute("aria-busy", busy);
  }

  // ---- From the state to the network's answer

  function take(chosen, dog) {
    pixels = chosen;
    original = Uint8Array.from(pixels, (value) => Math.round(255 * value));
    state.dog = dog;
    before = dog === null ? [] : networks.map((each) => each.scores[dog]);
    if (dog === null) networks.forEach((_, n) => send({task: "score", id: 0, network: n, picture: pixels}));
    change();
  }

  function change() {
    if (!pixels) return;
    setBusy(true);
    changed = augment.applyTransform(original, sides, state.parameters, state.fill_mode, state.cval);
    asked += 1;
    answers.ask({task: "score", id: asked, network: state.network, picture: Float32Array.from(changed, (grey) => grey / 255)});
    showControls();
    drawFrame();
    drawChanged();
    showMatrix();
  }

  // The answer to an older picture is shown too: so the bars follow while a slider is dragged.
  function receive({id, network: n, scores: found}) {
    if (id === 0) before[n] = found;
    else answers.answered();
    if (id > 0 && n === state.network) scores = found;
    if (scores && before[state.network]) showScores();
    if (id === asked) settle();
  }

  // ---- Drawing

  const colour = (picture, place, alpha) => [picture[3 * place], picture[3 * place + 1], picture[3 * place + 2], alpha];

  // The dog amid what the fill mode continues it with, and the frame that the matrix looks through.
  function drawFrame() {
    const [above, beside] = sides.map((side) => side >> 1), across = width + 2 * beside;
    const surrounded = painted(across, height + 2 * above, (at) => {
      const y = Math.floor(at / across) - above, x = (at % across) - beside, inside = y >= 0 && y < height && x >= 0 && x < width;
      const row = augment.within(y, height, state.fill_mode), column = augment.within(x, width, state.fill_mode);
      return row === null || column === null ? [state.cval, state.cval, state.cval, 160] : colour(original, row * width + column, inside ? 255 : 160);
    });
    const canvas = part("frame"), context = canvas.getContext("2d");
    canvas.width = SEEN * surrounded.width;
    canvas.height = SEEN * surrounded.height;
    context.imageSmoothingEnabled = false;
    context.drawImage(surrounded, 0, 0, canvas.width, canvas.height);
    const [a, b, x0, c, d, y0] = matrix();
    const place = (x, y) => [SEEN * (a * x + b * y + x0 + 0.5 + beside), SEEN * (c * x + d * y + y0 + 0.5 + above)];
    const right = width - 0.5, bottom = height - 0.5;
    outlinePath(context, [place(-0.5, -0.5), place(right, -0.5), place(right, bottom), place(-0.5, bottom)]);
    // Which corner becomes the upper left one.
    context.fill(pathOf([place(-0.5, -0.5), place(PART * width, -0.5), place(-0.5, PART * height)]));
  }

  function drawChanged() {
    const canvas = part("changed"), image = painted(width, height, (at) => colour(changed, at, 255));
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").drawImage(image, 0, 0);
  }

  // ---- The network's answer

  function showScores() {
    const was = before[state.network], own = truth() < 0 ? breedOf(was) : truth();
    const others = [...scores.keys()].filter((n) => n !== own).sort((a, b) => scores[b] - scores[a]).slice(0, OTHERS);
    const rows = [own, ...others].map((n) => barOf(n, n === own, was[n]));
    part("bars").replaceChildren(...rows);
    part("asked").textContent = phrase("asked", {network: network().name});
    part("verdict").textContent = verdict(was, own);
    part("verdict").classList.toggle("in-lost", breedOf(scores) !== own);
  }

  function barOf(breed, own, was) {
    const row = document.createElement("tr");
    if (own) row.className = "in-own";
    make(row, "th", {scope: "row"}, `${data.breeds[breed]}${breed === truth() ? " ✓" : ""}`);
    make(make(row, "td"), "span", {class: "in-share", style: `--share: ${scores[breed]}; --before: ${was}`});
    make(row, "td", {}, percent(scores[breed]));
    return row;
  }

  // When the dog has stopped being that dog for the network, in words.
  function verdict(was, own) {
    const now = breedOf(scores), first = breedOf(was), sure = percent(scores[own]);
    const said = {said: data.breeds[now], said_percent: percent(scores[now])}, breed = withArticle(data.breeds[own]);
    if (first !== own) {
      const start = phrase("passed_for", {breed: data.breeds[own], other: withArticle(data.breeds[first])});
      return `${start} ${now === own ? phrase("now_recognised", {percent: sure}) : phrase("now_says", said)}`;
    }
    if (now === own) return phrase("still", {breed, percent: sure, before: percent(was[own])});
    return phrase("no_longer", {breed, percent: sure, ...said});
  }

  // Once the reader pauses: the address, and what a screen reader is told. Not where a later change
  // waits for its answer.
  function settle() {
    const answered = asked;
    whenPaused(() => {
      if (answered !== asked) return;
      part("changed").setAttribute("aria-label", phrase("gets_label", {dog: dogInWords(), changes: changesInWords()}));
      part("frame").setAttribute("aria-label", phrase("frame_label", {dog: dogInWords(), fill_mode: state.fill_mode}));
      if (spoken) {
        part("result").textContent = part("verdict").textContent;
        if (state.dog !== null) writeAddress(fragment());
      }
      spoken = true;
      setBusy(false);
    });
  }

  const dogInWords = () => (state.dog === null ? phrase("own_picture") : phrase("this_dog", {dog: state.dog, breed: data.breeds[truth()]}));

  function changesInWords() {
    const said = changes.filter(({name}) => state.parameters[name] !== augment.NEUTRAL[name]).map((each) => `${phrase(each.name)}${each.step ? ` ${written(each)}` : ""}`);
    return said.length ? said.join(", ") : phrase("unchanged");
  }

  // ---- The order, and the matrix

  const written = ({name, step, unit}) => `${plain(state.parameters[name] ?? state[name], step < 0.1 ? 2 : 1)}${unit}`;

  function showMatrix() {
    const {theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical, channel_shift_intensity, brightness} = state.parameters;
    const flips = [flip_horizontal && phrase("left_right"), flip_vertical && phrase("upside_down")].filter(Boolean).join(", ");
    showOrder([
      ["flip", flips], ["zoom", (zx !== 1 || zy !== 1) && phrase("zoomed", {across: plain(zx), down: plain(zy)})], ["shear", shear && `${plain(shear)}°`],
      ["shift", (tx || ty) && `${plain(tx)} px, ${plain(ty)} px`], ["turn", theta && `${plain(theta)}°`],
      ["channel_shift_intensity", channel_shift_intensity && plain(channel_shift_intensity)], ["brightness", brightness !== 1 && phrase("times", {factor: plain(brightness)})],
      ["rescale", phrase("divided")],
    ]);
    const one = matrix(), [a, b, x0, c, d, y0] = one, middle = Math.floor(width / 2);
    part("matrix").replaceChildren(matrixIn(one));
    part("example").textContent = phrase("example", {middle, column: plain(a * middle + x0, 1), row: plain(c * middle + y0, 1)});
    const made = augment.factors(state.parameters, sides).map(({name, matrix: each}) => {
      const factor = document.createElement("span");
      factor.className = "in-factor";
      factor.append(matrixIn(each));
      make(factor, "span", {}, phrase(name));
      return factor;
    });
    part("factors").replaceChildren("= ", ...made.flatMap((factor, n) => (n ? ["·", factor] : [factor])));
  }

  function showOrder(steps) {
    const items = steps.map(([name, how]) => {
      const item = document.createElement("li");
      if (how) item.className = "in-on";
      item.append(how ? `${phrase(name)}: ${how}` : phrase(name));
      return item;
    });
    part("order").replaceChildren(...items);
  }

  // The first two rows; the third is always 0 0 1.
  function matrixIn(numbers) {
    const rows = [numbers.slice(0, 3), numbers.slice(3, 6)].map((row) => row.map((value) => plain(value, 2)));
    const box = document.createElement("span");
    box.className = "in-matrix";
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", phrase("matrix", {rows: rows.map((row) => row.join(", ")).join("; ")}));
    rows.flat().forEach((value) => make(box, "span", {}, value));
    return box;
  }

  // ---- Controls

  const controls = Object.fromEntries(changes.map((each) => [each.name, makeControl(each)]));
  const filling = makeSlider(part("filling"), CVAL, [CVAL.least, CVAL.most], (value) => set({cval: value}));

  function makeControl(each) {
    const range = ranges[each.name], parent = part(range[0] < range[1] ? "lab" : "besides");
    const choose = (value) => set({parameters: {...state.parameters, [each.name]: value}, seed: null});
    return each.step ? makeSlider(parent, each, range, choose) : makeTick(parent, each, choose);
  }

  function labelIn(parent, {name}, className) {
    const made = make(parent, "label", {class: className}), words = make(made, "span", {}, `${phrase(name)} `);
    make(words, "code", {}, name);
    return made;
  }

  function makeTick(parent, each, choose) {
    const label = labelIn(parent, each, "lk-check"), input = make(label, "input", {type: "checkbox"});
    label.prepend(input);
    input.addEventListener("change", () => choose(Number(input.checked)));
    return () => { input.checked = Boolean(state.parameters[each.name]); };
  }

  function makeSlider(parent, each, [low, high], choose) {
    const label = labelIn(parent, each, "in-change"), {least, most, step} = each;
    const output = make(label, "output"), input = make(label, "input", {type: "range", min: least, max: most, step});
    const share = (value) => (value - least) / (most - least);
    if (each !== CVAL) make(label, "span", {class: "in-range", style: `--from: ${share(low)}; --wide: ${share(high) - share(low)}`});
    input.addEventListener("input", () => choose(input.valueAsNumber));
    return () => {
      const value = state.parameters[each.name] ?? state[each.name], beyond = each !== CVAL && low < high && (value < low || value > high);
      output.textContent = written(each);
      input.value = value;
      input.setAttribute("aria-valuetext", beyond ? phrase("beyond_range", {value: written(each)}) : written(each));
    };
  }

  function showControls() {
    Object.values(controls).forEach((show) => show());
    filling();
    part("filling").hidden = state.fill_mode !== "constant";
    if (state.seed !== null) part("seed").value = state.seed;
    part("drawn").textContent = state.seed === null
      ? phrase("dice")
      : phrase("drawn", {seed: state.seed, height, width});
  }

  function set(more) {
    Object.assign(state, more);
    chooseFill(augment.FILL_MODES.indexOf(state.fill_mode));
    change();
  }

  const drawn = (seed) => ({...augment.NEUTRAL, ...augment.draw(seed, data.columns, ranges)});
  const setSeed = (seed) => set({seed, parameters: drawn(seed)});

  function readSeed() {
    try {
      say("");
      setSeed(wholeNumber("seed", part("seed").value, 2 ** 32));
    } catch (problem) {
      say(problem.message);
    }
  }

  function setNetwork(n) {
    state.network = n;
    scores = null;
    chooseNetwork(n);
    pictures.mark(network());
    change();
  }

  const chooseNetwork = radios(part("networks"), groupIn(root, "in-network"), networks.map(({name}) => name), setNetwork);
  const chooseFill = radios(part("fills"), groupIn(root, "in-fill"), augment.FILL_MODES, (n) => set({fill_mode: augment.FILL_MODES[n]}));
  const pictures = picturesToChoose(root, data, sides, take, say);

  // ---- The address

  function fragment() {
    const changed_ = changes.filter(({name}) => state.parameters[name] !== augment.NEUTRAL[name]).map(({name}) => `${name}:${Number(state.parameters[name].toFixed(4))}`);
    const how = state.seed === null ? changed_.join(",") : `seed:${state.seed}`;
    return `#augment=${[dashed(network().name), state.dog ?? 0, state.fill_mode, state.cval].map(encodeURIComponent).join("/")}/${how}`;
  }

  // Returns what an address says, or throws an Error whose message is a sentence.
  function parse(text) {
    const [name, dog = "", fill_mode = "", cval = "", how = ""] = text.split("/").map(decoded);
    const n = networks.findIndex((each) => dashed(each.name) === name);
    if (n < 0) throw new Error(phrase("no_network", {written: name.slice(0, 30)}));
    if (!augment.FILL_MODES.includes(fill_mode)) throw new Error(phrase("no_fill_mode", {written: fill_mode.slice(0, 30)}));
    const found = {network: n, dog: wholeNumber("dog", dog, data.dogs.length), fill_mode, cval: wholeNumber("cval", cval, 256), seed: null};
    if (how.startsWith("seed:")) {
      const seed = wholeNumber("seed", how.slice(5), 2 ** 32);
      return {...found, seed, parameters: drawn(seed)};
    }
    return {...found, parameters: {...augment.NEUTRAL, ...Object.fromEntries(how.split(",").filter(Boolean).map(parseChange))}};
  }

  function parseChange(text) {
    const [name, number = ""] = text.split(":"), {least = 0, most = 1, step} = changes.find((each) => each.name === name) ?? {least: null};
    if (least === null) throw new Error(phrase("no_parameter", {written: name.slice(0, 30)}));
    const value = Number(number), fits = number !== "" && value >= least && value <= most && (step || Number.isInteger(value));
    if (!fits) throw new Error(phrase("beyond_slider", {name, least: minus(String(least)), most, written: number.slice(0, 10)}));
    return [name, value];
  }

  // Takes what the address says, if it says anything; true then.
  async function open() {
    const text = readAddress("augment");
    if (text === undefined) return false;
    try {
      Object.assign(state, parse(text));
    } catch (problem) {
      say(`${phrase("aside")} ${problem.message}`);
    }
    await showAll();
    return true;
  }

  async function showAll() {
    setBusy(true);
    chooseNetwork(state.network);
    chooseFill(augment.FILL_MODES.indexOf(state.fill_mode));
    pictures.mark(network());
    await pictures.open(state.dog ?? 0);
  }

  part("throw").addEventListener("click", () => setSeed(((state.seed ?? Number(part("seed").value)) + 1) % 2 ** 32));
  part("seed").addEventListener("change", readSeed);
  part("reset").addEventListener("click", () => set({parameters: {...augment.NEUTRAL}, seed: null, fill_mode: data.fill_mode, cval: data.cval}));
  part("copy").addEventListener("click", async () => say(await linkTo(state.dog, fragment(), root)));
  begin(part, data);
  if (await open()) bringIntoSight(root); else await showAll();
  window.addEventListener("hashchange", open);
}

// A closed line through points, in the page's accent on white.
function pathOf(points) {
  const path = new Path2D();
  points.forEach(([x, y]) => path.lineTo(x, y));
  path.closePath();
  return path;
}

function outlinePath(context, points) {
  for (const [colour, line] of [["#fff", 9], [UNIT, 5]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.stroke(pathOf(points));
  }
  context.fillStyle = UNIT;
}

mountEach(".augmentation-playground", mount);
