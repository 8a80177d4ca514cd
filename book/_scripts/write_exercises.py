"""Write notebooks to hand out: without the answers, and without any output.

Usage: python book/_scripts/write_exercises.py labs/NAME.ipynb ... FOLDER
"""

import sys
from pathlib import Path

from notebook_files import has_tag, read, write


def main(paths, folder):
    """Write the exercise version of each notebook into a folder, under the same name."""
    if not paths:
        sys.exit("No notebook was named, so there is nothing to write.")
    for path in map(Path, paths):
        write(exercise(read(path)), Path(folder) / path.name)
        print(f"{Path(folder) / path.name}: written, without answers and outputs")


def exercise(notebook):
    """Drop the cells tagged ``solution`` and everything that was computed; return the notebook."""
    notebook.cells = [cell for cell in notebook.cells if not has_tag(cell, "solution")]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
