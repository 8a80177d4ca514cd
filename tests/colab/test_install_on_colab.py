"""Colab's versions, and what the set-up cell does to them when it really runs pip: nothing."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient
from packaging.requirements import Requirement

pytestmark = pytest.mark.colab

ROOT = Path(__file__).parents[2]
PUBLISHED_AT = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
#: GitHub lets no name begin with a hyphen, so nobody can own this one.
URL = PUBLISHED_AT or "https://github.com/-owner-/-labs-"
LAB = "labs/dog_breeds.ipynb"
LINES = (Path(__file__).parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
COLAB = [Requirement(line) for line in LINES if not line.startswith("#")]
HERE = [r for r in COLAB if r.marker is None or r.marker.evaluate()]

#: Nothing listens here, so whatever is sent there fails at once, as without a network.
NOWHERE = "http://127.0.0.1:9/"

#: Where the set-up cell has just run, the next cells find the whole of labkit.
NEXT_CELLS = """
import json, pathlib
import labkit
from labkit.receptive_field import explorer
from labkit.questions import Number, ask

network = labkit.pretrained("small_vgg", "drawn", 12, (64, 64, 3), dense=(128, 128))
question = Number("How wide?", answer=3, because="So.", mistakes={}, otherwise="Count.")
print(json.dumps({
    "folder": str(pathlib.Path(labkit.__file__).parent),
    "parameters": network.count_params(),
    "breeds": len(labkit.photograph_class_sizes().sizes),
    "explorer": "<style>" in explorer()._repr_html_(),
    "questions": "<script>" in ask(question)._repr_html_(),
}))
"""


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """The first cell with code of a published lab; that all labs have the same is another test."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "labs").mkdir()
    for name in ("_config.yml", LAB):
        shutil.copy(ROOT / name, folder / name)
    command = [sys.executable, str(ROOT / "book" / "_scripts" / "publish.py"), URL]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    cells = nbformat.read(folder / LAB, as_version=4).cells
    return next(cell for cell in cells if cell.cell_type == "code")


def clean_environment(**changes):
    """Return the variables of a shell outside of this checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"TF_CPP_MIN_LOG_LEVEL": "2"} | changes


def run(code, folder, **changes):
    """Run a program as from a folder that knows nothing of this checkout."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=clean_environment(**changes),
        capture_output=True,
        text=True,
    )


def with_git(name, value):
    """Return the variables that give git one more setting."""
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": name, "GIT_CONFIG_VALUE_0": value}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Stand in for the repository on the web: this working tree as its one commit."""
    folder = tmp_path_factory.mktemp("repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    author = ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false"]
    for command in (["init"], ["add", "--all", "--force"], [*author, "commit", "-m", "all"]):
        subprocess.run(["git", *command], cwd=folder, capture_output=True, check=True)
    return folder


def is_labkit_installed(folder):
    return run("import labkit", folder).returncode == 0


def state_of_the_environment():
    """Map every file that is installed, but for labkit's own and compiled ones, to its state."""
    packages = Path(sys.prefix) / "lib"
    files = (path for path in packages.rglob("*") if path.is_file())
    states = {}
    for path in files:
        parts = path.relative_to(packages).parts
        if "__pycache__" not in parts and not any(part.startswith("labkit") for part in parts):
            stat = path.stat()
            states["/".join(parts)] = stat.st_size, stat.st_mtime_ns
    assert len(states) > 1000
    return states


def installed_versions():
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"],
        cwd=Path(sys.prefix),
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}


@pytest.fixture(scope="module")
def installed(cell, repository, tmp_path_factory):
    """Run the cell and what follows, once, where labkit is not; take labkit away afterwards."""
    folder = tmp_path_factory.mktemp("lab")
    if is_labkit_installed(folder):
        pytest.fail("labkit is installed here; make test-colab runs this where it is not.")
    before = installed_versions(), state_of_the_environment()
    to_here = with_git(f"url.{repository.as_uri()}.insteadOf", URL)
    done = run(cell.source + NEXT_CELLS, folder, **to_here)
    yield done, before, (installed_versions(), state_of_the_environment())
    uninstall = [sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "labkit"]
    subprocess.run(uninstall, cwd=folder, env=clean_environment(), check=True)


@pytest.mark.parametrize("wanted", HERE, ids=lambda requirement: requirement.name)
def test_the_versions_here_are_colabs(wanted):
    assert wanted.specifier.contains(version(wanted.name))


WAYS_TO_FAIL = {
    "the repository is out of reach": (with_git(f"url.{NOWHERE}.insteadOf", URL), "fatal: "),
    "the index is out of reach": ({"PIP_CONFIG_FILE": os.devnull, "PIP_PROXY": NOWHERE}, "ERROR: "),
    "there is no git": ({"PATH": "/nowhere"}, "git"),
}


@pytest.mark.parametrize("way", WAYS_TO_FAIL)
def test_what_keeps_it_from_installing_is_said_and_nothing_is_changed(
    way, cell, repository, tmp_path
):
    changes, said = WAYS_TO_FAIL[way]
    if "GIT_CONFIG_COUNT" not in changes:
        changes = changes | with_git(f"url.{repository.as_uri()}.insteadOf", URL)
    before = installed_versions(), state_of_the_environment()
    hide = "import sys; sys.modules['labkit'] = None\n"
    done = run(hide + cell.source + NEXT_CELLS, tmp_path, PIP_RETRIES="0", **changes)
    assert done.returncode == 1 and "Installed" not in done.stdout
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"labkit could not be installed from {URL}: ")
    reason = sentence.removeprefix(f"labkit could not be installed from {URL}: ")
    assert said in reason and "Check the network and run this cell again" in reason
    assert (installed_versions(), state_of_the_environment()) == before


def test_a_notebook_shows_the_sentence(cell, tmp_path, monkeypatch):
    for name, value in with_git(f"url.{NOWHERE}.insteadOf", URL).items():
        monkeypatch.setenv(name, value)
    # The kernel's folder comes first on its path, and a package of this name cannot be imported.
    (tmp_path / "labkit.py").write_text("raise ModuleNotFoundError('labkit')")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.source)])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, resources=resources
    ).execute()
    errors = [output for output in notebook.cells[0].outputs if output.output_type == "error"]
    assert [error.ename for error in errors] == ["SystemExit"]
    assert errors[0].evalue.startswith(f"labkit could not be installed from {URL}: fatal: ")


def test_the_cell_installs_labkit(installed):
    done, (before, _), (after, _) = installed
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        f"Installing labkit from {URL} …",
        "Installed; every other package is as it was.",
    ]
    assert set(after) - set(before) == {"labkit"}


def test_every_other_package_is_as_it_was(installed):
    _, before, after = installed
    assert {name: after[0][name] for name in before[0]} == before[0]
    assert after[1] == before[1]


def test_every_file_of_the_package_has_come(installed):
    done, *_ = installed
    folder = Path(json.loads(done.stdout.splitlines()[-1])["folder"])
    assert folder != ROOT / "labkit"

    # The map of the library is for those who read its files here; it is not installed.
    def contents(top):
        files = (path for path in top.rglob("*") if path.is_file() and path.suffix != ".md")
        return {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in files
            if "__pycache__" not in path.parts
        }

    ours, theirs = contents(ROOT / "labkit"), contents(folder)
    assert {Path(name).suffix for name in ours} >= {".py", ".h5", ".csv", ".html", ".css", ".js"}
    assert set(theirs) == set(ours)
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_the_next_cells_find_all_they_need(installed):
    done, *_ = installed
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["parameters"], found["breeds"]) == (240_988, 120)
    assert found["explorer"] and found["questions"]


def test_where_labkit_is_installed_the_cell_is_silent(installed, cell, tmp_path):
    done = run(cell.source, tmp_path, PATH="/nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
