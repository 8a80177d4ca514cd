"""Figures of recorded trainings beside each other."""

import matplotlib.pyplot as plt
import numpy as np

from labkit.figure_style import PALETTE, WIDTH, figure_style

_STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (6, 2, 1, 2, 1, 2)), (0, (8, 3)))
#: Share of the axis that a curve's name takes.
_LINE = 0.075


def plot_runs(runs, metric="val_accuracy"):
    """Draw one curve of several trainings, the mean over their seeds, with the seeds behind it.

    Args:
        runs: a mapping of name to what :func:`labkit.recorded` returns; one to six.
        metric: which of a history's curves.

    Returns:
        A ``matplotlib.figure.Figure`` with each name at the end of its curve.

    Raises:
        ValueError: there is no run, or there are more than can be told apart.

    Example:
        >>> from labkit import recorded
        >>> plot_runs({"frozen": recorded("fine_tuned", "head")}).axes[0].get_xlabel()
        'epoch'
    """
    if not 0 < len(runs) <= len(_STYLES):
        raise ValueError(f"There are {len(runs)} runs: draw one to {len(_STYLES)} of them.")
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.75 * WIDTH))
        ends = []
        for run, colour, style in zip(runs.values(), PALETTE, _STYLES, strict=False):
            curves = np.array([getattr(history, metric) for history in run.histories])
            epochs = np.arange(1, curves.shape[1] + 1)
            axes.plot(epochs, curves.T, color=colour, linewidth=0.8, alpha=0.4)
            axes.plot(epochs, curves.mean(axis=0), linestyle=style, color=colour)
            ends.append((epochs[-1], curves[:, -1].mean()))
        axes.set(xlabel="epoch", ylabel=metric.replace("val_", "validation "), ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
        heights = _apart([height for _, height in ends], _LINE)
        for name, (last, _), height, colour in zip(runs, ends, heights, PALETTE, strict=False):
            place = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(name, (last, height), color=colour, annotation_clip=False, **place)
        return figure


def _apart(heights, gap):
    """Move heights as little as leaves a gap between any two, in their order.

    Example:
        >>> [round(height, 2) for height in _apart([0.8, 0.82, 0.3], 0.1)]
        [0.76, 0.86, 0.3]
    """
    order = np.argsort(heights, kind="stable")
    groups = []
    for height in np.asarray(heights, float)[order]:
        groups.append([height])
        # Neighbours that would overlap share one block about their mean.
        while len(groups) > 1 and _begin(groups[-1], gap) < _begin(groups[-2], gap, past=True):
            last = groups.pop()
            groups[-1] += last
    moved = [_begin(group, gap) + gap * n for group in groups for n in range(len(group))]
    apart = np.empty(len(heights))
    apart[order] = moved
    return apart.tolist()


def _begin(group, gap, past=False):
    """Return the height of a block's first name, or of the first that may follow it."""
    begin = np.mean(group) - gap * (len(group) - 1) / 2
    return begin + gap * len(group) if past else begin
