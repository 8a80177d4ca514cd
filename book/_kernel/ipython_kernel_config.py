"""How the kernels of a build draw: vectors without a ground, the same bytes each time.

``book/_ext/figures.py`` hands this to them and puts what they draw into the pages. A notebook
that is opened elsewhere has its own kernel, and matplotlib's usual PNG.
"""

c = get_config()  # noqa: F821 (IPython gives it)
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.rc = {"svg.hashsalt": "book"}
# 192 points an inch are two pixels for each pixel of the page, for pictures within a figure.
c.InlineBackend.print_figure_kwargs = {
    "facecolor": "none",
    "bbox_inches": "tight",
    "pad_inches": 0.02,
    "dpi": 192,
    "metadata": {"Date": None},
}
