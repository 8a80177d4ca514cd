"""One look for every figure: legible at phone width, in dark mode and to the colour-blind."""

from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np

#: Okabe and Ito's palette, told apart under every common colour-blindness.
#: Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
ORANGE = "#E69F00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
GREY = "#6E6E6E"
INK = "#1A1A1A"
FAINT = "#D0D0D0"
#: What the book's pages draw lighter or darker where they are dark; its style sheet says how.
THEMED = ("BLUE", "VERMILION", "GREEN", "ORANGE", "PURPLE", "SKY", "GREY", "INK", "FAINT")
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)

#: Inches. In a figure this wide, text of 12 points has 12 pixels on a telephone, 16 elsewhere.
WIDTH = 4.7
#: Points. Nothing in a figure is written smaller than ``SMALL``.
TEXT, SMALL = 12, 11

_PARAMETERS = {
    # An opaque white ground, on which a notebook's figure reads the same on a dark page. Nothing
    # is drawn white upon it, so that the book's pages can do without.
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "none",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "figure.figsize": (WIDTH, 3.2),
    "axes.titlepad": 8,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
}


@contextmanager
def figure_style():
    """Apply the project's matplotlib settings inside a ``with`` block.

    Yields:
        None. The settings before are restored on leaving, also after an error.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> with figure_style():
        ...     plt.rcParams["font.size"]
        12.0
    """
    with plt.rc_context(_PARAMETERS):
        yield


def name_ends(axes, ends):
    """Write each line's name behind its last point, the names moved apart where they would touch.

    Args:
        axes: where the lines are drawn; their limits and scales are final.
        ends: mapping of a name, of one line or several, to ``(x, y, colour)``.

    Example:
        >>> axes = plt.figure().subplots()
        >>> name_ends(axes, {"low": (1.0, 0.5, BLUE), "high": (1.0, 0.5, GREEN)})
        >>> [text.get_text() for text in axes.texts]
        ['low', 'high']
    """
    inches = axes.get_position().height * axes.figure.get_figheight()
    scaled = axes.transScale + axes.transLimits
    heights = [scaled.transform((x, y))[1] for x, y, _ in ends.values()]
    lines = 1 + max(name.count("\n") for name in ends)
    moved = _apart(heights, 1.2 * TEXT * lines / (72 * inches))
    for (name, (x, _, colour)), height in zip(ends.items(), moved, strict=True):
        place = {"xycoords": ("data", "axes fraction"), "va": "center", "annotation_clip": False}
        axes.annotate(name, (x, height), (6, 0), textcoords="offset points", color=colour, **place)


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
