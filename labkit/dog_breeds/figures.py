"""Lab 1's figures: class sizes, pictures, augmentations, curves, predictions."""

import itertools
import textwrap
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from labkit.dog_breeds.pictures import decode
from labkit.dog_breeds.sources.layout import PICTURES, SUFFIX, read_labels
from labkit.figure_style import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, WIDTH, figure_style

_MOST_BARS = 30


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


def plot_samples(directory, count=12, seed=0, columns=4):
    """Show pictures drawn at random, with their breeds, no breed twice while others wait.

    Args:
        directory: the folder with ``labels.csv`` and ``train/``.
        count: number of pictures, at least 1.
        seed: what the choice starts from.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        FileNotFoundError: the folder holds no ``labels.csv``.

    Example:
        >>> plot_samples("no_such_folder")
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...
    """
    labels = list(read_labels(directory).items())
    chosen = _one_per_breed(labels, count, np.random.default_rng(seed))
    folder = Path(directory) / PICTURES
    pictures = [read_picture(folder / f"{name}{SUFFIX}") for name, _ in chosen]
    return _gallery(pictures, [readable(breed) for _, breed in chosen], columns)


def plot_augmentations(generator, picture, count=11, seed=0, columns=4):
    """Show one picture as it is, then as the generator changes it at random.

    Args:
        generator: an :class:`labkit.ImageDataGenerator`.
        picture: path of a picture, or uint8 ``(height, width, 3)``.
        count: number of augmented versions, at least 1.
        seed: what the random changes start from.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        FileNotFoundError: there is no picture of that name.

    Example:
        >>> from labkit import ImageDataGenerator
        >>> grey = np.full((32, 32, 3), 128, "uint8")
        >>> len(plot_augmentations(ImageDataGenerator(rotation_range=30), grey, count=3).axes)
        4
    """
    original = picture if isinstance(picture, np.ndarray) else read_picture(picture)
    changed = [generator.random_transform(original, seed + number) for number in range(count)]
    titles = ["as it is"] + [""] * count
    return _gallery([original, *map(_displayable, changed)], titles, columns)


def plot_history(history, title="", begins=None):
    """Draw accuracy and loss over the epochs, for training and validation.

    Points are the figures of each epoch, lines a local regression through those of a stage.

    Args:
        history: a :class:`labkit.dog_breeds.training.History` with at least one epoch.
        title: what was trained.
        begins: epoch after which the base was unfrozen, marked by a line; ``None``: never.

    Returns:
        A ``matplotlib.figure.Figure`` with a panel for each metric, the loss below.

    Raises:
        ValueError: the history has no epoch.

    Source:
        W. S. Cleveland, "Robust Locally Weighted Regression and Smoothing Scatterplots",
        1979, without the robustness iterations, as R's ``loess`` draws it.

    Example:
        >>> from labkit.dog_breeds.training import History
        >>> figure = plot_history(History((1.0, 0.5), (0.5, 0.8), (1.2, 1.1), (0.4, 0.5)))
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['accuracy', 'loss']
    """
    if len(history) == 0:
        raise ValueError("The history has no epoch yet; train first.")
    epochs = np.arange(1, len(history) + 1)
    with figure_style():
        metrics = history.metrics[::-1]
        size = (WIDTH, 3.2 * len(metrics))
        figure, panels = plt.subplots(len(metrics), figsize=size, sharex=True, squeeze=False)
        panels = panels[:, 0]
        for axes, metric in zip(panels, metrics, strict=True):
            training, validation = getattr(history, metric), getattr(history, f"val_{metric}")
            _curve(axes, epochs, training, "training", BLUE, "o", "-", begins)
            _curve(axes, epochs, validation, "validation", VERMILION, "^", "--", begins)
            axes.set_ylabel(metric)
            axes.set_ylim(0, 1.02 if metric == "accuracy" else None)
        panels[0].set_title(title)
        panels[0].legend(frameon=False)
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        if begins is not None:
            _mark_unfreezing(panels, begins)
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
        figure, axes = plt.subplots(figsize=(WIDTH, 1.5 + 0.75 * len(accuracies)))
        training, validation = zip(*accuracies.values(), strict=True)
        rows = range(len(accuracies))
        axes.hlines(rows, training, validation, color=GREY, linewidth=3, zorder=1)
        for values, name, marker, colour, offset in (
            (training, "training pictures", "o", BLUE, -0.28),
            (validation, "validation pictures", "^", VERMILION, 0.28),
        ):
            axes.plot(values, rows, marker, color=colour, markersize=11, label=name)
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


def plot_predictions(pictures, probabilities, truth, breeds, columns=3):
    """Show pictures with the three breeds a network finds likeliest.

    Args:
        pictures: float32 ``(count, height, width, 3)`` in [0, 1].
        probabilities: float ``(count, classes)``, what ``model.predict`` returns.
        truth: ``count`` class indices.
        breeds: the breeds' names in the order of the classes.
        columns: pictures in a row.

    Returns:
        A ``matplotlib.figure.Figure``; under each picture three bars, the true breed's
        green, bold and ticked.

    Raises:
        ValueError: the arguments differ in length.

    Example:
        >>> grey = np.full((1, 8, 8, 3), 0.5)
        >>> figure = plot_predictions(grey, np.array([[0.7, 0.2, 0.1]]), [0], ["a", "b", "c"])
        >>> len(figure.axes)
        2
    """
    if not len(pictures) == len(probabilities) == len(truth):
        raise ValueError(
            f"There are {len(pictures)} pictures, {len(probabilities)} predictions and "
            f"{len(truth)} true classes; there must be as many of each."
        )
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    with figure_style():
        figure = plt.figure(figsize=(WIDTH, 3.5 * rows))
        grid = figure.add_gridspec(2 * rows, columns, height_ratios=[2.0, 1.0] * rows)
        for position, right in enumerate(truth):
            row, column = divmod(position, columns)
            above = figure.add_subplot(grid[2 * row, column])
            below = figure.add_subplot(grid[2 * row + 1, column])
            _show(above, pictures[position], readable(breeds[right]))
            _likeliest(below, probabilities[position], right, breeds)
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
        The name with spaces.

    Example:
        >>> readable("scottish_deerhound")
        'scottish deerhound'
    """
    return breed.replace("_", " ")


def smooth(values, span=0.75):
    """Smooth a curve by local linear regression with tricube weights.

    Args:
        values: figures at equal distances, float ``(n,)``.
        span: share of the points that each fit sees, above 0 and at most 1.

    Returns:
        float ``(n,)``. Fewer than four points are returned as they are.

    Source:
        W. S. Cleveland, 1979.

    Example:
        >>> smooth([1.0, 2.0, 3.0, 4.0, 5.0]).round(6).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    values = np.asarray(values, float)
    if len(values) < 4:
        return values
    positions = np.arange(len(values), dtype=float)
    neighbours = min(len(values), max(4, round(span * len(values))))
    return np.array([_local_fit(positions, values, x, neighbours) for x in positions])


def _local_fit(positions, values, x, neighbours):
    """Fit a line around ``x`` and return its height there."""
    distance = np.abs(positions - x)
    reach = np.sort(distance)[neighbours - 1] * 1.001
    weight = np.clip(1 - (distance / reach) ** 3, 0, None) ** 3
    # polyfit weighs residuals, not their squares.
    return np.polyval(np.polyfit(positions - x, values, 1, w=np.sqrt(weight)), 0.0)


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


def _curve(axes, epochs, values, label, colour, marker, line, begins):
    axes.plot(epochs, values, marker, color=colour, alpha=0.55, markersize=5)
    # Each stage by itself: what changes at once must not look as if it had come gradually.
    for stage in (slice(None),) if begins is None else (slice(begins), slice(begins, None)):
        if len(values[stage]) > 0:
            low, high = min(values[stage]), max(values[stage])
            # A straight piece of the fit may leave the range, as above an accuracy of 1.
            fit = np.clip(smooth(values[stage]), low, high)
            axes.plot(epochs[stage], fit, line, color=colour)
    axes.plot([], [], line, marker=marker, color=colour, label=label)


def _name_every_bar(breeds, counts):
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.33 * len(breeds)))
    bars = axes.barh(breeds, counts, color=BLUE)
    axes.bar_label(bars, padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("pictures")
    return figure


def _name_the_extremes(breeds, counts):
    figure, axes = plt.subplots(figsize=(WIDTH, 3.6))
    axes.bar(range(len(counts)), counts, color=BLUE, width=1.0)
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


def _gallery(pictures, titles, columns):
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height = rows * (WIDTH / columns + (0.35 if any(titles) else 0.0))
    with figure_style():
        figure, panels = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)
        for axes in panels.flat[len(pictures) :]:
            axes.remove()
        for axes, picture, title in zip(panels.flat, pictures, titles, strict=False):
            _show(axes, picture, title)
        return figure


def _show(axes, picture, title):
    axes.imshow(picture)
    axes.set_title("\n".join(textwrap.wrap(title, 16)), fontsize=12)
    axes.axis("off")


def _displayable(picture):
    """Turn what ``apply_transform`` returns, 0 to 255 in float or uint8, into uint8."""
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _likeliest(axes, probabilities, truth, breeds):
    best = np.argsort(probabilities)[::-1][:3]
    right = [index == truth for index in best]
    colours = [GREEN if hit else ORANGE for hit in right]
    # Pale, so that the names on the bars stay legible.
    axes.barh(range(len(best)), probabilities[best], color=colours, alpha=0.45)
    for row, (index, hit) in enumerate(zip(best, right, strict=True)):
        name = f"{readable(breeds[index])} ✓" if hit else readable(breeds[index])
        weight = "bold" if hit else "normal"
        axes.text(0.02, row, name, va="center", fontsize=11, color=INK, weight=weight)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.axis("off")
