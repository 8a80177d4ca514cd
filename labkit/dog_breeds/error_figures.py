"""Figures of what a network gets wrong."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, PowerNorm

from labkit.dog_breeds.errors import breed_accuracies, wilson_interval
from labkit.dog_breeds.figures import readable
from labkit.figure_style import BLUE, INK, SMALL, VERMILION, WIDTH, figure_style
from labkit.words import require_whole

#: So many names at most stand at the matrix, and up to so many breeds have their numbers in it.
_MOST_NAMES, _MOST_NUMBERS = 20, 15
#: From nothing at all, so that the ground shows, to blue; below this share ink is read upon it.
_BLUES = LinearSegmentedColormap.from_list("blues", [f"{BLUE}00", BLUE])
_DARK = 0.85


def plot_confusion_matrix(matrix, breeds):
    """Draw which breed was taken for which.

    Args:
        matrix: what :func:`labkit.confusion_matrix` returns.
        breeds: the breeds' names, in the order of their indices.

    Returns:
        A ``matplotlib.figure.Figure``: a row for each true breed, the darker the larger the share
        of its pictures; numbers of pictures where there is room for them. Of more than 20 breeds
        every second, third ... is named, and small shares are darkened so that they are seen.

    Raises:
        ValueError: the matrix and the names do not fit.

    Example:
        >>> plot_confusion_matrix(np.eye(2, dtype=int), ["boxer", "pug"]).axes[0].get_xlabel()
        'answer'
    """
    matrix = np.asarray(matrix)
    _require_names(matrix, breeds)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, WIDTH))
        # One picture of a breed is a small share, and a small square where there are many breeds.
        darker = 1 if len(breeds) <= _MOST_NAMES else 0.5
        axes.imshow(shares, cmap=_BLUES, norm=PowerNorm(darker, vmin=0, vmax=1))
        axes.set_xlabel("answer")
        axes.set_ylabel("true breed")
        named = range(0, len(breeds), -(-len(breeds) // _MOST_NAMES) or 1)
        names = [readable(breeds[index]) for index in named]
        axes.set_xticks(named, names, rotation=90, fontsize=SMALL)
        axes.set_yticks(named, names, fontsize=SMALL)
        if len(breeds) <= _MOST_NUMBERS:
            for (row, column), pictures in np.ndenumerate(matrix):
                if pictures:
                    colour = "white" if shares[row, column] > _DARK else INK
                    place = {"ha": "center", "va": "center", "fontsize": SMALL}
                    axes.text(column, row, pictures, color=colour, **place)
        return figure


def plot_breed_accuracies(matrix, breeds, count=30):
    """Draw how often each breed is recognised, with the interval of what that may mean.

    Args:
        matrix: what :func:`labkit.confusion_matrix` returns.
        breeds: the breeds' names, in the order of their indices.
        count: how many breeds to draw, those that are recognised least.

    Returns:
        A ``matplotlib.figure.Figure``: a point per breed with its 95 % Wilson interval.

    Raises:
        ValueError: the matrix and the names do not fit, or there is no picture.

    Example:
        >>> plot_breed_accuracies(np.eye(2, dtype=int), ["boxer", "pug"]).axes[0].get_xlabel()
        'share recognised, with its 95 % interval'
    """
    matrix = np.asarray(matrix)
    _require_names(matrix, breeds)
    drawn = list(breed_accuracies(matrix, breeds).items())[: require_whole("count", count)]
    if not drawn:
        raise ValueError("There is no picture to measure by: the matrix is empty.")
    rows = [list(breeds).index(breed) for breed, _ in drawn]
    intervals = [wilson_interval(int(matrix[i, i]), int(matrix[i].sum())) for i in rows]
    shares = np.array([share for _, share in drawn])
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.25 * len(drawn)))
        reaches = np.abs(np.array(intervals).T - shares)
        style = {"fmt": "^", "color": VERMILION, "elinewidth": 1.5, "capsize": 3, "clip_on": False}
        axes.errorbar(shares, range(len(drawn)), xerr=reaches, **style)
        axes.set_yticks(range(len(drawn)), [readable(breed) for breed, _ in drawn])
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        if len(drawn) < len(breeds):
            axes.set_title(f"The {len(drawn)} of {len(breeds)} breeds recognised least")
        axes.set_xlabel("share recognised, with its 95 % interval")
        return figure


def plot_occlusion(pictures, maps, titles):
    """Show pictures, each above what the network's answer rests on.

    Args:
        pictures: float ``(count, height, width, 3)`` in [0, 1].
        maps: as many ``(height, width)``, what :func:`labkit.occlusion_map` returns.
        titles: as many str.

    Returns:
        A ``matplotlib.figure.Figure``; all maps have one scale of colours.

    Raises:
        ValueError: the arguments differ in length.

    Example:
        >>> figure = plot_occlusion(np.zeros((1, 8, 8, 3)), [np.eye(8)], ["a pug"])
        >>> figure.axes[-1].get_xlabel()
        'probability lost'
    """
    if not 0 < len(pictures) == len(maps) == len(titles):
        raise ValueError(
            f"There are {len(pictures)} pictures, {len(maps)} maps and {len(titles)} titles; there "
            "must be as many of each, at least one."
        )
    most = max(float(np.nanmax(np.abs(lost))) for lost in maps) or 1.0
    with figure_style():
        height = 2 * WIDTH / len(pictures) + 0.8
        size = (WIDTH, min(height, WIDTH))
        figure, panels = plt.subplots(2, len(pictures), figsize=size, squeeze=False)
        for (above, below), picture, lost, title in zip(
            panels.T, pictures, maps, titles, strict=True
        ):
            above.imshow(picture)
            above.set_title(title)
            below.imshow(np.mean(picture, axis=-1), cmap="gray", vmin=0, vmax=1)
            shown = below.imshow(lost, cmap="PuOr_r", vmin=-most, vmax=most, alpha=0.65)
        for axes in panels.flat:
            axes.axis("off")
        place = {"location": "bottom", "aspect": 40}
        figure.colorbar(shown, ax=panels.ravel().tolist(), label="probability lost", **place)
        return figure


def _require_names(matrix, breeds):
    if matrix.shape != (len(breeds), len(breeds)):
        raise ValueError(
            f"The matrix has the shape {matrix.shape}, and there are {len(breeds)} breeds' names; "
            "there must be a row and a column for each."
        )
