"""The built book as files: where it is, what its pages are and where their links lead."""

import os
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]

#: The book under test; the variable names another one, a broken copy for example.
BOOK = Path(os.environ.get("BOOK", ROOT / "_build" / "html")).resolve()

#: Attributes that name a file or a place.
POINTERS = ("href", "src", "xlink:href", "data", "poster", "action")


def pages(book=BOOK):
    """List the paths of all pages below the book's folder; redirects are not pages."""
    found = (path.relative_to(book) for path in sorted(book.rglob("*.html")))
    own = (path for path in found if path.parts[0] not in ("_static", "_sources"))
    return [path.as_posix() for path in own if not is_redirect(book / path)]


def is_source_code(page):
    """Tell whether a page shows a module of labkit; all of these are made alike."""
    return page.startswith("_modules/")


def redirects(book=BOOK):
    """List the pages that send the reader elsewhere at once."""
    return [path.name for path in sorted(book.glob("*.html")) if is_redirect(path)]


def is_redirect(path):
    """Tell whether a file of HTML only names another page."""
    return 'http-equiv="refresh"' in path.read_text(encoding="utf-8")[:1000].lower()


@cache
def parsed(path):
    """Return the elements of one file of HTML."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def names(path):
    """Return the names to which a link into a page may lead."""
    soup = parsed(path)
    return {e["id"] for e in soup.find_all(id=True)} | {
        a["name"] for a in soup("a", {"name": True})
    }


def pointers(path):
    """List what the elements of a page point at, as they write it."""
    values = [e[name] for e in parsed(path).find_all(True) for name in POINTERS if e.get(name)]
    sets = [e["srcset"] for e in parsed(path).find_all(srcset=True)]
    return values + [choice.split()[0] for several in sets for choice in several.split(",")]


def fetched_from_afar(path):
    """List the addresses on the web that a page would ask for without a click."""
    loading = [e for e in parsed(path).find_all(True) if e.name not in ("a", "form", "use")]
    found = [e[name] for e in loading for name in POINTERS if e.get(name)]
    canonical = {e.get("href") for e in parsed(path)("link", rel="canonical")}
    return [pointer for pointer in found if is_on_the_web(pointer) and pointer not in canonical]


def is_on_the_web(pointer):
    """Tell whether a pointer names another machine."""
    return bool(urlsplit(pointer).netloc)


def inside(pointer):
    """Tell whether a pointer stays in the book, rather than leading to the web."""
    return not urlsplit(pointer).scheme and not pointer.startswith("//")


def complaint(path, pointer):
    """Return what is wrong with a pointer of a page into the book, or ``None``.

    A fragment with an equals sign is a setting that the page's script reads, not a place.
    """
    parts = urlsplit(pointer)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    place = unquote(parts.fragment)
    if not target.is_file():
        return f"{pointer}: no such file"
    if BOOK not in target.parents:
        return f"{pointer}: leads out of the book's folder"
    is_place = place and target.suffix == ".html" and "=" not in place and place != "top"
    return f"{pointer}: no such place" if is_place and place not in names(target) else None
