"""A browser, and the built book in front of it: what every test of this folder stands on."""

import filecmp
import os
import re
import sys
from functools import partial
from http.server import ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from threading import Thread

import pytest
from built_book import BOOK, ROOT
from visits import HASTE, Visits, new_page, standing_alone

sys.path += [str(ROOT / "book" / "_scripts"), str(ROOT / "tests" / "receptive_field")]

import chromium
from serve import QuietHandler

FOLDER = Path(__file__).parent

#: Each holds TensorFlow and a browser.
MOST_PROCESSES = 4

#: What the name of a test tells of what it shares with others: a page, or an engine.
SHARED = re.compile(r"test_pages\.py::.*\[(.+?\.html)|test_engines\.py::.*\[(\w+)")


def shared(test):
    """Name what tests share that is costly to prepare: a page, an engine, or else their file."""
    named = SHARED.search(test)
    return named[named.lastindex] if named else test.partition("::")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark every test of this folder, so that none runs where no browser is asked for.

    Those of a page come last: each page is short, so in the end no process is left alone.
    """
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("browser")
    items.sort(key=lambda item: shared(item.nodeid).endswith(".html"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return how many processes ``-n auto`` means: one more than processors, for pages wait too."""
    return min(MOST_PROCESSES, 1 + (os.cpu_count() or 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let several processes share the tests, each of them all that share something.

    By names, since pytest 9.2 keeps xdist 3.8 from grouping tests by a mark.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return shared(nodeid)

    return ByWhatIsShared(config, log)


def pytest_collection_finish(session):
    """Say in one sentence what is missing, rather than once for each test."""
    if not hasattr(session.config, "workerinput"):
        refuse(any(item.get_closest_marker("browser") for item in session.items))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids):
    """Say so where several processes share the tests: none of them could end the others."""
    here = FOLDER.relative_to(ROOT).as_posix()
    refuse(any(name.startswith(f"{here}/") for name in ids))


def refuse(wanted):
    """End the session if tests of this folder are wanted and cannot run."""
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
def visits(browser, bases):
    """Return what visits pages, each once."""
    return Visits(browser, bases)


@pytest.fixture
def visit(request, visits):
    """Return what was seen on one page."""
    return visits(*request.param)


def pytest_terminal_summary(terminalreporter):
    """Say how much was looked at, by all processes together."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    visits = [[counts for name, counts in r.user_properties if name == "visit"] for r in reports]
    pages = [loads for loads in visits if loads]
    if not pages:
        return
    done = [counts for loads in pages for counts in loads]
    passed = [r for r in terminalreporter.stats.get("passed", []) if "browser" in r.keywords]
    terminalreporter.write_line(
        f"{len(pages)} pages, {len(done)} loads, {len(passed)} checks passed; looked at "
        + ", ".join(f"{sum(counts[what] for counts in done)} {what}" for what in done[0])
    )
