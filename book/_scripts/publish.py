"""Put the book under an address of one's own: every link, button and set-up cell names it.

Usage: python book/_scripts/publish.py https://github.com/<owner>/<repository>

Until then no file names an address, because whoever registered it could put code of their own
there. ``addresses.yml`` says what takes the place of what. From then on, wherever the address of
before stands, the new one replaces it; ``_config.yml`` holds the one that is in force.

A workflow is added that puts the book on the repository's pages after each push: ``pages.yml``.
"""

import re
import sys
from pathlib import Path
from string import Template

import yaml
from notebook_files import read, write

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
CHANGES = yaml.safe_load(Path(__file__).with_name("addresses.yml").read_text(encoding="utf-8"))
PLACES = sorted({change["files"] for change in CHANGES} | {"CONTRIBUTING.md", "book/*.md"})

#: What GitHub is told to do after each push.
TEMPLATE = Path(__file__).with_name("pages.yml")
WORKFLOW = Path(".github", "workflows", "pages.yml")

#: How a lab links to a page of the book while neither has an address.
LINK_TO_A_PAGE = re.compile(r"\]\(\.\./(book/[^)\s]+)\)")


def main(root, address):
    """Put the address into the files below ``root`` and say where, and where not."""
    match = ADDRESS.fullmatch(address)
    if not match:
        sys.exit(
            f"{address!r} is no address of a repository on GitHub; "
            "write: make publish URL=https://github.com/<owner>/<repository>"
        )
    old, new = current(root), match[1]
    files = sorted({path for pattern in PLACES for path in root.glob(pattern)})
    if not old:
        warn_of_missing_places(root, files)
    for path in files:
        if publish(path, path.relative_to(root), old, new):
            print(f"{path.relative_to(root)}: https://github.com/{new}")
    if add_workflow(root / WORKFLOW):
        print(f"{WORKFLOW.as_posix()}: tests, builds and deploys the book after each push")


def add_workflow(path):
    """Write the pages' workflow where there is none, its owner's being left; tell whether so."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(TEMPLATE.read_bytes())
    return True


def current(root):
    """Return the OWNER/REPOSITORY that the book's configuration names; empty before any."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"].removeprefix("https://github.com/")


def warn_of_missing_places(root, files):
    """Name each change for which a file no longer has the place."""
    for change in CHANGES:
        for path in files:
            name = path.relative_to(root)
            if name.match(change["files"]) and not any(change["before"] in t for t in texts(path)):
                (line, *_) = change["before"].strip().splitlines()
                print(f"{name}: {line!r} is not there, so nothing takes its place", file=sys.stderr)


def texts(path):
    """List what a file consists of: its text, or the sources of a notebook's cells."""
    if path.suffix == ".ipynb":
        return [cell.source for cell in read(path).cells]
    return [path.read_text(encoding="utf-8")]


def publish(path, name, old, new):
    """Put the address into one file; tell whether that changed it."""
    before = texts(path)
    after = [published(text, name, old, new) for text in before]
    if after == before:
        return False
    if path.suffix == ".ipynb":
        notebook = read(path)
        for cell, source in zip(notebook.cells, after, strict=True):
            cell.source = source
        write(notebook, path)
    else:
        path.write_text(*after, encoding="utf-8")
    return True


def published(text, name, old, new):
    """Return a text with the new address where it belongs.

    Args:
        text: the file, or the source of one cell of a notebook.
        name: the file's path below the root.
        old: OWNER/REPOSITORY that stands there; empty before any.
        new: OWNER/REPOSITORY to be put there.
    """
    url, name = f"https://github.com/{new}", Path(name)
    for change in CHANGES:
        if name.match(change["files"]):
            after = Template(change["after"]).substitute(url=url, slug=new, lab=name.stem)
            text = text.replace(change["before"], after)
    if name.suffix == ".ipynb":
        text = LINK_TO_A_PAGE.sub(rf"]({url}/blob/main/\1)", text)
    if old:
        named = (
            r"(github\.com/|colab\.research\.google\.com/github/|mybinder\.org/v2/gh/)"
            rf"{re.escape(old)}(?![\w-]|\.\w)"
        )
        text = re.sub(named, rf"\g<1>{new}", text)
    return text


if __name__ == "__main__":
    main(Path.cwd(), sys.argv[1] if len(sys.argv) > 1 else "")
