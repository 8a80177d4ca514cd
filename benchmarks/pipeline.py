"""Input pipelines: labkit's generator against its rivals, side by side in one run.

Every candidate works in a process of its own (`pipeline_candidate.py`), one at a time, in
turns. First each shows that it makes the same thing: as many pictures with the same labels
and shapes, the same mean picture, and on a probe the same brightness, turns, zooms, shifts
and flips. Otherwise nothing is reported.

    python benchmarks/pipeline.py
    python benchmarks/pipeline.py --photographs dogs/train_sorted --long
    python benchmarks/pipeline.py --pictures 64 --rounds 1 --record /tmp/record.json
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pipeline_candidate import CANDIDATES
from pipeline_pictures import make_photographs, make_probes
from record import machine, spread, write_record
from scipy import stats
from tqdm import tqdm

HERE = Path(__file__).parent
RECORD = HERE / "records" / "pipeline.json"
BASE = "ImageDataGenerator of Keras"
PLAIN = tuple(name for name in CANDIDATES if "decode and resize only" in name)
CACHING = tuple(name for name in CANDIDATES if "memory" in name or ", disk" in name) + (
    "Keras layers, cached",
)
NEEDS = {"albumentations, threads": "albumentations", "albumentations, uint8": "albumentations"}
TRAINED = (BASE, "labkit", "labkit, memory")
PROBED = ("brightness", "turn", "zoom across", "zoom down", "shift across", "shift down", "flip")
GREYS_APART = 60  # Standard deviation of one pixel over augmented pictures; an upper bound.
UNLIKELY = 1e-5


class Candidate:
    """A process that makes batches in one way."""

    def __init__(self, name):
        self.name = name
        command = [sys.executable, str(HERE / "pipeline_candidate.py"), name]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def ask(self, command):
        try:
            print(command, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            self._give_up()
        return json.loads(self._process.stdout.readline() or self._give_up())

    def _give_up(self):
        self._log.seek(0)
        raise SystemExit(f"Nothing to report: {self.name} failed.\n{self._log.read()[-2000:]}")

    def close(self):
        self._process.communicate()
        self._log.close()


def require(condition, name, what):
    if not condition:
        raise SystemExit(f"Nothing to report: {name} did not make the same thing: {what}.")


def require_same(candidates, folder, probes):
    """Stop unless all candidates make the same of the pictures and of the probe."""
    seen = {c.name: look(c, folder) for c in tqdm(candidates, "Comparing pictures")}
    augmented = {name: facts for name, facts in seen.items() if name not in PLAIN}
    for name, facts in seen.items():
        require_same_facts(name, facts, seen[BASE])
    for names, random in ((list(augmented), True), (list(PLAIN), False)):
        for name in names:
            require_near_mean(name, seen[name], seen[names[0]], random)
    probed = {c.name: look(c, probes)["probes"] for c in tqdm(candidates, "Comparing probes")}
    for name in seen:
        require_same_changes(name, probed[name], None if name in PLAIN else probed[BASE])


def look(candidate, folder):
    candidate.ask(f"open {folder}")
    return candidate.ask("look")


def require_same_facts(name, facts, base):
    for key in ("pictures", "labels", "shapes"):
        require(facts[key] == base[key], name, f"{key} {facts[key]} for {base[key]}")
    low, high = facts["range"]
    in_range = low >= 0 and 128 < high <= 255.01
    require(in_range, name, f"values from {low:.3g} to {high:.3g} of 255")


def require_near_mean(name, facts, base, random):
    """Compare mean pictures; drawn at random, they differ by less the more pictures there are."""
    apart = np.abs(np.subtract(facts["mean_picture"], base["mean_picture"])).mean()
    allowed = 2 + random * 2 * GREYS_APART * np.sqrt(2 / facts["pictures"])
    require(apart <= allowed, name, f"mean pictures {apart:.1f} grey levels apart")


def require_same_changes(name, probes, base):
    """Compare what was done to the probe: as distributions, or, without base, nothing at all."""
    probes = np.array(probes)
    if base is None:
        still = np.abs(probes - [1, 0, 1, 1, 0, 0, 0]).max(0) <= [
            0.05,
            2,
            0.05,
            0.05,
            0.02,
            0.02,
            0,
        ]
        require(still.all(), name, "it changed pictures that it should only resize")
        return
    for what, ours, theirs in zip(PROBED, probes.T, np.array(base).T, strict=True):
        likely = stats.ks_2samp(ours, theirs, method="asymp").pvalue
        require(likely > UNLIKELY, name, f"{what} is distributed otherwise (p = {likely:.1g})")


def run_rounds(candidates, folder, rounds):
    """Let all candidates work in turns; return what each said of its epochs, round by round."""
    said = {c.name: {"first": [], "later": []} for c in candidates}
    for turn in tqdm(range(rounds), "Rounds"):
        for candidate in candidates[:: 1 if turn % 2 else -1]:
            candidate.ask(f"open {folder}")
            first = candidate.ask("epoch")
            later = candidate.ask("epoch") if candidate.name in CACHING else first
            said[candidate.name]["first"].append(first)
            said[candidate.name]["later"].append(later)
    return said


def ratios(said, name, when, of=BASE):
    """Return how many times faster than another a candidate was, round by round."""
    return [
        theirs["seconds"] / ours["seconds"]
        for ours, theirs in zip(said[name][when], said[of][when], strict=True)
    ]


def per_picture(epochs, key):
    return [1e6 * epoch[key] / epoch["pictures"] for epoch in epochs]


def summarise(said):
    return {
        name: {
            "memory_mb": round(max(epoch["memory_mb"] for epoch in epochs["later"])),
            **{
                when: {
                    "ratio": spread(ratios(said, name, when)),
                    "microseconds": spread(per_picture(epochs[when], "seconds")),
                    "cpu_microseconds": spread(per_picture(epochs[when], "cpu_seconds")),
                }
                for when in ("first", "later")
            },
        }
        for name, epochs in said.items()
    }


def goals(said):
    """Return the ratios that the project set itself goals for."""
    pairs = {
        "first epoch against ImageDataGenerator of Keras": ("labkit", "first", BASE),
        "first epoch against albumentations": ("labkit", "first", "albumentations, threads"),
        "first epoch against albumentations, both uint8": (
            "labkit, uint8",
            "first",
            "albumentations, uint8",
        ),
        "first epoch against decode and resize only, both uint8": (
            "labkit, uint8",
            "first",
            "labkit, decode and resize only, uint8",
        ),
        "first epoch against decode and resize only by Keras": (
            "labkit",
            "first",
            "Keras, decode and resize only",
        ),
        "later epochs against ImageDataGenerator of Keras": ("labkit, memory", "later", BASE),
    }
    return {
        what: spread(ratios(said, name, when, of))
        for what, (name, when, of) in pairs.items()
        if of in said
    }


def compare(folder, probes, rounds, names):
    """Compare all candidates on one folder of pictures."""
    candidates = [Candidate(name) for name in names]
    try:
        require_same(candidates, folder, probes)
        said = run_rounds(candidates, folder, rounds)
    finally:
        for candidate in candidates:
            candidate.close()
    return {
        "pictures": said[BASE]["first"][0]["pictures"],
        "rounds": rounds,
        "candidates": summarise(said),
        "goals": goals(said),
        "stages": {
            name: spread(values)
            for name, values in run_script("pipeline_stages.py", folder, rounds + 2).items()
        },
    }


def run_script(name, *arguments):
    """Run another script of this folder, and return what it prints in JSON."""
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Nothing to report: {name} failed.\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_growth(folder, sizes):
    """Measure epochs of more and more pictures, without a cache, and with one in memory."""
    runs = [
        (size, cache, edge) for size in sizes for cache, edge in (("none", 224), ("memory", 64))
    ]
    return [
        {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in run_script("pipeline_growth.py", folder, *run).items()
        }
        for run in tqdm(runs, "Growth")
    ]


def measure_training(folder, steps):
    """Measure what share of the CPU the batches take while a model trains."""
    shares = {}
    for name in tqdm(TRAINED, "Training"):
        said = run_script("pipeline_training.py", name, folder, steps)
        shares[name] = {
            "steps": said["steps"],
            "seconds_per_step": round(said["seconds"] / said["steps"], 4),
            "pipeline_share": round(said["pipeline_cpu_seconds"] / said["cpu_seconds"], 4),
        }
    return shares


def machine_facts():
    packages = ("numpy", "opencv-python-headless", "keras", "tensorflow", "tensorflow-cpu")
    return machine(*packages, "albumentations", "scipy")


def in_words(figures, digits=1):
    median, least, most = (f"{figures[key]:.{digits}f}" for key in ("median", "min", "max"))
    return f"{median} ({least} to {most})"


def print_comparison(title, result):
    print(f"\n{title}: {result['pictures']:,} pictures, {result['rounds']} rounds")
    print(f"{'times as fast as Keras (range)':<40}{'first epoch':>22}{'later epochs':>22}", end="")
    print(f"{'CPU µs':>8}{'later':>8}{'MB':>7}")
    for name, facts in result["candidates"].items():
        first, later = facts["first"], facts["later"]
        print(f"{name:<40}{in_words(first['ratio']):>22}{in_words(later['ratio']):>22}", end="")
        for epoch in (first, later):
            print(f"{epoch['cpu_microseconds']['median']:>8.0f}", end="")
        print(f"{facts['memory_mb']:>7}")
    print("\nGoals")
    for what, figures in result["goals"].items():
        print(f"{what:<60}{in_words(figures, 2):>24}")
    print("\nStages, CPU µs a picture")
    for what, figures in result["stages"].items():
        print(f"{what:<40}{in_words(figures, 0):>22}")


def print_growth(growth):
    print(f"\n{'pictures':>9}{'edge':>6}{'cache':>8}{'first µs':>10}{'later µs':>10}", end="")
    print(f"{'opening s':>11}{'grown MB':>10}{'predicted cache MB':>20}")
    for row in growth:
        first, later = (
            1e6 * row[f"{when}_seconds"] / row["pictures"] for when in ("first", "later")
        )
        print(f"{row['pictures']:>9,}{row['edge']:>6}{row['cache'] or 'none':>8}", end="")
        print(f"{first:>10.0f}{later:>10.0f}{row['opening_seconds']:>11.2f}", end="")
        print(f"{row['grown_mb']:>10.0f}{row['predicted_cache_mb']:>20.0f}")


def print_training(training):
    print(f"\n{'while a frozen MobileNetV2 trains':<40}{'s a step':>10}{'share of CPU':>14}")
    for name, facts in training.items():
        print(f"{name:<40}{facts['seconds_per_step']:>10.3f}{facts['pipeline_share']:>14.1%}")


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1024, help="synthetic ones, at least 32")
    parser.add_argument("--photographs", type=Path, help="a folder with a folder for each class")
    parser.add_argument("--rounds", type=int, default=4, help="at least 1")
    parser.add_argument("--steps", type=int, default=20, help="of the training; 0 leaves it out")
    parser.add_argument("--long", action="store_true", help="up to 100,000 pictures")
    parser.add_argument("--seed", type=int, default=2021)
    parser.add_argument("--directory", help="where to work; a temporary folder by default")
    parser.add_argument("--record", type=Path, default=RECORD, help="where to write the figures")
    options = parser.parse_args(arguments)
    if options.pictures < 32 or options.rounds < 1 or options.steps < 0:
        parser.error("--pictures must be at least 32, --rounds at least 1, --steps at least 0.")
    if options.photographs is not None and not options.photographs.is_dir():
        parser.error(f"--photographs {options.photographs} is no folder.")
    return options


def measure(options, root):
    """Measure everything; return the record."""
    left_out = {name: p for name, p in NEEDS.items() if importlib.util.find_spec(p) is None}
    for name, package in left_out.items():
        print(f"{name} is left out: {package} is not installed (pip install '.[bench]').")
    names = [name for name in CANDIDATES if name not in left_out]
    synthetic, probes = Path(root, "synthetic"), Path(root, "probes")
    make_photographs(synthetic, options.pictures, options.seed)
    make_probes(probes)
    record = {"machine": machine_facts(), "left_out": sorted(left_out)}
    for title, folder in (("synthetic", synthetic), ("photographs", options.photographs)):
        if folder is not None:
            record[title] = compare(folder, probes, options.rounds, names)
            print_comparison(title, record[title])
    sizes = [size for size in (1_000, 10_000, 100_000) if size <= _largest(options)]
    record["growth"] = measure_growth(synthetic, sizes)
    print_growth(record["growth"])
    if options.steps:
        record["training"] = measure_training(synthetic, options.steps)
        print_training(record["training"])
    return record


def _largest(options):
    if options.long:
        return 100_000
    return 10_000 if options.pictures >= 1000 else 1_000


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.directory) as root:
        write_record(measure(options, root), options.record)


if __name__ == "__main__":
    main()
