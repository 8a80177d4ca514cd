"""How long each part of the verification takes: tests, labs, book, handouts, pages, PDF.

Nothing is compared here but the times themselves, against what the project allows: 120 s for
all labs, 150 s for a book built anew, 15 s for one in which nothing changed. The environment must
have the extras that `make handouts` and `make test-browser` install, and a Chromium.

    python benchmarks/labs.py
    python benchmarks/labs.py --rounds 1
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import machine, spread, write_record

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks" / "records" / "labs.json"
ALLOWED = {"all labs": 120, "book, cold": 150, "book, unchanged": 15}
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "_build", "data", "__pycache__", ".pytest_cache", ".hypothesis"
)


def timed(program, *arguments, where):
    """Run a program of this environment as a user would; return its seconds, or stop."""
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    # The copy's own labkit, not the one that is installed.
    surroundings = {**os.environ, "PYTHONPATH": str(where)}
    done = subprocess.run(command, cwd=where, env=surroundings, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise SystemExit(f"Nothing to report: {program} {' '.join(arguments)} failed.\n{said}")
    return time.perf_counter() - start


def measure_round(checkout):
    """Time the labs and the book in a copy of the project without anything built."""
    labs = sorted((checkout / "labs").glob("*.ipynb"))
    seconds = {
        lab.stem: timed("pytest", "--nbval", f"labs/{lab.name}", where=checkout) for lab in labs
    }
    seconds["all labs"] = timed("pytest", "--nbval", "labs/", where=checkout)
    # What the labs drew is removed, so that the book is built as on a fresh checkout.
    shutil.rmtree(checkout / "labs" / "data", ignore_errors=True)
    book = ("jupyter-book", "build", ".", "-W", "-n", "--keep-going")
    seconds["book, cold"] = timed(*book, where=checkout)
    seconds["book, unchanged"] = timed(*book, where=checkout)
    pages = ("pytest", "-q", "-m", "browser", "tests/browser")
    seconds["pages in a browser"] = timed(*pages, where=checkout)
    script = checkout / "book" / "_scripts"
    seconds["PDF"] = timed("python", str(script / "print_book.py"), where=checkout)
    lab_files = map(str, labs)
    handouts = ("python", str(script / "write_handouts.py"), *lab_files, "_build/handouts")
    seconds["handouts"] = timed(*handouts, where=checkout)
    shared = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "--nbval")
    seconds["unit tests and labs"] = timed("pytest", "-q", *shared, "labs", "tests", where=checkout)
    processors = checkout / "tests" / "determinism" / "other_processors.py"
    seconds["examples, twice"] = timed("python", str(processors), "--doctests", where=checkout)
    return seconds


def main():
    """Measure, print and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="at least 1")
    parser.add_argument("--record", type=Path, default=RECORD, help="where to write the figures")
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            checkout = Path(folder, "checkout")
            shutil.copytree(ROOT, checkout, ignore=LEFT_BEHIND)
            rounds.append(measure_round(checkout))
    seconds = {name: spread([turn[name] for turn in rounds]) for name in rounds[0]}
    for name, figures in seconds.items():
        allowed = f"of {ALLOWED[name]} allowed" if name in ALLOWED else ""
        print(f"{name:<20}{figures['median']:>8.1f} s {allowed}")
    record = {"machine": machine(), "rounds": options.rounds, "seconds": seconds}
    write_record(record | {"allowed_seconds": ALLOWED}, options.record)


if __name__ == "__main__":
    main()
