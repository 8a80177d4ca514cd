"""The benchmark of the pipelines refuses to compare what is not the same."""

import sys
from pathlib import Path

import numpy as np
import pytest

from labkit import ImageDataGenerator

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    """The benchmark and its candidates, which are scripts beside each other."""
    pytest.importorskip("psutil", reason="psutil comes with the extra named bench")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import pipeline
        import pipeline_candidate

        yield pipeline, pipeline_candidate
    finally:
        sys.path.remove(str(BENCHMARKS))


def probes(candidate, **changes):
    generator = ImageDataGenerator(**(candidate.LAB | changes))
    probe = candidate.make_probe(128, 128)
    return [
        candidate.measure_probe(generator.random_transform(probe, seed).astype(float))
        for seed in range(200)
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [1, 0, 1, 1, 0, 0, 0]),
        ({"brightness": 1.4}, [1.4, 0, 1, 1, 0, 0, 0]),
        ({"theta": 25.0}, [1, 25, 1, 1, 0, 0, 0]),
        ({"zx": 0.8, "zy": 1.2}, [1, 0, 0.8, 1.2, 0, 0, 0]),
        ({"tx": 12.8, "ty": -6.4}, [1, 0, 1, 1, 0.1, -0.05, 0]),
        ({"flip_horizontal": True}, [1, 0, 1, 1, 0, 0, 1]),
    ],
)
def test_the_probe_shows_what_was_done_to_it(parameters, expected, modules):
    probe = modules[1].make_probe(128, 128)
    changed = ImageDataGenerator(fill_mode="reflect").apply_transform(probe, parameters)
    measured = modules[1].measure_probe(changed.astype(float))
    np.testing.assert_allclose(measured, expected, atol=0.02, rtol=0.03)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("brightness", {"brightness_range": (0.8, 1.2)}),
        ("turn", {"rotation_range": 10}),
        ("zoom across", {"zoom_range": 0.05}),
        ("shift down", {"height_shift_range": 0.05}),
        ("flip", {"horizontal_flip": False}),
    ],
)
def test_another_distribution_is_refused(what, changes, modules):
    benchmark, candidate = modules
    base = probes(candidate)
    with pytest.raises(SystemExit, match=f"rival did not make the same thing: {what} is dist"):
        benchmark.require_same_changes("rival", probes(candidate, **changes), base)


def test_the_same_distribution_is_accepted(modules):
    benchmark, candidate = modules
    changed = probes(candidate)
    benchmark.require_same_changes("rival", changed, changed[::-1])


def test_a_limit_that_augments_is_refused(modules):
    benchmark, candidate = modules
    still = [candidate.measure_probe(candidate.make_probe(128, 128).astype(float))]
    benchmark.require_same_changes("limit", still, None)
    with pytest.raises(SystemExit, match="changed pictures that it should only resize"):
        benchmark.require_same_changes("limit", probes(candidate), None)


FACTS = {
    "pictures": 100,
    "labels": [60.0, 40.0],
    "shapes": [[224, 224, 3, 2]],
    "range": [0, 250],
    "mean_picture": np.full((4, 4, 3), 120.0).tolist(),
}


@pytest.mark.parametrize(
    "change",
    [
        {"pictures": 99},
        {"labels": [59.0, 41.0]},
        {"shapes": [[224, 224, 3, 2], [224, 225, 3, 2]]},
        {"range": [0, 1]},
        {"range": [-5, 250]},
        {"range": [0, 300]},
    ],
)
def test_other_facts_are_refused(change, modules):
    modules[0].require_same_facts("rival", FACTS, FACTS)
    with pytest.raises(SystemExit, match="Nothing to report: rival did not make the same thing"):
        modules[0].require_same_facts("rival", FACTS | change, FACTS)


def test_other_mean_picture_is_refused(modules):
    darker = FACTS | {"mean_picture": np.full((4, 4, 3), 95.0).tolist()}
    modules[0].require_near_mean("rival", FACTS, FACTS, random=True)
    for random in (True, False):
        with pytest.raises(SystemExit, match=r"mean pictures 25.0 grey levels apart"):
            modules[0].require_near_mean("rival", darker, FACTS, random)


def test_ratios_are_taken_within_a_round(modules):
    said = {
        "slow": {"first": [{"seconds": 8.0}, {"seconds": 4.0}]},
        "fast": {"first": [{"seconds": 2.0}, {"seconds": 2.0}]},
    }
    assert modules[0].ratios(said, "fast", "first", "slow") == [4.0, 2.0]
    assert modules[0].spread([4.0, 2.0, 3.0]) == {"median": 3.0, "min": 2.0, "max": 4.0}
