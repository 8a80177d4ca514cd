"""Run every benchmark of the project, one after the other, and write their records.

python -m benchmarks
python -m benchmarks --only sorting receptive_field
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: The quickest first, so that a mistake shows early.
BENCHMARKS = {
    "receptive_field": "analyse against gradients, sets and depth; the derivation",
    "sorting": "reorganise against a loop of shutil.copy",
    "labs": "the labs under pytest --nbval, and the book built anew and again",
    "pipeline": "the generator against its rivals",
}


def parse_options(arguments=None):
    """Read which benchmarks to run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--photographs", help="for the pipeline: a folder with one per class")
    return parser.parse_args(arguments)


def main():
    """Run the benchmarks; stop at the first that refuses to report."""
    options = parse_options()
    for name in options.only:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        command = [sys.executable, str(HERE / f"{name}.py")]
        if name == "pipeline":
            command += ["--long"]
            command += ["--photographs", options.photographs] if options.photographs else []
        done = subprocess.run(command)
        if done.returncode:
            raise SystemExit(f"{name} did not report; its reason stands above.")


if __name__ == "__main__":
    main()
