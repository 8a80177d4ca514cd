"""Write notebooks to hand out: without answers and outputs, and proved to run.

Usage: python book/_scripts/write_handouts.py labs/NAME.ipynb ... FOLDER

Answers are cleared by nbgrader, with the settings that teachers are given: book/nbgrader_config.py.
Every hand-out then runs from top to bottom in an empty folder. All of them are written, or none.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from derive_metadata import derive_metadata
from execute_labs import CellFailedError, execute
from nbgrader.apps import NbGraderAPI
from notebook_files import read, write
from traitlets.config import Config, PyFileConfigLoader

CONFIG = Path(__file__).parents[1] / "nbgrader_config.py"
ASSIGNMENT = "labs"

#: nbgrader starts its database's program by name, also where no environment is activated.
PROGRAMS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


class RefusedError(Exception):
    """nbgrader would not make an assignment of the labs."""


def main(paths, folder):
    """Write the hand-out of each notebook into a folder, under the same name."""
    if not paths:
        sys.exit("No notebook was named, so there is nothing to write.")
    paths, folder = [Path(path) for path in paths], Path(folder)
    for path in paths:
        (folder / path.name).unlink(missing_ok=True)
    try:
        handouts = proved_handouts(paths)
    except (CellFailedError, RefusedError) as error:
        sys.exit(f"No hand-out was written.\n{error}")
    for name, handout in handouts.items():
        write(handout, folder / name)
        print(f"{folder / name}: written without answers and outputs; it runs")


def proved_handouts(paths):
    """Map names of files to hand-outs, each of which has run in an empty folder."""
    with TemporaryDirectory() as course:
        released = release(paths, Path(course), PyFileConfigLoader(str(CONFIG)).load_config())
        handouts = {path.name: read(path) for path in released}
        # A lab computes one thing after the other, so that two of them take no longer than one.
        with ThreadPoolExecutor() as pool:
            list(pool.map(execute, map(read, released), released))
    return handouts


def release(paths, course, config):
    """Let nbgrader make an assignment of notebooks in a new course; return its files.

    Args:
        paths: the notebooks; their metadata are derived anew from their tags.
        course: an empty folder.
        config: traitlets' ``Config`` for nbgrader.

    Returns:
        List of paths inside ``course``, in the order of ``paths``.

    Raises:
        RefusedError: if nbgrader does; with what it logged.
    """
    for path in paths:
        notebook = read(path)
        derive_metadata(notebook)
        write(notebook, course / "source" / ASSIGNMENT / path.name)
    os.environ["PATH"] = PROGRAMS
    here = Config({"CourseDirectory": {"root": str(course)}})
    done = NbGraderAPI(config=Config(config, **here)).generate_assignment(ASSIGNMENT)
    if not done["success"]:
        raise RefusedError(f"nbgrader does not accept the labs. It says:\n{done['log']}")
    return [course / "release" / ASSIGNMENT / path.name for path in paths]


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
