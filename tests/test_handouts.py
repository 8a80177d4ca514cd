"""Hand-outs: no answer is left in them, they run, and nbgrader makes the same from our labs."""

import copy
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "book" / "_scripts"
LABS = sorted((ROOT / "labs").glob("*.ipynb"))

#: nbgrader starts a program of its own by name, as in an activated environment.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

#: What stands in a blank, by nbgrader's settings: in book/nbgrader_config.py, and without it.
STUBS = {
    "ours": {"code": "# YOUR CODE HERE", "markdown": "*Your answer here.*"},
    "its own": {
        "code": "# YOUR CODE HERE\nraise NotImplementedError()",
        "markdown": "YOUR ANSWER HERE",
    },
}
SHORTEST_SENTENCE = 30


def run(*command, cwd=ROOT):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=os.environ | {"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )


def read(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def is_blank(cell):
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def code(source, *cell_tags, **metadata):
    output = new_output("stream", name="stdout", text="9\n")
    metadata |= {"tags": list(cell_tags)} if cell_tags else {}
    return new_code_cell(source, metadata=metadata, execution_count=1, outputs=[output])


def text(source, *cell_tags, **metadata):
    metadata |= {"tags": list(cell_tags)} if cell_tags else {}
    return new_markdown_cell(source, metadata=metadata)


def words(title, answer):
    return f"<details>\n<summary>{title}</summary>\n\n{answer}\n\n</details>"


def sample_cells():
    """Return one cell of each kind, with the author's tags alone."""
    return [
        text("# A lab"),
        text("**Your turn.** What is three squared?"),
        code("mine = None", "your-turn"),
        text(words("Hint", "It is odd."), "hint"),
        code("# @title Answer: nine\nnine = 3 * 3\nprint(nine)", "solution"),
        text(words("Answer: why", "Three threes are nine."), "solution"),
        text("**Question.** And three cubed?"),
        text(words("Answer", "It is 27."), "solution"),
        code("# @title Answer: by multiplying\nprint(3 * 3 * 3)", "solution"),
        text("**Question.** And four squared?"),
        code("# @title Hint: a picture\nprint('####\\n' * 4)", "hint"),
        code("# @title Answer: sixteen\nprint(4 * 4)", "solution"),
        code("print(9)"),
    ]


def store(path, cells):
    nbformat.write(new_notebook(cells=cells), path)
    return path


class TestMetadataFollowTags:
    @pytest.fixture
    def tidied(self, monkeypatch):
        """Return a function that derives the metadata of cells, and returns the cells."""
        monkeypatch.syspath_prepend(SCRIPTS)
        script = importlib.import_module("derive_metadata")

        def tidy(*cells):
            notebook = copy.deepcopy(new_notebook(cells=[*cells]))
            script.derive_metadata(notebook)
            nbformat.validate(notebook)
            return notebook.cells

        return tidy

    def test_one_blank_is_left_for_each_question(self, tidied):
        cells = tidied(*sample_cells())
        answers = [number for number, cell in enumerate(cells) if "solution" in tags(cell)]
        assert answers == [4, 5, 7, 8, 11]
        assert [n for n in answers if "handout-remove" not in tags(cells[n])] == [7, 11]
        assert [cells[n].metadata.nbgrader.points for n in answers] == [0, 0, 1, 0, 1]

    def test_answers_carry_nbgraders_marks_and_nothing_else_does(self, tidied):
        cells = tidied(*sample_cells())
        marked = [cell for cell in cells if "nbgrader" in cell.metadata]
        assert marked == [cell for cell in cells if "solution" in tags(cell)]
        assert len({cell.metadata.nbgrader.grade_id for cell in marked}) == len(marked)

    def test_an_argument_in_words_has_its_points_and_the_only_blank(self, tidied):
        argument = text("*Your argument.*", "show-that", points=3)
        answer = text(words("Answer", "Three threes are nine."), "solution")
        question, blank, solved = cells = tidied(text("**Show that** …"), argument, answer)
        mark = blank.metadata.nbgrader
        assert (mark.points, mark.grade, mark.solution, mark.locked) == (3, True, True, False)
        assert question.metadata == {} and "handout-remove" in tags(solved)
        assert solved.metadata.nbgrader.points == 0
        assert tidied(*cells) == cells
        blank.metadata["points"] = 5
        assert tidied(*cells)[1].metadata.nbgrader.points == 5

    def test_hints_in_code_fold_like_answers(self, tidied):
        cells = tidied(*sample_cells())
        for number, title in [(10, "Hint: a picture"), (11, "Answer: sixteen")]:
            folded = cells[number].metadata
            assert folded.cellView == "form" and "hide-cell" in folded.tags
            assert folded.jupyter == {"source_hidden": True, "outputs_hidden": True}
            assert folded.mystnb.code_prompt_show == title

    def test_a_second_time_changes_nothing(self, tidied):
        cells = tidied(*sample_cells())
        assert tidied(*cells) == cells

    def test_a_file_can_be_tidied_without_being_run(self, tidied, tmp_path):
        cells = [*sample_cells(), code("raise ValueError('not to be run')")]
        lab = store(tmp_path / "lab.ipynb", cells)
        done = run(SCRIPTS / "execute_labs.py", "--tidy-only", lab)
        assert done.returncode == 0, done.stderr
        assert read(lab).cells == tidied(*cells)

    def test_marks_go_when_the_tag_goes(self, tidied):
        (answer,) = tidied(text("Nine.", "solution"))
        del answer.metadata["tags"]
        assert tidied(answer)[0].metadata == {}

    def test_an_answer_that_moved_behind_another_leaves_no_blank_any_more(self, tidied):
        first, question, second = tidied(
            text("9", "solution"), text("Why?"), text("So.", "solution")
        )
        assert "handout-remove" in tags(tidied(first, second)[1])
        assert "handout-remove" not in tags(tidied(first, question, second)[2])

    def test_a_task_gets_points_stays_whole_and_loses_its_mark_with_its_tag(self, tidied):
        task, blank = tidied(text("**Your turn.** Three squared?", "task"), code("9", "your-turn"))
        assert task.metadata.nbgrader.task and task.metadata.nbgrader.locked
        assert (task.metadata.nbgrader.points, "nbgrader" in blank.metadata) == (1, False)
        task.metadata.nbgrader.points = 3
        assert tidied(task)[0].metadata.nbgrader.points == 3
        del task.metadata["tags"]
        assert tidied(task)[0].metadata == {}

    def test_preparations_and_claims_fold_under_their_title(self, tidied):
        for tag in ("folded", "claims"):
            (cell,) = tidied(code("# @title Imports\nimport math", tag))
            assert cell.metadata.cellView == "form" and "hide-cell" in cell.metadata.tags
            assert cell.metadata.mystnb.code_prompt_show == "Imports"

    def test_a_form_folds_on_the_page_and_stays_open_elsewhere(self, tidied):
        (cell,) = tidied(code('# @title Which?\npictures = "drawn"  # @param', "form"))
        assert "hide-input" in cell.metadata.tags and "jupyter" not in cell.metadata
        assert cell.metadata.mystnb.code_prompt_show == "Which?"

    def test_a_teachers_points_and_own_marks_stay(self, tidied):
        (answer,) = tidied(text("Nine.", "solution"))
        answer.metadata.nbgrader.points = 5
        test = {"grade_id": "mine", "grade": True, "solution": False, "points": 2}
        answer, own = tidied(answer, code("assert True", nbgrader=test))
        assert answer.metadata.nbgrader.points == 5 and own.metadata.nbgrader == test


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    """Return the cells of the sample's hand-out, which is alone in its folder."""
    folder, cells = tmp_path_factory.mktemp("handout"), sample_cells()
    cells[7].attachments = {"answer.png": {"image/png": "AAAA"}}
    done = write(store(folder / "lab.ipynb", cells), out=folder / "out")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (folder / "out").iterdir()] == ["lab.ipynb"]
    return read(folder / "out" / "lab.ipynb").cells


def write(*labs, out):
    return run(SCRIPTS / "write_handouts.py", *labs, out)


@pytest.mark.handouts
class TestWriting:
    @pytest.fixture
    def out(self, tmp_path):
        return tmp_path / "out"

    def test_answers_become_one_blank_each_and_the_rest_stays(self, handout):
        sources, stubs = [cell.source for cell in sample_cells()], STUBS["ours"]
        expected = [*sources[:4], sources[6], stubs["markdown"], *sources[9:11]]
        expected += [stubs["code"], sources[12]]
        assert [cell.source for cell in handout] == expected

    def test_nothing_computed_is_left(self, handout):
        computed = [cell for cell in handout if cell.cell_type == "code"]
        assert computed
        assert all(cell.outputs == [] and cell.execution_count is None for cell in computed)

    def test_blanks_are_open_and_tell_nothing_of_the_answer(self, handout):
        blanks = [cell for cell in handout if is_blank(cell)]
        assert len(blanks) == 2 and not any("attachments" in cell for cell in blanks)
        assert {key for cell in blanks for key in cell.metadata} == {"nbgrader", "deletable"}

    def test_a_handout_that_does_not_run_is_named_and_none_is_written(self, out, tmp_path):
        out.mkdir()
        (out / "lab.ipynb").write_text("a hand-out of yesterday")
        lab = store(tmp_path / "lab.ipynb", sample_cells())
        needs_answer = store(tmp_path / "other.ipynb", [*sample_cells(), code("print(nine)")])
        done = write(lab, needs_answer, out=out)
        assert done.returncode == 1 and list(out.iterdir()) == []
        assert "other.ipynb, cell 10, which begins with 'print(nine)'" in done.stderr
        assert "NameError" in done.stderr and "write_handouts.py" not in done.stderr

    def test_a_kernel_that_dies_is_reported_as_well(self, out, tmp_path):
        dying = store(tmp_path / "dying.ipynb", [text("# A lab"), code("import os\nos._exit(1)")])
        done = write(dying, out=out)
        assert done.returncode == 1 and not out.exists()
        assert "dying.ipynb, cell 1" in done.stderr and "write_handouts.py" not in done.stderr

    def test_what_nbgrader_refuses_is_not_written(self, out, tmp_path):
        mark = {"schema_version": 3, "grade_id": "twice", "grade": True, "solution": True}
        mark |= {"locked": False, "task": False, "points": 1}
        cells = [text("One.", nbgrader=mark), text("Two.", nbgrader=mark)]
        done = write(store(tmp_path / "lab.ipynb", cells), out=out)
        assert done.returncode == 1 and not out.exists()
        assert "Duplicate grade id: twice" in done.stderr

    def test_without_notebooks_it_says_so(self, out):
        done = write(out=out)
        assert done.returncode == 1 and "No notebook" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture(scope="module", params=STUBS)
def settings(request):
    return request.param


@pytest.fixture(scope="module")
def course(settings, tmp_path_factory):
    course = tmp_path_factory.mktemp("course")
    (course / "source" / "labs").mkdir(parents=True)
    for lab in LABS:
        shutil.copy(lab, course / "source" / "labs")
    if settings == "ours":
        shutil.copy(ROOT / "book" / "nbgrader_config.py", course)
    done = run("-m", "nbgrader", "generate_assignment", "labs", cwd=course)
    assert done.returncode == 0, done.stderr
    return course


@pytest.mark.handouts
class TestLabsUnderNbgrader:
    """A teacher's course: the committed labs, nbgrader's own command, with our settings or not."""

    @pytest.fixture(params=LABS, ids=lambda path: path.stem)
    def lab(self, request):
        return request.param

    @pytest.fixture
    def released(self, course, lab):
        return read(course / "release" / "labs" / lab.name)

    def test_no_sentence_and_no_line_of_an_answer_is_left(self, lab, released):
        answers = [cell for cell in read(lab).cells if "solution" in tags(cell)]
        pieces = [piece for cell in answers for piece in sentences(cell)]
        assert len(pieces) >= len(answers) > 0
        everything = squeeze(" ".join(strings(released)))
        assert not [piece for piece in pieces if piece in everything]

    def test_marked_cells_hold_the_stub_and_nothing_more(self, settings, released):
        blanks, stubs = [cell for cell in released.cells if is_blank(cell)], STUBS[settings]
        assert blanks
        assert [cell.source for cell in blanks] == [stubs[cell.cell_type] for cell in blanks]

    def test_no_cell_looks_like_an_answer(self, released):
        answer = re.compile(r"<summary>\s*Answer|#\s*@title\s+Answer", re.IGNORECASE)
        assert not [cell.source for cell in released.cells if answer.search(cell.source)]

    def test_everything_but_answers_stays_in_its_order(self, lab, released):
        blank = {"solution", "show-that"}
        kept = [cell.source for cell in read(lab).cells if not blank & set(tags(cell))]
        assert [cell.source for cell in released.cells if not is_blank(cell)] == kept

    def test_no_output_is_left(self, released):
        computed = [cell for cell in released.cells if cell.cell_type == "code"]
        assert not [cell.source for cell in computed if cell.outputs or cell.execution_count]

    @pytest.mark.parametrize("settings", ["ours"], indirect=True)
    def test_our_settings_leave_one_open_blank_for_each_question(self, settings, released):
        solid = [cell for cell in released.cells if "hint" not in tags(cell)]
        waiting = ["b" if is_blank(c) or "your-turn" in tags(c) else " " for c in solid]
        assert "bb" not in "".join(waiting)
        blanks = [cell for cell in released.cells if is_blank(cell)]
        assert {key for cell in blanks for key in cell.metadata} == {"nbgrader", "deletable"}


def sentences(cell):
    """List the sentences of a text, or the lines of code, that are long enough to be told apart."""
    if cell.cell_type == "code":
        pieces = cell.source.splitlines()
    else:
        prose = re.sub(r"</?details>|</?summary>", "\n\n", cell.source)
        pieces = re.split(r"(?<=[.:;?!])\s|\n\n", prose)
    return [squeeze(piece) for piece in pieces if len(squeeze(piece)) >= SHORTEST_SENTENCE]


def squeeze(piece):
    return " ".join(piece.split())


def strings(node):
    """Yield every string of a notebook, wherever it stands."""
    if isinstance(node, dict):
        node = [*node.keys(), *node.values()]
    if isinstance(node, list):
        for child in node:
            yield from strings(child)
    else:
        yield node if isinstance(node, str) else json.dumps(node)
