"""Recorded trainings: what the package holds, what is refused, and how they are drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from labkit import plot_runs, recorded
from labkit.dog_breeds.history import History
from labkit.dog_breeds.recorded import Recorded
from labkit.figure_style import _apart


def run_of(*curves):
    histories = tuple(History(c, c, c, c) for c in curves)
    ends = tuple(c[-1] for c in curves)
    return Recorded(tuple(range(len(curves))), histories, ends, ends, 100)


def test_a_stage_comes_with_all_its_seeds():
    found = recorded("drawn_scratch", "scratch")
    assert found.seeds == (2021, 1, 2) and found.pictures == 101
    assert [len(history) for history in found.histories] == [55] * 3
    # After the last epoch validation was measured twice, in training and by itself.
    measured = [history.val_accuracy[-1] for history in found.histories]
    assert found.validation == pytest.approx(measured, abs=2e-3)
    assert min(found.training) > 0.95


@pytest.mark.parametrize(
    ("run", "stage", "sentence"),
    [
        ("drawn_scratsh", "scratch", "No run 'drawn_scratsh' .*did you mean 'drawn_scratch'"),
        ("drawn_scratch", "head", "has no stage 'head', but scratch"),
    ],
)
def test_what_is_not_recorded_is_refused(run, stage, sentence):
    with pytest.raises(ValueError, match=sentence):
        recorded(run, stage)


class TestFigure:
    @pytest.fixture(autouse=True)
    def close_figures(self):
        yield
        plt.close("all")

    def test_the_mean_is_drawn_over_the_seeds_and_named_at_its_end(self):
        axes = plot_runs({"a": run_of((0.2, 0.4), (0.4, 0.8)), "b": run_of((0.1, 0.2))}).axes[0]
        lines = [line.get_ydata().tolist() for line in axes.lines]
        expected = [[0.2, 0.4], [0.4, 0.8], [0.3, 0.6], [0.1, 0.2], [0.1, 0.2]]
        np.testing.assert_allclose(lines, expected)
        assert [text.get_text() for text in axes.texts] == ["a", "b"]
        assert [text.xy[1] for text in axes.texts] == pytest.approx([0.6, 0.2])

    def test_names_keep_apart_and_in_order(self):
        heights = [0.5, 0.9, 0.52, 0.51, 0.1]
        apart = _apart(heights, 0.1)
        assert np.argsort(apart).tolist() == np.argsort(heights).tolist()
        assert min(np.diff(sorted(apart))) > 0.1 - 1e-9
        assert apart[1] == 0.9 and apart[4] == 0.1

    def test_none_and_too_many_are_refused(self):
        for runs in ({}, {str(n): run_of((0.1,)) for n in range(7)}):
            with pytest.raises(ValueError, match="draw one to 6"):
                plot_runs(runs)
