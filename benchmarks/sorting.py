"""Sorting pictures into folders: labkit.reorganise against a loop of shutil.copy.

Both sort the same generated files into fresh folders, in turns, in one run. Nothing is deleted
between the rounds, since a file system that has just freed many files is slow to make new
ones, which would flatter the links. Before any time is reported, the two results are compared
file by file.

    python benchmarks/sorting.py
    python benchmarks/sorting.py --sizes 1000 --rounds 3 --bytes 11000
"""

import argparse
import filecmp
import math
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from record import machine, spread, write_record

from labkit.dog_breeds.folders import reorganise

RECORD = Path(__file__).parent / "records" / "sorting.json"
BREEDS = 120
LINEAR_SIZE = 10_222  # the real data set's, against which larger ones are judged
SPARED_BYTES = 4_096  # of each file in larger sets, which would else take many gigabytes


def copy_loop(directory, destination):
    """Sort as a short script does: read the labels, copy file after file."""
    lines = (directory / "labels.csv").read_text().splitlines()[1:]
    labels = [line.split(",") for line in lines]
    totals, seen = Counter(breed for _, breed in labels), Counter()
    for breed in totals:
        for split in ("train_sorted", "val_sorted"):
            os.makedirs(f"{destination}/{split}/{breed}")
    for name, breed in labels:
        split = "val_sorted" if seen[breed] < math.ceil(totals[breed] / 5) else "train_sorted"
        seen[breed] += 1
        shutil.copy(f"{directory}/train/{name}.jpg", f"{destination}/{split}/{breed}/{name}.jpg")


def link_tree(directory, destination):
    reorganise(directory, destination, progress=False)


CANDIDATES = {"shutil.copy": copy_loop, "reorganise": link_tree}


def generate(directory, size, nbytes, seed):
    """Write so many files in Kaggle's layout; what is in them does not matter for sorting."""
    rng = random.Random(seed)
    (directory / "train").mkdir(parents=True)
    names = [f"{rng.getrandbits(128):032x}" for _ in range(size)]
    breeds = [f"breed_{i % BREEDS:03d}" for i in range(size)]
    rng.shuffle(breeds)
    for name in names:
        (directory / "train" / f"{name}.jpg").write_bytes(rng.randbytes(nbytes))
    rows = [f"{name},{breed}" for name, breed in zip(names, breeds, strict=True)]
    (directory / "labels.csv").write_text("\n".join(["id,breed", *rows]) + "\n")


def time_once(sort, directory, destination):
    os.sync() if hasattr(os, "sync") else None  # no candidate pays for the one before it
    start = time.perf_counter()
    sort(directory, destination)
    return time.perf_counter() - start


def run_rounds(directory, rounds):
    """Return the seconds of each candidate and round, and the last round's folders."""
    seconds = {name: [] for name in CANDIDATES}
    for turn in range(rounds):
        order = list(CANDIDATES) if turn % 2 else list(CANDIDATES)[::-1]
        made = {name: directory / f"{name}-{turn}" for name in order}
        for name in order:
            seconds[name].append(time_once(CANDIDATES[name], directory, made[name]))
        require_equal(*made.values(), contents=turn == 0)
    return seconds, made


def list_files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def require_equal(first, second, contents):
    """Stop the benchmark when its candidates did not do the same work."""
    names = list_files(first)
    if names != list_files(second):
        raise SystemExit(f"Nothing to report: {first} and {second} hold different files.")
    if contents and (
        wrong := [n for n in names if not filecmp.cmp(first / n, second / n, shallow=False)]
    ):
        raise SystemExit(f"Nothing to report: {len(wrong)} files differ, such as {wrong[0]}.")


def extra_bytes(folder, originals):
    """Count the bytes on disk of the files in a folder that are not the originals themselves."""
    known = {entry.inode() for entry in os.scandir(originals)}
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(_disk_bytes(stat) for stat in stats if stat.st_ino not in known)


def _disk_bytes(stat):
    return getattr(stat, "st_blocks", math.ceil(stat.st_size / 512)) * 512


def measure(root, size, options):
    directory = Path(root, str(size))
    nbytes = options.bytes if size <= LINEAR_SIZE else min(options.bytes, SPARED_BYTES)
    generate(directory, size, nbytes, options.seed)
    seconds, made = run_rounds(directory, options.rounds)
    ratios = [c / r for c, r in zip(seconds["shutil.copy"], seconds["reorganise"], strict=True)]
    return {
        "files": size,
        "bytes_per_file": nbytes,
        "rounds": options.rounds,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "ratio": spread(ratios),
        "microseconds_per_file": spread([1e6 * s / size for s in seconds["reorganise"]]),
        "extra_bytes": {n: extra_bytes(made[n], directory / "train") for n in CANDIDATES},
    }


def growth(results):
    """Return the cost per file relative to that of the real data set's size."""
    cost = {r["files"]: r["microseconds_per_file"]["median"] for r in results}
    base = cost.get(LINEAR_SIZE, next(iter(cost.values())))
    return {str(size): cost[size] / base for size in cost}


def print_table(results):
    print(
        f"{'files':>8} {'copy s':>8} {'links s':>8} {'ratio (min to max)':>24} {'µs/file':>8}",
        end="",
    )
    print(f" {'extra bytes, copy':>18} {'links':>6}")
    for r in results:
        ratio = r["ratio"]
        text = f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})"
        print(
            f"{r['files']:>8,} {r['seconds']['shutil.copy']['median']:>8.3f} "
            f"{r['seconds']['reorganise']['median']:>8.3f} {text:>24} "
            f"{r['microseconds_per_file']['median']:>8.1f} "
            f"{r['extra_bytes']['shutil.copy']:>18,} {r['extra_bytes']['reorganise']:>6,}"
        )


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, LINEAR_SIZE, 100_000])
    parser.add_argument("--rounds", type=int, default=3, help="at least 1")
    parser.add_argument("--bytes", type=int, default=32_768, help="size of each file")
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument("--directory", help="where to work; a temporary folder by default")
    parser.add_argument("--record", type=Path, default=RECORD, help="where to write the figures")
    return parser.parse_args(arguments)


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.directory) as root:
        results = [measure(root, size, options) for size in options.sizes]
    print_table(results)
    record = {"machine": machine(), "results": results, "cost_per_file": growth(results)}
    write_record(record, options.record)


if __name__ == "__main__":
    main()
