"""Judge hostile formulas in a process of its own, and report what the checker did with each.

Usage: python judge_formulas.py SEED FIRST STEP COUNT SECONDS FOLDER

Number FIRST, FIRST + STEP, … of the seed's texts are judged, COUNT of them or as many as SECONDS
allow. The process watches itself: an audit hook sees whatever is run, compiled, imported, opened or
started while a text is judged; warnings are errors; memory is limited. FOLDER receives ``current``
(the number now being judged), ``done`` (how many are done) and, at the end, ``report.json``.
"""

import json
import os
import resource
import sys
import time
import warnings
from html.parser import HTMLParser
from pathlib import Path

from hostile_formulas import CANARY, HostileFormulas

from labkit.receptive_field.checker import Verdict, check_closed_form, check_recurrence

#: A check may spend so many seconds of the processor, and so much memory above the start.
MOST_SECONDS = 1.0
MOST_MEMORY = 200 * 2**20

_STATUSES = {"proved", "wrong", "consistent", "unanswered", "unreadable"}
_TAGS = {
    "div", "strong", "pre", "br", "details", "summary", "math", "mrow", "mi", "mn", "mo", "msub",
    "msup", "mfrac", "munderover", "display",
}  # fmt: skip
_LONGEST_MESSAGE = 1000
# Room for the interpreter's own growth; a text that fills it gets a MemoryError, a violation.
_ADDRESS_SPACE = 2**30
# What the hook may see: the address that repr() of a verdict asks for, to notice recursion.
_HARMLESS = {"builtins.id"}
# Each way through the checker once, so that what it imports at first use is there.
_WARM_UP = (
    "s*r + k - s", "s*r + k - s + floor(k/7)", "s*(r-1) + 6*(k//6) + k mod 6", "k + 0*floor(r)",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i=1}^{l−1} s_i", "1 + Σ_{l=1}^{L} (k_l − 1)", "k_0", "r @ s",
    "1 + Σ_{l=1}^{L} (k_l − 1) ∏_{i<l} s_i + floor(L/200)", "1.5*k/(s + r)^2", "",
    "∏_{l=1}^{L} s_l + Σ_{l=1}^{L} (d_l (k_l − 1) + 1 − s_l) ∏_{i<l} s_i", "max(k, s, 1) + abs(r)",
    "1 + sum((k[l]-1)*prod(s[:l]) for l in range(L))", "∏_{l=1}^{1999} l/(l+1)",
)  # fmt: skip


class Watcher:
    """See every audit event while a text is judged."""

    def __init__(self):
        self.watching = False
        self.events = []
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        # Only the syntax tree of a text has no file's name; what would run it raises "exec".
        parsed = event == "compile" and arguments[1] == "<unknown>"
        if self.watching and event not in _HARMLESS and not parsed:
            self.watching = False
            self.events.append(f"{event} {arguments!r}"[:200])
            self.watching = True


class _Tags(HTMLParser):
    """Collect the tags and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found |= {tag, *(name for name, _ in attributes if name != "style")}


def main(seed, first, step, count, seconds, folder):
    """Judge texts and write the report."""
    folder = Path(folder)
    formulas = HostileFormulas(seed)
    for text in _WARM_UP:
        for check in (check_recurrence, check_closed_form):
            for dilation in (None, True):
                _shown(check(text, dilation=dilation))
    warnings.simplefilter("error")
    watcher, report = Watcher(), Report(memory())
    _limit_address_space()
    deadline = time.monotonic() + seconds
    current = os.open(folder / "current", os.O_CREAT | os.O_WRONLY)
    done = os.open(folder / "done", os.O_CREAT | os.O_WRONLY)
    for turn in range(count):
        if time.monotonic() > deadline:
            break
        number = first + turn * step
        os.pwrite(current, b"%-20d" % number, 0)
        text = formulas.text(number).replace(CANARY, str(folder / CANARY))
        judge(text, number, watcher, report)
        os.pwrite(done, b"%-20d" % (turn + 1), 0)
    if (folder / CANARY).exists() or Path(CANARY).exists():
        report.violations.append("a text has written the file it asked for")
    (folder / "report.json").write_text(json.dumps(vars(report)))


class Report:
    """Hold counts and extremes over all texts judged so far."""

    def __init__(self, base):
        self.base = base
        self.strings = 0
        self.checks = 0
        self.statuses = {}
        self.violations = []
        self.slowest = (0.0, 0.0, "")
        self.memory = 0
        self.largest_growth = (0, "")


def judge(text, number, watcher, report):
    """Send a text through both checks, and note whatever a user should not meet."""
    report.strings += 1
    dilation = True if number % 2 else None
    for check in (check_recurrence, check_closed_form):
        where = f"number {number}, {check.__name__}, dilation={dilation}, {text[:200]!r}"
        report.checks += 1
        wall, processor = time.perf_counter(), time.process_time()
        watcher.watching = True
        try:
            verdict = check(text, dilation=dilation)
            shown = _shown(verdict)
        except BaseException as error:
            watcher.watching = False
            report.violations.append(f"{where}: raised {type(error).__name__}: {str(error)[:200]}")
            if isinstance(error, KeyboardInterrupt):
                raise
            continue
        watcher.watching = False
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        report.statuses[verdict.status] = report.statuses.get(verdict.status, 0) + 1
        faults = [f"event {event}" for event in watcher.events]
        watcher.events.clear()
        faults += _faults(verdict, shown, text)
        if processor > MOST_SECONDS:
            faults.append(f"took {processor:.2f} s")
        report.slowest = max(report.slowest, (processor, wall, where))
        growth = memory() - report.base
        if growth > report.memory:
            step = growth - report.memory
            report.memory = growth
            report.largest_growth = max(report.largest_growth, (step, where))
            if growth > MOST_MEMORY:
                faults.append(f"brought memory to {growth / 2**20:.0f} MB above the start")
        report.violations += [f"{where}: {fault}" for fault in faults]


def _shown(verdict):
    """Return all that a verdict can be shown as."""
    return str(verdict), verdict._repr_html_(), verdict._repr_markdown_(), repr(verdict)


def _faults(verdict, shown, text):
    """Say what is wrong with a verdict as a user sees it."""
    message = verdict.message
    faults = []
    if not isinstance(verdict, Verdict) or verdict.status not in _STATUSES:
        faults.append("no verdict")
    if not message.endswith(".") or len(message) > _LONGEST_MESSAGE or "\n" in message:
        faults.append(f"the message is no sentence: {message[:200]!r}")
    if verdict.spot is not None and not 0 <= verdict.spot <= len(text):
        faults.append(f"the spot {verdict.spot} lies outside the text")
    strange = _Tags(shown[1]).found - _TAGS
    if strange:
        faults.append(f"the page holds {sorted(strange)}")
    if any(not (c.isprintable() or c == "\n") for c in shown[0]):
        faults.append(f"the text holds control characters: {shown[0][:200]!r}")
    return faults


def memory():
    """Return the most memory that this process has held so far, in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    # Not ru_maxrss: that starts at what the process that started this one had.
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _limit_address_space():
    status = Path("/proc/self/statm")
    if status.exists():
        now = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + _ADDRESS_SPACE, now + _ADDRESS_SPACE))


if __name__ == "__main__":
    seed, first, step, count, seconds, folder = sys.argv[1:]
    main(int(seed), int(first), int(step), int(count), float(seconds), folder)
