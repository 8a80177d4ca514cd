// Python in a worker. Before this text come Pyodide's module, made a plain script, and its loader.
// The page sends what was packed, then one answer after the other.
"use strict";

const HERE = "https://page.invalid/";
const TYPES = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };
let shown;

self.onmessage = async ({ data }) => {
  try {
    if (data.packed) await start(data.packed);
    self.postMessage(data.packed ? { ready: true } : { html: shown(...data.answer) });
  } catch (error) {
    // Python ends itself where an answer swallows every attempt to end it alone.
    self.postMessage({ failed: error.name === "Exit" ? "late" : String(error) });
  }
};

async function start(packed) {
  const bytes = Object.fromEntries(await Promise.all(Object.entries(packed).map(unpacked)));
  // The loader fetches two files, which are here already; a page from the disk may fetch none.
  self.fetch = async (address) => {
    const name = String(address).replace(HERE, "");
    return new Response(bytes[name], { headers: { "Content-Type": TYPES[name] } });
  };
  // Where the book was built with Node.js, Python has been started there, see start.mjs.
  const memory = bytes.python_memory && new Uint8Array(bytes.python_memory);
  const python = await self.loadPyodide({
    createPyodideModule: memory ? (settings) => moduleWith(memory, settings) : self.createPyodideModule,
    indexURL: HERE,
    packageBaseUrl: HERE,
    lockFileContents: LOCK,
    _loadSnapshot: memory,
  });
  python.FS.writeFile("/labkit.zip", new Uint8Array(bytes["labkit.zip"]));
  shown = python.runPython("import sys; sys.path.insert(0, '/labkit.zip'); from answer import shown; shown");
}

// The image of the memory lacks what the wasm itself puts there.
function moduleWith(memory, settings) {
  const [, start] = new Uint32Array(memory.buffer);
  const image = new Uint32Array(memory.buffer, start);
  settings.preRun.unshift(({ HEAPU32 }) => {
    for (let at = 0; at < HEAPU32.length; at += 1) image[at] ^= HEAPU32[at];
  });
  return self.createPyodideModule(settings);
}

async function unpacked([name, text]) {
  const zipped = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // Not as a Blob's stream: WebKit reads none in a worker of a page from the disk.
  const stream = new Response(zipped).body.pipeThrough(new DecompressionStream("gzip"));
  return [name, await new Response(stream).arrayBuffer()];
}
