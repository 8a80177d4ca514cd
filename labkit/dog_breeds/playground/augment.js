// What labkit.ImageDataGenerator draws for a seed, and what its apply_transform does to a picture:
// red, green and blue from 0 to 255, row by row.
function augmentationEngine() {
"use strict";

const NEUTRAL = {theta: 0, tx: 0, ty: 0, shear: 0, zx: 1, zy: 1, flip_horizontal: 0, flip_vertical: 0, channel_shift_intensity: 0, brightness: 1};

// ---- The matrix: 3 × 3, row by row, from a pixel (x, y) of the new picture to one of the old

function times(a, b) {
  return a.map((_, at) => [0, 1, 2].reduce((sum, n) => sum + a[3 * Math.floor(at / 3) + n] * b[3 * n + (at % 3)], 0));
}

const moved = (x, y) => [1, 0, x, 0, 1, y, 0, 0, 1];
const flipped = (horizontal, vertical, [height, width]) => [1 - 2 * horizontal, 0, horizontal * (width - 1), 0, 1 - 2 * vertical, vertical * (height - 1), 0, 0, 1];

// The factors of the matrix; the last of them is applied first.
function factors({theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical}, sides) {
  // As Keras has it, which is the centre where a picture is square.
  const [centre_x, centre_y] = sides.map((side) => (side - 1) / 2);
  const [turn, lean] = [theta, shear].map((degrees) => (degrees * Math.PI) / 180);
  return [
    {name: "back from the centre", matrix: moved(centre_x, centre_y)},
    {name: "turn", matrix: [Math.cos(turn), -Math.sin(turn), 0, Math.sin(turn), Math.cos(turn), 0, 0, 0, 1]},
    {name: "shift", matrix: moved(tx, ty)},
    {name: "shear", matrix: [1, -Math.sin(lean), 0, 0, Math.cos(lean), 0, 0, 0, 1]},
    {name: "zoom", matrix: [zx, 0, 0, 0, zy, 0, 0, 0, 1]},
    {name: "to the centre", matrix: moved(-centre_x, -centre_y)},
    {name: "flip", matrix: flipped(Number(flip_horizontal), Number(flip_vertical), sides)},
  ];
}

const matrixOf = (parameters, sides) => factors(parameters, sides).map(({matrix}) => matrix).reduce(times);

// ---- Moving: where the matrix points between pixels, the four around are mixed

const remainder = (place, length) => ((place % length) + length) % length;

// Which pixel stands at a place beyond the border; null for none.
const BEYOND = {
  constant: () => null,
  nearest: (place, length) => Math.min(Math.max(place, 0), length - 1),
  reflect(place, length) {
    const found = remainder(place, 2 * length);
    return found < length ? found : 2 * length - 1 - found;
  },
  wrap: remainder,
};

const within = (place, length, fill_mode) => (place >= 0 && place < length ? place : BEYOND[fill_mode](place, length));

function move(picture, [height, width], [a, b, x0, c, d, y0], fill_mode, cval) {
  const result = new Uint8ClampedArray(picture.length);
  const value = (row, column, colour) => (row === null || column === null ? cval : picture[(row * width + column) * 3 + colour]);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const h = a * x + b * y + x0, v = c * x + d * y + y0, left = Math.floor(h), top = Math.floor(v);
      const columns = [within(left, width, fill_mode), within(left + 1, width, fill_mode)];
      const rows = [within(top, height, fill_mode), within(top + 1, height, fill_mode)];
      for (let colour = 0; colour < 3; colour++, at++) {
        const [above, below] = rows.map((row) => value(row, columns[0], colour) * (1 - h + left) + value(row, columns[1], colour) * (h - left));
        result[at] = Math.round(above * (1 - v + top) + below * (v - top));
      }
    }
  }
  return result;
}

// ---- Toning: one table of 256 values, computed in single precision as NumPy does

function tones({channel_shift_intensity, brightness}, picture) {
  const [darkest, brightest] = picture.reduce(([low, high], grey) => [Math.min(low, grey), Math.max(high, grey)], [255, 0]);
  const [shift, factor] = [channel_shift_intensity, brightness].map(Math.fround);
  return Uint8Array.from({length: 256}, (_, grey) => {
    const shifted = Math.floor(Math.min(Math.max(Math.fround(grey + shift), darkest), brightest));
    return Math.floor(Math.min(Math.fround(shifted * factor), 255));
  });
}

function applyTransform(picture, sides, parameters, fill_mode, cval) {
  const every = {...NEUTRAL, ...parameters};
  const result = move(picture, sides, matrixOf(every, sides), fill_mode, cval), table = tones(every, result);
  return result.map((grey) => table[grey]);
}

// ---- Drawing: NumPy's default_rng, which is PCG64 started by a SeedSequence

const multiplied = (a, b) => Math.imul(a, b) >>> 0;
const mixed = (value) => (value ^ (value >>> 16)) >>> 0;

// Returns a function that stirs 32 bits, with a constant that changes from call to call.
function stirrer(constant, multiplier) {
  return (value) => {
    const before = constant;
    constant = multiplied(constant, multiplier);
    return mixed(multiplied(value ^ before, constant));
  };
}

// Four numbers of 64 bits from a whole seed below 2 to the power of 32.
function seedSequence(seed) {
  const stir = stirrer(0x43b0d7e5, 0x931e8875), pool = [seed, 0, 0, 0].map(stir);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from !== to) pool[to] = mixed((multiplied(0xca01f9dd, pool[to]) - multiplied(0x4973f715, stir(pool[from]))) >>> 0);
    }
  }
  const give = stirrer(0x8b51f9dd, 0x58f38ded), words = [...pool, ...pool].map(give);
  return [0, 2, 4, 6].map((n) => BigInt(words[n]) | (BigInt(words[n + 1]) << 32n));
}

// The first numbers of default_rng(seed).random(), in [0, 1).
function uniforms(seed, count) {
  const whole = (value) => BigInt.asUintN(128, value), [high, low, far, near] = seedSequence(seed);
  const increment = whole((((far << 64n) | near) << 1n) | 1n);
  const step = (state) => whole(state * 0x2360ed051fc65da44385df649fccf645n + increment);
  let state = step(whole(increment + ((high << 64n) | low)));
  return Array.from({length: count}, () => {
    state = step(state);
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state), turn = state >> 122n;
    const turned = BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    return Number(turned >> 11n) / 2 ** 53;
  });
}

// What a generator draws for a seed: each number evenly from its range, each flip allowed by it
// for one picture of two. The columns say which number of a picture's row is for what.
function draw(seed, columns, ranges) {
  const row = uniforms(seed, columns.length);
  return Object.fromEntries(Object.entries(ranges).map(([name, [low, high]]) => {
    const share = row[columns.indexOf(name)];
    return [name, name.startsWith("flip") ? Number(high && share < 0.5) : low + (high - low) * share];
  }));
}

return {NEUTRAL, FILL_MODES: Object.keys(BEYOND), factors, matrixOf, within, applyTransform, uniforms, draw};
}
