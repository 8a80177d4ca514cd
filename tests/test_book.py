"""The book: its pages hang together, need no network, and never show what is no longer true."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.environment import CONFIG_CHANGED, CONFIG_OK

import labkit
import labkit.receptive_field

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "book" / "_scripts"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
SPHINX = CONFIG["sphinx"]["config"]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
ENTRIES = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [entry for chapter in ENTRIES for entry in [chapter, *chapter.get("sections", [])]]
CHAPTERS = [TOC["root"], *(page["file"] for page in PAGES)]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def source_of(page):
    """Return the file of a page of the table of contents, or ``None``."""
    files = [ROOT / f"{page}{suffix}" for suffix in (".md", ".ipynb")]
    return next((file for file in files if file.is_file()), None)


def prose(file):
    """Return the words of a page, without code."""
    if file.suffix == ".ipynb":
        cells = nbformat.read(file, as_version=4).cells
        text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    else:
        text = file.read_text(encoding="utf-8")
    return re.sub(r"`[^`\n]+`", "", re.sub(r"```(?!{).*?```", "", text, flags=re.DOTALL))


def run_script(name, *arguments, cwd=ROOT):
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


class TestContents:
    def test_every_entry_is_a_page(self):
        assert not [page for page in CHAPTERS if source_of(page) is None]

    def test_every_lab_and_every_page_is_an_entry(self):
        pages = [*(ROOT / "labs").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
        names = {page.relative_to(ROOT).with_suffix("").as_posix() for page in pages}
        assert names == set(CHAPTERS)

    @pytest.mark.parametrize("page", CHAPTERS)
    def test_links_to_files_lead_somewhere(self, page):
        file = source_of(page)
        targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose(file))
        inside = [target for target in targets if not re.match(r"[a-z]+:", target)]
        assert not [t for t in inside if not (file.parent / t).resolve().is_file()]

    @pytest.mark.parametrize("page", CHAPTERS)
    def test_no_page_loads_a_file_from_elsewhere(self, page):
        fetched = r"""(?:src=|!\[[^\]]*\]\(|img-top: *|```{(?:image|figure)} *)["']?https?:"""
        assert not re.search(fetched, prose(source_of(page)))

    @pytest.mark.parametrize("page", [p for p in CHAPTERS if p.startswith("book/")])
    def test_code_that_is_shown_fits_the_width_of_a_page(self, page):
        cells = re.findall(r"^```{code-cell}.*?^```$", read(f"{page}.md"), re.DOTALL | re.MULTILINE)
        shown = [cell for cell in cells if not re.search(r"remove-(input|cell)", cell)]
        # Its first lines may be options, which are not shown.
        code = [line for cell in shown for line in cell.splitlines() if not line.startswith(":")]
        assert not [line for line in code if len(line) > 76]

    def test_tests_that_a_page_names_are_there(self):
        named = re.findall(r"`((?:tests|benchmarks|book)/[\w./-]+)`", read("book/verified.md"))
        assert named and not [path for path in named if not (ROOT / path).exists()]

    @pytest.mark.parametrize("package", [labkit, labkit.receptive_field], ids=lambda p: p.__name__)
    def test_reference_has_every_public_name(self, package):
        page = read("book/reference.md")
        described = set(re.findall(r"auto\w+:: (?:[\w.]+\.)?(\w+)$", page, re.MULTILINE))
        described |= constants(re.findall(r"automodule:: (\S+)\n +:members:", page))
        packages = {name for name in package.__all__ if hasattr(getattr(package, name), "__path__")}
        assert set(package.__all__) - packages - described == set(), "book/reference.md lacks these"


def constants(modules):
    """Return what ``:members:`` finds besides functions: the constants of modules."""
    paths = [ROOT / (module.replace(".", "/") + ".py") for module in modules]
    files = [path for path in paths if path.is_file()]
    return {n for f in files for n in re.findall(r"^([A-Z]\w+) = ", f.read_text(), re.MULTILINE)}


class TestOffline:
    def test_formulas_are_set_by_the_mathjax_beside_the_pages(self):
        script = ROOT / "book/_static" / SPHINX["mathjax_path"]
        assert script.is_file() and SPHINX["html_static_path"] == ["book/_static"]
        fonts = script.parent / "output/chtml/fonts/woff-v2"
        assert len(list(fonts.glob("*.woff"))) >= 20
        assert (script.parent / "LICENSE").is_file()

    def test_no_extension_reaches_for_the_network(self):
        assert not set(SPHINX["extensions"]) & {"sphinx_thebe", "sphinx.ext.intersphinx"}
        assert SPHINX["nb_ipywidgets_js"] == {}

    def test_no_style_or_script_of_the_book_names_an_address(self):
        own = [*(ROOT / "book/_static").glob("*.css"), *(ROOT / "book/_static").glob("*.js")]
        assert own and not [f.name for f in own if re.search(r"https?:", f.read_text("utf-8"))]

    def test_pictures_of_the_book_name_no_file_elsewhere(self):
        for picture in (ROOT / "book/_static").glob("*.svg"):
            assert not re.search(r"(href|src)=|url\(", picture.read_text("utf-8")), picture.name


class TestBuilding:
    def test_only_the_books_own_files_are_pages(self):
        assert CONFIG["only_build_toc_files"] is True
        assert {".*", "**/.*"} <= set(CONFIG["exclude_patterns"])

    def test_a_failing_notebook_fails_the_build(self):
        execution = CONFIG["execute"]
        assert execution["execute_notebooks"] == "cache" and execution["raise_on_error"] is True
        assert not execution.get("allow_errors")


class TestFreshResults:
    """The extension that decides whether results may be shown again."""

    @pytest.fixture
    def extension(self):
        spec = importlib.util.spec_from_file_location(
            "fresh_results_under_test", ROOT / "book/_ext/fresh_results.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @pytest.fixture
    def package(self, tmp_path):
        folder = tmp_path / "labkit"
        (folder / "wing").mkdir(parents=True)
        (folder / "wing" / "room.py").write_text("WIDTH = 1\n")
        (folder / "weights.h5").write_bytes(b"weights")
        return folder

    def test_the_same_library_has_the_same_fingerprint(self, extension, package):
        assert extension.fingerprint(package) == extension.fingerprint(package)

    @pytest.mark.parametrize(
        "change",
        [
            lambda folder: (folder / "wing" / "room.py").write_text("WIDTH = 2\n"),
            lambda folder: (folder / "weights.h5").write_bytes(b"others"),
            lambda folder: (folder / "new.py").write_text(""),
            lambda folder: (folder / "weights.h5").unlink(),
            lambda folder: (folder / "weights.h5").rename(folder / "renamed.h5"),
        ],
        ids=["code edited", "data edited", "file added", "file removed", "file renamed"],
    )
    def test_a_change_of_the_library_changes_it(self, extension, package, change):
        before = extension.fingerprint(package)
        change(package)
        assert extension.fingerprint(package) != before

    def test_compiled_files_do_not(self, extension, package):
        before = extension.fingerprint(package)
        (package / "__pycache__").mkdir()
        (package / "__pycache__" / "room.pyc").write_bytes(b"compiled")
        assert extension.fingerprint(package) == before

    @pytest.mark.parametrize("variable", ["LABKIT_SETTINGS", "KERAS_BACKEND"])
    def test_a_variable_that_a_lab_reads_does(self, extension, package, monkeypatch, variable):
        before = extension.fingerprint(package)
        monkeypatch.setenv(variable, "another")
        assert extension.fingerprint(package) != before

    def test_another_version_of_a_package_does(self, extension, package, monkeypatch):
        before = extension.fingerprint(package)
        monkeypatch.setattr(extension, "installed_versions", lambda: ["keras==99"])
        assert extension.fingerprint(package) != before

    def test_packages_count_that_decide_a_result_and_no_others(self, extension):
        names = {line.partition("==")[0] for line in extension.installed_versions()}
        assert {"labkit", "keras", "numpy", "opencv-python-headless", "ipykernel"} <= names
        assert not {"pytest", "nbgrader", "playwright", "ruff"} & names

    def test_another_record_has_another_fingerprint(self, extension, package, tmp_path):
        record = tmp_path / "records" / "speed.json"
        record.parent.mkdir()
        record.write_text("1")
        before = extension.fingerprint(package, record.parent)
        record.write_text("2")
        assert extension.fingerprint(package, record.parent) != before
        assert all(folder.is_dir() for folder in extension.RECORDS)

    def test_the_cache_is_dropped_once(self, extension, package, tmp_path, monkeypatch):
        monkeypatch.setattr(extension, "labkit_folder", lambda: package)
        app = App(tmp_path / "_build" / "html")
        old_result = tmp_path / "_build" / ".jupyter_cache" / "global.db"
        old_result.parent.mkdir(parents=True)
        old_result.write_text("old")
        extension.drop_stale_cache(app)
        assert not old_result.exists()
        old_result.write_text("new")
        extension.drop_stale_cache(app)
        assert old_result.read_text() == "new"
        (package / "wing" / "room.py").write_text("WIDTH = 3\n")
        extension.drop_stale_cache(app)
        assert not old_result.exists()

    @pytest.mark.parametrize(
        ("change", "renewed"),
        [
            ({}, False),
            ({"fingerprint": "before"}, True),
            ({"config_status": CONFIG_CHANGED}, True),
            ({"outdated": ["b"]}, True),
        ],
        ids=["nothing changed", "another library", "other settings", "one page edited"],
    )
    def test_pages_are_renewed_all_or_not_at_all(self, extension, tmp_path, change, renewed):
        app = App(tmp_path)
        app.fingerprint = "now"
        app.env.fingerprint = change.get("fingerprint", "now")
        app.env.config_status = change.get("config_status", CONFIG_OK)
        app.builder.outdated = change.get("outdated", [])
        for page in app.env.found_docs:
            Path(app.builder.get_outfilename(page)).touch()
        extension.renew_all_or_nothing(app)
        assert renewed != all((tmp_path / f"{page}.html").exists() for page in "ab")
        again = extension.stale_pages(app, app.env, set(), set(), set())
        assert again == (["a", "b"] if renewed else []) and app.env.fingerprint == "now"

    def test_a_page_that_came_or_went_renews_all(self, extension, tmp_path):
        app = App(tmp_path)
        app.fingerprint, app.renewed = "now", False
        assert extension.stale_pages(app, app.env, set(), set(), {"c"}) == ["a", "b"]

    @pytest.mark.parametrize(
        ("exception", "warnings", "kept"),
        [(None, 0, True), (None, 1, False), (ValueError(), 0, False)],
        ids=["clean", "warning", "failure"],
    )
    def test_a_build_that_complained_does_so_again(
        self, extension, tmp_path, exception, warnings, kept
    ):
        app = App(tmp_path / "_build" / "html", warnings)
        stored = Path(app.doctreedir) / "environment.pickle"
        stored.parent.mkdir(parents=True)
        stored.write_bytes(b"pages")
        extension.forget_faulty_pages(app, exception)
        assert stored.exists() is kept


class App:
    """As much of Sphinx's application as the extension sees."""

    def __init__(self, outdir, warnings=0):
        self.outdir = outdir
        self.doctreedir = outdir.parent / ".doctrees"
        self._warncount = warnings
        self.config = SimpleNamespace(nb_execution_cache_path="")
        self.env = SimpleNamespace(found_docs=("a", "b"), config_status=CONFIG_OK)
        self.builder = Builder(outdir)


class Builder:
    """As much of Sphinx's builder as the extension sees."""

    name = "html"
    outdated = ()

    def __init__(self, outdir):
        self.outdir = outdir

    def get_outfilename(self, page):
        return str(self.outdir / f"{page}.html")

    def get_outdated_docs(self):
        yield from self.outdated


LIGHT_PAGE = """\
class Page:
    def __repr__(self): return '<a page>'
    def _repr_html_(self): return '<b>heavy</b>'
Page()"""


def sample_notebook():
    stream = new_output("stream", name="stdout", text="9\n")
    cells = [
        new_markdown_cell("# A lab"),
        new_code_cell("mine = None", execution_count=1, metadata={"tags": ["your-turn"]}),
        new_markdown_cell("<details>…</details>", metadata={"tags": ["solution"]}),
        new_code_cell(
            "# @title Answer: nine\nprint(9)",
            execution_count=2,
            metadata={"tags": ["solution"], "execution": {"iopub.busy": "2021-01-01T00:00:00"}},
            outputs=[stream],
        ),
        new_code_cell("print(9)", execution_count=3, outputs=[stream]),
        new_code_cell(LIGHT_PAGE),
        new_code_cell("Page()", metadata={"tags": ["not-stored"]}),
        new_code_cell("import sys\nprint('a warning', file=sys.stderr)"),
    ]
    kernel = {"name": "other", "display_name": "Other"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "toc": {}})


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return what is printed while the sample runs, and the sample as it is stored then."""
    lab = tmp_path_factory.mktemp("stored") / "lab.ipynb"
    nbformat.write(sample_notebook(), lab)
    done = run_script("execute_labs", lab)
    assert done.returncode == 0, done.stderr
    return done.stdout, nbformat.read(lab, as_version=4)


class TestExecutingLabs:
    @pytest.fixture
    def stored(self, executed):
        return executed[1]

    def test_outputs_are_stored_and_volatile_metadata_is_not(self, stored):
        code = [cell for cell in stored.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6]
        assert [cell.outputs[0].text for cell in code[1:3]] == ["9\n", "9\n"]
        assert set(stored.metadata) == {"kernelspec", "language_info"}
        assert not [cell for cell in stored.cells if "execution" in cell.metadata]

    def test_answers_in_code_are_folded(self, stored):
        answer = stored.cells[3].metadata
        assert answer.tags[:2] == ["solution", "hide-cell"] and answer.cellView == "form"
        assert answer.mystnb.code_prompt_show == "Answer: nine"

    def test_stderr_is_shown_and_not_stored(self, executed):
        printed, stored = executed
        assert "a warning" in printed and stored.cells[-1].outputs == []

    def test_of_a_heavy_page_its_words_are_stored(self, stored):
        light, heavy = (cell.outputs for cell in stored.cells[-3:-1])
        for (output,), kinds in (light, {"text/html", "text/plain"}), (heavy, {"text/plain"}):
            assert set(output.data) == kinds and output.data["text/plain"] == "<a page>"

    def test_a_notebook_that_fails_stays_as_it_was(self, tmp_path):
        lab, notebook = tmp_path / "lab.ipynb", sample_notebook()
        notebook.cells[1].source = "raise ValueError('told you')"
        nbformat.write(notebook, lab)
        before = lab.read_bytes()
        done = run_script("execute_labs", lab)
        assert done.returncode == 1 and "told you" in done.stderr
        assert lab.read_bytes() == before and list(lab.parent.iterdir()) == [lab]


class TestVersion:
    def test_one_version_stands_everywhere(self):
        assert PYPROJECT["version"] == CITATION["version"] == labkit.__version__

    def test_one_title_and_one_author_stand_everywhere(self):
        assert CITATION["title"] == CONFIG["title"]
        assert [author["name"] for author in CITATION["authors"]] == [CONFIG["author"]]
