"""The package as a whole: what importing it loads, and what it offers."""

import ast
import graphlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

ROOT = Path(__file__).parents[1]
#: A lab's wing bears the lab's name; what lies beside is for all of them.
WINGS = sorted(path.stem for path in (ROOT / "labs").glob("*.ipynb"))


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_labkit_loads_neither_keras_nor_tensorflow():
    loaded = run_python(
        "import sys, labkit, labkit.dog_breeds, labkit.receptive_field, labkit.questions;"
        "from labkit.dog_breeds.run import read_record;"
        "from labkit.dog_breeds.split_and_leak import split_and_leak;"
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


def imported(path):
    """List what the statements of a module import, wherever they stand."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("wing", WINGS)
def test_nothing_outside_a_wing_imports_it(wing):
    folder = ROOT / "labkit" / wing
    others = [p for p in (ROOT / "labkit").rglob("*.py") if folder not in p.parents]
    assert others and not [path for path in others if imports_wing(path, wing)]


def imports_wing(path, wing):
    return any(f"labkit.{wing}." in f"{name}." for name in imported(path))


def test_an_import_is_seen_wherever_it_stands():
    assert imports_wing(ROOT / "labkit" / "dog_breeds" / "training.py", "dog_breeds")
    inside_a_function = ROOT / "labkit" / "dog_breeds" / "batches" / "generator.py"
    assert "labkit.dog_breeds.batches.directory_iterator.DirectoryIterator" in set(
        imported(inside_a_function)
    )


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_files_import_each_other_in_a_circle():
    """Also not inside functions, where Python itself would not mind."""
    files = {module_of(path): path for path in (ROOT / "labkit").rglob("*.py")}
    # A package's own file only hands on what stands in the others.
    files = {name: path for name, path in files.items() if path.name != "__init__.py"}
    graph = {name: files.keys() & set(modules_named(path)) for name, path in files.items()}
    assert sum(map(len, graph.values())) > 100
    graphlib.TopologicalSorter(graph).prepare()


def modules_named(path):
    """Yield what a file imports, as modules: without the names that it takes out of them."""
    for name in imported(path):
        yield name
        yield name.rpartition(".")[0]
