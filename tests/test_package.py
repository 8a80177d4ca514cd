"""The package as a whole: what importing it loads, and what it offers."""

import subprocess
import sys

import pytest

import labkit


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_labkit_loads_neither_keras_nor_tensorflow():
    loaded = run_python(
        "import sys, labkit, labkit.dog_breeds, labkit.receptive_field;"
        "print([m for m in ('tensorflow', 'keras', 'torch', 'jax') if m in sys.modules])"
    )
    assert loaded == "[]"


@pytest.mark.parametrize("name", labkit.__all__)
def test_every_public_name_loads(name):
    assert getattr(labkit, name).__doc__


def test_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no name 'fetsch'.*fetch"):
        labkit.fetsch  # noqa: B018
    assert "fetch" in dir(labkit)


@pytest.mark.parametrize(
    ("wing", "other"), [("dog_breeds", "receptive_field"), ("receptive_field", "dog_breeds")]
)
def test_wings_do_not_import_each_other(wing, other):
    loaded = run_python(
        "import sys, importlib, pkgutil, labkit\n"
        f"package = importlib.import_module('labkit.{wing}')\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        f"print([m for m in sys.modules if m.startswith('labkit.{other}')])"
    )
    assert loaded == "[]"
