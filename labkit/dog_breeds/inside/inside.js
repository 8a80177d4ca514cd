const VIEWS = ["picture", "unit", "score", "covering"];
const COLOURS = ["red", "green", "blue"];
const STEPPERS = ["map", "row", "column"];
const TERMS = 4, BREEDS = 6;
const PATCH = 192, ZOOM = 4;

function hatch(context, left, top, width, height) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = "#808080";
  context.lineWidth = 1;
  for (let x = left - height; x < left + width; x += 8) {
    context.beginPath();
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
    context.stroke();
  }
  context.restore();
}

function outline(context, left, top, width, height) {
  for (const [colour, line] of [["#fff", 5], [UNIT, 3]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(left, top, width, height);
  }
}

const written = (value) => minus(inDecimals(Math.abs(value) < 100 ? value.toFixed(3) : value.toFixed(1)));

// ---- One look inside

async function mount(root) {
  const part = partsOf(root, "in"), engine = networkEngine();
  const {data, networks} = await read(part, engine), dogs = [...data.dogs, ...data.others.breeds.map((breed) => ({breed}))];
  const {input_shape: [height, width]} = networks[0];
  const margin = Math.max(0, ...networks.flatMap(({layers}) => layers.map(({field}) => field?.padding ?? 0)));

  const state = {network: networks.length - 1, dog: 0, layer: 0, map: 0, row: 0, column: 0, view: "picture", cover: null};
  let pixels = null, seen = null, picture = null, uncovered = [], answers = [], slopes = null, costs = null;
  let held = false, asked = 0, layout = null, spoken = false;

  const whenPaused = onPause(), send = startServing(engine, networks, receive);
  const looks = oneAtATime(send), gradients = oneAtATime(send);

  const network = () => networks[state.network];
  const layer = () => network().layers[state.layer];
  const values = () => answers[state.network]?.[state.layer];
  const shape = (n = state.layer) => engine.spatial(network().layers[n].shape);
  const unitAt = ([, across, maps], {map, row, column}) => (row * across + column) * maps + map;
  const unit = () => unitAt(shape(), state);
  const scores = (n = state.network) => answers[n]?.at(-1);

  function say(sentence) {
    part("message").textContent = sentence;
  }

  // From a choice until all networks' answers to it are shown.
  function setBusy(busy) {
    part("scores").setAttribute("aria-busy", busy);
  }

  // ---- The picture

  function take(chosen, dog) {
    if (dog === null) {
      state.cover = null;
      showCover();
    }
    pixels = chosen;
    state.dog = dog;
    uncovered = dog === null ? [] : networks.map((each) => each.scores[dog]);
    look();
  }

  function look() {
    seen = state.cover ? engine.covered(pixels, [height, width], state.cover) : pixels;
    picture = drawSeen();
    slopes = costs = null;
    // Else scores of this picture would for a moment stand beside those of the last one.
    answers = [];
    setBusy(true);
    asked += 1;
    looks.ask({task: "look", id: asked, picture: seen, first: state.network});
    drawPicture();
  }

  function receive(message) {
    if (message.task === "look") {
      if (message.last) looks.answered();
      if (message.id !== asked) return;
      answers[message.network] = message.values;
      if (!state.cover && state.dog === null) uncovered[message.network] = message.values.at(-1);
      if (message.network === state.network) showAnswer();
      if (message.last) { showScores(); showUnit(); part("layer-note").textContent = layerInWords(); setBusy(false); changed(); }
    } else if (message.task === "slopes") {
      gradients.answered();
      if (message.id === asked) { slopes = message.slopes; drawPicture(); }
    } else if (message.id === asked) {
      costs = message.costs ?? null;
      part("caption").textContent = costs ? "" : phrase("covering_share", {percent: Math.round(100 * message.share)});
      if (costs) drawPicture();
    }
  }

  function showAnswer() {
    part("layer-note").textContent = layerInWords();
    drawMaps();
    showScores();
    showUnit();
    askForView();
  }

  // What the chosen view needs beyond the answers.
  function askForView() {
    if (!scores()) return;
    const id = asked, n = state.network;
    if (state.view === "unit") gradients.ask({task: "slopes", id, network: n, layer: state.layer, unit: unit()});
    if (state.view === "score") gradients.ask({task: "slopes", id, network: n, layer: network().layers.length - 1, unit: breedOf(scores())});
    if (state.view === "covering" && !costs) send({task: "covering", id, network: n, breed: breedOf(scores())});
    drawPicture();
  }

  // ---- Drawing the dog

  const channel = (value) => Math.round(255 * value);
  const drawSeen = () => painted(width, height, (at) => [channel(seen[3 * at]), channel(seen[3 * at + 1]), channel(seen[3 * at + 2]), 255]);
  const grey = (at) => 0.6 * 255 * (seen[3 * at] + seen[3 * at + 1] + seen[3 * at + 2]) / 3;

  // The dog in grey, and over it a colour as strong as a value from -1 to 1.
  function heated(strengths) {
    return painted(width, height, (at) => {
      const share = Math.sqrt(Math.abs(strengths[at])), colour = strengths[at] > 0 ? [255, 150, 60] : [90, 190, 255];
      return [...colour.map((c) => grey(at) * (1 - share) + c * share), 255];
    });
  }

  const energies = () => Float64Array.from({length: width * height}, (_, at) => slopes[3 * at] ** 2 + slopes[3 * at + 1] ** 2 + slopes[3 * at + 2] ** 2);

  function shares(numbers) {
    const most = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    return numbers.map((value) => value / most);
  }

  function shownPicture() {
    if (state.view === "covering" && costs) return heated(shares(costs));
    if ((state.view === "unit" || state.view === "score") && slopes) return heated(shares(energies().map(Math.sqrt)));
    return picture;
  }

  function box() {
    return {v: engine.fieldOf(layer(), height, state.row), h: engine.fieldOf(layer(), width, state.column)};
  }

  const beyond = ({first, last, seen: [from, to]}) => (to - from + 1) / (last - first + 1);

  function drawPicture() {
    if (!seen) return;
    const canvas = part("picture"), {v, h} = box();
    canvas.width = ZOOM * (width + 2 * margin);
    canvas.height = ZOOM * (height + 2 * margin);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const at = (place) => ZOOM * (place + margin);
    const frame = [at(h.first), at(v.first), ZOOM * (h.last - h.first + 1), ZOOM * (v.last - v.first + 1)];
    hatch(context, ...frame);
    context.drawImage(shownPicture(), at(0), at(0), ZOOM * width, ZOOM * height);
    outline(context, ...frame);
    if (state.cover) {
      context.strokeStyle = "#fff";
      context.lineWidth = 2;
      context.strokeRect(at(state.cover.left), at(state.cover.top), ZOOM * state.cover.size, ZOOM * state.cover.size);
    }
    part("caption").textContent = captionOf();
    canvas.setAttribute("aria-label", phrase("picture_label", {view: phrase(`view_${state.view}`), dog: dogInWords()}));
  }

  function captionOf() {
    if (state.view === "picture") return phrase("box");
    if (!scores()) return "";
    const breed = data.breeds[breedOf(scores())];
    if (state.view === "covering") return costs ? phrase("costs", {breed, points: percent(Math.max(...costs))}) : phrase("covering");
    if (!slopes) return "";
    return `${phrase(`brighter_${state.view}`, {breed})} ${concentration()}`;
  }

  // The effective field, measured: how few pixels hold most of the gradient's energy.
  function concentration() {
    const sorted = energies().sort().reverse(), total = sorted.reduce((a, b) => a + b, 0);
    if (!total) return phrase("no_pixel");
    let sum = 0, count = 0;
    while (sum < 0.9 * total) sum += sorted[count++];
    const {v, h} = state.view === "unit" ? box() : {v: {seen: [0, height - 1]}, h: {seen: [0, width - 1]}};
    const area = (v.seen[1] - v.seen[0] + 1) * (h.seen[1] - h.seen[0] + 1);
    return phrase("energy", {count, area});
  }

  function dogInWords() {
    if (state.dog === null) return phrase("own_picture");
    return phrase("this_dog", {dog: state.dog, breed: data.breeds[data.dogs[state.dog].breed]});
  }

  // A stretch of a picture, enlarged; what lies beyond the border is hatched.
  function drawPatch(canvas, image, {v, h}, label) {
    canvas.width = canvas.height = PATCH;
    const context = canvas.getContext("2d"), scale = PATCH / (h.last - h.first + 1);
    context.imageSmoothingEnabled = false;
    hatch(context, 0, 0, PATCH, PATCH);
    context.drawImage(image, -h.first * scale, -v.first * scale, width * scale, height * scale);
    canvas.setAttribute("aria-label", label);
  }

  // ---- Maps

  function layOut() {
    const [high, across, maps] = shape(), room = Math.max(120, Math.floor(part("maps").parentElement.clientWidth));
    const tile = high === 1 ? 22 : high < 16 ? 48 : 64, gap = 3;
    const columns = Math.max(1, Math.min(maps, Math.floor((room + gap) / (tile + gap))));
    return {high, across, maps, tile, gap, columns, rows: Math.ceil(maps / columns), base: null};
  }

  const corner = ({columns, tile, gap}, map) => [(map % columns) * (tile + gap), Math.floor(map / columns) * (tile + gap)];

  function drawMaps() {
    layout = layOut();
    const {high, across, maps, tile, gap, columns, rows} = layout, read = values();
    const base = canvasOf(columns * (tile + gap) - gap, rows * (tile + gap) - gap), context = base.getContext("2d");
    context.imageSmoothingEnabled = false;
    // A single unit has no map of its own to be compared with, only the layer.
    const most = high === 1 ? Math.max(...read) : null;
    for (let map = 0; map < maps; map++) {
      context.drawImage(drawMap(read, map, maps, high, across, most), ...corner(layout, map), tile, tile);
    }
    layout.base = base;
    markUnit();
  }

  function drawMap(read, map, maps, high, across, most) {
    const own = Float32Array.from({length: high * across}, (_, at) => read[at * maps + map]);
    const low = Math.min(0, ...own), top = (most ?? Math.max(...own)) - low || 1;
    return painted(across, high, (at) => [...Array(3).fill(255 * Math.max(0, own[at] - low) / top), 255]);
  }

  function markUnit() {
    if (!layout?.base) return;
    const canvas = part("maps"), {base, tile, high, across, maps} = layout;
    canvas.width = base.width;
    canvas.height = base.height;
    const context = canvas.getContext("2d"), [left, top] = corner(layout, state.map), size = Math.max(5, tile / across);
    context.drawImage(base, 0, 0);
    context.strokeStyle = UNIT;
    context.lineWidth = 3;
    context.strokeRect(left + 1.5, top + 1.5, tile - 3, tile - 3);
    if (high > 1) outline(context, left + (state.column * tile) / across, top + (state.row * tile) / high, size, size);
    canvas.setAttribute("aria-label", phrase("maps_label", {maps, high, across, layer: layer().name}));
  }

  // Which unit lies under the pointer, if any.
  function unitUnder(event) {
    const {left, top, width: wide} = part("maps").getBoundingClientRect(), {columns, tile, gap, high, across, maps} = layout;
    const scale = part("maps").width / wide, x = (event.clientX - left) * scale, y = (event.clientY - top) * scale;
    const across_ = Math.floor(x / (tile + gap)), map = Math.floor(y / (tile + gap)) * columns + across_;
    const [cx, cy] = corner(layout, map), inTile = x - cx < tile && y - cy < tile && x >= cx && y >= cy;
    if (!inTile || map < 0 || map >= maps || across_ >= columns) return null;
    return {map, row: Math.floor(((y - cy) * high) / tile), column: Math.floor(((x - cx) * across) / tile)};
  }

  function point(event) {
    const found = layout?.base && !held && unitUnder(event);
    if (found && STEPPERS.some((name) => found[name] !== state[name])) chooseUnit(found);
  }

  // ---- The unit

  function chooseUnit(found) {
    Object.assign(state, found);
    slopes = state.view === "unit" ? null : slopes;
    markUnit();
    showUnit();
    if (state.view === "unit") askForView(); else drawPicture();
    changed();
  }

  function nameOf(n, map) {
    const {shape: [high, , maps], kind} = networks[state.network].layers[n] ?? {shape: networks[0].input_shape};
    if (n < 0 || (kind === "Rescaling" && maps === 3)) return phrase(COLOURS[map]);
    if (n === network().layers.length - 1) return data.breeds[map];
    return `${phrase(maps === undefined && high ? "unit" : "map")} ${map}`;
  }

  function unitInWords() {
    const spatial = layer().shape.length === 3;
    const place = spatial ? `, ${phrase("row")} ${state.row}, ${phrase("column")} ${state.column}` : "";
    return `${layer().name}, ${nameOf(state.layer, state.map)}${place}`;
  }

  function showUnit() {
    showSteppers();
    if (!values()) return;
    const {v, h} = box(), share = beyond(v) * beyond(h);
    part("title").textContent = unitInWords();
    part("value").textContent = phrase("value", {value: written(values()[unit()])});
    part("others").textContent = othersInWords();
    part("field").textContent = fieldInWords(v, h, share);
    drawPatch(part("patch"), picture, {v, h}, phrase("patch_label", {rows: fromTo(...v.seen), columns: fromTo(...h.seen), dog: dogInWords()}));
    showFavourite();
    showMaking();
  }

  const fromTo = (first, last) => phrase("from_to", {first: minus(String(first)), last});

  function fieldInWords(v, h, share) {
    if (!layer().field) return phrase("sees_all", {height, width});
    const area = phrase("field", {size: v.last - v.first + 1, rows: fromTo(v.first, v.last), columns: fromTo(h.first, h.last)});
    return `${area} ${share < 1 ? phrase("beyond", {percent: percent(1 - share)}) : phrase("all_on")}`;
  }

  // The same layer of another network, which may bear the prefix of a new head.
  function counterpart(n, name = layer().name) {
    const plain = (text) => text.replace(/^head_/, "");
    return networks[n].layers.findIndex((each) => plain(each.name) === plain(name));
  }

  function othersInWords() {
    const said = networks.flatMap(({name}, n) => {
      const there = n === state.network ? -1 : counterpart(n);
      return there >= 0 && answers[n] ? [`${name} ${written(answers[n][there][unit()])}`] : [];
    });
    return said.length ? phrase("elsewhere", {values: said.join(", ")}) : "";
  }

  // How far the same layer of the network that this one was tuned from is away.
  function layerInWords() {
    const {shape: sides, kind} = layer(), from = networks.findIndex(({name}) => name === network().differs_from);
    const size = phrase("size", {kind, sides: sides.join(" × ")});
    const before = from >= 0 && answers[from]?.[counterpart(from)];
    if (!before) return size;
    const length = (numbers) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
    const change = length(values().map((value, at) => value - before[at])) / (length(before) || 1);
    return `${size} ${phrase("differ", {network: networks[from].name, percent: percent(change)})}`;
  }

  const favouritesOf = (map) => network().favourites[state.layer][map];
  const favourite = () => favouritesOf(state.map);

  // A dog to choose, or one of the others, which lie side by side in one picture.
  async function pictureOf(dog) {
    const other = dog - data.dogs.length, {picture, columns} = data.others;
    if (other < 0) return imageOf(data.dogs[dog].picture);
    const tile = canvasOf(width, height), left = (other % columns) * width, top = Math.floor(other / columns) * height;
    tile.getContext("2d").drawImage(await imageOf(picture), left, top, width, height, 0, 0, width, height);
    return tile;
  }

  async function showFavourite() {
    const found = favourite(), canvas = part("favourite");
    canvas.parentElement.hidden = part("visit").hidden = !found;
    if (!found) return;
    const [dog, row, column] = found;
    const label = phrase("favourite", {count: dogs.length, dog, breed: data.breeds[dogs[dog].breed]});
    part("favourite-note").textContent = label;
    canvas.setAttribute("aria-label", label);
    const image = await pictureOf(dog);
    if (favourite() !== found) return;
    const place = {v: engine.fieldOf(layer(), height, row), h: engine.fieldOf(layer(), width, column)};
    drawPatch(canvas, image, place, label);
  }

  async function visit() {
    setBusy(true);
    const [dog, row, column] = favourite(), {breed} = dogs[dog], sentence = phrase("visited", {dog, breed: withArticle(data.breeds[breed])});
    Object.assign(state, {row, column});
    held = true;
    if (dog < data.dogs.length) {
      await pictures.open(dog);
      say(sentence);
    } else {
      pictures.show(await pictureOf(dog), `${sentence} ${phrase("lossy")}`);
    }
  }

  // ---- How the unit is made

  function showMaking() {
    const making = part("making"), {kind} = layer(), before = state.layer - 1;
    const input = before < 0 ? seen : answers[state.network][before];
    making.replaceChildren();
    MAKING[kind](making, input, engine.spatial(engine.shapeBefore(network(), state.layer)), before);
  }

  const MAKING = {
    Rescaling(making, input) {
      const {scale, offset} = layer();
      make(making, "p", {}, `${written(scale)} · ${written(input[unit()])} + ${written(offset)} = ${written(values()[unit()])}`);
    },
    Conv2D(making, input, sides, before) {
      writeTerms(making, engine.convolutionTerms(layer(), input, sides, [state.row, state.column, state.map]), before);
    },
    Dense(making, input, sides, before) {
      writeTerms(making, engine.denseTerms(layer(), input, state.map), before);
    },
    MaxPooling2D(making, input, [, across, maps]) {
      const [high, wide] = layer().pool, read = [];
      for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) read.push(input[((state.row * high + y) * across + state.column * wide + x) * maps + state.map]);
      make(making, "p", {}, phrase("largest", {count: read.length, map: state.map}));
      grid(making, read, wide);
    },
    GlobalAveragePooling2D(making, input, [high, across, maps]) {
      const read = Array.from({length: high * across}, (_, at) => input[at * maps + state.map]);
      make(making, "p", {}, phrase("mean", {count: read.length, map: state.map}));
      grid(making, read, across);
    },
  };

  function grid(parent, numbers, columns) {
    const box_ = make(parent, "span", {class: "in-grid", style: `grid-template-columns: repeat(${columns}, auto)`});
    numbers.forEach((value) => make(box_, "span", {}, value === null ? "·" : minus(inDecimals(value.toFixed(2)))));
  }

  function writeTerms(making, terms, before) {
    const bias = layer().bias[state.map], total = terms.reduce((sum, term) => sum + term.sum, bias);
    const sorted = terms.toSorted((a, b) => Math.abs(b.sum) - Math.abs(a.sum)), rest = sorted.slice(TERMS);
    const list = make(making, "ol", {class: "in-terms", role: "list"});
    for (const {map, read, kernel, sum} of sorted.slice(0, TERMS)) {
      const item = make(list, "li");
      make(item, "span", {}, `${nameOf(before, map)}: `);
      grid(item, read, Math.round(Math.sqrt(read.length)));
      make(item, "span", {}, " × ");
      grid(item, kernel, Math.round(Math.sqrt(kernel.length)));
      make(item, "span", {}, ` → ${written(sum)}`);
    }
    if (rest.length) make(list, "li", {}, phrase("others", {count: rest.length, sum: written(rest.reduce((sum, term) => sum + term.sum, 0))}));
    make(list, "li", {}, phrase("bias", {bias: written(bias)}));
    make(making, "p", {}, phrase("sum", {sum: written(total), ending: ending(total)}));
    if (terms.some(({read}) => read.includes(null))) make(making, "p", {class: "lk-small"}, phrase("point_key"));
  }

  function ending(total) {
    const value = values()[unit()];
    if (layer().activation === "softmax") return phrase("softmax", {percent: percent(value)});
    if (layer().activation === "relu") return phrase(total < 0 ? "relu_to_0" : "relu_through");
    return phrase("linear");
  }

  // ---- Scores

  function showScores() {
    if (!scores()) return;
    const names = part("names"), body = part("scores"), truth = state.dog === null ? -1 : data.dogs[state.dog].breed;
    names.replaceChildren();
    body.replaceChildren();
    const head = make(names, "tr");
    make(head, "th", {scope: "col"}, phrase("breed"));
    networks.forEach(({name}, n) => make(head, "th", {scope: "col", class: n === state.network ? "in-on" : ""}, name));
    const order = [...scores().keys()].sort((a, b) => scores()[b] - scores()[a]).slice(0, BREEDS);
    if (truth >= 0 && !order.includes(truth)) order.splice(-1, 1, truth);
    for (const breed of order) {
      const row = make(body, "tr", {class: breed === truth ? "in-true" : ""});
      make(row, "th", {scope: "row"}, `${data.breeds[breed]}${breed === truth ? " ✓" : ""}`);
      networks.forEach((_, n) => {
        const share = scores(n)?.[breed];
        make(row, "td", {class: n === state.network ? "in-on" : "", style: `--share: ${share ?? 0}`}, share === undefined ? "…" : percent(share));
      });
    }
    showChange();
  }

  function showChange() {
    const before = uncovered[state.network];
    if (!state.cover || !before) { part("change").textContent = phrase("true_breed"); return; }
    const breed = breedOf(before);
    part("change").textContent = `${phrase("true_breed")} ${phrase("change", {breed: data.breeds[breed], before: percent(before[breed]), after: percent(scores()[breed])})}`;
  }

  // ---- Controls

  const chooseNetwork = radios(part("networks"), groupIn(root, "in-network"), networks.map(({name}) => name), setNetwork);
  const chooseView = radios(part("views"), groupIn(root, "in-view"), VIEWS.map((view) => phrase(`view_${view}`)), (n) => setView(VIEWS[n]));
  const pictures = picturesToChoose(root, data, [height, width], take, say);

  function setNetwork(n) {
    const name = layer().name;
    state.network = n;
    state.layer = Math.max(0, counterpart(n, name));
    slopes = costs = null;
    clamp();
    chooseNetwork(n);
    pictures.mark(network());
    showLayers();
    if (scores()) showAnswer();
    changed();
  }

  function showLayers() {
    const list = part("layer");
    list.replaceChildren();
    network().layers.forEach(({name, shape: sides}, n) => make(list, "option", {value: n}, `${name} (${sides.join(" × ")})`));
    list.value = state.layer;
  }

  function clamp() {
    const [high, across, maps] = shape();
    state.map = Math.min(state.map, maps - 1);
    state.row = Math.min(state.row, high - 1);
    state.column = Math.min(state.column, across - 1);
  }

  // The unit stays over the same place of the dog.
  function setLayer(n) {
    const [high, across] = shape(), [below, beside] = shape(n);
    state.row = Math.floor(((state.row + 0.5) * below) / high);
    state.column = Math.floor(((state.column + 0.5) * beside) / across);
    state.layer = n;
    slopes = null;
    clamp();
    if (scores()) showAnswer();
    changed();
  }

  function setView(view) {
    state.view = view;
    slopes = null;
    chooseView(VIEWS.indexOf(view));
    askForView();
    changed();
  }

  const steppers = Object.fromEntries(STEPPERS.map((name) => [name, makeStepper(name)]));

  function makeStepper(name) {
    const stepper = make(part("steppers"), "div", {class: "lk-stepper"});
    const button = (by, sign) => {
      const made = make(stepper, "button", {type: "button"}, sign);
      make(made, "span", {class: "lk-hidden"}, ` ${phrase(name)}`);
      made.addEventListener("click", () => step(name, state[name] + by));
    };
    button(-1, "−");
    const label = make(stepper, "label");
    make(label, "span", {}, phrase(name));
    const input = make(label, "input", {type: "number", inputmode: "numeric", min: 0, step: 1, autocomplete: "off"});
    input.addEventListener("input", () => { if (input.value !== "") step(name, input.valueAsNumber); });
    input.addEventListener("change", showSteppers);
    button(1, "+");
    return {stepper, input};
  }

  function showSteppers() {
    const [high, across, maps] = shape();
    Object.entries({map: maps, row: high, column: across}).forEach(([name, count]) => {
      const {stepper, input} = steppers[name];
      stepper.hidden = name !== "map" && layer().shape.length < 3;
      input.max = count - 1;
      if (input.valueAsNumber !== state[name]) input.value = state[name];
    });
  }

  function step(name, value) {
    const most = Number(steppers[name].input.max);
    if (!Number.isInteger(value) || value < 0 || value > most) return say(phrase("stepper_range", {name: phrase(name), most}));
    say("");
    chooseUnit({[name]: value});
  }

  // ---- Covering a square

  function setCover(cover) {
    state.cover = cover;
    showCover();
    if (pixels) look();
    changed();
  }

  function showCover() {
    const {cover} = state;
    part("cover").checked = cover !== null;
    part("sliders").hidden = !cover;
    part("picture").classList.toggle("in-dragged", cover !== null);
    if (!cover) return;
    part("size").max = Math.min(width, height);
    part("left").max = width - cover.size;
    part("top").max = height - cover.size;
    for (const name of ["size", "left", "top"]) part(name).value = cover[name];
  }

  function placed(left, top, size) {
    const within = (value, most) => Math.min(Math.max(0, Math.round(value)), most);
    return {left: within(left, width - size), top: within(top, height - size), size};
  }

  function drag(event) {
    if (!state.cover || !(event.buttons & 1)) return;
    const canvas = part("picture"), {left, top, width: wide} = canvas.getBoundingClientRect();
    const scale = (width + 2 * margin) / wide, {size} = state.cover;
    const at = (place) => place * scale - margin - size / 2;
    const next = placed(at(event.clientX - left), at(event.clientY - top), size);
    if (next.left !== state.cover.left || next.top !== state.cover.top) setCover(next);
  }

  // ---- The address

  function fragment() {
    const {cover} = state, parts = [dashed(network().name), state.dog ?? 0, layer().name, state.map, state.row, state.column, state.view];
    if (cover) parts.push([cover.left, cover.top, cover.size].join("."));
    return `#look=${parts.map(encodeURIComponent).join("/")}`;
  }

  // Returns what an address says, or throws an Error whose message is a sentence.
  function parse(text) {
    const [name, dog = "", layerName = "", map = "", row = "", column = "", view = "", cover] = text.split("/").map(decoded);
    const n = networks.findIndex((each) => dashed(each.name) === name);
    if (n < 0) throw new Error(phrase("no_network", {written: name.slice(0, 30)}));
    const l = networks[n].layers.findIndex((each) => each.name === layerName);
    if (l < 0) throw new Error(phrase("no_layer", {written: layerName.slice(0, 30)}));
    const [high, across, maps] = engine.spatial(networks[n].layers[l].shape);
    if (!VIEWS.includes(view)) throw new Error(phrase("no_view", {written: view.slice(0, 30)}));
    return {
      network: n, layer: l, view,
      dog: wholeNumber("dog", dog, data.dogs.length),
      map: wholeNumber("map", map, maps), row: wholeNumber("row", row, high), column: wholeNumber("column", column, across),
      cover: cover === undefined ? null : parseCover(cover),
    };
  }

  function parseCover(text) {
    const [left, top, size] = text.split(".").map(Number);
    const fits = [left, top, size].every(Number.isInteger) && size >= 1 && left >= 0 && top >= 0 && left + size <= width && top + size <= height;
    if (!fits) throw new Error(phrase("no_square"));
    return {left, top, size};
  }

  // Takes what the address says, if it says anything; true then.
  async function open() {
    const text = readAddress("look");
    if (text === undefined) return false;
    try {
      Object.assign(state, parse(text));
      held = true;
    } catch (problem) {
      say(`${phrase("aside")} ${problem.message}`);
    }
    await showAll();
    return true;
  }

  // Writes the address and speaks of the unit once the reader pauses.
  function changed() {
    whenPaused(() => {
      if (spoken) {
        part("result").textContent = `${unitInWords()}: ${values() ? written(values()[unit()]) : ""}`;
        if (state.dog !== null) writeAddress(fragment());
      }
      spoken = true;
    });
  }

  async function showAll() {
    setBusy(true);
    chooseNetwork(state.network);
    chooseView(VIEWS.indexOf(state.view));
    pictures.mark(network());
    showLayers();
    showCover();
    showSteppers();
    await pictures.open(state.dog ?? 0);
  }

  part("layer").addEventListener("change", () => setLayer(Number(part("layer").value)));
  part("maps").addEventListener("pointermove", point);
  part("maps").addEventListener("click", (event) => {
    const wasHeld = held;
    held = false;
    point(event);
    held = !wasHeld;
  });
  part("cover").addEventListener("change", () => setCover(part("cover").checked ? placed(width * 0.4, height * 0.4, Math.round(width / 4)) : null));
  ["left", "top", "size"].forEach((name) => part(name).addEventListener("input", () => setCover(placed(...["left", "top", "size"].map((each) => Number(part(each).value))))));
  part("picture").addEventListener("pointerdown", (event) => { if (state.cover) { part("picture").setPointerCapture(event.pointerId); drag(event); } });
  part("picture").addEventListener("pointermove", drag);
  part("visit").addEventListener("click", visit);
  part("copy").addEventListener("click", async () => say(await linkTo(state.dog, fragment(), root)));
  begin(part, data);

  // To begin with: half way up, and of the first dog's favourite units there the first.
  const convolutions = network().layers.filter(({kind}) => kind === "Conv2D");
  state.layer = Math.max(0, network().layers.indexOf(convolutions[convolutions.length >> 1]));
  const map = Math.max(0, network().favourites[state.layer].findIndex((found) => found?.[0] === 0));
  const [, row, column] = favouritesOf(map) ?? [0, 0, 0];
  Object.assign(state, {map, row, column});
  if (await open()) bringIntoSight(root); else await showAll();
  window.addEventListener("hashchange", open);
  new ResizeObserver(() => { if (layout?.base && layOut().columns !== layout.columns) drawMaps(); }).observe(root);
}

mountEach(".look-inside", mount);
