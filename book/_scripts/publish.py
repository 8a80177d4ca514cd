"""Put the book under an address of one's own: every link, button and set-up cell names it.

Usage: python book/_scripts/publish.py https://github.com/OWNER/REPO

The address of before is read from _config.yml; wherever that OWNER/REPO stands, in the notebooks'
installation cells too, the new one replaces it.
"""

import re
import sys
from pathlib import Path

import yaml

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")

#: Where an address may stand. Single files that do not exist yet are left out.
PLACES = (
    "_config.yml",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "README.md",
    "pyproject.toml",
    "book/*.md",
    "labkit/**/*.py",
    "labs/*.ipynb",
)


def main(root, address):
    """Replace the address below ``root`` and say where."""
    match = ADDRESS.fullmatch(address)
    if not match:
        sys.exit(f"{address!r} is no address; write: make publish URL=https://github.com/you/yours")
    old, new = current(root), match[1]
    for path in places(root):
        text = path.read_text(encoding="utf-8")
        if old in text:
            path.write_text(text.replace(old, new), encoding="utf-8")
            print(f"{path.relative_to(root)}: {old} → {new}")


def current(root):
    """Return the OWNER/REPO that the book's configuration names."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return ADDRESS.fullmatch(config["repository"]["url"])[1]


def places(root):
    """List the files in which an address may stand."""
    return sorted(path for pattern in PLACES for path in root.glob(pattern))


if __name__ == "__main__":
    main(Path.cwd(), sys.argv[1] if len(sys.argv) > 1 else "")
