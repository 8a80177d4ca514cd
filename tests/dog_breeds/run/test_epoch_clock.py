"""The clock of epochs: it measures, and remembers what a kill has left of its file."""

import time

import pytest

from labkit.dog_breeds.run.epoch_clock import EpochClock


def tick(clock, epoch, seconds=0.0):
    clock.on_epoch_begin(epoch)
    time.sleep(seconds)
    clock.on_epoch_end(epoch)


def test_seconds_pass_by_the_wall_and_not_for_the_cores():
    clock = EpochClock()
    tick(clock, 0, 0.2)
    seconds, core_seconds = clock.times[0]
    assert seconds >= 0.2 > core_seconds >= 0


def test_times_outlive_the_process(tmp_path):
    path = tmp_path / "kept" / "head.csv"
    first = EpochClock(path)
    tick(first, 0)
    tick(first, 1)
    again = EpochClock(path)
    assert list(again.times) == [0, 1]
    for epoch, times in first.times.items():
        assert again.times[epoch] == pytest.approx(times, abs=1e-6)
    tick(again, 1, 0.05)
    assert EpochClock(path).times[1][0] >= 0.05


@pytest.mark.parametrize("torn", ["\n1,2.5,2.", "\n1,", "\n1,2.5,2.4,en"])
def test_a_torn_line_counts_for_nothing(tmp_path, torn):
    path = tmp_path / "head.csv"
    tick(EpochClock(path), 0)
    with path.open("a") as file:
        file.write(torn)
    clock = EpochClock(path)
    assert list(clock.times) == [0]
    tick(clock, 1)
    assert list(EpochClock(path).times) == [0, 1]
