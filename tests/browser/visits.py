"""Visits: one load of one page, and everything that was wrong with it."""

import re
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

INSPECT = (Path(__file__).parent / "inspect_page.js").read_text(encoding="utf-8")
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}
#: What most telephones have.
PHONE = {"width": 390, "height": 844}

#: Until formulas are set and fonts are there, nothing has its final size or colour.
SETTLED = """() => Promise.all([window.MathJax?.startup?.promise, document.fonts.ready])
    .then(() => new Promise(requestAnimationFrame))"""

#: The theme waits for 300 ms before it makes what now scrolls reachable by keyboard.
RESIZED = """() => new Promise(requestAnimationFrame)
    .then(() => new Promise((resolve) => setTimeout(resolve, 400)))"""


#: What a page that stands alone may load: itself, and what it holds or makes.
OWN = re.compile(r"(file|data|blob):|about:srcdoc")


@contextmanager
def standing_alone(page):
    """Fail in the end where a script failed, or where anything but the page was asked for."""
    problems = []
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("console", lambda message: problems.append(f"console: {message.text}"))
    page.on("request", lambda request: problems.append(request.url))
    yield page
    assert [problem for problem in problems if not OWN.match(problem)] == []


@dataclass
class Visit:
    """What was seen: each list holds what was wrong, each count what was looked at."""

    theme: str = ""
    theme: str = ""
    requests: int = 0
    outside: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    formulas: int = 0
    unset_formulas: list = field(default_factory=list)
    images: int = 0
    poor_alt: list = field(default_factory=list)
    broken_images: list = field(default_factory=list)
    figures: int = 0
    letters: int = 0
    uncounted_figures: list = field(default_factory=list)
    blurred_figures: list = field(default_factory=list)
    small_lines: list = field(default_factory=list)
    cut: list = field(default_factory=list)
    folded: int = 0
    stuck: list = field(default_factory=list)
    sideways_folded: list = field(default_factory=list)
    sideways_unfolded: list = field(default_factory=list)
    axe_folded: list = field(default_factory=list)
    axe_unfolded: list = field(default_factory=list)
    axe_runs: int = 0


def visit(browser, base, page, mode):
    """Load a page once and look at everything.

    Args:
        browser: Playwright's.
        base: Address of the book without a final slash; nothing outside it may be asked for.
        page: Path of the page below ``base``.
        mode: ``"light"`` or ``"dark"``, what the reader's system prefers. In the light the page
            opens on a wide screen and then shrinks; in the dark it opens on a phone and grows.

    Returns:
        A :class:`Visit`.
    """
    seen = Visit()
    looks = [(WIDE, look_wide), (NARROW, look_narrow)]
    (first, look_first), (second, look_second) = looks if mode == "light" else reversed(looks)
    settings = {"viewport": first, "color_scheme": mode, "reduced_motion": "reduce"}
    with new_page(browser, **settings) as tab:
        record(tab, base, seen)
        tab.goto(f"{base}/{page}", wait_until="load")
        tab.evaluate(SETTLED)
        inspector = Inspector(tab)
        seen.theme = inspector("theme")
        look_first(inspector, seen, base)
        tab.set_viewport_size(second)
        tab.evaluate(RESIZED)
        look_second(inspector, seen, base)
    return seen


def look_wide(look, seen, base):
    """Look at formulas, pictures, folded parts and, over http, at accessibility."""
    formulas, images = look("formulas"), look("images")
    seen.formulas, seen.unset_formulas = formulas["set"], formulas["unset"]
    seen.images, seen.poor_alt = images["count"], images["poor"]
    seen.broken_images = images["broken"]
    look_at_figures(look, seen)
    look("unfold", False)
    open_each(look, seen)
    if base.startswith("http"):
        look("unfold", False)
        seen.axe_folded = accessibility(look, seen)
        if seen.folded:
            look("unfold", True)
            seen.axe_unfolded = accessibility(look, seen)
        else:
            seen.axe_unfolded = seen.axe_folded


def look_narrow(look, seen, base):
    """Look whether the page fits a phone and, from the disk, at accessibility there."""
    look("unfold", False)
    seen.sideways_folded = look("sideways")
    look("unfold", True)
    seen.sideways_unfolded = look("sideways")
    look.tab.set_viewport_size(PHONE)
    look.tab.evaluate(RESIZED)
    seen.small_lines = look("small")
    seen.cut += look("cut")
    look.tab.set_viewport_size(NARROW)
    look.tab.evaluate(RESIZED)
    if base.startswith("file"):
        seen.axe_unfolded = accessibility(look, seen)


def look_at_figures(look, seen):
    """Look at what cells draw, and for text that is cut, all parts unfolded."""
    look("unfold", True)
    look.tab.evaluate(RESIZED)
    figures, seen.letters = look("figures"), look("letters")
    seen.figures, seen.uncounted_figures = figures["count"], figures["uncounted"]
    seen.blurred_figures = figures["blurred"]
    seen.poor_alt += figures["poor"]
    seen.cut += look("cut")


def accessibility(look, seen):
    """Run axe-core on the page as it stands, the mouse out of the way."""
    look.tab.mouse.move(0, 0)
    seen.axe_runs += 1
    return look("axe")


def open_each(look, seen):
    """Open and close each folded part with the mouse and the keyboard, as a reader would."""
    parts = look.tab.locator("article details")
    seen.folded = parts.count()
    for part in parts.element_handles():
        summary = part.query_selector("summary")
        name = " ".join(summary.inner_text().split())[:60]
        if look("foldedShows", part):
            seen.stuck.append(f"{name}: shows its content while it is folded")
        for way, opens in WAYS:
            way(summary)
            if part.get_property("open").json_value() is not opens:
                seen.stuck.append(f"{name}: should be {'open' if opens else 'closed'} by now")
        if not look("foldedShows", part):
            seen.stuck.append(f"{name}: shows nothing once it is open")


def click(summary):
    """Click as a mouse does, wherever the summary has to be scrolled to."""
    summary.click(timeout=5000)


def press(key):
    """Return a function that presses a key with the focus on the summary."""
    return lambda summary: summary.press(key)


#: How a folded part is opened and closed, and whether it is open afterwards.
WAYS = (
    (click, True),
    (press("Enter"), False),
    (press("Enter"), True),
    (press("Space"), False),
    (press("Space"), True),
)


def record(tab, base, seen):
    """Note every request, failure and message of a page from now on."""

    def on_request(request):
        seen.requests += 1
        if not request.url.startswith((f"{base}/", "data:", "blob:")):
            seen.outside.append(request.url)

    def on_console(message):
        if message.type in ("error", "warning", "assert"):
            seen.messages.append(f"{message.type}: {message.text}")

    def on_response(response):
        if response.status >= 400:
            seen.failed.append(f"{response.status}: {response.url}")

    tab.on("request", on_request)
    tab.on("websocket", lambda socket: seen.outside.append(socket.url))
    tab.on("requestfailed", lambda request: seen.failed.append(f"{request.failure}: {request.url}"))
    tab.on("response", on_response)
    tab.on("console", on_console)
    tab.on("pageerror", lambda error: seen.messages.append(f"page error: {error}"))


class Inspector:
    """Calls the functions of ``inspect_page.js`` in one page."""

    def __init__(self, tab):
        self.tab = tab
        self._functions = tab.evaluate_handle(INSPECT)
        tab.evaluate(axe_source())

    def __call__(self, name, argument=None):
        script = "([functions, argument]) => functions[NAME](argument)".replace("NAME", repr(name))
        return self.tab.evaluate(script, [self._functions, argument])


def axe_source():
    """Return axe-core, which ships with axe-playwright-python."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def new_page(browser, **settings):
    """Open a page that shares nothing with others, and close it."""
    context = browser.new_context(**settings)
    try:
        yield context.new_page()
    finally:
        context.close()


def start_visits(wanted, launch, browsers=2):
    """Visit many pages in several browsers at once, each in a thread of its own.

    Args:
        wanted: Maps keys to the arguments of :func:`visit` after the browser.
        launch: A context manager that starts a browser.
        browsers: How many.

    Returns:
        A dictionary of futures, under the same keys.
    """
    results, queue = {key: Future() for key in wanted}, SimpleQueue()
    for item in [*wanted.items(), *[None] * browsers]:
        queue.put(item)
    for _ in range(browsers):
        Thread(target=work, args=(queue, results, launch), daemon=True).start()
    return results


def work(queue, results, launch):
    """Visit what is in the queue until it says that there is no more."""
    try:
        with launch() as browser:
            for key, arguments in iter(queue.get, None):
                settle(results[key], lambda arguments=arguments: visit(browser, *arguments))
    except Exception as error:
        for future in results.values():
            if not future.done():
                future.set_exception(error)


def settle(future, function):
    """Store what a function returns or raises."""
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
