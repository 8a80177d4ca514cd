"""Reading and writing notebooks: one spelling, and never half a file."""

import os
from pathlib import Path

import nbformat


def read(path):
    """Return the notebook at ``path``, in the current format."""
    return nbformat.read(path, as_version=4)


def write(notebook, path):
    """Write the notebook to ``path`` through a neighbouring file, renamed when complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".ipynb.part")
    nbformat.write(notebook, unfinished)
    os.replace(unfinished, path)


def has_tag(cell, tag):
    """Tell whether a cell carries a tag."""
    return tag in cell.metadata.get("tags", [])
