"""Figures of recorded trainings beside each other."""

import matplotlib.pyplot as plt
import numpy as np

from labkit.figure_style import PALETTE, WIDTH, figure_style, name_ends

_STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (6, 2, 1, 2, 1, 2)), (0, (8, 3)))


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
        figure, axes = plt.subplots(figsize=(WIDTH, 0.8 * WIDTH))
        ends = {}
        for (name, run), colour, style in zip(runs.items(), PALETTE, _STYLES, strict=False):
            curves = np.array([getattr(history, metric) for history in run.histories])
            epochs = np.arange(1, curves.shape[1] + 1)
            axes.plot(epochs, curves.T, color=colour, linewidth=0.8, alpha=0.4)
            axes.plot(epochs, curves.mean(axis=0), linestyle=style, color=colour)
            ends[name.replace(", ", ",\n")] = epochs[-1], curves[:, -1].mean(), colour
        axes.set(xlabel="epoch", ylabel=metric.replace("val_", "validation "), ylim=(0, 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
        name_ends(axes, ends)
        return figure
