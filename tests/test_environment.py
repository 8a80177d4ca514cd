"""The places that name versions agree: pyproject.toml, environment.yml, the locks, Colab's list."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

#: What Colab has, of the packages that labkit needs or might disturb; `make test-colab` uses it.
COLAB_LINES = (ROOT / "tests" / "colab" / "requirements.txt").read_text("utf-8").splitlines()
COLAB = {
    canonicalize_name(r.name): str(r.specifier).removeprefix("==")
    for r in (Requirement(line) for line in COLAB_LINES if not line.startswith("#"))
}
(COLABS_PYTHON,) = (line.split()[-1] for line in COLAB_LINES if line.startswith("# Python "))

#: Needed by labkit and part of every TensorFlow installation, so Colab has it in some version.
COMES_WITH_TENSORFLOW = {"h5py"}


def parsed(requirements):
    """Map each requirement to its name, range and marker, in an order that does not matter."""
    wanted = map(Requirement, requirements)
    return {(canonicalize_name(r.name), str(r.specifier), str(r.marker or "")) for r in wanted}


def declared(*extras):
    return [*PROJECT["dependencies"], *(r for extra in extras for r in EXTRAS[extra])]


@pytest.fixture(scope="module")
def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lock():
    """Map names to versions, as the lock has them."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[^\s=]+", pin) for pin in pins), pins
    return dict(pin.split("==") for pin in pins)


def test_conda_environment_installs_what_a_build_and_a_test_run_need(conda):
    from_pip = conda["dependencies"][-1]["pip"]
    assert from_pip[-1] == "--editable ."
    assert parsed(from_pip[:-1]) == parsed(declared("book", "test"))


def test_conda_environment_has_the_supported_pythons(conda):
    python = next(r for r in conda["dependencies"] if str(r).startswith("python"))
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_lock_holds_an_allowed_version_of_every_requirement(lock, extra):
    requirements = EXTRAS[extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, requirements):
        version = lock.get(canonicalize_name(requirement.name))
        assert version, f"the lock lacks {requirement.name}; run: make lock"
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_lock_has_one_version_of_both_builds_of_tensorflow(lock):
    assert lock["tensorflow"] == lock["tensorflow-cpu"]


def test_installing_labkit_on_colab_changes_nothing_there():
    for requirement in map(Requirement, PROJECT["dependencies"]):
        name = canonicalize_name(requirement.name)
        if name not in COMES_WITH_TENSORFLOW:
            assert requirement.specifier.contains(COLAB[name]), requirement


def test_extras_accept_what_colab_has():
    for requirement in map(Requirement, declared("bench", "kaggle", "test")):
        version = COLAB.get(canonicalize_name(requirement.name))
        assert version is None or requirement.specifier.contains(version), requirement


def test_colabs_list_holds_names_and_versions_alone():
    lines = [line for line in COLAB_LINES if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9.]+(; .+)?", line) for line in lines), lines
    assert len(lines) == len(COLAB) and COLAB["tensorflow"] == COLAB["tensorflow-cpu"]
    assert {"ipython", "ipykernel", "keras", "numpy", "matplotlib"} < set(COLAB)


def test_colabs_python_is_supported():
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{COLABS_PYTHON}.0")


def test_labkit_itself_brings_no_tensorflow():
    assert not [name for name, *_ in parsed(declared()) if name.startswith("tensorflow")]


def test_no_requirement_is_pinned():
    for requirement in map(Requirement, declared(*EXTRAS)):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert not operators & {"==", "===", "~="}, requirement


def test_lock_is_names_and_versions_and_nothing_else():
    """No index, no address, no path, no option: where packages come from is for pip to know."""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        rule = r"(?:#.*|[a-z0-9]+(?:[.-][a-z0-9]+)*==\d[0-9a-z.+!]*)?"
        assert re.fullmatch(rule, line), line
        assert not re.search(r"://|@ |--|\.whl|\.tar|index|find-links", line), line


def test_lock_names_each_package_once(lock):
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if "==" in line]) == len(lock)


def test_whatever_make_installs_is_held_to_the_lock():
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    definition = next(line for line in text.splitlines() if line.startswith("PIP_INSTALL"))
    assert "--constraint requirements.lock" in definition
    uses = [line for line in text.splitlines() if re.search(r"pip install|PIP_INSTALL\)", line)]
    # Colab's versions have a list of their own; where nothing else is installed, none is needed.
    held = ("$(PIP_INSTALL)", "--constraint requirements.lock", "tests/colab/requirements.txt")
    for line in uses:
        assert any(words in line for words in (*held, "--no-deps")), line
    assert len(uses) >= 4
    # And a changed lock is noticed.
    stamp = next(line for line in text.splitlines() if line.startswith("$(VENV)/.book:"))
    assert "requirements.lock" in stamp


def test_lock_is_what_is_installed_where_make_has_run(lock):
    """A stamp of make's says that it has; elsewhere, as on Colab, other versions are in use."""
    import sys
    from importlib.metadata import distributions

    if not (Path(sys.prefix) / ".book").exists():
        pytest.skip("this environment was not made by make")
    installed = {canonicalize_name(d.metadata["Name"]): d.version for d in distributions()}
    shared = installed.keys() & lock.keys()
    assert len(shared) > 50
    assert {n: installed[n] for n in shared} == {n: lock[n] for n in shared}
