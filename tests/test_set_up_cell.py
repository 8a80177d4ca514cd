"""The cell that sets up a lab on Colab: it installs labkit, changes nothing else, fails clearly."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "labs").glob("*.ipynb"))
PUBLISHED_AT = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
#: GitHub lets no name begin with a hyphen, so nobody can own this one.
URL = PUBLISHED_AT or "https://github.com/-owner-/-labs-"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [Requirement(line).name for line in PROJECT["dependencies"]]

#: Stands in for pip: tells what it was asked for, and ends as it is told.
FAKE_PIP = """
import json, os, sys
json.dump(sys.argv[1:], open(os.environ["ASKED"], "w"))
sys.stderr.write(os.environ.get("SAYS", ""))
sys.exit(int(os.environ.get("ENDS", "0")))
"""


def set_up_cell(path):
    cells = nbformat.read(path, as_version=4).cells
    return next(cell for cell in cells if cell.cell_type == "code")


@pytest.fixture(scope="module")
def cell():
    return set_up_cell(NOTEBOOKS[0])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The cell as it is once the book has a public address."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "labs").mkdir()
    for name in ("_config.yml", f"labs/{NOTEBOOKS[0].name}"):
        shutil.copy(ROOT / name, folder / name)
    command = [sys.executable, str(ROOT / "book" / "_scripts" / "publish.py"), URL]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return set_up_cell(folder / "labs" / NOTEBOOKS[0].name)


@pytest.fixture
def run(published, tmp_path):
    """Run the cell as a program; return how it ended and what pip was asked for."""
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(FAKE_PIP)
    asked = tmp_path / "asked.json"

    def run(missing=True, cell=published, **behaviour):
        hide = "import sys; sys.modules['labkit'] = None\n" if missing else ""
        env = os.environ | {"PYTHONPATH": str(tmp_path), "ASKED": str(asked)} | behaviour
        command = [sys.executable, "-c", hide + cell.source]
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        return done, json.loads(asked.read_text()) if asked.exists() else None

    return run


def test_every_lab_has_the_same(cell):
    for path in NOTEBOOKS:
        other = set_up_cell(path)
        assert other.source == cell.source and other.metadata == cell.metadata


def test_it_is_collapsed_everywhere(cell):
    assert cell.source.startswith("# @title Set up")
    assert cell.metadata.tags == ["set-up", "hide-cell"]
    assert cell.metadata.cellView == "form" and cell.metadata.jupyter.source_hidden
    assert not cell.outputs


def test_where_labkit_is_installed_nothing_happens(run, cell, published):
    for state in (cell, published):
        done, asked = run(missing=False, cell=state)
        assert (done.returncode, done.stdout, done.stderr, asked) == (0, "", "", None)


@pytest.mark.skipif(bool(PUBLISHED_AT), reason="this copy is published")
def test_a_copy_without_an_address_says_so_in_one_sentence_and_installs_nothing(run, cell):
    done, asked = run(cell=cell)
    assert (done.returncode, done.stdout, asked) == (1, "", None)
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("This copy has no public address yet to install labkit from: ")
    assert "`make publish URL=…`" in sentence


def test_it_installs_from_the_books_own_repository_and_never_by_bare_name(run):
    done, asked = run()
    assert done.returncode == 0, done.stderr
    assert asked[:2] == ["install", "--quiet"] and asked[-1] == f"git+{URL}"
    assert not [word for word in asked if word.startswith("labkit")]


def test_it_says_what_it_does(run):
    done, _ = run()
    assert f"Installing labkit from {URL}" in done.stdout and "every other package" in done.stdout


def test_what_is_there_keeps_its_version(run):
    _, asked = run()
    assert set(asked[2:-1]) == {f"{name}=={version(name)}" for name in DEPENDENCIES}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("  error: git\n    fatal: no host.\n\nnote: not pip's fault\n", "fatal: no host"),
        ("WARNING: slow\nERROR: a conflict\nERROR: for help visit\n", "ERROR: a conflict"),
        ("something\nelse\n", "else"),
        ("", "pip gave no reason"),
    ],
)
def test_a_failure_is_one_sentence_with_its_reason(run, said, reason):
    done, _ = run(ENDS="1", SAYS=said)
    assert done.returncode == 1
    assert done.stderr.startswith(f"labkit could not be installed from {URL}: {reason}. Check the")
    assert "Traceback" not in done.stderr and "every other package" not in done.stdout
