"""The built pages: how long a reader waits for an answer, in each browser that is here.

Needs a built book and what drives the browsers (make test-browser installs both). A page tells its
own times; of several, the least is shown, since a busy machine only adds to it. Each includes
the frame that shows the answer, of up to 17 ms.

    python benchmarks/pages.py
    python benchmarks/pages.py --engines chromium --book _build/html --times 12
"""

import argparse
import json
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from labkit.tables import as_text

sys.path += [str(Path(__file__).parents[1] / part) for part in ("book/_scripts", "tests/browser")]

import chromium
import engines
from serve import QuietHandler

ROOT = Path(__file__).parents[1]
LAB, INSIDE, PLAYGROUND = "labs/receptive_field", "book/look_inside", "book/augmentation"

#: What all measurements begin with; a condition is looked at as often as the page can.
HELP = """
    const part = (name) => document.querySelector(`[data-in="${name}"]`);
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const until = async (met) => { while (!met()) await new Promise((done) => setTimeout(done)); };
    const pause = () => new Promise((done) => setTimeout(done, 400));
    const times = [];
    const timed = async (act) => {
        const start = performance.now();
        await act();
        await frame();
        times.push(performance.now() - start);
    };
"""

#: The first time is from the reader's click, with all three networks asked before the next click.
MEASURES = {
    "hover to unit": (
        INSIDE,
        """
    const maps = part("maps"), title = () => part("title").textContent;
    await until(title);
    await pause();
    maps.scrollIntoView();
    for (let n = 0; n < TIMES; n++) {
        const {left, top} = maps.getBoundingClientRect();
        const at = {clientX: left + 3 + 4 * n, clientY: top + 3 + 4 * n, bubbles: true};
        await timed(() => maps.dispatchEvent(new PointerEvent("pointermove", at)));
    }""",
    ),
    "new picture to all networks' answers": (
        INSIDE,
        """
    const dogs = () => [...document.querySelectorAll("[name=in-dog]")];
    const answered = () => part("scores").ariaBusy === "false";
    await until(answered);
    await pause();
    for (let n = 0; n < TIMES; n++) {
        await timed(async () => {
            dogs()[n + 1].click();
            await until(() => !answered());
            await until(answered);
        });
        await pause();
    }""",
    ),
    "slider to picture": (
        PLAYGROUND,
        """
    await until(() => part("bars").rows.length);
    const slider = document.querySelector("[data-in=lab] input[type=range]");
    for (let n = 0; n < TIMES; n++) {
        slider.value = 3 * n + 3;
        await timed(() => slider.dispatchEvent(new Event("input", {bubbles: true})));
        await pause();
    }""",
    ),
    "slider to the network's answer": (
        PLAYGROUND,
        """
    await until(() => part("bars").rows.length);
    const slider = document.querySelector("[data-in=lab] input[type=range]");
    await pause();
    for (let n = 0; n < TIMES; n++) {
        let told = false;
        const watch = new MutationObserver(() => { told = true; });
        watch.observe(part("bars"), {childList: true});
        await timed(async () => {
            slider.value = 3 * n + 3;
            slider.dispatchEvent(new Event("input", {bubbles: true}));
            await until(() => told);
        });
        watch.disconnect();
        await pause();
    }""",
    ),
    "Check to verdict": (
        LAB,
        """
    await window.MathJax?.startup?.promise;
    const box = document.querySelectorAll(".live-answer")[1];
    const verdict = box.querySelector("[data-live=verdict]");
    for (let n = 0; n <= TIMES; n++) {
        box.querySelector("input").value = `s*r + k - s + ${n} - ${n}`;
        verdict.textContent = "";
        await timed(async () => {
            box.querySelector("button").click();
            await until(() => verdict.textContent);
        });
    }""",
    ),
}


class Chromium:
    """The Chromium of the tests, behind the calls that the other engines have."""

    def __init__(self, browser):
        self._page = browser.new_page()
        self.open = self._page.goto

    def run(self, script):
        """Run an async function, written out, in the page; return what it gives."""
        return self._page.evaluate(script)


@contextmanager
def started(name):
    """Start an engine by its name."""
    if name == "chromium":
        with chromium.launch() as browser:
            yield Chromium(browser)
    else:
        with engines.started(name) as engine:
            yield engine


def is_here(name):
    """Tell whether an engine is installed."""
    return chromium.find() is not None if name == "chromium" else not engines.missing(name)


@contextmanager
def bases(book):
    """Serve the book; yields its address under each scheme."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(book)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield {"file": book.as_uri(), "http": f"http://127.0.0.1:{server.server_port}"}
    server.shutdown()
    server.server_close()


def measured(engine, address, script, times):
    """Open a page and return the milliseconds that it has measured."""
    engine.open("about:blank")
    engine.open(address)
    body = HELP + script.replace("TIMES", json.dumps(times))
    return engine.run(f"async () => {{ {body} return times; }}")


def rows_of(name, engine, schemes, times):
    """Yield a row of the table for each measurement: what, engine, scheme, the milliseconds."""
    for what, (page, script) in MEASURES.items():
        for scheme, base in schemes.items():
            found = measured(engine, f"{base}/{page}.html", script, times)
            if page == LAB:
                yield [f"{what}, the first", name, scheme, f"{found.pop(0):,.0f}"]
                what = f"{what}, the next"
            yield [what, name, scheme, f"{min(found):,.0f}"]
            what = what.partition(", the")[0]


def main():
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ["chromium", *sorted(engines.NEEDED)]
    parser.add_argument("--engines", nargs="+", choices=names, default=[*filter(is_here, names)])
    parser.add_argument("--book", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--times", type=int, default=12)
    options = parser.parse_args()
    if not (options.book / f"{LAB}.html").is_file():
        sys.exit(f"There is no book in {options.book}; build it first: make book")
    rows = []
    with ExitStack() as stack:
        schemes = stack.enter_context(bases(options.book.resolve()))
        for name in options.engines:
            with started(name) as engine:
                rows += rows_of(name, engine, schemes, options.times)
    rows.sort(key=lambda row: [*MEASURES].index(row[0].partition(", the")[0]))
    print(as_text(["from and to", "engine", "from", "least ms"], rows, words=3))


if __name__ == "__main__":
    main()
