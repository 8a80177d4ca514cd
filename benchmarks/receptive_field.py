"""Receptive fields: analyse against the gradient and against sets, chains, the derivation.

Every candidate answers the same question in the same run, which positions reach the unit in
the middle of the last layer, and nothing is reported where two answers differ. The seconds of
analyse and of the oracles leave out the building of the model, which all of them are given.

    python benchmarks/receptive_field.py
    python benchmarks/receptive_field.py --networks VGG16 MobileNet --layers 10 100 --rounds 1
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
from record import machine, spread, write_record

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.oracle import gradient_extent
from labkit.receptive_field.recurrence import closed_form

# The oracle of sets serves tests and benchmarks alone, and lives with the tests.
sys.path.append(str(Path(__file__).parents[1] / "tests" / "receptive_field"))

from reaching_positions import reaching_positions

RECORD = Path(__file__).parent / "records" / "receptive_field.json"
SIZE = 224
LIMIT_MS = 50  # what analyse may take on a network of keras.applications
CALLS = 5  # of the fast candidate, per round

DERIVATION = """
import time
start = time.perf_counter()
from labkit.receptive_field import derivation
imported = time.perf_counter()
derivation().verify()
print(imported - start, time.perf_counter() - imported)
"""


def network_names():
    return [n for n, v in vars(keras.applications).items() if n[0].isupper() and callable(v)]


def by_analyse(model):
    final = analyse(model).final
    return tuple(axis.input_range(axis.output_size // 2) for axis in final.axes)


def by_sets(model):
    return tuple((int(p[0]), int(p[-1])) for p in reaching_positions(model))


CANDIDATES = {"analyse": by_analyse, "sets": by_sets, "gradient": gradient_extent}


def timed(candidate, model):
    start = time.perf_counter()
    answer = candidate(model)
    return time.perf_counter() - start, answer


def time_round(model):
    """Return seconds and answers of one turn of every candidate; the fast one has several."""
    seconds, answers = {}, {}
    for name, candidate in CANDIDATES.items():
        calls = CALLS if name == "analyse" else 1
        runs = [timed(candidate, model) for _ in range(calls)]
        seconds[name] = statistics.median(run[0] for run in runs)
        answers[name] = runs[0][1]
    return seconds, answers


def require_equal(name, answers):
    """Stop the benchmark when its candidates do not agree."""
    if len(set(answers.values())) != 1:
        raise SystemExit(f"Nothing to report: on {name} the candidates answer {answers}.")


def measure_network(name, rounds):
    builder = getattr(keras.applications, name)
    model = builder(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
    analyse(model)  # the first call in a process imports and compiles
    turns = []
    for _ in range(rounds):
        seconds, answers = time_round(model)
        require_equal(name, answers)
        turns.append(seconds)
    return {
        "network": name,
        "layers": len(analyse(model)),
        "milliseconds": {c: spread([1000 * turn[c] for turn in turns]) for c in CANDIDATES},
        "gradient_over_analyse": spread([turn["gradient"] / turn["analyse"] for turn in turns]),
        "sets_over_analyse": spread([turn["sets"] / turn["analyse"] for turn in turns]),
    }


@contextmanager
def deep_recursion(depth):
    """Let Keras, which builds a model by recursion, build a deep one."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def chain_of(layers):
    """Build a chain of layers without weights: they are read in no other way than others."""
    start = tensor = keras.Input((None, 1))
    for _ in range(layers):
        tensor = keras.layers.MaxPooling1D(3, 1, padding="same")(tensor)
    with deep_recursion(1000 + 10 * layers):
        return keras.Model(start, tensor)


def measure_chain(layers, rounds):
    model = chain_of(layers)
    found, expected = analyse(model).final.size, closed_form([Layer(3)] * layers)
    require_equal(f"a chain of {layers}", {"analyse": found, "closed form": expected})
    seconds = [timed(analyse, model)[0] for _ in range(max(rounds, 3))]
    return {
        "layers": layers,
        "milliseconds": spread([1000 * s for s in seconds]),
        "microseconds_per_layer": spread([1e6 * s / layers for s in seconds]),
    }


def measure_derivation(rounds):
    """Time the derivation in fresh processes: sympy remembers what it has proved."""
    runs = [
        subprocess.run([sys.executable, "-c", DERIVATION], capture_output=True, check=True)
        for _ in range(rounds)
    ]
    pairs = [tuple(map(float, run.stdout.split())) for run in runs]
    return {
        "import_seconds": spread([pair[0] for pair in pairs]),
        "derive_seconds": spread([pair[1] for pair in pairs]),
    }


def growth(chains):
    """Return the cost per layer relative to that of the shortest chain from 100 layers on."""
    cost = {c["layers"]: c["microseconds_per_layer"]["median"] for c in chains}
    base = cost[min((n for n in cost if n >= 100), default=min(cost))]
    return {str(layers): cost[layers] / base for layers in cost}


def print_tables(record):
    print(
        f"{'network':<20}{'layers':>7}{'analyse ms':>12}{'sets ms':>10}{'gradient ms':>13}", end=""
    )
    print(f"{'gradient / analyse (min to max)':>34}")
    for row in record["networks"]:
        ms, ratio = row["milliseconds"], row["gradient_over_analyse"]
        text = f"{ratio['median']:.0f} ({ratio['min']:.0f} to {ratio['max']:.0f})"
        print(
            f"{row['network']:<20}{row['layers']:>7}{ms['analyse']['median']:>12.1f}"
            f"{ms['sets']['median']:>10.1f}{ms['gradient']['median']:>13.0f}{text:>34}"
        )
    print(f"\n{'chain':>8}{'ms':>10}{'µs per layer':>14}{'relative':>10}")
    for row in record["chains"]:
        relative = record["cost_per_layer"][str(row["layers"])]
        print(
            f"{row['layers']:>8,}{row['milliseconds']['median']:>10.2f}"
            f"{row['microseconds_per_layer']['median']:>14.1f}{relative:>10.2f}"
        )
    took = record["derivation"]["derive_seconds"]
    print(f"\nderivation: {took['median']:.2f} s ({took['min']:.2f} to {took['max']:.2f})")
    slow = record["networks_above_limit"]
    print(f"networks above {LIMIT_MS} ms: {', '.join(slow) if slow else 'none'}")


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--layers", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=5, help="at least 1")
    parser.add_argument("--record", type=Path, default=RECORD, help="where to write the figures")
    options = parser.parse_args(arguments)
    options.networks = options.networks or network_names()
    if unknown := set(options.networks) - set(network_names()):
        parser.error(f"keras.applications has no {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse_options()
    networks = [measure_network(name, options.rounds) for name in options.networks]
    chains = [measure_chain(layers, options.rounds) for layers in options.layers]
    record = {
        "machine": machine("keras", "tensorflow", "tensorflow-cpu", "numpy"),
        "input_size": [SIZE, SIZE],
        "rounds": options.rounds,
        "networks": networks,
        "networks_above_limit": [
            row["network"]
            for row in networks
            if row["milliseconds"]["analyse"]["median"] > LIMIT_MS
        ],
        "chains": chains,
        "cost_per_layer": growth(chains),
        "derivation": measure_derivation(options.rounds),
    }
    print_tables(record)
    write_record(record, options.record)


if __name__ == "__main__":
    main()
