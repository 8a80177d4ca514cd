const FIELDS = ["kernel", "stride", "dilation"];
// Beyond this a page would stutter while it looks at every position.
const MOST_COUNTED = 200000;
const MOST_LINES = 240;
const MOST_LISTED = 6;
// Pixels that a finger may move before a layer goes with it, and within which a unit is found.
const DRAG_FROM = 6, REACH = 14;
// What stands in the address: the network, a unit that is followed, and whether to guess first.
const KEPT = ["network", "unit", "guess"];

// The network and how the address writes it

function notation(layers) {
  return layers.map(layerNotation).join("-");
}

function layerNotation({kernel, stride, dilation}) {
  return `${kernel}${stride > 1 ? `s${stride}` : ""}${dilation > 1 ? `d${dilation}` : ""}`;
}

// Returns the layers, or throws an Error whose message is a sentence for the reader.
function parse(text, limits) {
  const words = text === "" ? [] : text.split("-");
  if (words.length > limits.layers) {
    throw new Error(phrase("too_many", {layers: words.length, most: limits.layers}));
  }
  return words.map((word, place) => parseLayer(word, place, limits));
}

function parseLayer(word, place, limits) {
  const found = /^(\d+)(?:s(\d+))?(?:d(\d+))?$/i.exec(word);
  if (!found) {
    throw new Error(phrase("unread_layer", {layer: place + 1, word: word.slice(0, 20)}));
  }
  const layer = {};
  FIELDS.forEach((field, n) => { layer[field] = Number(found[n + 1] ?? 1); });
  const wrong = FIELDS.find((field) => !allows(limits[field], layer[field]));
  if (wrong) throw new Error(phrase("beyond", {layer: place + 1, name: phrase(wrong), value: layer[wrong], ...limits[wrong]}));
  return layer;
}

function allows({least, most}, value) {
  return Number.isInteger(value) && value >= least && value <= most;
}

// The mathematics

// sizes[l] is r_l: how many units of layer l the unit on top depends on; sizes[0] is the field.
function fieldSizes(layers) {
  const sizes = [1n];
  for (const {kernel, stride, dilation} of [...layers].reverse()) {
    sizes.unshift(BigInt(stride) * (sizes[0] - 1n) + BigInt(dilation) * BigInt(kernel - 1) + 1n);
  }
  return sizes;
}

// jumps[l]: how many inputs lie between neighbouring units of layer l.
function jumpSizes(layers) {
  const jumps = [1n];
  for (const {stride} of layers) jumps.push(jumps.at(-1) * BigInt(stride));
  return jumps;
}

// Which positions below are read by the marked units: a running count of the taps that meet
// each position, so that the cost does not grow with the kernel.
function readsBelow(units, {kernel, stride, dilation}, size) {
  const starts = new Uint8Array(size);
  units.forEach((unit, j) => { starts[stride * j] = unit; });
  const taps = new Uint32Array(size);
  for (let x = 0; x < size; x++) {
    const before = x >= dilation ? taps[x - dilation] : 0;
    const gone = x >= dilation * kernel ? starts[x - dilation * kernel] : 0;
    taps[x] = before + starts[x] - gone;
  }
  return Uint8Array.from(taps, (count) => count > 0);
}

// reads[l][j]: does unit j of layer l matter; null where a row is too wide to look at.
function readRows(layers, sizes) {
  const reads = new Array(sizes.length).fill(null);
  reads[layers.length] = Uint8Array.of(1);
  for (let l = layers.length - 1; l >= 0 && sizes[l] <= MOST_COUNTED; l--) {
    reads[l] = readsBelow(reads[l + 1], layers[l], Number(sizes[l]));
  }
  return reads;
}

// Which units of a row read a marked one below; only those that matter to the unit on top count.
function readersAbove(units, {kernel, stride, dilation}, above) {
  const first = units.indexOf(1), last = units.lastIndexOf(1);
  const from = Math.max(0, Math.ceil((first - dilation * (kernel - 1)) / stride));
  return above.map((matters, j) => {
    if (!matters || first < 0 || j < from || stride * j > last) return 0;
    for (let tap = 0; tap < kernel; tap++) if (units[stride * j + dilation * tap]) return 1;
    return 0;
  });
}

// Row by row, the units that unit j of row l reads, and those that read it; null where a row is
// too wide to look at.
function trailOf({layers, reads}, {l, j}) {
  const rows = new Array(reads.length).fill(null);
  rows[l] = reads[l].map((_, place) => (place === j ? 1 : 0));
  for (let row = l - 1; row >= 0 && reads[row]; row--) rows[row] = readsBelow(rows[row + 1], layers[row], reads[row].length);
  for (let row = l + 1; row < rows.length; row++) rows[row] = readersAbove(rows[row - 1], layers[row - 1], reads[row]);
  return rows;
}

function analyse(layers) {
  const sizes = fieldSizes(layers);
  const reads = readRows(layers, sizes);
  // Kernels without gaps that reach their neighbours leave no hole, however wide the field.
  const solid = layers.every(({kernel, stride, dilation}) => dilation === 1 && kernel >= stride);
  const counted = reads[0] && BigInt(reads[0].reduce((sum, read) => sum + read, 0));
  return {layers, sizes, jumps: jumpSizes(layers), reads, solid, read: solid ? sizes[0] : counted};
}

// Numbers in words

const raised = (number) => String(number).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
const lowered = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
const inputs = (n) => phrase("inputs", {n});
const layersOf = ({length}) => phrase("layers", {n: length});

function brief(number) {
  if (number < 10000000n) return exact(number);
  const digits = String(number);
  return `${inDecimals(`${digits[0]}.${digits.slice(1, 3)}`)} × 10${raised(digits.length - 1)}`;
}

// Rounded, yet a field with a hole never shows 100 %.
function percentage(part, whole) {
  const thousandths = Number((part * 100000n) / whole);
  if (thousandths < 100) return phrase("under", {share: inDecimals("0.1")});
  return part < whole ? inDecimals(String(Math.min(Math.round(thousandths / 100) / 10, 99.9))) : "100";
}

function shareInWords({read, sizes}, write) {
  if (read === null) return [phrase("not_counted"), ` ${phrase("over", {most: exact(MOST_COUNTED)})}`];
  return [phrase("part", {read: write(read), all: write(sizes[0])}), ` (${percentage(read, sizes[0])} %)`];
}

function resultInWords(field) {
  const {layers, sizes, jumps, read} = field;
  const share = read === null ? phrase("too_wide_to_count") : phrase("share_read", {share: shareInWords(field, brief)[0]});
  return phrase("result", {layers: layersOf(layers), inputs: inputs(brief(sizes[0])), stride: brief(jumps.at(-1)), share});
}

// What is followed, in words: positions are counted from 1

function rowName({layers}, l) {
  if (l === layers.length) return phrase("row_unit");
  return l ? phrase("row", {layer: l, notation: layerNotation(layers[l - 1])}) : phrase("row_input");
}

function unitName({layers, sizes}, {l, j}) {
  if (l === layers.length) return phrase("unit_on_top");
  return phrase(l ? "unit_of" : "input_of", {place: exact(j + 1), all: exact(sizes[l]), layer: l});
}

// Units behind a layer, or inputs where that is 0.
function placesInWords(marks, layer) {
  const n = marks.reduce((sum, mark) => sum + mark, 0), kind = layer ? "units" : "inputs";
  const first = exact(marks.indexOf(1) + 1), last = exact(marks.lastIndexOf(1) + 1);
  const isGapless = n > 2 && n === marks.lastIndexOf(1) - marks.indexOf(1) + 1;
  if (!isGapless && n > MOST_LISTED) return phrase(`some_${kind}`, {n: exact(n), first, last, layer});
  const listedPlaces = () => listed([...marks.keys()].filter((place) => marks[place]).map((place) => exact(place + 1)));
  return phrase(`these_${kind}`, {n, places: isGapless ? phrase("from_to", {first, last}) : listedPlaces(), layer});
}

function trailInWords(field, at, rows) {
  const {l} = at, depth = field.layers.length;
  const places = (row) => placesInWords(rows[row], row);
  const sentences = [];
  if (l > 1 && rows[0]) sentences.push(phrase("reads_through", {places: places(l - 1), inputs: places(0)}));
  else if (l > 0) sentences.push(rows[l - 1] ? phrase("reads", {places: places(l - 1)}) : phrase("reads_much"));
  if (l === depth - 1) sentences.push(phrase(rows[depth].includes(1) ? "read_on_top" : "not_read_on_top"));
  else if (l < depth) sentences.push(rows[depth].includes(1) ? phrase("read_by", {n: rows[l + 1].indexOf(1) === rows[l + 1].lastIndexOf(1) ? 1 : 2, places: places(l + 1)}) : phrase("read_by_nothing"));
  return [`${unitName(field, at)}.`, ...sentences].join(" ");
}

// Returns the row and the place that the address names, or throws a sentence for the reader.
function parseUnit(text, {reads}) {
  const [, row, place] = /^(\d+)\.(\d+)$/.exec(text) ?? [];
  const at = {l: Number(row), j: Number(place) - 1};
  if (!reads[at.l]?.hasOwnProperty(at.j)) throw new Error(phrase("unread_unit", {text: text.slice(0, 20)}));
  return at;
}

// The drawing: one row for each layer's units, the unit on top, the input at the bottom

function layOut(field, width, hidden) {
  const depth = field.layers.length;
  const labels = field.sizes.map((size, l) => `r${lowered(l)}${hidden ? "" : ` = ${brief(size)}`}`);
  const left = 12 + 7 * Math.max(...labels.map((label) => label.length));
  const right = 12 + 8.6 * Math.max(2, ...field.layers.map((layer) => layerNotation(layer).length));
  const room = Math.max(40, width - left - right), size = Number(field.sizes[0]);
  const pitch = Math.min(44, room / size), plot = pitch * size;
  const gap = Math.min(64, Math.max(19, 380 / Math.max(depth, 1)));
  return {field, depth, labels, pitch, gap, start: left + (room - plot) / 2, plot, hidden};
}

const rowY = ({depth, gap}, l) => 16 + (depth - l) * gap;
const spacing = ({field, pitch}, l) => Number(field.jumps[l]) * pitch;
const radius = (layout, l) => Math.min(7, Math.max(spacing(layout, l) * 0.4, l === layout.depth ? 4 : 1));

// Every row is centred: a unit stands over the middle of what it reads.
function unitX(layout, l, j) {
  const middle = layout.start + layout.plot / 2;
  return middle + (j - (Number(layout.field.sizes[l]) - 1) / 2) * spacing(layout, l);
}

// The units of a dense row are drawn as bars; the one on top is always a disc.
const isDense = (layout, l) => l < layout.depth && spacing(layout, l) < 5;

function extent(layout, l) {
  const reach = isDense(layout, l) ? spacing(layout, l) / 2 : radius(layout, l);
  return [unitX(layout, l, 0) - reach, unitX(layout, l, Number(layout.field.sizes[l]) - 1) + reach];
}

const at = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const box = (x, y, width, height) => `M${at(x, y)}h${width.toFixed(1)}v${height.toFixed(1)}h${(-width).toFixed(1)}z`;

function drawHull(svg, layout, l, selected) {
  const [a, b] = extent(layout, l), [c, d] = extent(layout, l - 1);
  const top = rowY(layout, l), bottom = rowY(layout, l - 1);
  make(svg, "path", {
    class: `rf-hull${l - 1 === selected ? " rf-on" : ""}`,
    d: `M${at(a, top)}L${at(b, top)}L${at(d, bottom)}L${at(c, bottom)}z`,
  });
}

// Lines from marked units to what they read below; to some of it alone where that is given.
function drawLines(svg, layout, l, units, below = null) {
  const {kernel, stride, dilation} = layout.field.layers[l - 1];
  if (!units || isDense(layout, l - 1) || units.length * kernel > MOST_LINES) return;
  let d = "";
  units.forEach((unit, j) => {
    for (let tap = 0; unit && tap < kernel; tap++) {
      if (!below || below[stride * j + dilation * tap]) d += `M${at(unitX(layout, l, j), rowY(layout, l))}L${at(unitX(layout, l - 1, stride * j + dilation * tap), rowY(layout, l - 1))}`;
    }
  });
  make(svg, "path", {class: "rf-lines", d});
}

function drawRow(svg, layout, l) {
  const reads = layout.field.reads[l];
  if (!reads) drawUncounted(svg, layout, l);
  else if (isDense(layout, l)) drawBars(svg, layout, l, reads);
  else drawUnits(svg, layout, l, reads);
}

function drawUnits(svg, layout, l, reads) {
  const names = [l === layout.depth ? "rf-unit" : "rf-read", "rf-hole"];
  [reads, reads.map((read) => 1 - read)].forEach((marks, n) => {
    if (marks.includes(1)) make(svg, "path", {class: names[n], d: discs(layout, l, marks)});
  });
}

function discs(layout, l, marks) {
  const y = rowY(layout, l), r = radius(layout, l);
  let d = "";
  marks.forEach((mark, j) => {
    if (mark) d += `M${at(unitX(layout, l, j) - r, y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  });
  return d;
}

function drawBars(svg, layout, l, reads) {
  const [start, end] = extent(layout, l), y = rowY(layout, l);
  if (!layout.field.solid) make(svg, "path", {class: "rf-hole", d: box(start, y - 5, end - start, 10)});
  make(svg, "path", {class: "rf-read", "stroke-width": 0, d: bars(layout, l, reads)});
}

// One bar for each column of pixels, as high as the share of its positions that is marked.
function bars(layout, l, marks) {
  const [start, end] = extent(layout, l), y = rowY(layout, l), step = spacing(layout, l);
  const count = Math.min(marks.length, Math.ceil(end - start)), width = (end - start) / count;
  // Bars of one position each are set apart while there is room for a gap.
  const drawn = count === marks.length && step > 2 ? width * 0.7 : width;
  let d = "";
  for (let n = 0; n < count; n++) {
    const from = Math.floor((n * marks.length) / count), to = Math.floor(((n + 1) * marks.length) / count);
    let sum = 0;
    for (let j = from; j < to; j++) sum += marks[j];
    const height = Math.max(2, (8 * sum) / (to - from));
    if (sum) d += box(start + n * width + (width - drawn) / 2, y + 4 - height, drawn, height);
  }
  return d;
}

function drawUncounted(svg, layout, l) {
  const [start, end] = extent(layout, l);
  const name = layout.field.solid ? "rf-read" : "rf-outline";
  make(svg, "path", {class: name, d: box(start, rowY(layout, l) - 4, Math.max(end - start, 1), 8)});
}

function drawLabels(svg, layout, selected) {
  layout.labels.forEach((label, l) => {
    make(svg, "text", {x: layout.start - 10, y: rowY(layout, l) + 4.5, "text-anchor": "end"}, label);
  });
  const x = layout.start + layout.plot + 10;
  layout.field.layers.forEach((layer, l) => {
    const y = (rowY(layout, l) + rowY(layout, l + 1)) / 2 + 4.5;
    make(svg, "text", {x, y, class: l === selected ? "rf-on" : ""}, layerNotation(layer));
  });
}

function drawMeasure(svg, layout) {
  const [start, end] = extent(layout, 0), y = rowY(layout, 0) + 20;
  make(svg, "path", {class: "rf-measure", d: `M${at(start, y - 4)}v8M${at(start, y)}H${end.toFixed(1)}M${at(end, y - 4)}v8`});
  const label = layout.hidden ? "?" : inputs(brief(layout.field.sizes[0]));
  make(svg, "text", {x: (start + end) / 2, y: y + 18, "text-anchor": "middle"}, label);
}

function draw(svg, layout, selected, width) {
  const height = rowY(layout, 0) + 44, {field} = layout;
  svg.replaceChildren();
  for (const [key, value] of Object.entries({width, height, viewBox: `0 0 ${width} ${height}`})) svg.setAttribute(key, value);
  svg.setAttribute("aria-label", layout.hidden ? hiddenInWords(field) : drawingInWords(field));
  for (let l = layout.depth; l > 0; l--) drawHull(svg, layout, l, selected);
  for (let l = layout.depth; l > 0; l--) drawLines(svg, layout, l, field.reads[l]);
  for (let l = layout.depth; l >= 0; l--) drawRow(svg, layout, l);
  drawLabels(svg, layout, selected);
  drawMeasure(svg, layout);
}

// Over the drawing: a unit, what it reads below it, and what reads it above.
function drawTrail(svg, layout, {l, j}, rows) {
  const trail = make(svg, "g", {class: "rf-trail"});
  for (let row = layout.depth; row > 0; row--) {
    if (rows[row] && rows[row - 1]) drawLines(trail, layout, row, rows[row], row > l ? rows[row - 1] : null);
  }
  rows.forEach((marks, row) => {
    if (row === l || !marks?.includes(1)) return;
    const dense = isDense(layout, row), d = dense ? bars(layout, row, marks) : discs(layout, row, marks);
    make(trail, "path", {class: row < l ? "rf-below" : "rf-above", ...(dense && {"stroke-width": 0}), d});
  });
  const x = unitX(layout, l, j), y = rowY(layout, l), r = Math.max(3, radius(layout, l));
  make(trail, "circle", {class: "rf-chosen", cx: x.toFixed(1), cy: y.toFixed(1), r});
}

// The unit nearest to a point of the drawing, if there is one within reach.
function unitAt(layout, x, y) {
  const {depth, gap, field} = layout, l = depth - Math.round((y - rowY(layout, depth)) / gap), marks = field.reads[l];
  if (!marks || Math.abs(y - rowY(layout, l)) > REACH) return null;
  const j = Math.round((x - unitX(layout, l, 0)) / spacing(layout, l)), place = Math.min(Math.max(j, 0), marks.length - 1);
  return Math.abs(x - unitX(layout, l, place)) <= Math.max(REACH, spacing(layout, l) / 2) ? {l, j: place} : null;
}

function hiddenInWords({layers}) {
  return phrase("drawing_hidden", {layers: layersOf(layers)});
}

function drawingInWords({layers, sizes, read}) {
  const width = inputs(brief(sizes[0]));
  if (read === null) return phrase("drawing_outline", {inputs: width});
  const holes = sizes[0] - read;
  return phrase("drawing", {layers: layersOf(layers), inputs: width, n: brief(read), holes: holes ? phrase("holes", {holes: brief(holes)}) : ""});
}

function caption(layout) {
  if (layout.hidden) return "";
  if (layout.field.read === null) return phrase("caption_outline");
  const each = 1 / layout.pitch;
  if (each <= 1) return "";
  return phrase(layout.field.solid ? "caption_bars" : "caption_bars_and_holes", {inputs: exact(BigInt(Math.round(each)))});
}

// The recurrence with its numbers, from the unit to the input

function writeSteps(list, {layers, sizes, jumps}, selected) {
  list.replaceChildren();
  const depth = layers.length;
  make(list, "li", {}, phrase("unit_itself", {formula: `r${lowered(depth)} = 1`}));
  for (let l = depth; l > 0; l--) {
    const {kernel, stride, dilation} = layers[l - 1];
    const item = make(list, "li", {class: l - 1 === selected ? "rf-on" : ""}, `r${lowered(l - 1)} = ${stride} · (${exact(sizes[l])} − 1) + ${dilation} · (${kernel} − 1) + 1 = `);
    make(item, "b", {}, exact(sizes[l - 1]));
  }
  const strides = layers.map((_, l) => `s${lowered(l + 1)}`).join(" · ");
  const formula = `${depth > 4 ? "" : `${strides} = `}${layers.map((layer) => layer.stride).join(" · ")}${depth > 1 ? ` = ${exact(jumps[depth])}` : ""}`;
  if (depth) make(list, "li", {}, phrase("stride_formula", {formula}));
}

// One explorer

function mount(root, number) {
  const part = partsOf(root, "rf"), whenPaused = onPause();
  const steppers = FIELDS.map((field) => root.querySelector(`[data-rf-stepper="${field}"]`));
  const numberInputs = steppers.map((stepper) => stepper.querySelector("input"));
  const positions = root.querySelector('[data-rf-stepper="position"]'), position = positions.querySelector("input");
  const limits = {layers: Number(root.dataset.mostLayers)};
  FIELDS.forEach((field, n) => { limits[field] = {least: Number(numberInputs[n].min), most: Number(numberInputs[n].max)}; });

  let layers = parse(root.dataset.network, limits);
  let selected = layers.length - 1;
  let history = [], lastEdit = null, field = null, layout = null, drawnWidth = 0;
  // What is followed; held where it was clicked or chosen rather than pointed at.
  let followed = null, held = false;
  // The reader wants to guess, and has not asked for the numbers of this network yet.
  let guessing = false, hidden = false;
  let chipsShown = [];

  // Shows a change, and speaks of it and writes the address once the reader pauses.
  function change(next, place, {edit = null, keepAddress = false, remember = true, quiet = false, news = ""} = {}) {
    // Typing 12 passes through 1: edits of one number in a row are undone together.
    if (remember && !(edit && edit === lastEdit)) history.push([layers, selected]);
    lastEdit = edit;
    layers = next;
    selected = Math.min(Math.max(place, 0), layers.length - 1);
    hidden = guessing;
    followed = null;
    held = false;
    say("");
    show();
    settle(() => `${news} ${hidden ? phrase("hidden") : resultInWords(field)}`.trim(), {keepAddress, quiet});
  }

  function settle(sentence, {keepAddress = false, quiet = false} = {}) {
    whenPaused(() => {
      if (!keepAddress) writeAddress(fragment());
      if (!quiet) part("result").textContent = sentence();
    });
  }

  function fragment() {
    const unit = held && followed ? `${followed.l}.${followed.j + 1}` : null;
    return fragmentOf(KEPT, number, {network: notation(layers), unit, guess: guessing ? "first" : null});
  }

  function say(sentence) {
    part("message").textContent = sentence;
  }

  function show() {
    field = analyse(layers);
    showChips();
    showChoice();
    showNumbers();
    showHidden();
    showRows();
    select(selected);
  }

  function showHidden() {
    part("guessing").checked = guessing;
    part("ask").hidden = !hidden;
    part("numbers").hidden = part("answer").hidden = hidden;
  }

  function showChoice() {
    const list = part("preset"), text = notation(layers);
    list.value = [...list.options].some((option) => option.value === text) ? text : "own";
  }

  function showChips() {
    const chips = part("chips"), focused = chips.contains(document.activeElement);
    const before = new Map(chipsShown.map(({layer, label}) => [layer, label.getBoundingClientRect()]));
    chips.replaceChildren();
    if (!layers.length) make(chips, "span", {}, phrase("no_layer"));
    chipsShown = layers.map((layer, place) => ({layer, label: showChip(chips, layer, place)}));
    if (focused) chips.querySelectorAll("input")[selected]?.focus();
    if (!wantsStillness()) glide(before);
  }

  // Lets each layer that was there before come from its old place.
  function glide(before) {
    for (const {layer, label} of chipsShown) {
      const from = before.get(layer), to = label.getBoundingClientRect();
      if (!from || (from.x === to.x && from.y === to.y)) continue;
      label.animate([{translate: `${from.x - to.x}px ${from.y - to.y}px`}, {translate: "0 0"}], {duration: 160, easing: "ease-out"});
    }
  }

  function showChip(chips, layer, place) {
    const label = make(chips, "label");
    const radio = make(label, "input", {type: "radio", class: "lk-hidden", name: `rf-layer-${number}`, value: place});
    radio.addEventListener("change", () => { lastEdit = null; say(""); select(place); });
    const chip = make(label, "span");
    make(chip, "span", {class: "lk-hidden"}, `${phrase("layer", {layer: place + 1})}: `);
    chip.append(layerNotation(layer));
    makeDraggable(label, place);
    return label;
  }

  // A layer goes with mouse or finger, and takes the place of the one that it is let go over.
  function makeDraggable(label, place) {
    let start = null, target = place;
    const end = () => {
      start = null;
      label.style.translate = "";
      chipsShown.forEach((chip) => chip.label.classList.remove("rf-dragged", "rf-target"));
    };
    label.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      start = [event.clientX, event.clientY];
      target = place;
      // Else a quick mouse is over another layer before this one hears of it.
      label.setPointerCapture(event.pointerId);
    });
    label.addEventListener("pointermove", (event) => {
      if (!start) return;
      const x = event.clientX - start[0], y = event.clientY - start[1], isDragged = label.classList.contains("rf-dragged");
      if (!event.buttons) return end();
      if (!isDragged && Math.hypot(x, y) < DRAG_FROM) return;
      label.classList.add("rf-dragged");
      label.style.translate = `${x}px ${y}px`;
      target = placeUnder(event, place);
      chipsShown.forEach((chip, n) => chip.label.classList.toggle("rf-target", n === target && n !== place));
    });
    label.addEventListener("pointerup", () => {
      if (start && label.classList.contains("rf-dragged") && target !== place) moveTo(place, target);
      end();
    });
    label.addEventListener("pointercancel", end);
  }

  // Where a dragged layer would go: the place of the one whose middle is nearest, its own included.
  function placeUnder({clientX, clientY}, place) {
    const distances = chipsShown.map(({label}, n) => {
      const {x, y, width, height} = label.getBoundingClientRect();
      const [dx, dy] = n === place ? label.style.translate.split(" ").map(parseFloat) : [0, 0];
      return Math.hypot(clientX - x - width / 2 + dx, clientY - y - height / 2 + (dy || 0));
    });
    return distances.indexOf(Math.min(...distances));
  }

  function showNumbers() {
    part("size").textContent = inputs(exact(field.sizes[0]));
    part("stride").textContent = exact(field.jumps.at(-1));
    const [main, aside] = shareInWords(field, exact);
    part("share").textContent = main;
    make(part("share"), "span", {}, aside);
  }

  // What depends on the selected layer: the editor and the marks in drawing and recurrence.
  function select(place) {
    selected = place;
    const chosen = part("chips").querySelectorAll("input")[place];
    if (chosen) chosen.checked = true;
    showEditor();
    writeSteps(part("steps"), field, selected);
    redraw();
  }

  function showEditor() {
    const editor = part("editor"), layer = layers[selected];
    if (!layer && editor.contains(document.activeElement)) part("add").focus();
    editor.hidden = !layer;
    refuse(part("add"), layers.length === limits.layers);
    refuse(part("undo"), history.length === 0);
    if (!layer) return;
    part("title").textContent = phrase("layer_of", {layer: selected + 1, all: layers.length});
    FIELDS.forEach((name, n) => showStepper(n, layer[name], limits[name]));
    refuse(part("earlier"), selected === 0);
    refuse(part("later"), selected === layers.length - 1);
  }

  function showStepper(n, value, {least, most}) {
    const input = numberInputs[n], [less, more] = steppers[n].querySelectorAll("button");
    // A number being typed is left as it stands, "07" too.
    if (input.valueAsNumber !== value) input.value = value;
    input.removeAttribute("aria-invalid");
    refuse(less, value === least);
    refuse(more, value === most);
  }

  function redraw() {
    const width = Math.floor(part("figure").clientWidth);
    drawnWidth = width;
    if (!width) return;
    layout = layOut(field, width, hidden);
    draw(part("drawing"), layout, selected, width);
    part("drawing").classList.toggle("rf-hidden-numbers", hidden);
    part("caption").textContent = caption(layout);
    showFollowed();
  }

  // ---- Following a unit or an input

  function showRows() {
    const list = part("row");
    list.replaceChildren();
    field.reads.forEach((marks, l) => { if (marks) make(list, "option", {value: l}, rowName(field, l)); });
  }

  function showFollowed() {
    const svg = part("drawing"), l = followed?.l ?? Number(part("row").value), size = field.reads[l].length;
    svg.querySelector(".rf-trail")?.remove();
    svg.classList.toggle("rf-following", followed !== null);
    part("readers").style.visibility = followed ? "" : "hidden";
    part("row").value = l;
    position.value = followed ? followed.j + 1 : "";
    position.max = size;
    const [less, more] = positions.querySelectorAll("button");
    refuse(less, followed?.j === 0);
    refuse(more, followed?.j === size - 1);
    refuse(part("release"), !followed);
    part("followed").textContent = followedInWords();
    if (followed) drawTrail(svg, layout, followed, trailOf(field, followed));
  }

  function followedInWords() {
    if (!followed) return phrase("point");
    return trailInWords(field, followed, trailOf(field, followed));
  }

  // Says and writes down what is held; what is only pointed at passes in silence.
  function follow(next, {hold = true, quiet = false, keepAddress = false} = {}) {
    if (hidden) return;
    const changes = hold || held;
    followed = next;
    held = hold && next !== null;
    showFollowed();
    if (changes) settle(() => (followed ? followedInWords() : phrase("released")), {quiet, keepAddress});
  }

  function unitUnder({clientX, clientY}) {
    const {left, top} = part("drawing").getBoundingClientRect();
    return layout && unitAt(layout, clientX - left, clientY - top);
  }

  const same = (a, b) => a?.l === b?.l && a?.j === b?.j;

  function point(event) {
    if (held || event.pointerType !== "mouse") return;
    const found = unitUnder(event);
    if (!same(found, followed)) follow(found, {hold: false});
  }

  function click(event) {
    const found = unitUnder(event);
    follow(held && same(found, followed) ? null : found);
  }

  // The first press begins in the middle of the row.
  function stepPosition(by) {
    const l = Number(part("row").value), size = field.reads[l].length;
    if (!followed) return follow({l, j: (size - 1) >> 1});
    const j = followed.j + by;
    if (j < 0 || j >= size) return say(phrase(by < 0 ? "first_place" : "last_place"));
    say("");
    follow({l, j});
  }

  function typedPosition() {
    const l = Number(part("row").value), least = 1, most = field.reads[l].length, value = position.valueAsNumber;
    if (allows({least, most}, value)) {
      say("");
      if (value - 1 !== followed?.j || !held) follow({l, j: value - 1});
    } else if (position.value !== "" || position.validity.badInput) say(phrase("position_range", {most: exact(most)}));
  }

  // ---- Guessing first

  function setGuessing(on, options = {}) {
    guessing = hidden = on;
    if (on) { followed = null; held = false; }
    say("");
    show();
    settle(() => (on ? phrase("hidden") : resultInWords(field)), options);
  }

  function reveal(event) {
    event.preventDefault();
    const guess = part("guess").value, size = exact(field.sizes[0]);
    hidden = false;
    part("guess").value = "";
    show();
    part("guessing").focus();
    if (guess) say(phrase(guess === String(field.sizes[0]) ? "guessed" : "not_guessed", {guess, inputs: inputs(size)}));
    settle(() => resultInWords(field));
  }

  function setNumber(n, value) {
    const name = FIELDS[n];
    const next = layers.map((layer, place) => (place === selected ? {...layer, [name]: value} : layer));
    change(next, selected, {edit: `${name} ${selected}`, news: phrase("changed", {layer: selected + 1, name: phrase(name), value})});
  }

  function typed(n) {
    const input = numberInputs[n], value = input.valueAsNumber;
    if (allows(limits[FIELDS[n]], value)) return value === layers[selected][FIELDS[n]] ? accept(n) : setNumber(n, value);
    // An empty box is on the way to a number; it is spoken of once it is left.
    if (input.value === "" && !input.validity.badInput) return;
    say(refusedInWords(n));
    input.setAttribute("aria-invalid", "true");
  }

  function left(n) {
    const input = numberInputs[n];
    if (!allows(limits[FIELDS[n]], input.valueAsNumber)) say(refusedInWords(n));
    input.removeAttribute("aria-invalid");
    input.value = layers[selected][FIELDS[n]];
  }

  // The number that the layer has already: nothing changes but the complaint, which ends.
  function accept(n) {
    numberInputs[n].removeAttribute("aria-invalid");
    say("");
  }

  function refusedInWords(n) {
    const name = FIELDS[n], {least, most} = limits[name];
    const given = numberInputs[n].value === "" ? phrase("that") : numberInputs[n].value;
    return phrase("kept", {name: phrase(name), least, most, given, layer: selected + 1, value: layers[selected][name]});
  }

  function step(n, by) {
    const name = FIELDS[n], value = layers[selected][name] + by, {least, most} = limits[name];
    if (allows(limits[name], value)) setNumber(n, value);
    else say(phrase("range", {name: phrase(name), least, most}));
  }

  function add() {
    if (layers.length === limits.layers) return say(phrase("full", {most: limits.layers}));
    const place = selected + 1;
    change(layers.toSpliced(place, 0, {kernel: 3, stride: 1, dilation: 1}), place, {news: phrase("added", {layer: place + 1})});
  }

  function remove() {
    change(layers.toSpliced(selected, 1), selected, {news: phrase("removed", {layer: selected + 1})});
  }

  function move(by) {
    const place = selected + by;
    if (!layers[place]) return say(phrase(by < 0 ? "first_layer" : "last_layer"));
    moveTo(selected, place);
  }

  function moveTo(from, to) {
    change(layers.toSpliced(from, 1).toSpliced(to, 0, layers[from]), to, {news: phrase("moved", {layer: to + 1})});
  }

  function undo() {
    if (!history.length) return say(phrase("nothing_to_undo"));
    const [before, place] = history.pop();
    change(before, place, {remember: false, news: phrase("undone")});
  }

  function choose() {
    const list = part("preset"), name = list.selectedOptions[0].text;
    const next = parse(list.value, limits);
    change(next, next.length - 1, {news: `${name}.`});
  }

  // Takes what the address says of this explorer; true where it says anything.
  function open(first) {
    const parts = readFragments(KEPT).filter((each) => each.number === number);
    const kept = Object.fromEntries(parts.map(({name, text}) => [name, text]));
    if (!parts.length) return false;
    const options = {keepAddress: true, quiet: first};
    if ("network" in kept && guessing !== "guess" in kept) setGuessing("guess" in kept, options);
    attempt("network", kept.network, notation(layers), (text) => {
      const next = parse(text, limits);
      change(next, next.length - 1, {...options, remember: !first});
    });
    attempt("unit", kept.unit, held ? `${followed.l}.${followed.j + 1}` : "", (text) => follow(parseUnit(text, field), options));
    return true;
  }

  function attempt(what, text, present, act) {
    if (text === undefined || text === present) return;
    try { act(text); } catch (problem) { say(`${phrase(`aside_${what}`)} ${problem.message}`); }
  }

  part("fallback").remove();
  part("live").hidden = false;
  part("preset").addEventListener("change", choose);
  Object.entries({undo, copy: async () => say(await copyLink(fragment(), root)), add, remove, earlier: () => move(-1), later: () => move(1), release: () => follow(null)}).forEach(
    ([name, act]) => part(name).addEventListener("click", act));
  steppers.forEach((stepper, n) => {
    stepper.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => step(n, Number(button.dataset.by))));
    numberInputs[n].addEventListener("input", () => typed(n));
    numberInputs[n].addEventListener("change", () => left(n));
  });
  part("drawing").addEventListener("pointermove", point);
  part("drawing").addEventListener("pointerleave", () => { if (followed && !held) follow(null, {hold: false}); });
  part("drawing").addEventListener("click", click);
  part("row").addEventListener("change", () => { const l = Number(part("row").value); follow({l, j: (field.reads[l].length - 1) >> 1}); });
  positions.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => stepPosition(Number(button.dataset.by))));
  position.addEventListener("input", typedPosition);
  position.addEventListener("change", showFollowed);
  part("guessing").addEventListener("change", () => setGuessing(part("guessing").checked));
  part("ask").addEventListener("submit", reveal);
  show();
  if (open(true)) bringIntoSight(root);
  window.addEventListener("hashchange", () => open(false));
  new ResizeObserver(() => { if (Math.floor(part("figure").clientWidth) !== drawnWidth) redraw(); }).observe(part("figure"));
}

mountEach(".rf-explorer", mount);
