"""Run notebooks twice in fresh processes and compare all that they print: ``make determinism``.

Usage: python tests/determinism/compare_runs.py labs/NAME.ipynb ...

Each notebook runs in an empty folder of its own, the two runs one after the other and with another
order of hashes. Every output is compared: printed text and tables, and figures pixel by pixel. At
the end of each run a cell is added that prints the curves and weights which the lab leaves behind.
What goes to stderr (progress bars, which hold times) is not compared. The exit status is 1 where
anything differs.
"""

import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

#: What names the moment or the place in memory, not a number of the lab.
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")

# Networks of which lab 2 reads the layers alone: it draws their weights without a seed.
_UNSEEDED = {"vgg16", "dilated", "block"}
_LAST_CELL = (
    f"UNSEEDED = {_UNSEEDED!r}"
    + """
import hashlib, keras, numpy
for name, value in sorted(globals().items()):
    if name.startswith("_") or name in UNSEEDED:
        continue
    if isinstance(value, keras.Model):
        total = hashlib.sha256()
        for weight in value.get_weights():
            total.update(numpy.ascontiguousarray(weight).tobytes())
        print(name, "weights", total.hexdigest())
    elif isinstance(value, numpy.ndarray) and value.dtype != object:
        print(name, "array", hashlib.sha256(numpy.ascontiguousarray(value).tobytes()).hexdigest())
    elif type(value).__name__ == "EffectiveField":
        print(name, "field", hashlib.sha256(value.strength.tobytes()).hexdigest(), value)
    elif type(value).__name__ in ("History", "dict", "list", "tuple", "float", "int"):
        print(name, repr(value))
"""
)


def outputs(path, hash_seed):
    """Run a notebook and return what each cell gave, in comparable form.

    Args:
        path: the notebook.
        hash_seed: what its process orders hashes by.

    Returns:
        A list with a list of strings for each code cell.
    """
    os.environ |= {"PYTHONHASHSEED": str(hash_seed), "TF_CPP_MIN_LOG_LEVEL": "2"}
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(_LAST_CELL))
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=len(notebook.cells), desc=Path(path).stem, unit="cell") as bar,
    ):
        NotebookClient(
            notebook,
            timeout=1800,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            on_cell_complete=lambda cell, cell_index: bar.update(cell_index + 1 - bar.n),
        ).execute()
        return [
            [line.replace(folder, "FOLDER") for line in _lines_of(cell)]
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]


def _lines_of(cell):
    """Give a cell's printed text line by line, then all else that it shows."""
    # Joined: where a stream is cut into outputs depends on the moment.
    printed = "".join(o.text for o in cell.outputs if o.get("name") == "stdout")
    shown = [line for output in cell.outputs for line in _lines(output)]
    return [*_ADDRESS.sub("ADDRESS", printed).splitlines(), *shown]


def _lines(output):
    """Give the text of what is shown line by line, and pictures as their SHA-256."""
    data = output.get("data", {})
    pictures = [
        f"{kind} {hashlib.sha256(content.encode()).hexdigest()}"
        for kind, content in sorted(data.items())
        if kind.startswith("image/")
    ]
    texts = [data[kind] for kind in sorted(data) if kind.startswith("text/")]
    return [*_ADDRESS.sub("ADDRESS", "\n".join(texts)).splitlines(), *pictures]


def differences(first, second):
    """List what two runs gave differently.

    Args:
        first: what :func:`outputs` returned.
        second: likewise.

    Returns:
        A list of sentences, empty where the two are the same.
    """
    found = []
    if len(first) != len(second):
        found.append(f"{len(first)} code cells, then {len(second)}.")
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if len(one) != len(other):
            found.append(f"Code cell {number}: {len(one)} lines, then {len(other)}.")
        found += [
            f"Code cell {number}: {a[:200]!r}, then {b[:200]!r}."
            for a, b in zip(one, other, strict=False)
            if a != b
        ]
    return found


def main(paths):
    """Run each notebook twice, and say what differed."""
    if not paths:
        sys.exit("No notebook was named; for example: make determinism LABS=labs/dog_breeds.ipynb")
    differing = 0
    for path in paths:
        start = time.perf_counter()
        first, second = outputs(path, 1), outputs(path, 2)
        found = differences(first, second)
        numbers = sum(len(re.findall(r"\d+(?:\.\d+)?", line)) for cell in first for line in cell)
        figures = sum(line.startswith("image/") for cell in first for line in cell)
        print(
            f"{path}: two runs in {time.perf_counter() - start:.0f} s, {len(first)} code cells, "
            f"{sum(map(len, first)):,} lines with {numbers:,} numbers and {figures} figures "
            f"compared, {len(found)} differences."
        )
        for sentence in found[:30]:
            print("  " + sentence)
        differing += bool(found)
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
