"""Pack Python, labkit and what runs an answer into scripts that a page can load from anywhere.

A page that was opened from the disk may fetch nothing; scripts it may load. So everything is text
in scripts, several of them, so that the page can tell how far it is. labkit is packed as it is
installed.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parents[1] / "_live"
PYODIDE = FOLDER / "pyodide"

#: What of labkit runs in a page: the ground floor with its words, lab 2's wing and the questions.
PACKED = ("*.py", "languages/*.json", "receptive_field/**/*.*", "questions/**/*.*")

PART = 1_000_000
#: Files in a zip archive have a date; with this one, the same files give the same bytes.
LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """Files as text, one after the other, cut into parts.

    Args:
        lengths: maps each file's name to the length of its text.
        parts: the text of all files.
    """

    lengths: dict
    parts: tuple

    @property
    def megabytes(self):
        """What the page has to load, in MB."""
        return round(sum(map(len, self.parts)) / 1_000_000)

    @property
    def digest(self):
        """Eight hexadecimal digits that change with the files."""
        return hashlib.sha256("".join(self.parts).encode()).hexdigest()[:8]


def build():
    """Pack everything.

    Returns:
        A :class:`Bundle`.
    """
    files = {
        "worker.js": worker().encode(),
        "pyodide.asm.wasm": (PYODIDE / "pyodide.asm.wasm").read_bytes(),
        "python_stdlib.zip": (PYODIDE / "python_stdlib.zip").read_bytes(),
        "labkit.zip": library(),
    }
    files |= started(files["labkit.zip"])
    texts = {name: packed(data) for name, data in files.items()}
    whole = "".join(texts.values())
    parts = tuple(whole[start : start + PART] for start in range(0, len(whole), PART))
    return Bundle({name: len(text) for name, text in texts.items()}, parts)


def packed(data):
    """Return bytes as text that a script can hold."""
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def worker():
    """Return the worker's script: Pyodide's module as a plain script, its loader, our messages.

    A module cannot be loaded in a worker of a page from the disk in every browser. The loader, on
    the other hand, refuses plain workers, which it knows by ``importScripts``.
    """
    module = (PYODIDE / "pyodide.asm.mjs").read_text(encoding="utf-8")
    exported = "export default _createPyodideModule;"
    if module.count(exported) != 1:
        raise ValueError(f"pyodide.asm.mjs does not say {exported!r} once: adapt live_bundle.py.")
    plain = module.replace(exported, "self.createPyodideModule = _createPyodideModule;")
    lock = {"info": lock_info(), "packages": {}}
    return "\n".join(
        [
            "self.importScripts = undefined;",
            plain.replace("import.meta.url", '"https://page.invalid/"'),
            (PYODIDE / "pyodide.js").read_text(encoding="utf-8"),
            f"const LOCK = {json.dumps(lock)};",
            (FOLDER / "worker.js").read_text(encoding="utf-8"),
        ]
    )


def lock_info():
    """Return what Pyodide's loader wants to know of itself."""
    return json.loads((PYODIDE / "info.json").read_text(encoding="utf-8"))


def library():
    """Return a zip archive of labkit, as it is installed, and of what runs an answer."""
    home = Path(find_spec("labkit").origin).parent
    found = {path for pattern in PACKED for path in home.glob(pattern) if path.is_file()}
    files = {path.relative_to(home.parent).as_posix(): path for path in found}
    files = {name: path for name, path in files.items() if "__pycache__" not in name}
    files["answer.py"] = FOLDER / "answer.py"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, path in sorted(files.items()):
            zipped.writestr(zipfile.ZipInfo(name, LONG_AGO), path.read_bytes())
    return archive.getvalue()


def started(library):
    """Start Python with labkit here, so that a page need not.

    Args:
        library: the zip archive of labkit.

    Returns:
        A dict of two files: the image of Python's memory, and the standard library without what is
        in it. Empty where no Node.js is here that can do it: then the page starts Python itself.
    """
    node = shutil.which("node")
    with TemporaryDirectory() as folder:
        (archive, image) = (Path(folder, name) for name in ("labkit.zip", "image"))
        archive.write_bytes(library)
        command = [node, FOLDER / "start.mjs", archive, image]
        done = node and subprocess.run(command, capture_output=True, text=True)
        if not done or done.returncode:
            return {}
        rest = without(PYODIDE / "python_stdlib.zip", set(done.stdout.split()))
        return {"python_stdlib.zip": rest, "python_memory": image.read_bytes()}


def without(library, modules):
    """Return a compiled library's zip archive without some of its modules."""
    rest = io.BytesIO()
    with zipfile.ZipFile(library) as whole, zipfile.ZipFile(rest, "w") as kept:
        for info in whole.infolist():
            name = info.filename.removesuffix(".pyc").replace("/", ".").removesuffix(".__init__")
            if name not in modules:
                kept.writestr(info, whole.read(info), compresslevel=9)
    return rest.getvalue()


def write(bundle, folder):
    """Write a bundle's parts, the script that loads them and its style into a folder.

    Args:
        bundle: a :class:`Bundle`.
        folder: path of the folder for static files; what an earlier bundle left there goes.
    """
    home = folder / "live"
    home.mkdir(parents=True, exist_ok=True)
    for stale in home.glob("python-*.js"):
        stale.unlink()
    for number, part in enumerate(bundle.parts):
        (home / f"python-{number}.js").write_text(f'labkitPart({number}, "{part}");\n')
    known = {
        "parts": len(bundle.parts),
        "megabytes": bundle.megabytes,
        "digest": bundle.digest,
        "files": list(bundle.lengths.items()),
    }
    script = (FOLDER / "live.js").read_text(encoding="utf-8")
    text = f"const BUNDLE = {json.dumps(known)};\n{script}"
    (folder / "live.js").write_text(text, encoding="utf-8")
    style = (FOLDER / "live.css").read_text(encoding="utf-8")
    (folder / "live.css").write_text(style, encoding="utf-8")
