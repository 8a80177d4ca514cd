"""Kill fetch, reorganise and training some 200 times, and compare with undisturbed runs."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import kills
from attack import LOOKS, attack, prepare, serve
from tqdm import tqdm

#: How the kills are shared out; a training takes far longer than the others.
SHARES = {
    "fetch_drawn": 0.15,
    "fetch_archive": 0.24,
    "fetch_address": 0.24,
    "sort": 0.12,
    "sort_by_copies": 0.08,
    "keep_decoded": 0.04,
    "train": 0.09,
    "train_stages": 0.03,
    "run_lab": 0.02,
}
STAGES = tuple(f"checkpoints/{stage}/" for stage in ("scratch", "head", "fine_tuning"))


def main():
    """Run the long form and end in 1 if anything differs."""
    options = _options()
    begun = time.perf_counter()
    kills.preload_keras()
    wanted = {work: round(share * options.kills) for work, share in SHARES.items()}
    counts, failures = {}, []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        home = Path(folder)
        given = prepare(home / "given")
        with serve(given) as server, tqdm(total=sum(wanted.values()), unit=" kills") as bar:
            for work in options.works or SHARES:
                bar.set_description(work)
                counts[work] = _attack_one(work, given, home, wanted[work], options, bar, failures)
    took = time.perf_counter() - begun
    shared = ", ".join(f"{work} {count}" for work, count in counts.items())
    resumed = sum(start > 0 for start in server.starts)
    print("\n".join(failures), file=sys.stderr)
    print(
        f"{sum(counts.values())} kills ({shared}), {resumed} downloads resumed, "
        f"{len(failures)} failures, seed {options.seed}, {took:.0f} s."
    )
    return 1 if failures else 0


def _attack_one(work, given, home, wanted, options, bar, failures):
    """Attack one work and return how often it was killed; a failure ends its part."""
    done = 0
    chance = random.Random(f"{options.seed} {work}")
    stages = STAGES if work in ("train_stages", "run_lab") else ()
    trial = None
    try:
        trial = kills.Trial(work, given, home / "trials", LOOKS.get(work, lambda folder: None))
        for _ in attack(trial, wanted, chance, stages):
            bar.update(trial.kills - done)
            done = trial.kills
    except (AssertionError, TimeoutError) as error:
        failures.append(f"{type(error).__name__}: {error}")
    return trial.kills if trial else 0


def _options():
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="about how many (200)")
    parser.add_argument("--seed", type=int, default=2021, help="of the random moments (2021)")
    parser.add_argument("works", nargs="*", help=f"all of {', '.join(SHARES)} by default")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
