"""Answers in the page: which cells get a field, what is packed for them, and what they are told."""

import base64
import gzip
import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from labkit.receptive_field import receptive_field

ROOT = Path(__file__).parents[1]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))
PYODIDE = ROOT / "book" / "_live" / "pyodide"
#: What Python in a page has not: these, and of its own modules those that Pyodide leaves out.
WITHOUT = ("csv", "keras", "matplotlib", "numpy", "sympy", "tensorflow")

RECURRENCE = """my_recurrence = ""  # for instance "s*r + k"
check_recurrence(my_recurrence)"""
COUNT = """layers = [Layer(3), Layer(2, stride=2)]
my_count = None

if my_count is None:
    print("Not answered yet.")
else:
    print("Right." if my_count == receptive_field(layers) else "Not yet: draw it.")"""
FUNCTION = """def my_field(k, s):
    ...  # one line may do

check_closed_form(my_field)"""
IMPORTS = """import keras
from labkit.receptive_field import Layer, receptive_field, check_closed_form, check_recurrence"""


@pytest.fixture(scope="module")
def book():
    """Import the extension, what packs, and what runs an answer."""
    folders = [str(ROOT / "book" / name) for name in ("_ext", "_live")]
    sys.path[:0] = folders
    import answer
    import live_answers
    import live_bundle

    for folder in folders:
        sys.path.remove(folder)
    return SimpleNamespace(answer=answer, fields=live_answers, bundle=live_bundle)


@pytest.fixture(scope="module")
def whole(book):
    """Pack everything once."""
    return book.bundle.build()


def unpacked(bundle, name):
    """Return one of a bundle's files as the page gets it."""
    names = list(bundle.lengths)
    begin = sum(bundle.lengths[each] for each in names[: names.index(name)])
    text = "".join(bundle.parts)[begin : begin + bundle.lengths[name]]
    return gzip.decompress(base64.b64decode(text))


def your_turns(lab):
    """Yield each of a lab's cells that ask for something, with the code before it."""
    code = [c for c in nbformat.read(lab, as_version=4).cells if c.cell_type == "code"]
    for number, cell in enumerate(code):
        if "your-turn" in cell.metadata.get("tags", []):
            yield cell.source, [earlier.source for earlier in code[:number]]


class TestBlanks:
    @pytest.mark.parametrize(
        ("cell", "name", "kind", "hint", "stub"),
        [
            (
                RECURRENCE,
                "my_recurrence",
                "formula",
                'for instance "s*r + k"',
                "def my_recurrence(r, k, s):\n    return ",
            ),
            (
                'f = ""\ncheck_closed_form(f, dilation=True)',
                "f",
                "formula",
                "",
                "def f(k, s, d):\n    return ",
            ),
            (COUNT, "my_count", "number", "", ""),
            (
                FUNCTION,
                "my_field",
                "function",
                "one line may do",
                "def my_field(k, s):\n    ...  # one line may do",
            ),
        ],
    )
    def test_a_blank_is_found_with_its_kind(self, book, cell, name, kind, hint, stub):
        blank = book.fields.blank_of(cell, [IMPORTS])
        assert (blank.name, blank.kind, blank.hint, blank.stub) == (name, kind, hint, stub)
        assert not re.search(rf"^(def )?{name}( =|\()", blank.source, re.MULTILINE)

    def test_the_rest_of_the_cell_comes_with_the_imports_that_it_needs(self, book):
        assert book.fields.blank_of(COUNT, [IMPORTS]).source.splitlines()[:3] == [
            "from labkit.receptive_field import Layer",
            "from labkit.receptive_field import receptive_field",
            "layers = [Layer(3), Layer(2, stride=2)]",
        ]

    def test_a_cell_may_import_what_it_needs_itself(self, book):
        blank = book.fields.blank_of(f"{IMPORTS}\n{COUNT}", [])
        assert blank.source.startswith("from labkit.receptive_field import Layer\n")

    @pytest.mark.parametrize("needs", ["model.count_params()", "keras.ops", "nothing_known"])
    def test_what_needs_more_than_the_page_has_gets_no_field(self, book, needs):
        earlier = [IMPORTS, "model = keras.Sequential()"]
        assert book.fields.blank_of(f"n = None\nprint(n == {needs})", earlier) is None
        assert book.fields.blank_of("n = None\nprint(n == 3)", earlier)

    @pytest.mark.parametrize("cell", ["n = 3\nprint(n)", "", "print(1)", "def f():\n    return 1"])
    def test_where_nothing_is_blank_there_is_no_field(self, book, cell):
        assert book.fields.blank_of(cell, [IMPORTS]) is None


class TestLabs:
    def test_every_blank_of_lab_2_can_be_answered_in_the_page(self, book):
        (lab,) = (path for path in LABS if path.stem == "receptive_field")
        blanks = [book.fields.blank_of(*cell) for cell in your_turns(lab)]
        assert len(blanks) >= 5 and all(blanks)

    def test_they_run_without_what_the_page_has_not(self, book):
        """In a process of its own, where an import of these fails."""
        (lab,) = (path for path in LABS if path.stem == "receptive_field")
        blanks = [book.fields.blank_of(*cell) for cell in your_turns(lab)]
        answers = {"number": "1", "formula": "k"}
        calls = [(b.source, b.name, b.kind, answers[b.kind], "") for b in blanks]
        program = (
            f"import sys; sys.modules.update(dict.fromkeys({WITHOUT}))\n"
            f"sys.path.insert(0, {str(ROOT / 'book' / '_live')!r}); from answer import shown\n"
            f"for call in {calls!r}: print(len(shown(*call)))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.split()) == len(blanks)


class TestAnswers:
    def shown(self, book, cell, kind, text):
        blank = book.fields.blank_of(cell, [IMPORTS])
        return book.answer.shown(blank.source, blank.name, kind, text, "explorer.html")

    def test_it_speaks_the_language_of_the_page(self, book):
        blank = book.fields.blank_of(RECURRENCE, [IMPORTS])
        call = (blank.source, blank.name, "formula", "s*r + k - 1", "explorer.html")
        assert "Noch nicht: k=1, s=2, r=1" in book.answer.shown(*call, "de")
        assert ">Dieses Netz erkunden</a>" in book.answer.shown(*call, "de")
        assert "Not yet: k=1, s=2, r=1" in book.answer.shown(*call)

    def test_a_formula_gets_the_verdict_of_the_notebook(self, book):
        html = self.shown(book, RECURRENCE, "formula", "s*r + k - s")
        assert "✓ proved" in html and "<math" in html and "<svg" not in html

    def test_a_wrong_one_gets_hints_a_drawing_and_the_way_to_the_explorer(self, book):
        html = self.shown(book, RECURRENCE, "formula", "s*r + k - 1")
        assert "✗ wrong" in html and html.count("<details>") == 3 and "<svg" in html
        assert '<a href="explorer.html#network=1s2">' in html

    def test_a_network_beyond_the_explorer_gets_no_link(self, book):
        html = self.shown(book, RECURRENCE, "formula", "s*r + k - s + max(k - 99, 0)")
        assert "✗ wrong" in html and "explorer.html" not in html

    def test_a_function_is_proved_by_its_source(self, book):
        text = (
            "def f(r, k, s):\n    n = k\n    for _ in range(s):\n        n += r\n    return n - s"
        )
        assert "✓ proved" in self.shown(book, RECURRENCE, "function", text)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("def f(r, k, s:\n    return r", "Python cannot read line 1: "),
            ("x = 1", "That defines no function"),
            ("x = 1/0\ndef f(r): return r", "Python stops with ZeroDivisionError"),
            ("import sys\nsys.exit(3)", "Python stops with SystemExit: 3."),
            ("import tensorflow_of_nowhere", "This page has no tensorflow_of_nowhere"),
        ],
    )
    def test_a_function_that_is_none_is_told_so(self, book, text, told):
        html = self.shown(book, RECURRENCE, "function", text)
        assert told in html and html.startswith("<p>")

    @pytest.mark.parametrize("text", ["4", " 4 ", "4.0", "4,0", "+4", "0.4e1"])
    def test_numbers_in_every_spelling(self, book, text):
        assert receptive_field([]) == 1
        assert self.shown(book, COUNT, "number", text) == "<p>Right.</p>"

    @pytest.mark.parametrize(
        ("text", "number"),
        [("1,792", 1792), ("1 792.5", 1792.5), ("−3", -3), ("1’000’000", 10**6), ("0,25", 0.25)],
    )
    def test_numbers_with_sign_and_thousands(self, book, text, number):
        assert self.shown(book, "n = None\nprint(n)", "number", text) == f"<p>{number}</p>"

    @pytest.mark.parametrize("text", ["five", "3 or 4", "nan", "inf", "1,2,3"])
    def test_what_is_no_number_is_told_so(self, book, text):
        assert "That is no number" in self.shown(book, COUNT, "number", text)

    def test_what_a_reader_wrote_is_no_html(self, book):
        html = self.shown(book, "f = ''\nprint(f)\nf", "formula", "<img src=x onerror=alert(1)>")
        assert "<img" not in html and "&lt;img" in html


class TestBundle:
    def test_pyodide_is_what_it_was_when_it_was_taken(self):
        for line in (PYODIDE / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            assert hashlib.sha256((PYODIDE / name).read_bytes()).hexdigest() == digest, name
        version = re.search(r"pyodide@([\d.]+)", (PYODIDE / "README.txt").read_text())[1]
        assert f'"{version}"' in (PYODIDE / "pyodide.js").read_text(encoding="utf-8")

    def test_labkit_is_packed_as_it_is(self, book):
        with zipfile.ZipFile(io.BytesIO(book.bundle.library())) as archive:
            names = archive.namelist()
            for name in (name for name in names if name.startswith("labkit/")):
                assert archive.read(name) == (ROOT / name).read_bytes()
        for name in ("answer.py", "labkit/words.py", "labkit/receptive_field/checker/check.py"):
            assert name in names
        assert not [name for name in names if "dog_breeds" in name or "__pycache__" in name]

    def test_the_same_files_give_the_same_bytes(self, book, whole):
        """File by file, because it is the packing itself that takes long."""
        again = {"worker.js": book.bundle.worker().encode(), "labkit.zip": book.bundle.library()}
        again |= book.bundle.started(again["labkit.zip"])
        for name, data in again.items():
            assert unpacked(whole, name) == data, name
        assert book.bundle.packed(b"dog") == book.bundle.packed(b"dog")

    @pytest.mark.skipif(not shutil.which("node"), reason="Node.js starts Python")
    def test_python_is_packed_started_where_node_can_start_it(self, whole):
        started = unpacked(whole, "python_memory")
        for word in ("labkit.receptive_field.checker.check", "Network", "small_networks"):
            assert word.encode() in started
        assert str(ROOT).encode() not in started
        rest = zipfile.ZipFile(io.BytesIO(unpacked(whole, "python_stdlib.zip"))).namelist()
        with zipfile.ZipFile(PYODIDE / "python_stdlib.zip") as library:
            imported = set(library.namelist()) - set(rest)
        assert {"fractions.pyc", "json/__init__.pyc"} <= imported and "statistics.pyc" in rest

    def test_without_node_the_page_starts_python_itself(self, book, whole, monkeypatch):
        monkeypatch.setattr(book.bundle.shutil, "which", lambda name: None)
        plain = book.bundle.build()
        assert "python_memory" not in plain.lengths
        assert plain.lengths["python_stdlib.zip"] >= whole.lengths["python_stdlib.zip"]

    def test_it_weighs_no_more_than_a_telephone_takes(self, whole):
        assert 5_000_000 < sum(map(len, whole.parts)) <= 12_000_000

    def test_the_page_is_told_how_it_is_cut(self, book, whole, tmp_path):
        (tmp_path / "live").mkdir()
        (tmp_path / "live" / "python-99.js").write_text("stale")
        book.bundle.write(whole, tmp_path)
        written = sorted(path.name for path in (tmp_path / "live").iterdir())
        assert written == sorted(f"python-{n}.js" for n in range(len(whole.parts)))
        assert whole.digest in (tmp_path / "live.js").read_text(encoding="utf-8")
        assert sum(whole.lengths.values()) == sum(map(len, whole.parts))
