"""Figures of pictures before a network sees them: their sizes, and each way to change one."""

import matplotlib.pyplot as plt
import numpy as np

from labkit.dog_breeds.figures import read_picture
from labkit.figure_style import BLUE, GREY, WIDTH, figure_style

#: Where in its range each picture of a row lies.
_STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)


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
