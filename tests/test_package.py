"""The package as a whole: what importing it loads, and what it offers."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

#: A lab's wing bears the lab's name; what lies beside is for all of them.
WINGS = sorted(path.stem for path in (Path(__file__).parents[1] / "labs").glob("*.ipynb"))
OTHERS = {f"labkit.{wing}" for wing in WINGS}


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_labkit_loads_neither_keras_nor_tensorflow():
    loaded = run_python(
        "import sys, labkit, labkit.dog_breeds, labkit.receptive_field, labkit.questions;"
        "print([m for m in ('tensorflow', 'keras', 'torch', 'jax') if m in sys.modules])"
    )
    assert loaded == "[]"


@pytest.mark.parametrize("name", labkit.__all__)
def test_every_public_name_loads(name):
    assert getattr(labkit, name).__doc__


@pytest.mark.parametrize("package", [labkit, labkit.receptive_field], ids=lambda p: p.__name__)
def test_every_public_function_and_class_has_an_example(package):
    values = {name: getattr(package, name) for name in package.__all__}
    described = {n: v for n, v in values.items() if inspect.isfunction(v) or inspect.isclass(v)}
    errors = {n for n, v in described.items() if inspect.isclass(v) and issubclass(v, Exception)}
    assert {n for n, v in described.items() if "Example:" not in v.__doc__} == errors


def test_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no name 'fetsch'.*fetch"):
        labkit.fetsch  # noqa: B018
    assert "fetch" in dir(labkit)


@pytest.mark.parametrize("wing", WINGS)
def test_wings_do_not_import_each_other(wing):
    loaded = run_python(
        "import sys, importlib, pkgutil, labkit\n"
        f"package = importlib.import_module('labkit.{wing}')\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(*sorted({'.'.join(m.split('.')[:2]) for m in sys.modules if m[:7] == 'labkit.'}))"
    )
    assert set(loaded.split()) & OTHERS == {f"labkit.{wing}"}
