"""Run notebooks in place and store outputs that are the same tomorrow.

Usage: python book/_scripts/execute_labs.py labs/NAME.ipynb ...

A notebook that fails is left as it was, and the exit status is 1.
"""

import os
import sys
import time
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook_files import has_tag, read, write
from tqdm import tqdm

#: TensorFlow reads it on import.
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

#: What may stay of a cell's metadata: the author's words. The rest is derived or volatile.
AUTHORED = ("tags", "mystnb", "name")


def main(paths):
    """Run each notebook in turn; return the exit status."""
    if not paths:
        sys.exit("No notebook was named; for example: make labs LABS=labs/dog_breeds.ipynb")
    os.environ.update(QUIET_TENSORFLOW)
    return max(run(Path(path)) for path in paths)


def run(path):
    """Execute one notebook in its own folder, tidy it and store it."""
    notebook, start = read(path), time.perf_counter()
    try:
        execute(notebook, path)
    except CellExecutionError as error:
        print(f"{path}: left as it was, because a cell failed.\n{error}", file=sys.stderr)
        return 1
    tidy(notebook)
    write(notebook, path)
    print(f"{path}: stored after {time.perf_counter() - start:.0f} s")
    return 0


def execute(notebook, path):
    """Run all cells, with one step of a progress bar for each."""
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    with tqdm(total=len(notebook.cells), desc=path.stem, unit="cell") as bar:
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_complete=lambda cell, cell_index: bar.update(cell_index + 1 - bar.n),
        ).execute()


def tidy(notebook):
    """Keep what the author wrote, derive the folding of answers, drop all that is volatile."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        authored = {key: cell.metadata[key] for key in AUTHORED if key in cell.metadata}
        cell.metadata = type(cell.metadata)(authored)
    for number, cell in enumerate(code_cells(notebook)):
        drop_stderr(cell, number)
        if has_tag(cell, "solution"):
            fold(cell)


def drop_stderr(cell, number):
    """Take progress bars and warnings out of a cell's outputs, and show them to the author."""
    for output in cell.outputs:
        if output.get("name") == "stderr":
            last_lines = [line.rpartition("\r")[2] for line in output.text.splitlines()]
            print(f"  code cell {number}, stderr: " + " | ".join(filter(None, last_lines))[:300])
    cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def fold(cell):
    """Fold an answer in code on the page, in Colab and in JupyterLab."""
    title = cell.source.splitlines()[0].removeprefix("# @title ").strip()
    cell.metadata.tags = [*dict.fromkeys([*cell.metadata.tags, "hide-cell"])]
    cell.metadata.cellView = "form"
    cell.metadata.jupyter = {"source_hidden": True}
    prompts = {"code_prompt_show": title, "code_prompt_hide": title}
    cell.metadata.mystnb = {**cell.metadata.get("mystnb", {}), **prompts}


def code_cells(notebook):
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
