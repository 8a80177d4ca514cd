"""Firefox and WebKit behind the same two calls: open an address, run a script in the page.

Playwright drives neither as Debian ships them. Firefox speaks WebDriver BiDi over a socket,
WebKit's driver the older protocol over http; what the tests need of either is little.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import Request, urlopen

#: The programs that an engine needs, and Debian's package for each.
NEEDED = {
    "firefox": {"firefox-esr": "firefox-esr"},
    "webkit": {"WebKitWebDriver": "webkit2gtk-driver", "Xvfb": "xvfb"},
}
PATIENCE = 120
#: How Firefox ends the word of a font that it no longer loads, since the page was left meanwhile.
ABORTED = f"status={0x804B0002}"
MINI_BROWSER = "usr/lib/*/webkit2gtk-4.*/MiniBrowser"

#: What keeps errors and warnings in a page, since WebKit's driver tells of none.
LISTEN = """<script>
window.heard = [];
const fails = ({ message, target }) => heard.push(message ?? `${target.src} fails`);
addEventListener("error", fails, true);
addEventListener("unhandledrejection", ({ reason }) => heard.push(String(reason)));
for (const kind of ["error", "warn"]) {
    const say = console[kind];
    console[kind] = (...words) => { heard.push(words.join(" ")); say(...words); };
}
</script>"""

#: Run what the test wants and hand back its result or its error as text.
WEBKIT_CALL = """const [source, done] = arguments;
(0, eval)(source)().then(
    (value) => done([value ?? null, ""]),
    (error) => done([null, String(error)]),
);"""


def missing(engine):
    """Name the packages of Debian's that an engine lacks here."""
    needed = NEEDED[engine].items()
    return [package for program, package in needed if shutil.which(program) is None]


@contextmanager
def started(engine):
    """Start an engine, and end it; yields a :class:`Firefox` or a :class:`WebKit`."""
    with ExitStack() as stack:
        yield {"firefox": Firefox, "webkit": WebKit}[engine](stack)


class Firefox:
    """Firefox without a window."""

    def __init__(self, stack):
        profile = stack.enter_context(TemporaryDirectory())
        log = Path(profile) / "log"
        command = ["firefox-esr", "--headless", "--remote-debugging-port", "0"]
        with log.open("w") as told:
            process = subprocess.Popen([*command, "--profile", profile], stdout=told, stderr=told)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        address = awaited(lambda: re.search(r"BiDi listening on (\S+)\n", log.read_text()))
        options = {"timeout": PATIENCE, "suppress_origin": True}
        # Installed where browsers are asked for, like what drives the Chromium.
        import websocket

        self._socket = websocket.create_connection(f"{address[1]}/session", **options)
        stack.callback(self._socket.close)
        self._numbers = count(1)
        self.messages = []
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded"])
        self._tab = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def _send(self, method, **parameters):
        """Send a command and return its result; what the console says meanwhile is kept."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (got := json.loads(self._socket.recv())).get("id") != number:
            entry = got.get("params", {})
            if entry.get("level") in ("error", "warn") and ABORTED not in entry["text"]:
                self.messages.append(entry["text"])
        if got["type"] == "error":
            raise RuntimeError(got["message"])
        return got["result"]

    def open(self, address):
        """Load a page."""
        self.messages = []
        self._send("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def drag(self, *places):
        """Press the mouse at the first place, (x, y), and let it go at the last one."""
        self._send("input.performActions", context=self._tab, actions=[mouse(places)])

    def run(self, script):
        """Run an async function, written out, in the page; return what it gives, as JSON has it."""
        result = self._send(
            "script.evaluate",
            expression=f"({script})().then((value) => JSON.stringify(value ?? null))",
            target={"context": self._tab},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])


class WebKit:
    """WebKitGTK's small browser, on a screen that nobody sees."""

    def __init__(self, stack):
        port = free_port()
        folder = Path(stack.enter_context(TemporaryDirectory()))
        home = os.environ | {"HOME": str(folder), "DISPLAY": screen(stack)}
        command = ["WebKitWebDriver", f"--port={port}"]
        process = subprocess.Popen(command, env=home, process_group=0)
        stack.callback(process.wait)
        stack.callback(os.killpg, process.pid, 15)
        self._address = f"http://127.0.0.1:{port}/session"
        awaited(lambda: answers(port))
        (program, *_) = sorted(Path("/").glob(MINI_BROWSER))
        options = {"binary": str(program), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self._address += "/" + self._post("", capabilities=wanted)["sessionId"]
        stack.callback(self._end)
        self._post("/timeouts", script=1000 * PATIENCE, pageLoad=1000 * PATIENCE)

    @property
    def messages(self):
        """What went wrong since the page was opened, where :data:`LISTEN` stands in it."""
        return self.run("async () => window.heard ?? []")

    def _post(self, path, **content):
        data = json.dumps(content).encode()
        request = Request(self._address + path, data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=PATIENCE) as reply:
            return json.load(reply)["value"]

    def _end(self):
        urlopen(Request(self._address, method="DELETE"), timeout=PATIENCE).close()

    def open(self, address):
        """Load a page."""
        self._post("/url", url=address)

    def drag(self, *places):
        """Press the mouse at the first place, (x, y), and let it go at the last one."""
        self._post("/actions", actions=[mouse(places)])

    def run(self, script):
        """Run an async function, written out, in the page; return what it gives, as JSON has it."""
        value, error = self._post("/execute/async", script=WEBKIT_CALL, args=[f"({script})"])
        if error:
            raise RuntimeError(error)
        return value


def mouse(places):
    """Write a way of the mouse, its button held from the first place on, as WebDriver has it."""
    moves = [{"type": "pointerMove", "x": x, "y": y, "duration": 20} for x, y in places]
    down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
    steps = [moves[0], down, *moves[1:], up]
    parameters = {"pointerType": "mouse"}
    return {"type": "pointer", "id": "mouse", "parameters": parameters, "actions": steps}


def screen(stack):
    """Start a screen that nobody sees, under a number that it finds free, and return its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    if not number:
        raise RuntimeError("Xvfb did not start.")
    return f":{number}"


def free_port():
    """Return a port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    """Tell whether a driver is ready at a port."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/status", timeout=5):
            return True
    except (URLError, OSError):
        return False


def awaited(found):
    """Return what a function finds, asked again until it finds something."""
    until = time.monotonic() + PATIENCE
    while not (result := found()):
        if time.monotonic() > until:
            raise TimeoutError("The browser did not start.")
        time.sleep(0.05)
    return result
