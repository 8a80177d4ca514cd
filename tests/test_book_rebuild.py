"""A book of two pages, built again and again: old results are shown only while they are true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")
EXTENSIONS = Path(__file__).parents[1] / "book" / "_ext"

#: The page leaves a line for each of its runs, so that the test need not trust what Sphinx says.
CELL = """\
import labkit

with open("runs.txt", "a") as runs:
    print("a run", file=runs)
print("The width is", labkit.WIDTH, "now")
"""

#: Each page leaves word that it has begun, and waits for the other's.
BESIDE = """\
from pathlib import Path
from time import monotonic, sleep

Path("{here}").touch()
begun = monotonic()
while not Path("{there}").exists() and monotonic() - begun < 120:
    sleep(0.05)
print("Beside each other:", Path("{there}").exists())
"""


class TinyBook:
    """A book that stands on a stub of labkit and keeps the true book's extensions for results."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "library" / "labkit").mkdir(parents=True)
        self.library = folder / "library" / "labkit" / "__init__.py"
        extensions = dict.fromkeys(("fresh_results", "side_by_side"), str(EXTENSIONS))
        self.configure({"sphinx": {"local_extensions": extensions}})
        (folder / "_toc.yml").write_text(
            "format: jb-book\nroot: page\nchapters:\n  - file: other\n"
        )
        beside = BESIDE.format(here="other.begun", there="page.begun")
        self.write_page(CELL.replace("runs.txt", "others_runs.txt"), beside, name="other")

    def configure(self, more=None):
        """Write the configuration, which runs pages as the true book's does."""
        execution = {"execute_notebooks": "cache", "raise_on_error": True}
        config = {"execute": execution, "only_build_toc_files": True, **(more or {})}
        (self.folder / "_config.yml").write_text(yaml.safe_dump(config))

    def write_page(self, *cells, name="page"):
        """Write a page."""
        notebook = new_notebook(cells=[new_markdown_cell("# Page"), *map(new_code_cell, cells)])
        write(notebook, self.folder / f"{name}.ipynb")

    def build(self):
        """Build the book as ``make book`` does and return the HTML of its page."""
        path = os.pathsep.join([str(self.library.parents[1]), os.environ.get("PYTHONPATH", "")])
        command = [JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return (self.folder / "_build" / "html" / "page.html").read_text(encoding="utf-8")

    @property
    def runs(self):
        """How often the page has run, and the other."""
        files = self.folder / "runs.txt", self.folder / "others_runs.txt"
        return tuple(file.read_text().count("a run") for file in files)


@pytest.fixture
def tiny_book(tmp_path):
    book = TinyBook(tmp_path)
    book.library.write_text("WIDTH = 11\n")
    book.write_page(CELL, BESIDE.format(here="page.begun", there="other.begun"))
    return book


def test_results_stay_until_the_library_or_the_page_is_edited(tiny_book):
    """One story, because each build takes seconds."""
    page = tiny_book.build()
    assert "The width is 11 now" in page
    assert "Beside each other: True" in page, "each page waited in vain for the other"
    assert tiny_book.runs == (1, 1)

    tiny_book.write_page(CELL.replace("width", "breadth"))
    page = tiny_book.build()
    assert "The breadth is 11 now" in page and "The width is" not in page
    assert tiny_book.runs == (2, 1), "in the other nothing was edited"

    tiny_book.library.write_text("WIDTH = 22\n")
    page = tiny_book.build()
    assert "The breadth is 22 now" in page and "is 11 now" not in page
    assert tiny_book.runs == (3, 2)
