"""The built book in Firefox and in WebKit: every page once, and the answers in the page."""

import json
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import engines
import numpy as np
import pytest
from network_pages import SEEDED, SHOWN, drawn_in_the_lab
from serve import QuietHandler
from test_explorer_in_browser import document
from test_live_answers_in_browser import PATIENCE
from test_pages import PAGES, nothing_in
from test_split_and_leak_in_browser import document as split_document
from test_split_and_leak_in_browser import written_out
from visits import INSPECT

from labkit.receptive_field.explorer import explorer

pytestmark = pytest.mark.browser

LAB = "labs/receptive_field.html"
PLAYGROUND = "book/augmentation.html"
EXPLORER = "book/explorer.html"

#: Write an answer of a kind into the field of a number, press Check, and wait for the verdict.
CHECK = """async () => {
    const [number, kind, text] = ARGUMENTS;
    const box = document.querySelectorAll(".live-answer")[number];
    const field = box.querySelector(`[data-kind=${kind}]`);
    if (!field.checkVisibility()) box.querySelector("[data-live=other]").click();
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    box.querySelector("button").click();
    const verdict = box.querySelector("[data-live=verdict]");
    while (!verdict.textContent) await new Promise((resolve) => setTimeout(resolve, 20));
    return verdict.textContent;
}"""

#: Wait for the network's answer; what it was shown.
PLAYED = f"""async () => {{
    const answered = () => document.querySelector("[data-in=bars] td");
    while (!answered()) await new Promise((resolve) => setTimeout(resolve, 20));
    return ({SHOWN})();
}}"""

FORMULAS = f"""async () => {{
    await window.MathJax?.startup?.promise;
    return ({INSPECT})().formulas();
}}"""

#: Python's own watch ends the inner loop alone.
ENDLESS = """def f(r, k, s):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass"""
ANSWERS = [
    (1, "formula", "s*r + k - s", "✓ proved"),
    (1, "formula", "s*r + k - 1", "k=1, s=2, r=1: yours gives 2, the truth is 1"),
    (1, "formula", "s*r + +", "? unreadable"),
    (2, "formula", "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i", "✓ proved"),
    (0, "number", "8", "Right."),
    (1, "function", "def f(r, k, s):\n    return s*r + k - s", "✓ proved"),
    (1, "function", "def f(r, k, s):\n    while True: pass", "is a loop endless?"),
]


@pytest.fixture(scope="module", params=sorted(engines.NEEDED))
def engine(request):
    """Start an engine, where it is installed."""
    if missing := engines.missing(request.param):
        pytest.skip(f"{request.param} is not here; on Debian: apt-get install {' '.join(missing)}")
    with engines.started(request.param) as engine:
        yield engine


class Listening(QuietHandler):
    """Serve pages with a script before all others that keeps what goes wrong in them."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix != ".html":
            super().do_GET()
            return
        page = path.read_text(encoding="utf-8").replace("<head>", f"<head>{engines.LISTEN}", 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())


@pytest.fixture(scope="module")
def serve():
    """Return a function that serves a folder and returns its address, without a final slash."""
    servers = []

    def start(folder):
        handler = partial(Listening, directory=str(folder))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def served(book, serve):
    """Map each scheme to the address of the book under it, without a final slash."""
    return {"http": serve(book), "file": book.as_uri()}


def check(engine, number, kind, text):
    return engine.run(CHECK.replace("ARGUMENTS", json.dumps([number, kind, text])))


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_answers_are_judged_kept_and_cleared(engine, served, scheme):
    """Two loads for all of it: formulas take WebKit seconds, and Python starts once a page."""
    engine.open(f"{served[scheme]}/{LAB}")
    formulas = engine.run(FORMULAS)
    assert formulas["set"] > 20
    nothing_in(formulas["unset"])
    for number, kind, text, told in ANSWERS:
        assert told in check(engine, number, kind, text)
    # A worker is made anew in the same way from the web and from the disk.
    if scheme == "file":
        engine.run(f"async () => {{ {PATIENCE} patience = 0.2; }}")
        assert "No verdict in time" in check(engine, 1, "function", ENDLESS)
        engine.run("async () => { patience = 1; }")
        assert "Not yet" in check(engine, 0, "number", "7")
    field = "document.querySelectorAll('.live-answer input')[1]"
    engine.run(f"async () => {{ {field}.value = 'k'; {field}.form.oninput(); }}")
    nothing_in(engine.messages)
    engine.open(f"{served[scheme]}/{LAB}")
    assert engine.run(f"async () => {field}.value") == "k"
    press = "document.querySelector('.live-all [data-live={}]').click()"
    engine.run(f"async () => {{ {press.format('ask')}; {press.format('sure')}; }}")
    told = "document.querySelector('.live-all [data-live=status]').textContent"
    assert "Cleared" in engine.run(f"async () => {told}")
    assert engine.run(f"async () => {field}.value") == ""
    stored = engine.run("async () => Object.keys(localStorage)")
    assert not [key for key in stored if key.startswith("labkit answer")]
    nothing_in(engine.messages)


#: Where elements lie on the screen.
PLACES = """async () => [...document.querySelectorAll(SELECTOR)].map((element) => {
    const {left, top, width, height} = element.getBoundingClientRect();
    return [Math.round(left + width / 2), Math.round(top + height / 2)];
})"""


def places(engine, selector):
    return engine.run(PLACES.replace("SELECTOR", json.dumps(selector)))


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_explorer_follows_drags_and_hides(engine, serve, tmp_path, scheme):
    (tmp_path / "page.html").write_text(document(explorer()), encoding="utf-8")
    base = {"http": serve(tmp_path), "file": tmp_path.as_uri()}[scheme]
    part = "document.querySelector('[data-rf=NAME]')"
    followed = f"async () => {part.replace('NAME', 'followed')}.textContent"
    engine.open(f"{base}/page.html#network=3-2s2-5&unit=1.2")
    assert engine.run(followed).startswith("Unit 2 of 10 behind layer 1. It reads inputs 2 to 4.")
    first, _, last = places(engine, ".lk-chips label")
    engine.drag(first, last, last)
    settled = "() => new Promise((done) => setTimeout(() => done(location.hash), 400))"
    assert engine.run(f"async {settled}") == "#network=2s2-5-3"
    guessing = part.replace("NAME", "guessing")
    engine.run(f"async () => {guessing}.click()")
    assert engine.run(f"async {settled}") == "#network=2s2-5-3&guess=first"
    assert not engine.run(f"async () => {part.replace('NAME', 'numbers')}.checkVisibility()")
    nothing_in(engine.messages)


def test_a_word_of_the_glossary_says_what_it_means(engine, served):
    engine.open(f"{served['http']}/{EXPLORER}")
    engine.run("async () => document.querySelector('a.glossary-term').click()")
    meaning = "document.getElementById('glossary-meaning')"
    assert engine.run(f"async () => {meaning}.matches(':popover-open')")
    assert len(engine.run(f"async () => {meaning}.innerText")) > 30


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_playground_changes_a_dog_as_the_lab_does_and_asks(engine, served, scheme, book):
    engine.open(f"{served[scheme]}/{PLAYGROUND}{SEEDED}")
    seen = np.reshape(engine.run(PLAYED), (64, 64, 4))[..., :3]
    assert np.abs(seen - drawn_in_the_lab(book / PLAYGROUND)).max() <= 2
    nothing_in(engine.messages)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_line_of_a_split_is_dragged(engine, serve, tmp_path, scheme):
    html = split_document(written_out(tmp_path))
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    base = {"http": serve(tmp_path), "file": tmp_path.as_uri()}[scheme]
    engine.open(f"{base}/page.html#split=at-random.kept.10.2")
    told = "async () => document.querySelector('[data-sl=share]').textContent"
    assert engine.run(told) == "10 %"
    (start, y), *_ = places(engine, ".sl-row .sl-line")
    (middle, _), *_ = places(engine, ".sl-row")
    engine.drag((start, y), (middle, y), (middle, y))
    assert engine.run(told) == "50 %"
    settled = "() => new Promise((done) => setTimeout(() => done(location.hash), 400))"
    assert engine.run(f"async {settled}") == "#split=at-random.kept.50.2"
    nothing_in(engine.messages)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_whole(engine, served, name):
    engine.open(f"{served['http']}/{name}")
    nothing_in(engine.run(FORMULAS)["unset"])
    nothing_in(engine.messages)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("console.error('one')", "one"),
        ("console.warn('two')", "two"),
        ("throw new Error('three')", "three"),
        ("Promise.reject(new Error('four'))", "four"),
    ],
)
def test_what_goes_wrong_is_heard(engine, serve, tmp_path, script, told):
    """Else the tests above might find nothing because they heard nothing."""
    (tmp_path / "page.html").write_text(f"<head><script>{script}</script>")
    engine.open(f"{serve(tmp_path)}/page.html")
    assert engine.run("async () => 1 + 1") == 2
    assert told in " ".join(engine.messages)


def test_an_error_of_a_tests_own_script_is_raised(engine, serve, tmp_path):
    (tmp_path / "page.html").write_text("<head>")
    engine.open(f"{serve(tmp_path)}/page.html")
    with pytest.raises(RuntimeError, match="five"):
        engine.run("async () => { throw new Error('five'); }")
