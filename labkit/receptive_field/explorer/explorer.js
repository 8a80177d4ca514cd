(() => {
"use strict";

const FIELDS = ["kernel", "stride", "dilation"];
// Beyond this a page would stutter while it looks at every position.
const MOST_COUNTED = 200000;
const MOST_LINES = 240;
const PAUSE = 250;

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
    throw new Error(`${words.length} layers are too many: the explorer takes up to ${limits.layers}.`);
  }
  return words.map((word, place) => parseLayer(word, place, limits));
}

function parseLayer(word, place, limits) {
  const found = /^(\d+)(?:s(\d+))?(?:d(\d+))?$/i.exec(word);
  if (!found) {
    throw new Error(`Layer ${place + 1} is written “${word.slice(0, 20)}”, which cannot be read: write the kernel, then s and the stride, then d and the dilation, as in 3s2d1.`);
  }
  const layer = {};
  FIELDS.forEach((field, n) => { layer[field] = Number(found[n + 1] ?? 1); });
  const wrong = FIELDS.find((field) => !allows(limits[field], layer[field]));
  if (wrong) throw new Error(`Layer ${place + 1} has ${refusal(wrong, layer[wrong], limits)}`);
  return layer;
}

function allows({least, most}, value) {
  return Number.isInteger(value) && value >= least && value <= most;
}

function refusal(field, value, limits) {
  const {least, most} = limits[field];
  return `${field} ${value}, but a ${field} is a whole number from ${least} to ${most}.`;
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

function analyse(layers) {
  const sizes = fieldSizes(layers);
  const reads = readRows(layers, sizes);
  // Kernels without gaps that reach their neighbours leave no hole, however wide the field.
  const solid = layers.every(({kernel, stride, dilation}) => dilation === 1 && kernel >= stride);
  const counted = reads[0] && BigInt(reads[0].reduce((sum, read) => sum + read, 0));
  return {layers, sizes, jumps: jumpSizes(layers), reads, solid, read: solid ? sizes[0] : counted};
}

// Numbers in words

const exact = (number) => number.toLocaleString("en-GB");
const raised = (number) => String(number).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
const lowered = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
const plural = (number, noun) => `${number} ${noun}${String(number) === "1" ? "" : "s"}`;
const inputs = (number) => plural(number, "input");

function brief(number) {
  if (number < 10000000n) return exact(number);
  const digits = String(number);
  return `${digits[0]}.${digits.slice(1, 3)} × 10${raised(digits.length - 1)}`;
}

// Rounded, yet a field with a hole never shows 100 %.
function percentage(part, whole) {
  const thousandths = Number((part * 100000n) / whole);
  if (thousandths < 100) return "under 0.1";
  return part < whole ? Math.min(Math.round(thousandths / 100) / 10, 99.9) : 100;
}

function shareInWords({read, sizes}, write) {
  if (read === null) return ["not counted", ` over ${exact(MOST_COUNTED)} positions`];
  return [`${write(read)} of ${write(sizes[0])}`, ` (${percentage(read, sizes[0])} %)`];
}

function resultInWords(field) {
  const {layers, sizes, jumps, read} = field;
  const share = read === null ? "it is too wide to count the inputs read" : `${shareInWords(field, brief)[0]} inputs are read`;
  return `${plural(layers.length, "layer")}: the receptive field is ${inputs(brief(sizes[0]))} wide, the effective stride is ${brief(jumps.at(-1))}, and ${share}.`;
}

// Elements

function make(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS(parent.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

// The drawing: one row for each layer's units, the unit on top, the input at the bottom

function layOut(field, width) {
  const depth = field.layers.length;
  const labels = field.sizes.map((size, l) => `r${lowered(l)} = ${brief(size)}`);
  const left = 12 + 7 * Math.max(...labels.map((label) => label.length));
  const right = 12 + 8.6 * Math.max(2, ...field.layers.map((layer) => layerNotation(layer).length));
  const room = Math.max(40, width - left - right), size = Number(field.sizes[0]);
  const pitch = Math.min(44, room / size), plot = pitch * size;
  const gap = Math.min(64, Math.max(19, 380 / Math.max(depth, 1)));
  return {field, depth, labels, pitch, gap, start: left + (room - plot) / 2, plot};
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

function drawLines(svg, layout, l) {
  const {kernel, stride, dilation} = layout.field.layers[l - 1], units = layout.field.reads[l];
  if (!units || isDense(layout, l - 1) || units.length * kernel > MOST_LINES) return;
  let d = "";
  units.forEach((unit, j) => {
    for (let tap = 0; unit && tap < kernel; tap++) {
      d += `M${at(unitX(layout, l, j), rowY(layout, l))}L${at(unitX(layout, l - 1, stride * j + dilation * tap), rowY(layout, l - 1))}`;
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
  const y = rowY(layout, l), r = radius(layout, l), paths = ["", ""];
  reads.forEach((read, j) => {
    paths[read] += `M${at(unitX(layout, l, j) - r, y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  });
  if (paths[0]) make(svg, "path", {class: "rf-hole", d: paths[0]});
  make(svg, "path", {class: l === layout.depth ? "rf-unit" : "rf-read", d: paths[1]});
}

// One bar for each column of pixels, as high as the share of its positions that is read.
function drawBars(svg, layout, l, reads) {
  const [start, end] = extent(layout, l), y = rowY(layout, l), step = spacing(layout, l);
  const bars = Math.min(reads.length, Math.ceil(end - start)), width = (end - start) / bars;
  // Bars of one position each are set apart while there is room for a gap.
  const drawn = bars === reads.length && step > 2 ? width * 0.7 : width;
  let d = "";
  for (let n = 0; n < bars; n++) {
    const from = Math.floor((n * reads.length) / bars), to = Math.floor(((n + 1) * reads.length) / bars);
    let read = 0;
    for (let j = from; j < to; j++) read += reads[j];
    const height = Math.max(2, (8 * read) / (to - from));
    if (read) d += box(start + n * width + (width - drawn) / 2, y + 4 - height, drawn, height);
  }
  if (!layout.field.solid) make(svg, "path", {class: "rf-hole", d: box(start, y - 5, end - start, 10)});
  make(svg, "path", {class: "rf-read", "stroke-width": 0, d});
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
  const label = inputs(brief(layout.field.sizes[0]));
  make(svg, "text", {x: (start + end) / 2, y: y + 18, "text-anchor": "middle"}, label);
}

function draw(svg, field, selected, width) {
  const layout = layOut(field, width), height = rowY(layout, 0) + 44;
  svg.replaceChildren();
  for (const [key, value] of Object.entries({width, height, viewBox: `0 0 ${width} ${height}`})) svg.setAttribute(key, value);
  svg.setAttribute("aria-label", drawingInWords(field));
  for (let l = layout.depth; l > 0; l--) drawHull(svg, layout, l, selected);
  for (let l = layout.depth; l > 0; l--) drawLines(svg, layout, l);
  for (let l = layout.depth; l >= 0; l--) drawRow(svg, layout, l);
  drawLabels(svg, layout, selected);
  drawMeasure(svg, layout);
  return caption(layout);
}

function drawingInWords({layers, sizes, read}) {
  const width = inputs(brief(sizes[0]));
  if (read === null) return `Drawing: one unit at the top and the outline of its field, ${width} wide, at the bottom; it is too wide to show which inputs are read.`;
  const holes = sizes[0] - read;
  return `Drawing: ${plural(layers.length, "layer")} from one unit at the top to its field of ${width} at the bottom, of which ${brief(read)} ${read === 1n ? "is" : "are"} read${holes ? ` and ${brief(holes)} left out as holes` : ""}.`;
}

function caption(layout) {
  if (layout.field.read === null) return "— too wide to draw what is read: the dashed outline shows the size alone.";
  const each = 1 / layout.pitch;
  if (each <= 1) return "";
  return `— too wide to draw each input: a bar stands for about ${exact(BigInt(Math.round(Math.max(each, 1))))}${layout.field.solid ? "." : ", its height for the share read."}`;
}

// The recurrence with its numbers, from the unit to the input

function writeSteps(list, {layers, sizes, jumps}, selected) {
  list.replaceChildren();
  const depth = layers.length;
  make(list, "li", {}, `The unit itself: r${lowered(depth)} = 1`);
  for (let l = depth; l > 0; l--) {
    const {kernel, stride, dilation} = layers[l - 1];
    const item = make(list, "li", {class: l - 1 === selected ? "rf-on" : ""}, `r${lowered(l - 1)} = ${stride} · (${exact(sizes[l])} − 1) + ${dilation} · (${kernel} − 1) + 1 = `);
    make(item, "b", {}, exact(sizes[l - 1]));
  }
  const strides = layers.map((_, l) => `s${lowered(l + 1)}`).join(" · ");
  if (depth) make(list, "li", {}, `Effective stride: ${depth > 4 ? "" : `${strides} = `}${layers.map((layer) => layer.stride).join(" · ")}${depth > 1 ? ` = ${exact(jumps[depth])}` : ""}`);
}

// The address of the page

// Inside a frame or a notebook's own page the address belongs to someone else.
const ownsAddress = () => window.top === window && !("jpThemeLight" in document.body.dataset);

const fragments = () => location.hash.slice(1).split("&").filter((part) => /^network(-\d+)?=/i.test(part));

function readAddress(key) {
  const part = fragments().find((text) => text.toLowerCase().startsWith(`${key}=`));
  return part === undefined ? null : decode(part.slice(key.length + 1));
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

// Explorers further down the page keep what they have written there.
function fragmentWith(key, text) {
  const others = ownsAddress() ? fragments().filter((part) => !part.toLowerCase().startsWith(`${key}=`)) : [];
  const byKey = (a, b) => (a.split("=")[0] < b.split("=")[0] ? -1 : 1);
  return `#${[`${key}=${text}`, ...others].sort(byKey).join("&")}`;
}

function writeAddress(key, text) {
  if (!ownsAddress()) return;
  // A browser may refuse, in a sandbox or after too many changes; the explorer works without.
  try { history.replaceState(history.state, "", fragmentWith(key, text)); } catch { /* as it was */ }
}

// Frames are refused the clipboard, and the browser complains of the attempt.
async function copy(text, root) {
  if (!ownsAddress()) return copyBySelection(text, root);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, root);
  }
}

function copyBySelection(text, root) {
  const focused = document.activeElement;
  const area = make(root, "textarea", {class: "rf-hidden", "aria-hidden": "true"}, text);
  area.select();
  let copied = false;
  try { copied = document.execCommand("copy"); } catch { /* the link is shown instead */ }
  area.remove();
  focused?.focus();
  return copied;
}

// One explorer

function mount(root, number) {
  const part = (name) => root.querySelector(`[data-rf="${name}"]`);
  const steppers = FIELDS.map((field) => root.querySelector(`[data-rf-stepper="${field}"]`));
  const numberInputs = steppers.map((stepper) => stepper.querySelector("input"));
  const key = number ? `network-${number + 1}` : "network";
  const limits = {layers: Number(root.dataset.mostLayers)};
  FIELDS.forEach((field, n) => { limits[field] = {least: Number(numberInputs[n].min), most: Number(numberInputs[n].max)}; });

  let layers = parse(root.dataset.network, limits);
  let selected = layers.length - 1;
  let history = [], lastEdit = null, field = null, drawnWidth = 0, pause = 0;

  // Shows a change, and speaks of it and writes the address once the reader pauses.
  function change(next, place, {edit = null, keepAddress = false, remember = true, quiet = false, news = ""} = {}) {
    // Typing 12 passes through 1: edits of one number in a row are undone together.
    if (remember && !(edit && edit === lastEdit)) history.push([layers, selected]);
    lastEdit = edit;
    layers = next;
    selected = Math.min(Math.max(place, 0), layers.length - 1);
    say("");
    show();
    clearTimeout(pause);
    pause = setTimeout(() => {
      if (!keepAddress) writeAddress(key, notation(layers));
      if (!quiet) part("result").textContent = `${news}${resultInWords(field)}`;
    }, PAUSE);
  }

  function say(sentence) {
    part("message").textContent = sentence;
  }

  function show() {
    field = analyse(layers);
    showChips();
    showChoice();
    showNumbers();
    select(selected);
  }

  function showChoice() {
    const list = part("preset"), text = notation(layers);
    list.value = [...list.options].some((option) => option.value === text) ? text : "own";
  }

  function showChips() {
    const chips = part("chips"), focused = chips.contains(document.activeElement);
    chips.replaceChildren();
    if (!layers.length) make(chips, "span", {}, "None: the unit is the input itself.");
    layers.forEach((layer, place) => {
      showChip(chips, layer, place);
    });
    if (focused) chips.querySelectorAll("input")[selected]?.focus();
  }

  function showChip(chips, layer, place) {
    const label = make(chips, "label");
    const radio = make(label, "input", {type: "radio", class: "rf-hidden", name: `rf-layer-${number}`, value: place});
    radio.addEventListener("change", () => { lastEdit = null; say(""); select(place); });
    const chip = make(label, "span");
    make(chip, "span", {class: "rf-hidden"}, `Layer ${place + 1}: `);
    chip.append(layerNotation(layer));
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
    part("title").textContent = `Layer ${selected + 1} of ${layers.length}`;
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

  // Not "disabled", which would take the focus away from under a reader's finger.
  function refuse(button, refused) {
    button.setAttribute("aria-disabled", refused);
  }

  function redraw() {
    const width = Math.floor(part("figure").clientWidth);
    drawnWidth = width;
    if (width) part("caption").textContent = draw(part("drawing"), field, selected, width);
  }

  function setNumber(n, value) {
    const name = FIELDS[n];
    const next = layers.map((layer, place) => (place === selected ? {...layer, [name]: value} : layer));
    change(next, selected, {edit: `${name} ${selected}`, news: `Layer ${selected + 1}, ${name} ${value}. `});
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
    const given = numberInputs[n].value === "" ? "that" : numberInputs[n].value;
    return `A ${name} is a whole number from ${least} to ${most}; ${given} is not, so layer ${selected + 1} keeps ${name} ${layers[selected][name]}.`;
  }

  function step(n, by) {
    const name = FIELDS[n], value = layers[selected][name] + by, {least, most} = limits[name];
    if (allows(limits[name], value)) setNumber(n, value);
    else say(`A ${name} is a whole number from ${least} to ${most}.`);
  }

  function add() {
    if (layers.length === limits.layers) return say(`The explorer takes up to ${limits.layers} layers: remove one first.`);
    const place = selected + 1;
    change(layers.toSpliced(place, 0, {kernel: 3, stride: 1, dilation: 1}), place, {news: `Layer ${place + 1} added. `});
  }

  function remove() {
    change(layers.toSpliced(selected, 1), selected, {news: `Layer ${selected + 1} removed. `});
  }

  function move(by) {
    const place = selected + by;
    if (!layers[place]) return say(by < 0 ? "This is the first layer already." : "This is the last layer already.");
    const others = layers.toSpliced(selected, 1);
    change(others.toSpliced(place, 0, layers[selected]), place, {news: `Now layer ${place + 1}. `});
  }

  function undo() {
    if (!history.length) return say("There is nothing to undo.");
    const [before, place] = history.pop();
    change(before, place, {remember: false, news: "Undone. "});
  }

  function choose() {
    const list = part("preset"), name = list.selectedOptions[0].text;
    const next = parse(list.value, limits);
    change(next, next.length - 1, {news: `${name}. `});
  }

  // Takes the network from the address, if one stands there; true then.
  function open(first) {
    const text = ownsAddress() ? readAddress(key) : null;
    if (text === null || text === notation(layers)) return text !== null;
    try {
      const next = parse(text, limits);
      change(next, next.length - 1, {keepAddress: true, remember: !first, quiet: first});
    } catch (problem) {
      say(`The network in the page's address was left aside. ${problem.message}`);
    }
    return true;
  }

  async function copyLink() {
    const fragment = fragmentWith(key, notation(layers));
    const link = ownsAddress() ? location.href.replace(/#.*|$/, fragment) : fragment;
    const where = ownsAddress() ? "" : ` ${link}: put it behind the address of the book's explorer page`;
    say(await copy(link, root) ? `Copied${where || " the link to this network"}.` : `The browser does not let the page copy; the link is ${link}`);
  }

  part("fallback").remove();
  part("live").hidden = false;
  part("preset").addEventListener("change", choose);
  Object.entries({undo, copy: copyLink, add, remove, earlier: () => move(-1), later: () => move(1)}).forEach(
    ([name, act]) => part(name).addEventListener("click", act));
  steppers.forEach((stepper, n) => {
    stepper.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => step(n, Number(button.dataset.by))));
    numberInputs[n].addEventListener("input", () => typed(n));
    numberInputs[n].addEventListener("change", () => left(n));
  });
  show();
  if (open(true) && root.getBoundingClientRect().top > innerHeight) root.scrollIntoView();
  window.addEventListener("hashchange", () => open(false));
  new ResizeObserver(() => { if (Math.floor(part("figure").clientWidth) !== drawnWidth) redraw(); }).observe(part("figure"));
}

// Every explorer that has no script running yet; a notebook may run this more than once.
document.querySelectorAll(".rf-explorer").forEach((root, number) => {
  if (root.dataset.running) return;
  root.dataset.running = "yes";
  mount(root, number);
});
})();
