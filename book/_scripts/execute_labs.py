"""Run notebooks in place and store outputs that are the same tomorrow.

Usage: python book/_scripts/execute_labs.py [--tidy-only] labs/NAME.ipynb ...

A notebook that fails is left as it was, and the exit status is 1. With ``--tidy-only`` nothing
runs: the stored outputs stay, and metadata follow the tags again.
"""

import os
import sys
import time
from pathlib import Path

from derive_metadata import derive_metadata
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from notebook_files import has_tag, read, write
from tqdm import tqdm

#: TensorFlow reads it on import.
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class CellFailedError(Exception):
    """A cell of a notebook did not run to its end."""


def main(arguments):
    """Run each notebook in turn, or only tidy it; return the exit status."""
    paths = [Path(argument) for argument in arguments if argument != "--tidy-only"]
    if not paths:
        sys.exit("No notebook was named; for example: make labs LABS=labs/dog_breeds.ipynb")
    return max(map(store_tidied if "--tidy-only" in arguments else run, paths))


def run(path):
    """Execute one notebook in its own folder, tidy it and store it."""
    notebook, start = read(path), time.perf_counter()
    try:
        execute(notebook, path)
    except CellFailedError as error:
        print(f"{path}: left as it was, because a cell failed.\n{error}", file=sys.stderr)
        return 1
    tidy(notebook)
    write(notebook, path)
    print(f"{path}: stored after {time.perf_counter() - start:.0f} s")
    return 0


def store_tidied(path):
    """Tidy one notebook without running it."""
    notebook = read(path)
    tidy(notebook)
    write(notebook, path)
    print(f"{path}: tidied, not run")
    return 0


def execute(notebook, path):
    """Run all cells in the folder of ``path``, with one step of a progress bar for each."""
    os.environ.update(QUIET_TENSORFLOW)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    running = []
    with tqdm(total=len(notebook.cells), desc=path.stem, unit="cell") as bar:
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_execute=lambda cell, cell_index: running.append((cell_index, cell)),
            on_cell_complete=lambda cell, cell_index: bar.update(cell_index + 1 - bar.n),
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise CellFailedError(describe(path, *running[-1], error)) from error


def describe(path, number, cell, error):
    """Say which cell failed, counted from 0 as in the file, and how."""
    first_line = cell.source.splitlines()[0]
    return f"{path.name}, cell {number}, which begins with {first_line!r}:\n{error}"


def tidy(notebook):
    """Keep what the author wrote, derive the rest from the tags, drop all that is volatile."""
    language = {key: code for key, code in notebook.metadata.items() if key == "lang"}
    python = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.metadata = python | language
    derive_metadata(notebook)
    for number, cell in enumerate(code_cells(notebook)):
        drop_stderr(cell, number)
        if has_tag(cell, "not-stored"):
            drop_pages(cell)


def drop_stderr(cell, number):
    """Take progress bars and warnings out of a cell's outputs, and show them to the author.

    What was printed before and after one of them is one output again.
    """
    kept = []
    for output in cell.outputs:
        if output.get("name") == "stderr":
            last_lines = [line.rpartition("\r")[2] for line in output.text.splitlines()]
            print(f"  code cell {number}, stderr: " + " | ".join(filter(None, last_lines))[:300])
        elif kept and output.get("name") == kept[-1].get("name") == "stdout":
            kept[-1].text += output.text
        else:
            kept.append(output)
    cell.outputs = kept


def drop_pages(cell):
    """Keep of a page in the page what it says in one line: it may weigh more than the notebook."""
    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            del output.data["text/html"]
            output.metadata = {}


def code_cells(notebook):
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
