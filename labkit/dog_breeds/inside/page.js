// What the pages that ask networks about dogs share beyond what all pages do: the worker, the dogs.

const UNIT = "#d55e00";

// ---- Words and numbers

const minus = (text) => text.replace("-", "−");
const percent = (share) => inDecimals((100 * share).toFixed(1));
const breedOf = (scores) => scores.indexOf(Math.max(...scores));
const withArticle = (breed) => phrase(/^[aeiou]/i.test(breed) ? "an" : "a", {breed});
const dashed = (name) => name.replace(/ /g, "-");

// ---- Elements

// Radio buttons of one name exclude each other, even those of two pages in one page.
function groupIn({dataset}, name) {
  dataset.number ??= window.networkPages = (window.networkPages ?? 0) + 1;
  return dataset.number === "1" ? name : `${name}-${dataset.number}`;
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// A canvas with one pixel for each place; colour returns red, green, blue and alpha up to 255.
function painted(width, height, colour) {
  const canvas = canvasOf(width, height), image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) image.data.set(colour(at), 4 * at);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// ---- The worker: what it does is asked for by messages, and answered by others

function serve(engine, networks, reply) {
  let pixels = null, answers = [], mapping = 0;
  const pause = () => new Promise((resolve) => setTimeout(resolve));
  const tasks = {
    // The scores alone, of one network.
    score({id, network, picture}) {
      reply({task: "score", id, network, scores: engine.forwards(networks[network], picture).at(-1)});
    },
    // The chosen network first, so that its maps are there at once.
    look({id, picture, first}) {
      mapping += 1;
      pixels = picture;
      answers = [];
      const order = [first, ...networks.keys()].filter((n, place, all) => all.indexOf(n) === place);
      order.forEach((n, place) => {
        answers[n] = engine.forwards(networks[n], pixels);
        reply({task: "look", id, network: n, values: answers[n], last: place === order.length - 1});
      });
    },
    slopes({id, network, layer, unit}) {
      reply({task: "slopes", id, slopes: engine.gradient(networks[network], answers[network], layer, unit, pixels)});
    },
    // Goes on in pieces, and ends unheard where a later picture or map was asked for.
    async covering({id, network, breed}) {
      const turn = ++mapping, squares = engine.occlusion(networks[network], pixels, breed);
      let step = squares.next();
      while (!step.done) {
        reply({task: "covering", id, share: step.value});
        await pause();
        if (turn !== mapping) return;
        step = squares.next();
      }
      reply({task: "covering", id, share: 1, costs: step.value});
    },
  };
  return (message) => tasks[message.task](message);
}

// Returns a function that sends a message to the worker, or, where a page may have none, to itself.
function startServing(engine, networks, receive) {
  const source = `const engine = (${networkEngine})(); let handle; onmessage = ({data}) => { if (data.networks) handle = (${serve})(engine, data.networks, (message) => postMessage(message)); else handle(data); };`;
  const bare = networks.map(({layers, input_shape}) => ({layers, input_shape}));
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    worker.onmessage = ({data}) => receive(data);
    worker.postMessage({networks: bare});
    return (message) => worker.postMessage(message);
  } catch {
    const handle = serve(engine, bare, receive);
    return (message) => setTimeout(() => handle(message));
  }
}

// While one request is answered, only the newest of the others waits.
function oneAtATime(send) {
  let busy = false, waiting = null;
  return {
    ask(message) {
      if (busy) waiting = message;
      else { busy = true; send(message); }
    },
    answered() {
      busy = waiting !== null;
      if (busy) send(waiting);
      waiting = null;
    },
  };
}

// ---- What a page carries

async function read(part, engine) {
  const data = JSON.parse(part("data").textContent);
  return {data, networks: engine.withWeights(data, await engine.unpack(part("weights").textContent))};
}

// Shows the live part in place of the still picture, which a printed book shows in its turn.
function begin(part, data) {
  part("rounding").textContent = phrase("rounding", {points: percent(Math.max(data.rounding, 0.0005))});
  part("fallback").hidden = true;
  part("live").hidden = false;
}

// ---- The dogs to choose from, and a picture of the reader's own

// Colours from 0 to 1, row by row.
function pixelsOf(image, [height, width]) {
  const context = canvasOf(width, height).getContext("2d", {willReadFrequently: true});
  context.imageSmoothingQuality = "high";
  // What a picture lets through is as white as viewers of pictures show it.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  const {data: found} = context.getImageData(0, 0, width, height);
  return Float32Array.from({length: width * height * 3}, (_, n) => found[4 * Math.floor(n / 3) + (n % 3)] / 255);
}

async function imageOf(picture) {
  const image = new Image();
  image.src = `data:image/webp;base64,${picture}`;
  await image.decode();
  return image;
}

// Calls take(pixels, n) for the dog chosen last, with null for n where it is the reader's own.
function picturesToChoose(root, data, sides, take, say) {
  const part = partsOf(root, "in"), images = [], name = groupIn(root, "in-dog");
  let asked = 0;
  const inputs = data.dogs.map(({picture}, n) => {
    const label = make(part("dogs"), "label"), input = make(label, "input", {type: "radio", class: "lk-hidden", name, value: n});
    images.push(make(label, "img", {src: `data:image/webp;base64,${picture}`, width: 48, height: 48, alt: ""}));
    make(label, "span", {"aria-hidden": "true"});
    input.addEventListener("change", () => open(n));
    return input;
  });
  const choose = (n) => inputs.forEach((input, place) => { input.checked = place === n; });

  async function open(n) {
    const turn = ++asked, image = await imageOf(data.dogs[n].picture);
    if (turn !== asked) return;
    choose(n);
    take(pixelsOf(image, sides), n);
  }

  async function openOwn(file) {
    if (!file) return;
    const turn = ++asked;
    let image;
    try {
      image = await createImageBitmap(file);
    } catch {
      return say(phrase("no_picture", {file: file.name}));
    }
    if (turn === asked) show(image, phrase("own_shown", {file: file.name, width: sides[1], height: sides[0]}));
  }

  // Shows a picture that is none of the dogs.
  function show(image, sentence) {
    asked += 1;
    choose(null);
    take(pixelsOf(image, sides), null);
    say(sentence);
  }

  // Shows which dogs a network names rightly.
  function mark({name, scores}) {
    const right = data.dogs.map(({breed}, n) => breedOf(scores[n]) === breed);
    images.forEach((image, n) => {
      image.alt = phrase(right[n] ? "recognised" : "not_recognised", {dog: n, breed: withArticle(data.breeds[data.dogs[n].breed])});
      image.nextSibling.textContent = right[n] ? "✓" : "✗";
    });
    part("right").textContent = phrase("right", {network: name, right: right.filter(Boolean).length, all: right.length});
  }

  part("own").addEventListener("change", () => {
    openOwn(part("own").files[0]);
    // So that the same file can be chosen again, after a dog.
    part("own").value = "";
  });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => { event.preventDefault(); openOwn(event.dataTransfer.files[0]); });
  return {open, show, mark};
}

// ---- The address

// Copies a link to what is shown, which can name a dog of the list and nothing else.
const linkTo = (dog, fragment, root) => (dog === null ? phrase("no_link") : copyLink(fragment, root));

// What stands in the address behind a key, if the page is asked.
const readAddress = (key) => (ownsAddress() && location.hash.startsWith(`#${key}=`) ? location.hash.slice(key.length + 2) : undefined);

function wholeNumber(what, written, count) {
  if (!/^\d+$/.test(written) || Number(written) >= count) throw new Error(phrase("no_number", {what: phrase(`the_${what}`), most: count - 1, written: String(written).slice(0, 10)}));
  return Number(written);
}
