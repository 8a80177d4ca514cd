"""A browser, and the built book in front of it: what every test of this folder stands on."""

import filecmp
import os
import sys
from functools import partial
from http.server import ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread

import pytest
from built_book import BOOK, ROOT
from visits import HASTE, new_page, standing_alone, start_visits

sys.path += [str(ROOT / "book" / "_scripts"), str(ROOT / "tests" / "receptive_field")]

import chromium
from serve import QuietHandler

FOLDER = Path(__file__).parent

#: Where the summary finds the visits.
VISITS = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark every test of this folder, so that none runs where no browser is asked for.

    Those that wait for visits come last: until then the others keep a browser busy beside them.
    """
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("browser")
    # The cells of a lab have no fixtures.
    items.sort(key=lambda item: "visits" in getattr(item, "fixturenames", ()))


def pytest_collection_finish(session):
    """Say in one sentence what is missing, rather than once for each test."""
    wanted = any(item.get_closest_marker("browser") for item in session.items)
    if wanted and (message := obstacle()):
        raise pytest.UsageError(message)


def obstacle():
    """Return why these tests cannot run, or ``None``."""
    if chromium.find() is None:
        return chromium.MISSING
    if not (BOOK / "search.html").is_file():
        return f"There is no book in {BOOK}; build it first: make book"
    return None if "BOOK" in os.environ else outdated()


def outdated():
    """Return what of the book differs from what it was built of, or ``None``."""
    copies = {ROOT / c.relative_to(BOOK / "_sources"): c for c in files(BOOK / "_sources")}
    for source in (source for source in copies if not source.is_file()):
        return f"The book still has {name(source)}, which is gone; build it anew: make clean book"
    static = (ROOT / "book" / "_static").glob("*.*")
    copies |= {source: BOOK / "_static" / source.name for source in static}
    stale = (s for s, copy in copies.items() if not (copy.is_file() and same(s, copy)))
    for source in chain(stale, filter(is_stale, (ROOT / "book" / "_live").glob("live.*"))):
        return f"The book was built before {name(source)} was edited; build it again: make book"
    return None


def is_stale(source):
    """Tell whether the book has another version of a file, which it begins with a line more."""
    return not (BOOK / "_static" / source.name).read_bytes().endswith(source.read_bytes())


def name(path):
    """Return a path as it is written from the root of the project."""
    return path.relative_to(ROOT).as_posix()


def files(folder):
    """List the files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def same(one, other):
    """Tell whether two files hold the same bytes."""
    return filecmp.cmp(one, other, shallow=False)


@pytest.fixture(scope="session")
def book():
    """Return the folder of the built book."""
    return BOOK


@pytest.fixture(scope="session")
def browser():
    """Start the browser once."""
    with chromium.launch() as browser:
        yield browser


@pytest.fixture
def page(browser):
    """Open a page that shares nothing with those of other tests."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def tab(browser):
    """Open a tab for pages that stand alone: a new one takes five times as long as a new page."""
    with new_page(browser) as tab:
        tab.add_init_script(HASTE)
        yield tab


@pytest.fixture
def alone(tab):
    """Give the tab back as it was at first, and watch over what it shows."""
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.emulate_media(media="null", color_scheme="null", reduced_motion="null")
    tab.mouse.move(0, 0)
    with standing_alone(tab):
        yield tab


@pytest.fixture(scope="session")
def server(book):
    """Serve the book on this machine alone and return its address, without a final slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(book)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def bases(book, server):
    """Map each scheme to the address of the book under it, without a final slash."""
    return {"http": server, "file": book.as_uri()}


@pytest.fixture(scope="session")
def visits(request, bases):
    """Begin every visit that a selected test asks for; return them as futures."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    keys = dict.fromkeys(call.params["visit"] for call in calls if call and "visit" in call.params)
    wanted = {key: (bases[key[1]], key[0], *key[2:]) for key in keys}
    request.config.stash[VISITS] = started = start_visits(wanted, chromium.launch)
    return started


@pytest.fixture(scope="session", autouse=True)
def begin_visits(request):
    """Begin the visits with the first test, if any test waits for them."""
    if any("visits" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("visits")


@pytest.fixture
def visit(request, visits):
    """Return what was seen on one page, once the visit is over."""
    return visits[request.param].result(timeout=300)


def pytest_terminal_summary(terminalreporter, config):
    """Say how much was looked at."""
    done = [v.result() for v in config.stash.get(VISITS, {}).values() if not v.exception()]
    if not done:
        return
    passed = [r for r in terminalreporter.stats.get("passed", []) if "browser" in r.keywords]
    pages = {name for name, *_ in config.stash[VISITS]}
    counts = {
        "requests": sum(v.requests for v in done),
        "formulas": sum(v.formulas for v in done),
        "pictures": sum(v.images for v in done),
        "folded parts": sum(v.folded for v in done),
        "runs of axe-core": sum(v.axe_runs for v in done),
    }
    terminalreporter.write_line(
        f"{len(pages)} pages, {len(done)} loads, {len(passed)} checks passed; looked at "
        + ", ".join(f"{count} {what}" for what, count in counts.items())
    )
