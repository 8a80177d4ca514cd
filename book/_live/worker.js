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
  const python = await self.loadPyodide({
    createPyodideModule: self.createPyodideModule,
    indexURL: HERE,
    packageBaseUrl: HERE,
    lockFileContents: LOCK,
  });
  python.FS.writeFile("/labkit.zip", new Uint8Array(bytes["labkit.zip"]));
  shown = python.runPython("import sys; sys.path.insert(0, '/labkit.zip'); from answer import shown; shown");
}

async function unpacked([name, text]) {
  const zipped = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // Not as a Blob's stream: WebKit reads none in a worker of a page from the disk.
  const stream = new Response(zipped).body.pipeThrough(new DecompressionStream("gzip"));
  return [name, await new Response(stream).arrayBuffer()];
}
