"""Lab 1's figures: class sizes, pictures, curves, predictions, and what a network gets wrong.

Each ``plot_`` function returns a ``matplotlib.figure.Figure``.
"""

import itertools
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, PowerNorm

from labkit.dog_breeds.damage import find_damaged, refuse
from labkit.dog_breeds.errors import breed_accuracies, wilson_interval
from labkit.dog_breeds.history import History
from labkit.dog_breeds.pictures import decode
from labkit.dog_breeds.sources.layout import PICTURES, read_data_set
from labkit.figure_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALETTE,
    SMALL,
    TEXT,
    VERMILION,
    WIDTH,
    figure_style,
    name_ends,
)
from labkit.language import phrases
from labkit.words import listed, require_whole

_MOST_BARS = 30
#: Letters that find room across a figure under its pictures, and lines for a name, with its gap.
_LETTERS, _MOST_LINES, _GAP = 36, 3, 0.6
#: Inches of a picture with its title, and of a line under it.
_PICTURE, _LINE = 2.33, 0.22


@dataclass(frozen=True)
class _Look:
    colour: str
    marker: str
    line: str


#: From so many epochs on the line is smoother than the points: of fewer each is told by itself.
_SMOOTHED = 20

#: How training and validation look, in every figure.
_KINDS = {"training": _Look(BLUE, "o", "-"), "validation": _Look(VERMILION, "^", "--")}
#: Where in its range each picture of a row lies.
_STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
#: One line for each recorded training.
_STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (6, 2, 1, 2, 1, 2)), (0, (8, 3)))
#: So many names at most stand at the matrix, and up to so many breeds have their numbers in it.
_MOST_NAMES, _MOST_NUMBERS = 20, 15
#: From nothing at all, so that the ground shows, to blue; below this share ink is read upon it.
_BLUES = LinearSegmentedColormap.from_list("blues", [f"{BLUE}00", BLUE])
_DARK = 0.85


def plot_class_sizes(sizes):
    """Draw how many pictures each breed has, smallest first.

    Args:
        sizes: what :func:`labkit.class_sizes` returns.

    Returns:
        A ``matplotlib.figure.Figure``: a bar per breed, and for more than 30 breeds the
        names of the extremes only.

    Raises:
        ValueError: there is no breed.

    Example:
        >>> from labkit.dog_breeds.class_sizes import ClassSizes
        >>> plot_class_sizes(ClassSizes(("terrier", "hound"), (30, 42))).axes[0].get_xlabel()
        'pictures'
    """
    if len(sizes) == 0:
        raise ValueError("There is no breed to draw: sizes is empty.")
    with figure_style():
        draw = _name_every_bar if len(sizes) <= _MOST_BARS else _name_the_extremes
        return draw([readable(breed) for breed in sizes.breeds], sizes.sizes)


def plot_samples(directory, count=12, seed=0, columns=3):
    """Show pictures drawn at random, with their breeds, no breed twice while others wait.

    Damaged ones are left out.

    Args:
        directory: the folder with ``labels.csv`` and ``train/``.
        count: number of pictures, at least 1.
        seed: what the choice starts from.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        FileNotFoundError: the folder holds no ``labels.csv``.
        ValueError: no picture can be decoded.

    Example:
        >>> plot_samples("no_such_folder")
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...
    """
    labels, files = read_data_set(directory)
    folder = Path(directory).expanduser() / PICTURES
    damaged = find_damaged(folder, list(files.values()))
    whole = [(name, breed) for name, breed in labels.items() if files[name] not in damaged]
    if not whole:
        refuse(damaged)
    chosen = _one_per_breed(whole, count, np.random.default_rng(seed))
    pictures = [read_picture(folder / files[name]) for name, _ in chosen]
    return _gallery(pictures, [readable(breed) for _, breed in chosen], columns)


def plot_picture_sizes(sizes):
    """Draw how large pictures are and how far from square.

    Args:
        sizes: int ``(pictures, 2)``, height and width in pixels of at least one picture.

    Returns:
        A ``matplotlib.figure.Figure``: a point for each picture, on a line if it is square.

    Raises:
        ValueError: there is no picture.

    Example:
        >>> plot_picture_sizes([(300, 400), (500, 375)]).axes[0].get_xlabel()
        'width in pixels'
    """
    heights, widths = np.reshape(sizes, (-1, 2)).T
    if len(heights) == 0:
        raise ValueError("There is no picture whose size could be drawn.")
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.75 * WIDTH))
        end = 1.08 * max(*heights, *widths)
        axes.plot((0, end), (0, end), color=GREY, linewidth=1)
        axes.annotate("square", (end, end), (-20, -8), textcoords="offset points", ha="right")
        axes.plot(widths, heights, "o", color=BLUE, alpha=0.5, markersize=6)
        axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
        axes.locator_params(nbins=5)
        axes.set(xlabel="width in pixels", ylabel="height in pixels")
        return figure


def plot_transformations(generator, picture, seed=0):
    """Show what each transformation of a generator does to a picture, one a row, then all.

    Args:
        generator: an :class:`~labkit.ImageDataGenerator`.
        picture: path of a picture, or uint8 ``(height, width, 3)``.
        seed: what the last row, in which all come together at random, starts from.

    Returns:
        A ``matplotlib.figure.Figure``; a row goes from one end of its range to the other, with the
        picture as it is in the middle.

    Raises:
        FileNotFoundError: there is no picture of that name.

    Example:
        >>> from labkit import ImageDataGenerator
        >>> grey = np.full((32, 32, 3), 128, "uint8")
        >>> figure = plot_transformations(ImageDataGenerator(rotation_range=30), grey)
        >>> [axes.get_title(loc="left") for axes in figure.axes[::5]]
        ['turn', 'all of them at random']
    """
    original = picture if isinstance(picture, np.ndarray) else read_picture(picture)
    rows = {
        name: [generator.apply_transform(original, parameters) for parameters in each]
        for name, each in _each_alone(generator, *original.shape[:2]).items()
    }
    several = range(seed, seed + len(_STRENGTHS))
    rows["all of them at random"] = [generator.random_transform(original, n) for n in several]
    with figure_style():
        columns = len(_STRENGTHS)
        size = (WIDTH, len(rows) * (0.3 + WIDTH / columns * original.shape[0] / original.shape[1]))
        figure, grid = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
        for panels, (name, changed) in zip(grid, rows.items(), strict=True):
            panels[0].set_title(name, loc="left")
            for axes, shown in zip(panels, changed, strict=False):
                axes.imshow(np.clip(np.round(shown), 0, 255).astype(np.uint8))
            for axes in panels:
                axes.axis("off")
        return figure


def plot_history(history, title="", begins=None):
    """Draw loss and metrics over the epochs, for training and validation.

    Points are the figures of each epoch, joined; the thicker lines follow them more smoothly.

    Args:
        history: what :func:`labkit.train` returns, or Keras' own ``model.fit``; with at least
            one epoch.
        title: what was trained.
        begins: epoch after which the base was unfrozen, marked by a line; ``None``: never.

    Returns:
        A ``matplotlib.figure.Figure`` with a panel for each metric, the loss below.

    Raises:
        ValueError: the history has no epoch.

    Example:
        >>> from labkit.dog_breeds.history import History
        >>> figure = plot_history(History((1.0, 0.5), (0.5, 0.8), (1.2, 1.1), (0.4, 0.5)))
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['accuracy', 'loss']
    """
    if isinstance(getattr(history, "history", None), dict):
        history = History.from_curves(history.history)
    if len(history) == 0:
        raise ValueError("The history has no epoch yet; train first.")
    with figure_style():
        metrics = history.metrics[::-1]
        size = (WIDTH, 2.2 * len(metrics) + 0.5)
        figure, panels = plt.subplots(len(metrics), figsize=size, sharex=True, squeeze=False)
        panels = panels[:, 0]
        for axes, metric in zip(panels, metrics, strict=True):
            _draw_metric(axes, history, metric, begins)
        panels[0].set_title(title)
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        if begins is not None:
            _mark_unfreezing(panels, begins)
        return figure


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


def plot_accuracies(accuracies, chance=None):
    """Compare networks by their accuracy on training and validation pictures.

    Args:
        accuracies: a mapping of name to ``(training, validation)``, each 0 to 1.
        chance: accuracy of guessing, drawn as a line; ``None`` draws none.

    Returns:
        A ``matplotlib.figure.Figure``: a pair of points per network, joined by the gap.

    Raises:
        ValueError: there is no network.

    Example:
        >>> plot_accuracies({"scratch": (0.99, 0.5)}, chance=1 / 12).axes[0].get_xlabel()
        'accuracy'
    """
    if not accuracies:
        raise ValueError("There is no network to compare: accuracies is empty.")
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.65 * len(accuracies)))
        training, validation = zip(*accuracies.values(), strict=True)
        rows = range(len(accuracies))
        axes.hlines(rows, training, validation, color=GREY, linewidth=3, zorder=1)
        for values, kind, offset in (
            (training, "training", -0.36),
            (validation, "validation", 0.36),
        ):
            look = _KINDS[kind]
            points = {"color": look.colour, "markersize": 11, "label": f"{kind} pictures"}
            axes.plot(values, rows, look.marker, **points)
            for row, value in enumerate(values):
                axes.text(value, row + offset, f"{value:.2f}", ha="center", va="center")
        if chance is not None:
            axes.axvline(chance, color=INK, linestyle=":")
            axes.text(chance + 0.01, -0.75, "guessing", va="center")
        axes.set_yticks(rows, accuracies)
        axes.set_ylim(len(accuracies) - 0.4, -1)
        axes.set_xlim(0, 1.06)
        axes.set_xlabel("accuracy")
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
        return figure


def plot_predictions(pictures, probabilities, truth, breeds, columns=2):
    """Show pictures with the three breeds a network finds likeliest.

    Args:
        pictures: float32 ``(count, height, width, 3)`` in [0, 1].
        probabilities: float ``(count, classes)``, what ``model.predict`` returns.
        truth: ``count`` class indices.
        breeds: the breeds' names in the order of the classes.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``; under each picture three breeds with their
        probabilities, the true breed green, bold and ticked.

    Raises:
        ValueError: the arguments differ in length.

    Example:
        >>> grey = np.full((1, 8, 8, 3), 0.5)
        >>> figure = plot_predictions(grey, np.array([[0.7, 0.2, 0.1]]), [0], ["a", "b", "c"])
        >>> len(figure.axes)
        2
    """
    _require_as_many({"pictures": pictures, "predictions": probabilities, "true classes": truth})
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    answers = [
        _likeliest(shares, right, breeds, _LETTERS // columns)
        for shares, right in zip(probabilities, truth, strict=True)
    ]
    lines = max(answer[-1].below for answer in answers)
    heights = [_PICTURE, _LINE * (lines + _GAP)]
    with figure_style():
        figure = plt.figure(figsize=(WIDTH, rows * sum(heights)))
        grid = figure.add_gridspec(2 * rows, columns, height_ratios=heights * rows)
        for position, right in enumerate(truth):
            row, column = divmod(position, columns)
            above = figure.add_subplot(grid[2 * row, column])
            below = figure.add_subplot(grid[2 * row + 1, column])
            _show(above, pictures[position], readable(breeds[right]))
            _tell(below, answers[position], lines)
        return figure


def plot_prediction(prediction):
    """Show a picture as the network saw it, beside the breeds that it finds likeliest.

    Args:
        prediction: what :func:`labkit.predict` returns.

    Returns:
        A ``matplotlib.figure.Figure``.

    Example:
        >>> from labkit.dog_breeds.prediction import Prediction
        >>> grey = np.full((8, 8, 3), 128, "uint8")
        >>> plot_prediction(Prediction(("pug",), (0.75,), grey)).axes[1].get_xlabel()
        'probability'
    """
    rows = range(len(prediction.breeds))
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.2))
        left.imshow(prediction.picture, cmap="gray")
        left.axis("off")
        bars = right.barh(rows, prediction.probabilities, color=BLUE)
        right.bar_label(bars, [f"{share:.0%}" for share in prediction.probabilities], padding=3)
        right.set_yticks(rows, [readable(breed) for breed in prediction.breeds])
        right.set_ylim(len(rows) - 0.5, -0.5)
        right.set_xlim(0, 1.18)
        right.set_xticks([0, 0.5, 1])
        right.set_xlabel("probability")
        return figure


def plot_pictures(pictures, titles, columns=4):
    """Show pictures with a title each.

    Args:
        pictures: float ``(count, height, width, 3)`` in [0, 1], or uint8; at least one.
        titles: as many str; ``""`` for none.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: the arguments differ in length, or there is no picture.

    Example:
        >>> plot_pictures(np.zeros((1, 8, 8, 3)), ["a_pug"]).axes[0].get_title()
        'a pug'
    """
    _require_as_many({"pictures": pictures, "titles": titles})
    return _gallery(pictures, [readable(title) for title in titles], columns)


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
    _require_as_many({"pictures": pictures, "maps": maps, "titles": titles})
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


def read_picture(path):
    """Read a picture file.

    Args:
        path: the file.

    Returns:
        uint8 ``(height, width, 3)``, red first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no picture.

    Example:
        >>> read_picture("no_such.jpg")
        Traceback (most recent call last):
        ...
        FileNotFoundError: There is no picture 'no_such.jpg'.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no picture {str(path)!r}.")
    return decode(path, path.read_bytes(), None, interpolation="area")


def readable(breed):
    """Write a breed's name as a reader would.

    Args:
        breed: the name as the labels have it.

    Returns:
        The name with spaces, in the language in use.

    Example:
        >>> readable("scottish_deerhound")
        'scottish deerhound'
    """
    name = breed.replace("_", " ")
    return phrases("breeds").get(name, name)


def smooth(values, reach=3):
    """Smooth a curve by a mean over the neighbouring epochs, the nearer the heavier.

    The neighbours are as many on either side, towards an end fewer, and no weight is below 0. So
    the line begins and ends at the points, stays within those around it, and of two curves the
    one that is above stays above.

    Args:
        values: figures, one per epoch.
        reach: neighbours on either side.

    Returns:
        float array of the same length.

    Example:
        >>> smooth([1.0, 2.0, 3.0, 4.0]).round(9).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    values = np.asarray(values, float)
    positions = np.arange(len(values))
    distances = np.abs(positions - positions[:, None])
    # To the nearer end, or else as far as the reach goes: a row for each epoch.
    reaches = np.minimum(np.minimum(positions, positions[::-1]), reach)[:, None] + 1
    weights = np.clip(1 - (distances / reaches) ** 3, 0, None) ** 3
    return weights @ values / weights.sum(axis=1)


def _name_every_bar(breeds, counts):
    figure, axes = plt.subplots(figsize=(WIDTH, 0.7 + 0.25 * len(breeds)))
    bars = axes.barh(breeds, counts, color=BLUE)
    axes.bar_label(bars, padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("pictures")
    return figure


def _name_the_extremes(breeds, counts):
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    axes.stairs(counts, np.arange(len(counts) + 1) - 0.5, fill=True, color=BLUE)
    axes.set_xlabel(f"{len(breeds)} breeds, smallest first")
    axes.set_ylabel("pictures")
    axes.set_xticks([])
    axes.set_ylim(0, max(counts) * 1.25)
    # High enough for a name as long as a quarter of the curve to clear what rises beneath it.
    gap, last = max(counts) * 0.04, len(counts) - 1
    axes.text(0, counts[len(counts) // 4] + gap, f"{breeds[0]}: {counts[0]}", ha="left")
    axes.text(last, counts[last] + gap, f"{breeds[last]}: {counts[last]}", ha="right")
    return figure


def _one_per_breed(labels, count, rng):
    """Choose ``count`` labelled pictures, every breed once before any comes again."""
    order = [labels[i] for i in rng.permutation(len(labels))]
    counters = defaultdict(itertools.count)
    turns = {name: next(counters[breed]) for name, breed in order}
    return sorted(order, key=lambda label: turns[label[0]])[:count]


def _each_alone(generator, height, width):
    """Map each transformation of a generator to its parameters, from one end to the other."""
    rows = {}
    if generator.horizontal_flip:
        rows["flip"] = [{}, {"flip_horizontal": True}]
    if generator.rotation_range:
        rows["turn"] = [{"theta": s * generator.rotation_range} for s in _STRENGTHS]
    if reach := _pixels(generator.width_shift_range, width):
        rows["move sideways"] = [{"tx": s * reach} for s in _STRENGTHS]
    if reach := _pixels(generator.height_shift_range, height):
        rows["move up and down"] = [{"ty": s * reach} for s in _STRENGTHS]
    low, high = generator.zoom_range
    if low < high:
        factors = np.linspace(low, high, len(_STRENGTHS))
        rows["zoom"] = [{"zx": factor, "zy": factor} for factor in factors]
        rows["stretch"] = [{"zx": low + high - factor, "zy": factor} for factor in factors]
    if generator.brightness_range:
        factors = np.linspace(*generator.brightness_range, len(_STRENGTHS))
        rows["brighten"] = [{"brightness": factor} for factor in factors]
    return rows


def _pixels(shift, length):
    """Return how far a shift reaches: below 1 it is a share of the length."""
    reach = float(np.max(np.abs(shift)))
    return reach * length if reach < 1 else reach


def _draw_metric(axes, history, metric, begins):
    epochs = np.arange(1, len(history) + 1)
    curves = {"training": history[metric]}
    validation = history.curves.get(f"val_{metric}", (None,))
    if None not in validation:
        curves["validation"] = validation
    for kind, values in curves.items():
        _curve(axes, epochs, values, kind, begins)
    axes.set_ylabel(metric)
    share = metric != "loss" and all(0 <= value <= 1 for each in curves.values() for value in each)
    axes.set_ylim(0, 1.02 if share else None)
    ends = {kind: (epochs[-1], values[-1], _KINDS[kind].colour) for kind, values in curves.items()}
    name_ends(axes, ends)


def _curve(axes, epochs, values, kind, begins):
    """Draw the points of one curve, joined, and the line that they follow."""
    look = _KINDS[kind]
    # Each stage by itself: what changes at once must not look as if it had come gradually.
    for stage in (slice(None),) if begins is None else (slice(begins), slice(begins, None)):
        if len(values[stage]) > 0:
            points = {"marker": look.marker, "markersize": 5, "linewidth": 0.8, "alpha": 0.45}
            axes.plot(epochs[stage], values[stage], color=look.colour, label=kind, **points)
            line = {"linestyle": look.line, "color": look.colour}
            followed = smooth(values[stage]) if len(values[stage]) >= _SMOOTHED else values[stage]
            axes.plot(epochs[stage], followed, **line)


def _mark_unfreezing(panels, begins):
    for axes in panels:
        axes.axvline(begins + 0.5, color=GREY, linestyle=":")
    panels[-1].annotate(
        "base unfrozen",
        (begins + 0.5, 0.98),
        xycoords=panels[-1].get_xaxis_transform(),
        xytext=(5, 0),
        textcoords="offset points",
        va="top",
    )


def _gallery(pictures, titles, columns):
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    lines = [textwrap.wrap(title, _letters(columns), break_long_words=False) for title in titles]
    height = rows * (WIDTH / columns + 0.2 * max(map(len, lines)))
    with figure_style():
        figure, panels = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)
        for axes in panels.flat[len(pictures) :]:
            axes.remove()
        for axes, picture, title in zip(panels.flat, pictures, lines, strict=False):
            # Beneath, where pictures of a row end at one height, whatever their shape.
            axes.set_anchor("S")
            _show(axes, picture, "\n".join(title), y=0, pad=-4, verticalalignment="top")
        return figure


def _letters(columns):
    """Return how many letters of a title find room in one line above one of several pictures."""
    return int(WIDTH * 72 / columns / (0.6 * TEXT))


def _show(axes, picture, title, **place):
    axes.imshow(picture)
    axes.set_title(title, **place)
    axes.axis("off")


@dataclass(frozen=True)
class _Answer:
    """One of the breeds named under a picture: on which lines, and how."""

    share: str
    name: str
    above: float
    below: float
    is_true: bool


def _likeliest(probabilities, truth, breeds, letters):
    """Return the three likeliest breeds, each below the one before."""
    answers, above = [], 0.0
    for index in np.argsort(probabilities)[::-1][:3]:
        wrapped = {"width": letters, "max_lines": _MOST_LINES, "placeholder": "…"}
        lines = textwrap.wrap(readable(breeds[index]), **wrapped)
        name = "\n".join(lines) + (" ✓" if index == truth else "")
        below = above + len(lines) + _GAP
        share = f"{probabilities[index]:.0%}"
        answers.append(_Answer(share, name, above, below, index == truth))
        above = below
    return answers


def _tell(axes, answers, lines):
    for answer in answers:
        true = answer.is_true
        look = {"color": GREEN if true else INK, "weight": "bold" if true else "normal"}
        # Out of the layout, which would make a picture small so that a name may be long.
        place = {"va": "top", "fontsize": SMALL, "in_layout": False}
        axes.text(0.16, answer.above, answer.share, ha="right", **place, **look)
        axes.text(0.2, answer.above, answer.name, **place, **look)
    axes.set_ylim(lines, -_GAP)
    axes.axis("off")


def _require_names(matrix, breeds):
    if matrix.shape != (len(breeds), len(breeds)):
        raise ValueError(
            f"The matrix has the shape {matrix.shape}, and there are {len(breeds)} breeds' names; "
            "there must be a row and a column for each."
        )


def _require_as_many(given):
    """Refuse sequences, by what they hold, that are empty or not of one length."""
    lengths = {name: len(values) for name, values in given.items()}
    if 0 in lengths.values() or len(set(lengths.values())) > 1:
        counted = listed([f"{length} {name}" for name, length in lengths.items()])
        raise ValueError(f"There are {counted}; there must be as many of each, at least one.")
