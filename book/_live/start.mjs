// Start Python with labkit, as a page would: node start.mjs LIBRARY IMAGE. From the zip archive that is the
// first, the image of Python's memory becomes the second, and the names of the modules in it are told:
// a page goes on from there at once.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , library, target] = process.argv;
const pyodide = join(import.meta.dirname, "pyodide");
const { loadPyodide } = createRequire(import.meta.url)(join(pyodide, "pyodide.js"));
const { default: create } = await import(pathToFileURL(join(pyodide, "pyodide.asm.mjs")));
const info = JSON.parse(readFileSync(join(pyodide, "info.json")));

// The same files give the same image: no time, no chance, no path of this machine is in it.
Date.now = performance.now = () => 0;
crypto.getRandomValues = (numbers) => numbers.fill(0);
let before;
const python = await loadPyodide({
  indexURL: pyodide,
  lockFileContents: { info, packages: {} },
  createPyodideModule(settings) {
    settings.preRun.unshift(({ HEAPU8 }) => (before = HEAPU8.slice()));
    return create(settings);
  },
  env: { PYTHONHASHSEED: "0" },
  _sysExecutable: "python",
  _makeSnapshot: true,
});
python.FS.writeFile("/labkit.zip", readFileSync(library));
const modules = python.runPython(`
import gc, random, sys
sys.path.insert(0, "/labkit.zip")
import answer
from labkit.receptive_field import check_closed_form, check_recurrence

# A first verdict waits no more for the networks on which answers are tried.
check_recurrence("s*r + k - s")
check_closed_form("1")
for finder in filter(None, sys.path_importer_cache.values()):
    finder.invalidate_caches()
random.seed(0)
gc.collect()
" ".join(sys.modules)
`);

// What the wasm puts into the memory by itself is taken off; worker.js adds it again.
const image = python.makeMemorySnapshot();
const [, start] = new Uint32Array(image.buffer);
before.forEach((byte, at) => (image[start + at] ^= byte));
writeFileSync(target, image);
console.log(modules);
