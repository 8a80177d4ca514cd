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

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "labs").glob("*.ipynb"))

TIME_STAMP = re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|Users|tmp|work|private|var|usr|opt)/|\b[A-Z]:\\"
)
#: What folds, by its tag, and with what its title begins.
FOLDED = {"solution": "Answer", "hint": "Hint"}
FOLDED_WORDS = re.compile(
    r"<details>\n<summary>([^<>\n]+)</summary>\n\n(?!\s*</details>).+\n\n</details>", re.DOTALL
)
FOLDED_CODE = re.compile(r"# @title (\S.*)\n(?s:.*\S)")
LOOKS_FOLDED = re.compile(r"<\s*/?\s*(details|summary)\b|#\s*@title\s+(answer|hint)\b", re.I)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
SHORTEST_ALT_TEXT = 40
HEAVIEST_OUTPUT = 100_000
IGNORED = {"nbval-ignore-output", "nbval-skip"}


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_every_lab_has_its_wing_its_chapter_and_its_card():
    chapters = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    cards = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert (ROOT / "labkit" / path.stem / "__init__.py").is_file()
        assert (ROOT / "tests" / path.stem).is_dir()
        assert f"- file: labs/{path.stem}\n" in chapters
        assert f":link: ../labs/{path.stem}\n" in cards


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
        known = {"tags", "mystnb", "name", "cellView", "jupyter", "nbgrader", "points"}
        assert set(cell.metadata) <= known, cell.metadata
        texts = [cell.source, *output_texts(cell)]
        assert not any(TIME_STAMP.search(text) for text in texts), cell.source
        assert not any(MACHINE_PATH.search(text) for text in texts), cell.source


def output_texts(cell):
    """List what a cell's outputs say in words."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    shown = [text for d in data for kind, text in d.items() if not kind.startswith("image/png")]
    return [output.get("text", "") for output in cell.get("outputs", [])] + list(map(str, shown))


def test_no_output_is_heavy(notebook):
    """What a cell tagged `not-stored` shows, the notebook holds as one line of words."""
    for cell in code_cells(notebook):
        assert sum(map(len, output_texts(cell))) < HEAVIEST_OUTPUT, cell.source
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert not tagged([cell], "not-stored") or kinds <= {"text/plain"}, cell.source


def test_one_title_comes_first_and_no_level_is_skipped(notebook):
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    without_code = [re.sub(r"```.*?```", "", text, flags=re.DOTALL) for text in prose]
    levels = [len(marks) for text in without_code for marks in HEADING.findall(text)]
    assert levels[0] == 1 and levels.count(1) == 1 and notebook.cells[0].source.startswith("# ")
    steps = pairwise(levels)
    assert all(lower <= upper + 1 for upper, lower in steps), levels


def test_only_the_first_code_cell_sets_up(notebook):
    """What it does is tested in test_set_up_cell.py."""
    assert tagged(code_cells(notebook), "set-up") == code_cells(notebook)[:1]


def test_links_are_addresses_or_lead_to_pages_that_are_published_with_it(notebook):
    """What becomes of the latter is tested in test_publishing.py."""
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    beside = re.findall(r"\]\((?!https?://)([^)#]+)", sources)
    pages = [re.fullmatch(r"\.\./(book/\w+\.md)", target) for target in beside]
    assert all(pages), beside
    assert not [page[1] for page in pages if not (ROOT / page[1]).is_file()]


def test_goals_time_and_a_box_to_take_away_are_there(notebook):
    first = notebook.cells[0].source
    assert "**You will learn**" in first and re.search(r"\*\*You need\*\* \w+ minutes", first)
    boxes = [c.source for c in notebook.cells if c.source.startswith('<div class="takeaway">')]
    assert len(boxes) == 1 and "**Take away**" in boxes[0] and boxes[0].endswith("\n\n</div>")


def test_it_asks_three_to_five_questions_with_instant_feedback(notebook):
    (cell,) = tagged(code_cells(notebook), "questions")
    calls = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)]
    (asked,) = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "ask"]
    assert 3 <= len(asked.args) <= 5 and cell.source.startswith("# @title ")
    assert "remove-input" in cell.metadata.tags and cell.metadata.jupyter.source_hidden


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
            trees = [ast.parse(code) for code in near]
            assert any(map(insists, trees)), cell.source


def insists(tree):
    """Tell whether code stops where what it states does not hold: settings.claim does as well."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    claims = [f for f in calls if isinstance(f, ast.Attribute) and f.attr == "claim"]
    return bool(claims) or any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def test_claims_are_folded_and_insist_on_something(notebook):
    for cell in code_cells(notebook):
        insisting = insists(ast.parse(plain_python(cell)))
        assert insisting or not tagged([cell], "claims"), cell.source
        if tagged([cell], "claims", "folded"):
            title = re.match(r"# @title (\S.*)\n", cell.source)[1]
            assert cell.metadata.mystnb.code_prompt_show == title
            assert "hide-cell" in cell.metadata.tags and cell.metadata.jupyter.source_hidden


def test_no_comment_hides_an_output_from_comparison(notebook):
    """Tags do, because the test above reads tags."""
    markers = r"#\s*(NBVAL_(IGNORE_OUTPUT|SKIP)|PYTEST_VALIDATE_IGNORE_OUTPUT)"
    assert not [c.source for c in code_cells(notebook) if re.search(markers, c.source)]


def test_what_looks_like_an_answer_or_a_hint_has_its_tag_and_its_form(notebook):
    for cell in notebook.cells:
        if tagged([cell], *FOLDED) or LOOKS_FOLDED.search(cell.source):
            form = FOLDED_CODE if cell.cell_type == "code" else FOLDED_WORDS
            match = form.fullmatch(cell.source)
            assert match, cell.source
            kinds = {tag for tag, begin in FOLDED.items() if match[1].startswith(begin)}
            assert kinds and kinds == set(FOLDED) & set(cell.metadata.get("tags", [])), cell.source
            assert cell.cell_type == "code" or not HEADING.search(cell.source), cell.source


def test_answers_and_hints_in_code_are_folded_everywhere(notebook):
    for cell in tagged(code_cells(notebook), *FOLDED):
        assert "hide-cell" in cell.metadata.tags, cell.source
        assert cell.metadata.cellView == "form" and cell.metadata.jupyter.source_hidden
        title = cell.source.splitlines()[0].removeprefix("# @title ")
        assert cell.metadata.mystnb.code_prompt_show == title


def test_answers_are_marked_for_nbgrader(notebook):
    """Where a mark is missing or stale: python book/_scripts/execute_labs.py --tidy-only labs/*."""
    answers = tagged(notebook.cells, "solution", "show-that")
    tasks = tagged(notebook.cells, "task")
    marked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert [cell for cell in marked if cell not in tasks] == answers
    marks = [cell.metadata.nbgrader for cell in answers]
    assert all(m.solution and m.grade and not m.locked and not m.task for m in marks)
    names_of_marks = [mark.grade_id for mark in marks]
    assert names_of_marks == [f"answer-{cell.id}" for cell in answers]


def test_answers_pass_the_checks_of_their_own_blanks(notebook):
    for cell in tagged(notebook.cells, "solution"):
        assert not any("✗ Not yet" in text for text in output_texts(cell)), cell.source


def test_a_task_has_points_and_a_blank_that_checks_itself(notebook):
    for number, cell in enumerate(notebook.cells):
        if tagged([cell], "task"):
            mark = cell.metadata.nbgrader
            assert mark.task and mark.locked and mark.points > 0 and not mark.solution
            assert mark.grade_id == f"task-{cell.id}" and cell.cell_type == "markdown"
            assert tagged(notebook.cells[number + 1 : number + 2], "your-turn"), cell.source


def test_a_handout_has_one_blank_for_each_question(notebook):
    """Between two blanks, or a blank and an answer that leaves none, only hints may stand."""
    cells = [cell for cell in notebook.cells if not tagged([cell], "hint")]
    for before, cell in pairwise(cells):
        follows = bool(tagged([before], "solution", "your-turn", "show-that"))
        removed = bool(tagged([cell], "handout-remove"))
        assert removed == (follows and bool(tagged([cell], "solution"))), cell.source
        assert cell.metadata.get("nbgrader", {}).get("points", 0) > 0 or not (
            tagged([cell], "solution") and not removed
        ), cell.source


def test_an_answer_in_code_has_a_blank_before_it(notebook):
    cells = code_cells(notebook)
    if tagged(cells, "solution"):
        first_answer = cells.index(tagged(cells, "solution")[0])
        assert tagged(cells[:first_answer], "your-turn")


def test_blanks_are_no_answers(notebook):
    blanks = tagged(notebook.cells, "your-turn")
    assert all(cell.cell_type == "code" for cell in blanks)
    assert not tagged(blanks, "solution")


def test_handouts_need_no_name_from_an_answer(notebook):
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
