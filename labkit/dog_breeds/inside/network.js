// A small convolutional network, forwards and backwards, in typed arrays. Values stand as Keras has
// them: row by row, channels last. The page and its worker each call this once.
function networkEngine() {
"use strict";

// Covering squares are a sixth of the picture wide and overlap by half, as in labkit.occlusion_map.
const SQUARES = 6;

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
const spatial = (shape) => (shape.length === 3 ? shape : [1, 1, shape[0]]);

// ---- What the page carries

// The digits of Python's base64.b85encode, with a comma in place of what might end an element.
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";

// Five digits are four bytes; the last group may be shorter, as if filled with the last digit.
function bytesOf(text) {
  const values = new Uint8Array(128), groups = Math.ceil(text.length / 5), view = new DataView(new ArrayBuffer(4 * groups));
  for (let n = 0; n < DIGITS.length; n++) values[DIGITS.charCodeAt(n)] = n;
  for (let group = 0; group < groups; group++) {
    let number = 0;
    for (let at = 5 * group; at < 5 * group + 5; at++) number = 85 * number + (at < text.length ? values[text.charCodeAt(at)] : 84);
    view.setUint32(4 * group, number);
  }
  return new Uint8Array(view.buffer, 0, Math.floor((text.length * 4) / 5));
}

async function unpack(text) {
  const zipped = bytesOf(text);
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Puts the packed weights into the description's layers, and returns its networks. Each tensor is a
// whole number of steps for each weight; the low bytes come first, then the high ones.
function withWeights(description, bytes) {
  let from = 0;
  for (const network of description.networks) {
    const base = description.networks.find(({name}) => name === network.differs_from);
    const reference = base ? tensorsOf(base) : [];
    const take = (count, step, other) => {
      const values = new Float32Array(count);
      for (let n = 0; n < count; n++) {
        const steps = bytes[from + n] + 256 * bytes[from + count + n] - network.zero;
        values[n] = (other?.[n] ?? 0) + step * steps;
      }
      from += 2 * count;
      return values;
    };
    const weighted = network.layers.filter(({weight_shape}) => weight_shape);
    weighted.forEach((layer, n) => {
      layer.weights = take(product(layer.weight_shape), network.steps[2 * n], reference[2 * n]);
      layer.bias = take(layer.weight_shape.at(-1), network.steps[2 * n + 1], reference[2 * n + 1]);
    });
  }
  return description.networks;
}

const tensorsOf = ({layers}) => layers.flatMap(({weights, bias}) => (weights ? [weights, bias] : []));

// ---- Forwards: each takes a layer, the values before it and their shape

function rescale({scale, offset}, input) {
  return input.map((value) => value * scale + offset);
}

// The values of each place that are not zero, which behind a ReLU is about half of them, with their
// channels; those of place p stand from starts[p] on.
function withoutZeros(input, channels) {
  const values = new Float64Array(input.length), which = new Uint16Array(input.length);
  const starts = new Uint32Array(input.length / channels + 1);
  let count = 0;
  for (let place = 0, at = 0; at < input.length; place++) {
    for (let channel = 0; channel < channels; channel++, at++) {
      values[count] = input[at];
      which[count] = channel;
      if (input[at] !== 0) count += 1;
    }
    starts[place + 1] = count;
  }
  return {values, which, starts};
}

// For each output its bias and, of what the unit reads, the sum of value times weight; eight outputs
// at a time, so that their sums need not go to memory and back for each value.
function addUp(result, at, bias, weights, read, from, count) {
  const outputs = bias.length, whole = outputs - (outputs % 8);
  for (let o = 0; o < whole; o += 8) {
    let s0 = bias[o], s1 = bias[o + 1], s2 = bias[o + 2], s3 = bias[o + 3];
    let s4 = bias[o + 4], s5 = bias[o + 5], s6 = bias[o + 6], s7 = bias[o + 7];
    for (let n = 0; n < count; n++) {
      const value = read[n], w = from[n] + o;
      s0 += value * weights[w];
      s1 += value * weights[w + 1];
      s2 += value * weights[w + 2];
      s3 += value * weights[w + 3];
      s4 += value * weights[w + 4];
      s5 += value * weights[w + 5];
      s6 += value * weights[w + 6];
      s7 += value * weights[w + 7];
    }
    result[at + o] = s0;
    result[at + o + 1] = s1;
    result[at + o + 2] = s2;
    result[at + o + 3] = s3;
    result[at + o + 4] = s4;
    result[at + o + 5] = s5;
    result[at + o + 6] = s6;
    result[at + o + 7] = s7;
  }
  for (let o = whole; o < outputs; o++) {
    let sum = bias[o];
    for (let n = 0; n < count; n++) sum += read[n] * weights[from[n] + o];
    result[at + o] = sum;
  }
}

function convolve({weights, bias, weight_shape: [high, wide, inputs, outputs], activation}, input, [height, width]) {
  const result = new Float32Array(height * width * outputs), {values, which, starts} = withoutZeros(input, inputs);
  // What the unit at hand reads, and where the weights for each value begin.
  const read = new Float64Array(high * wide * inputs), from = new Uint32Array(high * wide * inputs);
  // As doubles, in which the sums are, they need not be converted each time.
  const factors = Float64Array.from(weights), up = (high - 1) >> 1, left = (wide - 1) >> 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let count = 0;
      for (let row = Math.max(0, up - y); row < Math.min(high, height + up - y); row++) {
        for (let column = Math.max(0, left - x); column < Math.min(wide, width + left - x); column++) {
          const place = (y + row - up) * width + x + column - left, end = starts[place + 1];
          const first = (row * wide + column) * inputs;
          for (let n = starts[place]; n < end; n++, count++) {
            read[count] = values[n];
            from[count] = (first + which[n]) * outputs;
          }
        }
      }
      addUp(result, (y * width + x) * outputs, bias, factors, read, from, count);
    }
  }
  return activation === "relu" ? result.map((value) => (value < 0 ? 0 : value)) : result;
}

// Where a pooling's window has its largest value, the first of equals.
function largest({pool: [high, wide], shape: [, , channels]}, input, width, y, x, channel) {
  let best = -1;
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      const at = ((y * high + row) * width + x * wide + column) * channels + channel;
      if (best < 0 || input[at] > input[best]) best = at;
    }
  }
  return best;
}

function eachPooled(layer, input, [, width], act) {
  const [height, across, channels] = layer.shape;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < across; x++) {
      for (let channel = 0; channel < channels; channel++, at++) act(at, largest(layer, input, width, y, x, channel));
    }
  }
}

function pool(layer, input, before) {
  const result = new Float32Array(product(layer.shape));
  eachPooled(layer, input, before, (at, best) => { result[at] = input[best]; });
  return result;
}

function average({shape: [channels]}, input) {
  const sums = new Float64Array(channels);
  input.forEach((value, at) => { sums[at % channels] += value; });
  return Float32Array.from(sums, (sum) => (sum * channels) / input.length);
}

function connect({weights, bias, activation}, input) {
  const sums = Float64Array.from(bias), outputs = bias.length;
  input.forEach((value, i) => {
    for (let o = 0; o < outputs; o++) sums[o] += value * weights[i * outputs + o];
  });
  if (activation === "softmax") return softmax(sums);
  return Float32Array.from(sums, (sum) => (activation === "relu" && sum < 0 ? 0 : sum));
}

function softmax(sums) {
  const most = Math.max(...sums), powers = sums.map((sum) => Math.exp(sum - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / total);
}

const FORWARDS = {Rescaling: rescale, Conv2D: convolve, MaxPooling2D: pool, GlobalAveragePooling2D: average, Dense: connect};

const shapeBefore = (network, n) => (n ? network.layers[n - 1].shape : network.input_shape);

// The values behind each layer, for the pixels of one picture from 0 to 1.
function forwards(network, pixels) {
  const values = [];
  network.layers.forEach((layer, n) => {
    values.push(FORWARDS[layer.kind](layer, n ? values[n - 1] : pixels, shapeBefore(network, n)));
  });
  return values;
}

// ---- Backwards: each takes the derivative by a layer's values before its activation

function convolveBack({weights, weight_shape: [high, wide, inputs, outputs]}, slopes, input, [height, width]) {
  const result = new Float32Array(input.length);
  const up = (high - 1) >> 1, left = (wide - 1) >> 1;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += outputs) {
      if (!slopes.subarray(at, at + outputs).some((slope) => slope !== 0)) continue;
      for (let row = Math.max(0, up - y); row < Math.min(high, height + up - y); row++) {
        for (let column = Math.max(0, left - x); column < Math.min(wide, width + left - x); column++) {
          const place = ((y + row - up) * width + x + column - left) * inputs;
          let weight = (row * wide + column) * inputs * outputs;
          for (let i = 0; i < inputs; i++, weight += outputs) {
            let sum = 0;
            for (let o = 0; o < outputs; o++) sum += slopes[at + o] * weights[weight + o];
            result[place + i] += sum;
          }
        }
      }
    }
  }
  return result;
}

function poolBack(layer, slopes, input, before) {
  const result = new Float32Array(input.length);
  eachPooled(layer, input, before, (at, best) => { result[best] += slopes[at]; });
  return result;
}

function averageBack({shape: [channels]}, slopes, input) {
  return input.map((_, at) => (slopes[at % channels] * channels) / input.length);
}

function connectBack({weights, bias}, slopes, input) {
  const outputs = bias.length;
  return input.map((_, i) => slopes.reduce((sum, slope, o) => sum + slope * weights[i * outputs + o], 0));
}

const BACKWARDS = {
  Rescaling: ({scale}, slopes) => slopes.map((slope) => slope * scale),
  Conv2D: convolveBack,
  MaxPooling2D: poolBack,
  GlobalAveragePooling2D: averageBack,
  Dense: connectBack,
};

// The derivative of one unit, before its ReLU or softmax, by every number of the picture.
function gradient(network, values, n, unit, pixels) {
  let slopes = new Float32Array(values[n].length);
  slopes[unit] = 1;
  for (let l = n; l >= 0; l--) {
    const input = l ? values[l - 1] : pixels;
    slopes = BACKWARDS[network.layers[l].kind](network.layers[l], slopes, input, shapeBefore(network, l));
    if (l && network.layers[l - 1].activation === "relu") slopes.forEach((_, at) => { if (!(input[at] > 0)) slopes[at] = 0; });
  }
  return slopes;
}

// ---- One unit, explained

// What a convolution adds up for a unit: for each map before, a window of its values (null beyond
// the border), the kernel over it, and the sum of their products.
function convolutionTerms({weights, weight_shape: [high, wide, inputs, outputs]}, input, [height, width], [y, x, channel]) {
  const up = (high - 1) >> 1, left = (wide - 1) >> 1;
  return Array.from({length: inputs}, (_, map) => {
    const read = [], kernel = [];
    for (let row = 0; row < high; row++) {
      for (let column = 0; column < wide; column++) {
        const v = y + row - up, h = x + column - left;
        const inPicture = v >= 0 && v < height && h >= 0 && h < width;
        read.push(inPicture ? input[(v * width + h) * inputs + map] : null);
        kernel.push(weights[((row * wide + column) * inputs + map) * outputs + channel]);
      }
    }
    return {map, read, kernel, sum: read.reduce((sum, value, n) => sum + (value ?? 0) * kernel[n], 0)};
  });
}

function denseTerms({weights, bias}, input, unit) {
  return Array.from(input, (value, map) => {
    const weight = weights[map * bias.length + unit];
    return {map, read: [value], kernel: [weight], sum: value * weight};
  });
}

// The first and last position that a unit would see, and those of them that the picture has.
function fieldOf({field}, length, unit) {
  if (!field) return {first: 0, last: length - 1, seen: [0, length - 1]};
  const first = field.stride * unit - field.padding, last = first + field.size - 1;
  return {first, last, seen: [Math.max(first, 0), Math.min(last, length - 1)]};
}

// ---- Covering

function places(length, size) {
  const step = Math.max(1, size >> 1), found = [];
  for (let place = 0; place < length - size; place += step) found.push(place);
  return [...found, length - size];
}

function mean(pixels) {
  const sums = [0, 0, 0];
  pixels.forEach((value, at) => { sums[at % 3] += value; });
  return sums.map((sum) => (sum * 3) / pixels.length);
}

// The picture with a square of its mean colour on it.
function covered(pixels, [height, width], {top, left, size}) {
  const result = pixels.slice(), colour = mean(pixels);
  for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + size); x++) result.set(colour, (y * width + x) * 3);
  }
  return result;
}

// What covering each place costs a breed, computed square by square: a generator that yields the
// share done and returns the map.
function* occlusion(network, pixels, breed) {
  const [height, width] = network.input_shape, size = Math.max(1, Math.floor(Math.min(height, width) / SQUARES));
  const asked = forwards(network, pixels).at(-1)[breed];
  const lost = new Float64Array(height * width), times = new Float64Array(height * width);
  const squares = places(height, size).flatMap((top) => places(width, size).map((left) => ({top, left, size})));
  for (const [n, square] of squares.entries()) {
    const cost = asked - forwards(network, covered(pixels, [height, width], square)).at(-1)[breed];
    for (let y = square.top; y < square.top + size; y++) {
      for (let x = square.left; x < square.left + size; x++) {
        lost[y * width + x] += cost;
        times[y * width + x] += 1;
      }
    }
    yield (n + 1) / squares.length;
  }
  return lost.map((cost, at) => cost / times[at]);
}

return {unpack, withWeights, forwards, gradient, convolutionTerms, denseTerms, fieldOf, covered, occlusion, mean, spatial, shapeBefore};
}
