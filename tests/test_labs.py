"""Every notebook in labs/ is honest, clean and in the one format: see book/teaching.md."""

import ast
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "labs").glob("*.ipynb"))
ADDRESS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]

INSTALL_CELL = f"""\
# On Colab, fetch the labs' library; anywhere else it is already installed.
try:
    import labkit
except ModuleNotFoundError:
    %pip install --quiet git+{ADDRESS}"""

TIME_STAMP = re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|Users|tmp|work|private|var|usr|opt)/|\b[A-Z]:\\"
)
ANSWER_IN_WORDS = re.compile(
    r"<details>\n<summary>[^<>\n]+</summary>\n\n(?!\s*</details>).+\n\n</details>", re.DOTALL
)
ANSWER_IN_CODE = re.compile(r"# @title \S.*\n.*\S", re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
SHORTEST_ALT_TEXT = 40
IGNORED = {"nbval-ignore-output", "nbval-skip"}


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(cells, *tags):
    return [cell for cell in cells if set(tags) & set(cell.metadata.get("tags", []))]


def plain_python(cell):
    """Return a cell's code without IPython's own commands, which start with % or !."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)


def names(cells, context):
    """List the names that the top level of cells stores, or that they load anywhere."""
    trees = [ast.parse(plain_python(cell)) for cell in cells]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Store:
        defined = (ast.FunctionDef, ast.ClassDef)
        found |= {node.name for node in nodes if isinstance(node, defined)}
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        found |= {a.asname or a.name.split(".")[0] for node in imports for a in node.names}
    return found


def test_notebook_is_valid_and_current(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)


def test_kernel_is_python_3(notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_every_code_cell_has_run_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_is_empty(notebook):
    assert all(cell.source.strip() for cell in notebook.cells)


def test_no_output_is_an_error_or_a_warning(notebook):
    for cell in code_cells(notebook):
        kinds = {output.output_type for output in cell.outputs}
        streams = {output.get("name") for output in cell.outputs}
        assert "error" not in kinds and "stderr" not in streams, cell.source


def test_nothing_tells_when_or_where_it_ran(notebook):
    for cell in notebook.cells:
        known = {"tags", "mystnb", "name", "cellView", "jupyter"}
        assert set(cell.metadata) <= known, cell.metadata
        texts = [cell.source, *output_texts(cell)]
        assert not any(TIME_STAMP.search(text) for text in texts), cell.source
        assert not any(MACHINE_PATH.search(text) for text in texts), cell.source


def output_texts(cell):
    """List what a cell's outputs say in words."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    shown = [text for d in data for kind, text in d.items() if not kind.startswith("image/png")]
    return [output.get("text", "") for output in cell.get("outputs", [])] + list(map(str, shown))


def test_one_title_comes_first_and_no_level_is_skipped(notebook):
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    without_code = [re.sub(r"```.*?```", "", text, flags=re.DOTALL) for text in prose]
    levels = [len(marks) for text in without_code for marks in HEADING.findall(text)]
    assert levels[0] == 1 and levels.count(1) == 1 and notebook.cells[0].source.startswith("# ")
    steps = pairwise(levels)
    assert all(lower <= upper + 1 for upper, lower in steps), levels


def test_first_code_cell_fetches_the_library_on_colab(notebook):
    first, *others = code_cells(notebook)
    assert first.source == INSTALL_CELL
    assert first.metadata.tags == ["colab-install", "remove-cell"]
    assert not first.outputs and not tagged(others, "colab-install")


def test_every_picture_is_described(notebook):
    for cell in code_cells(notebook):
        kinds = [kind for output in cell.outputs for kind in output.get("data", {})]
        if any(kind.startswith("image/") for kind in kinds):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) >= SHORTEST_ALT_TEXT, cell.source
            assert not re.search(r"\.(png|jpe?g|svg)\b", alt), alt


def test_an_output_that_is_not_compared_has_an_assertion_beside_it(notebook):
    cells = code_cells(notebook)
    for number, cell in enumerate(cells):
        if tagged([cell], *IGNORED):
            near = map(plain_python, cells[number + 1 : number + 3])
            trees = [node for code in near for node in ast.walk(ast.parse(code))]
            assert any(isinstance(node, ast.Assert) for node in trees), cell.source


def test_no_comment_hides_an_output_from_comparison(notebook):
    """Tags do, because the test above reads tags."""
    markers = r"#\s*(NBVAL_(IGNORE_OUTPUT|SKIP)|PYTEST_VALIDATE_IGNORE_OUTPUT)"
    assert not [c.source for c in code_cells(notebook) if re.search(markers, c.source)]


def test_answers_in_words_are_folded(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (
            tagged([cell], "solution") or "<details>" in cell.source
        ):
            assert ANSWER_IN_WORDS.fullmatch(cell.source), cell.source
            assert tagged([cell], "solution") and not HEADING.search(cell.source), cell.source


def test_answers_in_code_are_folded_everywhere(notebook):
    for cell in tagged(code_cells(notebook), "solution"):
        assert ANSWER_IN_CODE.fullmatch(cell.source), cell.source
        assert "hide-cell" in cell.metadata.tags, cell.source
        assert cell.metadata.cellView == "form" and cell.metadata.jupyter.source_hidden
        title = cell.source.splitlines()[0].removeprefix("# @title ")
        assert cell.metadata.mystnb.code_prompt_show == title


def test_an_answer_in_code_has_a_blank_before_it(notebook):
    cells = code_cells(notebook)
    if tagged(cells, "solution"):
        first_answer = cells.index(tagged(cells, "solution")[0])
        assert tagged(cells[:first_answer], "your-turn")


def test_blanks_are_no_answers(notebook):
    blanks = tagged(notebook.cells, "your-turn")
    assert all(cell.cell_type == "code" for cell in blanks)
    assert not tagged(blanks, "solution")


def test_exercises_need_no_name_from_an_answer(notebook):
    answers = tagged(code_cells(notebook), "solution")
    others = [cell for cell in code_cells(notebook) if cell not in answers]
    only_in_answers = names(answers, ast.Store) - names(others, ast.Store)
    assert not only_in_answers & names(others, ast.Load)


def test_receptive_fields_are_derived_without_keras():
    """Everything before VGG16 is built runs where neither Keras nor TensorFlow is installed."""
    notebook = nbformat.read(ROOT / "labs" / "receptive_field.ipynb", as_version=4)
    sources = [plain_python(cell) for cell in code_cells(notebook)]
    first = next(i for i, source in enumerate(sources) if "import keras" in source)
    assert first > 10
    blocked = "for name in ('keras', 'tensorflow', 'torch', 'jax'): sys.modules[name] = None"
    program = ["import sys", blocked, "display = print", *sources[:first]]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        capture_output=True,
        text=True,
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
