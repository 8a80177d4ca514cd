"""Visits: one load of one page, and everything that was wrong with it."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

INSPECT = (Path(__file__).parent / "inspect_page.js").read_text(encoding="utf-8")
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}
#: What most telephones have.
PHONE = {"width": 390, "height": 844}

#: Live parts have been shown, and the networks in them have answered.
ANSWERED = "() => !document.querySelector('.lk-live[hidden], [aria-busy=true]')"

#: Until formulas are set and fonts are there, nothing has its final size or colour.
SETTLED = """() => Promise.all([window.MathJax?.startup?.promise, document.fonts.ready])
    .then(() => new Promise(requestAnimationFrame))"""

#: Until what follows the size of the window has been told of it, and has drawn itself again.
RESIZED = """async (width) => {
    while (innerWidth !== width) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve)));
  }"""

#: The theme waits for 300 ms after a resize before it makes what now scrolls reachable by keyboard;
#: what it has not reached after half a second, it never does. By a timer of the page's own, which
#: ends after the theme's however slow both are. And what fades has faded.
REACHABLE = """async () => {
    const names = "pre, .cell_output > .output, .pst-scrollable-table-container";
    const boxes = [...document.querySelectorAll(names)];
    let late = false;
    setTimeout(() => { late = true; }, 500);
    const scrolls = (box) =>
      box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    while (boxes.some((box) => box.tabIndex < 0 && scrolls(box)) && !late)
      await new Promise(requestAnimationFrame);
    const fading = document.getAnimations().filter((each) => each instanceof CSSTransition);
    await Promise.allSettled(fading.map((each) => each.finished));
  }"""

#: The page hears of the reader's system at its own time.
FOLLOWED = "(mode) => document.documentElement.dataset.theme === mode"

#: What a page has stored in the browser is not there when the next one opens.
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"

#: What a page that stands alone may load: itself, and what it holds or makes.
OWN = re.compile(r"(file|data|blob):|about:srcdoc")


@contextmanager
def listening(page, listeners):
    """Let functions hear of events of a page meanwhile."""
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


#: A page speaks and writes its address once a reader pauses for 250 ms, as PAUSE in page.js says;
#: a test does not pause as long.
HASTE = """{
    const wait = window.setTimeout;
    window.setTimeout = (act, late, ...more) => wait(act, late === 250 ? 20 : late, ...more);
  }"""


# Pictures that never arrive, as on a machine that is busy.
NO_PICTURES = "Image.prototype.decode = () => new Promise(() => {});"


@contextmanager
def standing_alone(page):
    """Fail in the end where a script failed, or where anything but the page was asked for."""
    problems = []
    listeners = {
        "pageerror": lambda error: problems.append(f"error: {error}"),
        "console": lambda message: problems.append(f"console: {message.text}"),
        "request": lambda request: problems.append(request.url),
    }
    with listening(page, listeners):
        yield page
    assert [problem for problem in problems if not OWN.match(problem)] == []


def settle(page):
    """Wait until a page of the book looks as it will stay."""
    page.wait_for_function(ANSWERED)
    page.evaluate(SETTLED)


def resize(page, size):
    """Give a page another size, and wait until all that follows it has done so."""
    page.set_viewport_size(size)
    page.evaluate(RESIZED, size["width"])


def follow(page, mode):
    """Let the reader's system change to light or dark, and wait until the page has followed."""
    page.emulate_media(color_scheme=mode)
    page.wait_for_function(FOLLOWED, arg=mode)


def pause(page):
    """Let a page that stands alone take notice that its reader pauses.

    By a timer of the page's own: it ends after those that were begun before, however slow all are.
    """
    page.evaluate("() => new Promise((done) => setTimeout(done, 30))")


@dataclass
class Visit:
    """What was seen: each list holds what was wrong, each count what was looked at."""

    modes: list = field(default_factory=list)
    themes: list = field(default_factory=list)
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

    def counts(self):
        """Return how much was looked at, by what it is called."""
        return {
            "requests": self.requests,
            "formulas": self.formulas,
            "pictures": self.images,
            "folded parts": self.folded,
            "runs of axe-core": self.axe_runs,
        }


def visit(tab, base, page, *modes):
    """Load a page once and look at everything.

    Args:
        tab: Playwright's page, which may have shown others before.
        base: Address of the book without a final slash; nothing outside it may be asked for.
        page: Path of the page below ``base``.
        *modes: ``"light"`` or ``"dark"``, what the reader's system prefers; then perhaps the
            other, to which it changes while the page is open. In the light the page opens on a
            wide screen and then shrinks; in the dark it opens on a phone and grows.

    Returns:
        A :class:`Visit`.
    """
    seen = Visit()
    looks = [(WIDE, look_wide), (PHONE, look_narrow)]
    (first, look_first), (second, look_second) = looks if modes[0] == "light" else reversed(looks)
    tab.set_viewport_size(first)
    tab.emulate_media(color_scheme=modes[0], reduced_motion="reduce")
    with recorded(tab, base, seen):
        tab.goto(f"{base}/{page}", wait_until="load")
        settle(tab)
        look = Inspector(tab)
        seen.modes, seen.themes = [modes[0]], [look("theme")]
        look_first(look, seen, base, modes)
        resize(tab, second)
        look_second(look, seen, base, modes)
        tab.evaluate(FORGET)
    return seen


def look_wide(look, seen, base, modes):
    """Look at formulas, pictures and figures; over http at folded parts and accessibility, too."""
    formulas, images = look("formulas"), look("images")
    seen.formulas, seen.unset_formulas = formulas["set"], formulas["unset"]
    seen.images, seen.poor_alt = images["count"], images["poor"]
    seen.broken_images = images["broken"]
    look_at_figures(look, seen)
    seen.folded = look.tab.locator("article details").count()
    if base.startswith("http"):
        seen.axe_unfolded = accessibility(look, seen)
        look("unfold", False)
        open_each(look, seen)
        prefer(look, seen, modes[-1])
        look("unfold", False)
        seen.axe_folded = accessibility(look, seen)


def look_narrow(look, seen, base, modes):
    """Look whether the page fits a phone and, from the disk, at accessibility there."""
    look("unfold", True)
    resize(look.tab, PHONE)
    seen.small_lines = look("small")
    seen.cut += look("cut")
    resize(look.tab, NARROW)
    seen.sideways_unfolded = look("sideways")
    look("unfold", False)
    seen.sideways_folded = look("sideways")
    if base.startswith("file"):
        look("unfold", True)
        seen.axe_unfolded = accessibility(look, seen)
        prefer(look, seen, modes[-1])


def look_at_figures(look, seen):
    """Look at what cells draw, and for text that is cut, all parts unfolded."""
    look("unfold", True)
    resize(look.tab, WIDE)
    figures, seen.letters = look("figures"), look("letters")
    seen.figures, seen.uncounted_figures = figures["count"], figures["uncounted"]
    seen.blurred_figures = figures["blurred"]
    seen.poor_alt += figures["poor"]
    seen.cut += look("cut")


def prefer(look, seen, mode):
    """Let the reader's system change to a mode, unless it has it, while the page is open."""
    if mode == seen.modes[-1]:
        return
    seen.modes.append(mode)
    follow(look.tab, mode)
    seen.themes.append(look("theme"))


def accessibility(look, seen):
    """Run axe-core on the page as it stands, the mouse out of the way."""
    look.tab.mouse.move(0, 0)
    look.tab.evaluate(REACHABLE)
    seen.axe_runs += 1
    return [f"{seen.modes[-1]}: {problem}" for problem in look("axe")]


def open_each(look, seen):
    """Open each folded part with the mouse and close it by a key, as a reader would.

    By one key after the other, and a part in which there are others by both, so that it stays open.
    """
    for n in range(seen.folded):
        part = look("folded", n)
        if part["shows"]:
            seen.stuck.append(f"{part['name']}: shows its content while it is folded")
        look.tab.mouse.click(part["x"], part["y"])
        if not look("shows", n):
            seen.stuck.append(f"{part['name']}: shows nothing after a click")
        keys = KEYS if part["holdsOthers"] else KEYS[n % 2 :][:1]
        for key, opens in zip(keys, (False, True), strict=False):
            look.tab.keyboard.press(key)
            if look("isOpen", n) is not opens:
                state = "open" if opens else "closed"
                seen.stuck.append(f"{part['name']}: should be {state} after {key}")


#: What opens and closes a folded part that has the focus, as a click has given it.
KEYS = ("Enter", "Space")


@contextmanager
def recorded(tab, base, seen):
    """Note every request, failure and message of a page meanwhile."""

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

    listeners = {
        "request": on_request,
        "websocket": lambda socket: seen.outside.append(socket.url),
        "requestfailed": lambda request: seen.failed.append(f"{request.failure}: {request.url}"),
        "response": on_response,
        "console": on_console,
        "pageerror": lambda error: seen.messages.append(f"page error: {error}"),
    }
    with listening(tab, listeners):
        yield


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


class Visits:
    """Visits to pages, each made when it is first asked for.

    All in one tab: one of its own for each page would take longer than many a look at it.

    Args:
        browser: Playwright's.
        bases: Maps schemes to the address of the book, without a final slash.
    """

    def __init__(self, browser, bases):
        self._browser, self._bases = browser, bases
        self._tab, self._done = browser.new_page(), {}

    def __call__(self, page, scheme, *modes):
        """Return what was seen on a page, a :class:`Visit`, or raise what went wrong there."""
        load = (page, scheme, *modes)
        if load not in self._done:
            self._done[load] = self._visit(*load)
        if isinstance(self._done[load], Exception):
            raise self._done[load]
        return self._done[load]

    def _visit(self, page, scheme, *modes):
        try:
            return visit(self._tab, self._bases[scheme], page, *modes)
        except Exception as error:
            self._tab.close()
            self._tab = self._browser.new_page()
            return error
