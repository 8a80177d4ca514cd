"""One look for every figure: legible at phone width, in dark mode and to the colour-blind."""

from contextlib import contextmanager

import matplotlib.pyplot as plt

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
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)

#: Inches. A figure this wide with 13-point text stays readable on a 360-pixel screen.
WIDTH = 6.5

_PARAMETERS = {
    # An opaque white ground: the picture reads the same on a dark page.
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 13,
    "axes.titlesize": 14,
    "legend.fontsize": 12,
    "lines.linewidth": 2,
    "axes.prop_cycle": plt.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "figure.figsize": (WIDTH, 4.0),
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
        13.0
    """
    with plt.rc_context(_PARAMETERS):
        yield
