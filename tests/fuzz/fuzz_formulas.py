"""Attack the formula checker with hostile texts: ``make fuzz``, and a short form in the tests.

Usage: python tests/fuzz/fuzz_formulas.py [--strings N] [--minutes M] [--seed S] [--workers W]

Texts are judged in processes of their own, which ``judge_formulas.py`` describes. The exit status
is 1 where a text did what none may do; each is printed with its number, and the seed and the number
give the text again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from hostile_formulas import HostileFormulas
from tqdm import tqdm

_JUDGE = Path(__file__).with_name("judge_formulas.py")
#: Seconds without a text being done after which a process counts as hung.
_PATIENCE = 120
_NO_LIMIT = 10**9


def fuzz(seed, strings, seconds=float("inf"), workers=2, progress=True):
    """Judge texts in several processes, and put their reports together.

    Args:
        seed: what the texts are drawn from.
        strings: how many at most.
        seconds: how long at most.
        workers: processes.
        progress: whether to show a bar.

    Returns:
        A dict: ``strings``, ``checks``, ``statuses`` (how often each), ``violations`` (a list of
        sentences), ``slowest`` (seconds of the processor, seconds on the wall, which), ``memory``
        (bytes above the start, the largest of the processes).
    """
    with ExitStack() as stack:
        runs = []
        for first in range(workers):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            count = len(range(first, strings, workers))
            runs.append((folder, _start(seed, first, workers, count, seconds, folder)))
        violations = _wait(runs, seed, strings, progress)
        reports = [
            json.loads((folder / "report.json").read_text())
            for folder, _ in runs
            if (folder / "report.json").exists()
        ]
    return _together(reports, violations)


def _start(seed, first, step, count, seconds, folder):
    limit = min(seconds, 10**6)
    command = [sys.executable, _JUDGE, seed, first, step, count, limit, folder]
    with (folder / "stderr").open("w") as last_words:
        return subprocess.Popen(
            list(map(str, command)),
            stderr=last_words,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": search_path()},
        )


def search_path():
    """Let the process find the same labkit as this one."""
    import labkit

    return os.pathsep.join([str(Path(labkit.__file__).parent.parent), str(_JUDGE.parent)])


def _wait(runs, seed, strings, progress):
    """Wait for all processes, and end those that hang."""
    violations = []
    waiting = dict(enumerate(runs))
    last = {place: (0, time.monotonic()) for place in waiting}
    total = strings if strings < _NO_LIMIT else None
    with tqdm(total=total, unit="string", desc="judging", disable=not progress) as bar:
        while waiting:
            time.sleep(0.2)
            for place, (folder, process) in list(waiting.items()):
                done = _number_in(folder / "done")
                if done > last[place][0]:
                    last[place] = done, time.monotonic()
                ended = process.poll() is not None
                hangs = time.monotonic() - last[place][1] > _PATIENCE
                if hangs and not ended:
                    process.kill()
                    process.wait()
                if ended or hangs:
                    del waiting[place]
                if (ended and process.returncode) or (hangs and not ended):
                    violations.append(_end_of(folder, process, seed, hangs))
            bar.update(sum(done for done, _ in last.values()) - bar.n)
    return violations


def _end_of(folder, process, seed, hangs):
    """Say at which text a process hung or died."""
    number = _number_in(folder / "current")
    text = HostileFormulas(seed).text(number)
    how = "hangs" if hangs else f"ended the process with {process.returncode}"
    last_words = (folder / "stderr").read_text(errors="replace")[-500:]
    return f"number {number}, {text[:200]!r}: {how}. {last_words}"


def _number_in(path):
    return int(path.read_text() or 0) if path.exists() else 0


def _together(reports, violations):
    statuses = {}
    for report in reports:
        for status, number in report["statuses"].items():
            statuses[status] = statuses.get(status, 0) + number
    return {
        "strings": sum(report["strings"] for report in reports),
        "checks": sum(report["checks"] for report in reports),
        "statuses": statuses,
        "violations": violations + [line for report in reports for line in report["violations"]],
        "slowest": max((report["slowest"] for report in reports), default=[0, 0, ""]),
        "memory": max((report["memory"] for report in reports), default=0),
    }


def _summary(report):
    seconds, wall, which = report["slowest"]
    kinds = ", ".join(
        f"{number:,} {status}" for status, number in sorted(report["statuses"].items())
    )
    return (
        f"{report['strings']:,} strings, {report['checks']:,} checks: {kinds}.\n"
        f"Slowest: {seconds:.2f} s of the processor, {wall:.2f} s on the wall, {which}.\n"
        f"Memory: {report['memory'] / 2**20:.0f} MB above the start.\n"
        f"Violations: {len(report['violations'])}."
    )


def main():
    """Read the command line, attack, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strings", type=int, help="how many; by default as many as time allows")
    parser.add_argument("--minutes", type=float, help="how long; 10 by default")
    parser.add_argument("--seed", type=int, help="by default from the clock, and printed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 10**9
    minutes = options.minutes or (float("inf") if options.strings else 10)
    print(f"Seed {seed}.")
    report = fuzz(seed, options.strings or _NO_LIMIT, 60 * minutes, options.workers)
    print(_summary(report))
    for violation in report["violations"][:50]:
        print("  " + violation)
    return 1 if report["violations"] or not report["strings"] else 0


if __name__ == "__main__":
    sys.exit(main())
