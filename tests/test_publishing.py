"""The book's public address: none that a stranger could own before, one's own everywhere after."""

import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "book" / "_scripts" / "publish.py"
URL = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

#: GitHub lets no name begin with a hyphen, so nobody can own these.
FIRST, SECOND = "https://github.com/-first-/-labs-", "https://github.com/-second-/-labs-.v2"

#: Whom the book, the library and their tests point to, besides itself.
THIRD_PARTIES = {
    "arxiv.org", "doi.org", "distill.pub", "vision.stanford.edu", "jfly.uni-koeln.de", "www.w3.org",
    "www.dropbox.com", "www.kaggle.com", "colab.research.google.com", "keras.io",
    "www.tensorflow.org", "docs.pytorch.org", "pypi.org", "mybinder.org",
}  # fmt: skip
#: RFC 2606, and the machine itself.
RESERVED = re.compile(
    r"(?:.+\.)?(?:example|invalid|test|localhost|example\.(?:com|net|org))|127\.0\.0\.1"
)
HOST = re.compile(r"\b(?:https?|git|ssh)://(?:[\w-]+@)?([\w-]+(?:\.[\w-]+)*)")
ON_GITHUB = re.compile(
    r"(?:\bgithub\.com|githubusercontent\.com|google\.com/github|mybinder\.org/v2/gh)"
    r"[/:]([\w.-]+/[\w.-]+)"
)
UNPUBLISHED = "This copy has no public address yet"
WORKFLOW = ".github/workflows/pages.yml"
LAUNCH_BUTTONS = {
    "colab_url": "https://colab.research.google.com",
    "binderhub_url": "https://mybinder.org",
    "notebook_interface": "jupyterlab",
}


def as_a_command(folder, address):
    command = [sys.executable, str(SCRIPT), address]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("publish_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(SCRIPT.parent))
    return module


@pytest.fixture
def publish(script, capsys):
    """Return a function that does in this process what the command does: its two prints."""

    def publish(folder, address):
        script.main(folder, address)
        return capsys.readouterr()

    return publish


def copied(folder):
    """Copy into a new folder what a published address may stand in."""
    for name in ("_config.yml", "CITATION.cff", "CONTRIBUTING.md", "README.md", "pyproject.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder)
    for path in [*LABS, *(ROOT / "book").glob("*.md")]:
        (folder / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    return folder


@pytest.fixture
def copy(tmp_path):
    return copied(tmp_path / "copy")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A copy with the first address; a test that changes it copies it once more."""
    folder = copied(tmp_path_factory.mktemp("published") / "copy")
    done = as_a_command(folder, FIRST)
    assert done.returncode == 0, done.stderr
    return folder


def project_files():
    """Yield the project's files that hold text, but for what was built and what others wrote."""
    beside = {"_build", "build", "dist", "data", "__pycache__", "mathjax", "pyodide"}
    for folder, folders, files in os.walk(ROOT):
        is_ours = [
            n not in beside and not n.endswith(".egg-info") and (n[0] != "." or n == ".ci")
            for n in folders
        ]
        folders[:] = itertools.compress(folders, is_ours)
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        for path in (Path(folder, name) for name in files):
            if b"\0" not in (data := path.read_bytes()):
                # In a regular expression a dot stands behind a backslash.
                yield path, data.decode("utf-8").replace("\\.", ".")


class TestNobodyElsesAddress:
    def test_every_address_is_a_third_partys_or_reserved_or_the_published_one(self):
        """Which repositories on GitHub are named, the next test asks."""
        for path, text in project_files():
            hosts = set(HOST.findall(text)) - THIRD_PARTIES - {"github.com"}
            assert not [host for host in hosts if not RESERVED.fullmatch(host)], path

    def test_no_repository_on_github_is_named_but_the_published_one(self):
        files = list(project_files())
        assert {ROOT / "README.md", ROOT / ".ci" / "run", LABS[0]} <= {path for path, _ in files}
        for path, text in files:
            named = {slug.removesuffix(".git") for slug in ON_GITHUB.findall(text)}
            strangers = {slug for slug in named if not slug.startswith("-")}
            assert strangers <= {URL.removeprefix("https://github.com/")}, path

    @pytest.mark.skipif(bool(URL), reason="this copy is published")
    @pytest.mark.parametrize("page", ["README.md", "book/index.md", "book/run_it_yourself.md"])
    def test_pages_say_so_where_a_badge_would_stand(self, page):
        assert UNPUBLISHED in (ROOT / page).read_text("utf-8")

    @pytest.mark.skipif(bool(URL), reason="this copy is published")
    @pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
    def test_labs_say_so_under_their_title_and_in_the_set_up_cell(self, lab):
        cells = nbformat.read(lab, as_version=4).cells
        assert UNPUBLISHED in cells[0].source.splitlines()[2]
        assert UNPUBLISHED in next(cell for cell in cells if cell.cell_type == "code").source

    def test_buttons_lead_to_the_repository_once_there_is_one(self):
        config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
        assert config["launch_buttons"] == (LAUNCH_BUTTONS if URL else {"colab_url": ""})
        buttons = ("repository", "edit_page", "issues")
        assert {config["html"][f"use_{button}_button"] for button in buttons} == {bool(URL)}


@pytest.mark.skipif(bool(URL), reason="this copy is published")
class TestFirstTime:
    def test_every_place_is_there_and_vanishes(self, script, copy):
        for change in script.CHANGES:
            places = [t for p in copy.glob(change["files"]) for t in script.texts(p)]
            found = sum(text.count(change["before"]) for text in places)
            assert found == len(list(copy.glob(change["files"]))), change
            assert change["before"] not in change["after"]

    def test_no_file_says_any_more_that_there_is_no_address(self, publish, copy):
        assert publish(copy, FIRST).err == ""
        assert not [name for name, data in contents(copy).items() if UNPUBLISHED.encode() in data]

    def test_a_place_that_a_reader_has_rewritten_is_named(self, publish, copy):
        (copy / "README.md").write_text("# My own\n")
        first, second = publish(copy, FIRST).err.splitlines()
        assert (copy / "README.md").read_text() == "# My own\n"
        assert first.startswith("README.md: 'In the folder") and first.endswith("takes its place")
        assert second.startswith(f"README.md: '{UNPUBLISHED}")


class TestPublished:
    def test_every_file_names_the_same_repository(self, published):
        config = yaml.safe_load((published / "_config.yml").read_text("utf-8"))
        citation = yaml.safe_load((published / "CITATION.cff").read_text("utf-8"))
        project = tomllib.loads((published / "pyproject.toml").read_text("utf-8"))["project"]
        assert config["repository"] == {"url": FIRST, "branch": "main"}
        assert citation["repository-code"] == project["urls"]["Repository"] == FIRST
        texts = {name: data.decode() for name, data in contents(published).items()}
        slug = FIRST.removeprefix("https://github.com/")
        assert {s for text in texts.values() for s in ON_GITHUB.findall(text)} == {slug}
        assert f"git clone {FIRST} convnets &&" in texts["README.md"]
        assert f"git clone {FIRST} convnets\n" in texts["book/run_it_yourself.md"]
        assert texts["README.md"].count("/colab.research.google.com/github/") == 2
        assert texts["README.md"].count("/mybinder.org/v2/gh/") == 2

    def test_the_book_has_its_buttons(self, published):
        config = yaml.safe_load((published / "_config.yml").read_text("utf-8"))
        assert config["launch_buttons"] == LAUNCH_BUTTONS
        buttons = ("repository", "edit_page", "issues")
        assert all(config["html"][f"use_{button}_button"] for button in buttons)

    @pytest.mark.parametrize("name", [path.name for path in LABS])
    def test_a_lab_opens_in_colab_and_installs_from_there(self, published, name):
        notebook = nbformat.read(published / "labs" / name, as_version=4)
        nbformat.validate(notebook)
        slug = FIRST.removeprefix("https://github.com/")
        opened = f"https://colab.research.google.com/github/{slug}/blob/main/labs/{name}"
        assert notebook.cells[0].source.splitlines()[2] == f"[Open in Colab]({opened})"
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert f'REPOSITORY = "{FIRST}"' in cell.source and "not REPOSITORY" not in cell.source

    @pytest.mark.parametrize("name", [path.name for path in LABS])
    def test_a_lab_stands_alone_and_is_otherwise_as_it_was(self, published, name):
        before = nbformat.read(ROOT / "labs" / name, as_version=4)
        after = nbformat.read(published / "labs" / name, as_version=4)
        prose = "\n".join(c.source for c in after.cells if c.cell_type == "markdown")
        assert not re.search(r"\]\((?!https?://)", prose)
        files = re.findall(rf"\({re.escape(FIRST)}/blob/main/([^)#]+)", prose)
        assert files and not [file for file in files if not (ROOT / file).is_file()]
        for cell in (*before.cells, *after.cells):
            cell.source = ""
        assert after == before

    def test_another_address_takes_the_place_of_the_first(self, publish, published, tmp_path):
        moved = shutil.copytree(published, tmp_path / "moved")
        publish(moved, SECOND)
        assert not [name for name, data in contents(moved).items() if b"-first-" in data]
        publish(moved, FIRST)
        assert contents(moved) == contents(published)

    def test_the_same_address_again_changes_nothing(self, publish, published):
        before = contents(published)
        assert publish(published, FIRST + "/") == ("", "")
        assert contents(published) == before

    def test_an_address_that_begins_alike_stays(self, script):
        kept = (
            "https://github.com/-a-/-b-c https://github.com/-a-/-b-.d https://else.example/-a-/-b-"
        )
        text = f"{kept} https://github.com/-a-/-b-. https://github.com/-a-/-b-/blob"
        new = script.published(text, "book/index.md", "-a-/-b-", "-n-/-m-")
        assert new == f"{kept} https://github.com/-n-/-m-. https://github.com/-n-/-m-/blob"

    @pytest.mark.parametrize(
        "address", ["", "https://example.org/a/b", "someone/their-labs", f"{FIRST}/tree/main"]
    )
    def test_what_is_no_address_changes_nothing(self, script, copy, address):
        before = contents(copy)
        with pytest.raises(SystemExit, match="is no address of a repository on GitHub"):
            script.main(copy, address)
        assert contents(copy) == before


class TestPages:
    """What GitHub is told to do after each push to a published copy."""

    @pytest.fixture
    def workflow(self, published):
        return yaml.safe_load((published / WORKFLOW).read_text("utf-8"))

    def test_it_runs_after_a_push_to_the_branch_that_is_published(self, workflow, published):
        config = yaml.safe_load((published / "_config.yml").read_text("utf-8"))
        branch = config["repository"]["branch"]
        # YAML 1.1 reads the word "on" as true.
        assert workflow[True] == {"push": {"branches": [branch]}, "workflow_dispatch": None}

    def test_it_may_no_more_than_it_must(self, workflow):
        assert workflow["permissions"] == {"contents": "read"}
        permissions = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
        assert permissions == {"build": None, "deploy": {"pages": "write", "id-token": "write"}}

    def test_it_uses_official_actions_alone_each_at_a_major_version(self, workflow):
        used = [step["uses"] for step in steps(workflow) if "uses" in step]
        assert len(used) == 4 and all(re.fullmatch(r"actions/[\w-]+@v\d+", each) for each in used)

    def test_it_tests_before_it_builds_by_the_projects_own_commands(self, workflow):
        commands = [step["run"] for step in steps(workflow) if "run" in step]
        assert commands == ["make test", "make book"]
        makefile = (ROOT / "Makefile").read_text("utf-8")
        for command in commands:
            assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE)

    def test_it_deploys_what_was_built_once_that_went_well(self, workflow):
        upload = workflow["jobs"]["build"]["steps"][-1]
        assert upload["uses"].startswith("actions/upload-pages-artifact@")
        assert upload["with"] == {"path": "_build/html"}
        assert workflow["jobs"]["deploy"]["needs"] == "build"
        (deploy,) = workflow["jobs"]["deploy"]["steps"]
        address = workflow["jobs"]["deploy"]["environment"]["url"]
        assert address == f"${{{{ steps.{deploy['id']}.outputs.page_url }}}}"

    def test_it_takes_a_python_that_the_project_supports(self, workflow):
        (version,) = [s["with"]["python-version"] for s in steps(workflow) if "setup-py" in str(s)]
        assert version in SpecifierSet(PROJECT["requires-python"])

    def test_it_fetches_packages_anew_only_when_the_locked_versions_change(self, workflow):
        (python,) = [s["with"] for s in steps(workflow) if "setup-py" in str(s)]
        assert python["cache"] == "pip"
        assert (ROOT / python["cache-dependency-path"]).is_file()

    @pytest.mark.skipif(bool(URL), reason="this copy is published")
    def test_without_an_address_there_is_none(self):
        assert not (ROOT / WORKFLOW).exists()

    def test_what_its_owner_has_changed_stays(self, publish, published, tmp_path):
        mine = shutil.copytree(published, tmp_path / "mine")
        (mine / WORKFLOW).write_text("name: Mine\n")
        publish(mine, SECOND)
        assert (mine / WORKFLOW).read_text() == "name: Mine\n"


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


class TestBinder:
    """The files by which Binder makes an environment; they name no address."""

    SCRIPT = ROOT / ".binder" / "postBuild"

    def test_the_python_is_one_that_the_project_supports(self):
        runtime = (ROOT / ".binder" / "runtime.txt").read_text("utf-8").strip()
        assert runtime.removeprefix("python-") in SpecifierSet(PROJECT["requires-python"])

    def test_the_script_can_be_run(self):
        assert os.access(self.SCRIPT, os.X_OK)
        assert subprocess.run(["bash", "-n", self.SCRIPT], check=False).returncode == 0

    def test_it_installs_the_labs_in_the_versions_that_were_tested(self):
        (command,) = [x for x in self.SCRIPT.read_text("utf-8").splitlines() if "pip" in x]
        (lock,) = re.findall(r"--constraint (\S+)", command)
        assert (ROOT / lock).is_file()
        (extra,) = re.findall(r"--editable \"\.\[(\w+)\]\"", command)
        names = {
            requirement.split(">")[0] for requirement in PROJECT["optional-dependencies"][extra]
        }
        assert {"tensorflow-cpu", "ipykernel"} <= names
