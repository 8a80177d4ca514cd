"""Pictures of receptive fields. Every function returns a ``matplotlib`` figure."""

from dataclasses import replace
from fractions import Fraction
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.patches import Patch, Rectangle

from labkit.figure_style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    SKY,
    VERMILION,
    WIDTH,
    figure_style,
    name_ends,
)
from labkit.receptive_field.effective_field import THRESHOLD
from labkit.receptive_field.layers import Layer, as_layers
from labkit.receptive_field.recurrence import receptive_field, trace
from labkit.words import is_number, require, require_whole, require_whole_numbers

_MOST_BARS = 30
_MOST_STRATEGY_LAYERS = 300
_WIDE_NUMBER, _LONG_NUMBER = 10**4, 10**6
_MAP_COLOURS = "cividis"
_LINE_STYLES = ("-", "--", "-.", ":")
_LABELS = {"energy": "mean squared gradient", "magnitude": "root mean squared gradient"}


# Field per layer


def plot_field_per_layer(layers, *, log_scale=False):
    """Draw the size of the field behind each layer, coloured by its effective stride.

    A network of more than 30 layers is thinned to those that widen the field or the stride
    beyond all before them; if these are still too many, they are drawn without names.

    Args:
        layers: an :class:`~labkit.receptive_field.analysis_result.Analysis` or a trace: rows
            with ``name``, ``size`` and ``effective_stride``. Of axes that differ, the larger
            size is drawn.
        log_scale: whether sizes stand on a logarithmic axis; dots then take the place of bars.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if there is no layer, or none whose size is known.

    Example:
        >>> from labkit.receptive_field import VGG16, trace
        >>> plot_field_per_layer(trace(VGG16)).axes[0].get_xlabel()
        'receptive field, input positions'
    """
    rows = _bars(layers)
    if not rows:
        raise ValueError("There is no layer with a known field: analyse with an input_size.")
    rows = rows if len(rows) <= _MOST_BARS else _widening(rows)
    draw = _draw_bars if len(rows) <= _MOST_BARS else _draw_outline
    with figure_style():
        return draw(rows, _stride_colours(rows), log_scale)


def _set_log(axes, which):
    """Scale an axis by logarithms from 1 on, with plain numbers beside it."""
    axes.set(**{f"{which}scale": "log", f"{which}lim": (1, None)})
    scaled = getattr(axes, f"{which}axis")
    scaled.set_major_locator(ticker.LogLocator(subs=(1, 3)))
    scaled.set_minor_locator(ticker.NullLocator())
    scaled.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))


def _bars(layers):
    """Return name, largest size over the axes and its stride, ``None`` for a global field."""
    rows = [(layer.name, *_largest(layer)) for layer in layers]
    return [row for row in rows if row[1] is not None]


def _largest(layer):
    # A trace's row is its own and only axis.
    axis = max(getattr(layer, "axes", [layer]), key=lambda axis: axis.size or 0)
    return axis.size, axis.effective_stride


def _widening(rows):
    """Keep the rows that see further than all before, and the last if it sees everything."""
    kept, widest, coarsest = [], 0, 0
    for row in rows:
        _, size, stride = row
        if stride is not None and (size > widest or stride > coarsest):
            kept.append(row)
            widest, coarsest = max(widest, size), max(coarsest, stride)
    return kept + [row for row in rows[-1:] if row[2] is None]


def _stride_colours(rows):
    """Give each stride its own lightness, dark for the fine ones: readable without colour."""
    strides = {stride for _, _, stride in rows}
    known = sorted(strides - {None})
    shades = plt.get_cmap("viridis")(np.linspace(0.1, 0.9, max(len(known), 2)))
    whole_input = dict.fromkeys(strides & {None}, to_rgb(GREY))
    return dict(zip(known, shades, strict=False)) | whole_input


def _stride_key(colours):
    return [
        Patch(color=colour, label="whole input" if stride is None else f"{stride}")
        for stride, colour in colours.items()
    ]


def _draw_bars(rows, colours, log_scale):
    figure, axis = plt.subplots(figsize=(WIDTH, 0.8 + 0.24 * len(rows)))
    names, sizes, strides = zip(*rows, strict=True)
    shades = [colours[stride] for stride in strides]
    if log_scale:
        _draw_dots(axis, sizes, sizes, shades)
    else:
        axis.bar_label(axis.barh(range(len(rows)), sizes, color=shades), padding=3)
    axis.set_yticks(range(len(rows)), names)
    axis.invert_yaxis()
    axis.margins(x=0.1, y=0.02)
    axis.set_xlabel("receptive field, input positions")
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if log_scale else {"loc": "best"}
    axis.legend(handles=_stride_key(colours), title="stride", **place)
    return figure


def _draw_dots(axes, sizes, labels, colours):
    """Draw a dot a row on a logarithmic axis, where the length of a bar would mean nothing."""
    rows = range(len(sizes))
    axes.hlines(rows, 1, sizes, color=FAINT, linewidth=1, zorder=1)
    axes.scatter(sizes, rows, color=colours, s=60, zorder=2)
    for row, (size, label) in enumerate(zip(sizes, labels, strict=True)):
        axes.annotate(label, (size, row), (8, 0), textcoords="offset points", va="center")
    _set_log(axes, "x")


def _draw_outline(rows, colours, log_scale):
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4))
    _, sizes, strides = zip(*rows, strict=True)
    shades = [colours[stride] for stride in strides]
    if log_scale:
        axis.scatter(range(len(rows)), sizes, color=shades, s=10)
        _set_log(axis, "y")
    else:
        axis.bar(range(len(rows)), sizes, width=1.0, color=shades)
    axis.margins(x=0)
    axis.set_xlabel("layers that widen the field, from input to output")
    axis.set_ylabel("receptive field,\ninput positions")
    axis.annotate(
        f"{sizes[-1]}", (len(rows) - 1, sizes[-1]), ha="right", va="bottom", annotation_clip=False
    )
    axis.legend(handles=_stride_key(colours), title="stride", loc="upper left")
    return figure


def plot_growth(analyses, *, log_scale=True):
    """Draw how the field grows with depth, one line for each network.

    Layers that do not see further than all before them are left out.

    Args:
        analyses: dictionary from a name to an analysis or a trace, in the order of the key.
        log_scale: whether sizes stand on a logarithmic axis.

    Returns:
        A ``matplotlib.figure.Figure``.

    Example:
        >>> from labkit.receptive_field import SMALL_VGG, VGG16, trace
        >>> figure = plot_growth({"small": trace(SMALL_VGG), "VGG16": trace(VGG16)})
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['small 76', 'VGG16 212']
    """
    with figure_style():
        figure, axis = plt.subplots()
        looks, ends = zip(cycle(PALETTE), cycle(_LINE_STYLES), strict=False), {}
        for (name, layers), (colour, style) in zip(analyses.items(), looks, strict=False):
            sizes = [size for _, size, _ in _widening(_bars(layers))]
            steps = np.linspace(0, 1, len(sizes))
            axis.step(steps, sizes, where="post", color=colour, linestyle=style)
            ends[f"{name} {sizes[-1]}"] = 1, sizes[-1], colour
        if log_scale:
            _set_log(axis, "y")
        axis.set_xticks([0, 1], ["input", "output"])
        axis.set_xlabel("depth")
        axis.set_ylabel("receptive field,\ninput positions")
        name_ends(axis, ends)
    return figure


def plot_field_per_cost(analyses, *, log_scale=True):
    """Draw how far each network sees for the multiply-adds that it has spent so far.

    Args:
        analyses: dictionary from a name to an
            :class:`~labkit.receptive_field.analysis_result.Analysis`, in the order of the key.
        log_scale: whether both axes are logarithmic.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if the cost of a layer is unknown.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
        >>> plot_field_per_cost({"line": analyse(line)}).axes[0].get_xlabel()
        'multiply-adds so far'
    """
    with figure_style():
        figure, axis = plt.subplots()
        lines = {name: _costs_and_sizes(name, analysis) for name, analysis in analyses.items()}
        least = min((costs[-1] for costs, _ in lines.values()), default=0)
        looks = zip(cycle(PALETTE), cycle(_LINE_STYLES), strict=False)
        for (name, (costs, sizes)), (colour, style) in zip(lines.items(), looks, strict=False):
            axis.step(costs, sizes, where="post", color=colour, linestyle=style)
            axis.plot(costs[-1], sizes[-1], marker="o", color=colour)
            # Left of the cheapest network lies no other line, and right of most of the others.
            side, offset = ("right", -6) if costs[-1] == least else ("left", 6)
            end = {"textcoords": "offset points", "ha": side, "va": "center"}
            axis.annotate(name, (costs[-1], sizes[-1]), (offset, 0), color=colour, **end)
        if log_scale:
            axis.set(xscale="log")
            _set_log(axis, "y")
        axis.xaxis.set_major_formatter(ticker.EngFormatter(sep=" "))
        axis.set_xlabel("multiply-adds so far")
        axis.set_ylabel("receptive field,\ninput positions")
    return figure


def _costs_and_sizes(name, analysis):
    """Return what has been spent, and how far is seen for that, layer by layer."""
    costs, sizes, spent, widest = [], [], 0, 0
    for layer in analysis:
        if layer.operations is None:
            raise ValueError(
                f"What the layer {layer.name!r} of {name!r} costs is unknown: give input_size, or "
                "leave the network out."
            )
        spent, size = spent + layer.operations, _largest(layer)[0]
        if spent and size is not None and size > widest:
            costs, sizes, widest = [*costs, spent], [*sizes, size], size
    if not sizes:
        raise ValueError(f"No layer of {name!r} costs anything and has a known field.")
    return [*costs, spent], [*sizes, widest]


# Paths


def plot_paths(analysis, layer=None, *, axis=0):
    """Draw a network's layers by depth and field, with its widest and its narrowest path.

    Each dot is a layer, each thin line leads from a layer to one that reads it. The thick lines
    show the field along one path alone.

    Args:
        analysis: an :class:`~labkit.receptive_field.analysis_result.Analysis`.
        layer: name or number of the layer that the paths lead to; default: the final one.
        axis: number of the axis of the input, 0 the first.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        KeyError: if there is no such layer.
        ValueError: if the paths cannot be compared.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
        >>> figure = plot_paths(analyse(line))
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['widest path: 3', 'narrowest path: 3']
    """
    widest = analysis.widest_path(layer, axis=axis)
    narrowest = analysis.narrowest_path(layer, axis=axis)
    depths = analysis.walked.depths()
    with figure_style():
        figure, axes = plt.subplots()
        places, lines = _dots_and_lines(analysis, depths, axis)
        axes.add_collection(LineCollection(lines, colors=GREY, linewidths=0.8, alpha=0.6))
        axes.scatter(*zip(*places, strict=True), s=12, color=GREY, zorder=2)
        looks = (("widest", widest, VERMILION, "-"), ("narrowest", narrowest, BLUE, "--"))
        for name, path, colour, style in looks:
            steps = zip(path.names, path.sizes, strict=True)
            points = [(0, 1), *((depths[n], size) for n, size in steps if size is not None)]
            label = f"{name} path: {'all' if path.size is None else path.size}"
            look = {"color": colour, "linestyle": style, "linewidth": 3}
            axes.plot(*zip(*points, strict=True), label=label, zorder=3, **look)
        axes.set_xlabel("layers between the input and this one")
        axes.set_ylabel("receptive field,\ninput positions")
        axes.legend()
    return figure


def _dots_and_lines(analysis, depths, axis):
    """Place each layer by its depth and its field; list the lines between them."""
    sizes = {None: 1} | {layer.name: layer.axes[axis].size for layer in analysis}
    places = {name: (depths[name], size) for name, size in sizes.items() if size is not None}
    lines = [
        (places[read], place)
        for name, place in places.items()
        for read in (analysis.walked.read_by(name) if name else [])
        if read in places
    ]
    return list(places.values()), lines


# Neurons of one dimension


def plot_neurons(layers, *, units=1):
    """Draw neighbouring units of the last layer and every position that they read.

    Positions inside the field that nothing reads are holes: dilation leaves them, and so does
    a stride above the kernel.

    Args:
        layers: :class:`~labkit.receptive_field.layers.Layer` from the input to the output;
            up to a few and narrow ones, or the picture gets crowded.
        units: number of neighbouring units of the last layer, at least 1.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if ``units`` is below 1 or the field is wider than 120 positions.

    Example:
        >>> plot_neurons([Layer(2, stride=3), Layer(2)]).axes[0].get_title()
        '5 wide, 4 read: 1 hole'
    """
    layers = as_layers(layers)
    rows, lines = _read_positions(layers, require_whole("units", units))
    if rows[0][-1] > 120:
        raise ValueError(
            f"The field is {rows[0][-1] + 1} wide, too wide to draw each position: take fewer "
            "or narrower layers."
        )
    with figure_style():
        figure, axis = plt.subplots(figsize=(WIDTH, 0.8 + 0.72 * len(rows)))
        places = _places(layers)
        for depth, (a, b) in lines:
            ends = [places[depth](a), places[depth + 1](b)]
            axis.plot(ends, [depth, depth + 1], color=GREY, linewidth=1, zorder=1)
        for depth, row in enumerate(rows):
            _draw_row(axis, depth, row, places[depth])
        _finish_neurons(axis, rows)
    return figure


def _read_positions(layers, units):
    """Return per depth the positions that lead to the units, and the lines between depths."""
    rows, lines = [list(range(units))], []
    for depth, layer in reversed(list(enumerate(layers))):
        reads = [
            (layer.stride * unit + layer.dilation * tap, unit)
            for unit in rows[0]
            for tap in range(layer.kernel)
        ]
        lines += [(depth, pair) for pair in reads]
        rows.insert(0, sorted({position for position, _ in reads}))
    return rows, lines


def _places(layers):
    """Place the units of each depth over the centre of what they read, padding left aside."""
    fields = trace(replace(layer, padding=0) for layer in layers)
    starts = [(0.0, 1), *((float(field.centre), field.effective_stride) for field in fields)]
    return [lambda unit, at=at, step=step: at + step * unit for at, step in starts]


def _draw_row(axis, depth, row, place):
    everyone = range(row[0], row[-1] + 1)
    size = 90 if len(everyone) < 20 else 30
    hole = {"facecolor": "none", "edgecolor": GREY, "linewidth": 1.5, "zorder": 2}
    read = {"color": BLUE, "edgecolor": INK, "zorder": 3}
    for units, look in ((sorted({*everyone} - {*row}), hole), (row, read)):
        axis.scatter([place(j) for j in units], [depth] * len(units), s=size, **look)


def _finish_neurons(axis, rows):
    names = ["input", *(f"layer {i}" for i in range(1, len(rows)))]
    axis.set_yticks(range(len(rows)), names)
    axis.set_ylim(-0.6, len(rows) - 0.6)
    axis.set_xlabel("input position")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.spines["left"].set_visible(False)
    axis.tick_params(left=False)
    wide, read = rows[0][-1] - rows[0][0] + 1, len(rows[0])
    holes = f"{wide - read} hole{'s' * (wide - read > 1)}"
    found = f"{read} read: {holes}" if wide > read else "all read"
    axis.set_title(f"{wide} wide, {found}")


# Branches that meet


def plot_branches(branches, *, units=3):
    """Draw the fields of the same units along branches that meet, one row a branch.

    A bar is a unit's field, its dot the field's centre, and a dashed line joins the dots of one
    unit. Where it leans, the branches look at different places.

    Args:
        branches: dictionary from a name to layers from the input to where the branches meet;
            no layers are a shortcut.
        units: number of neighbouring units, from unit 0 on, at least 1.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if there is no branch, if their effective strides differ, so that they cannot
            meet unit by unit, or if ``units`` is below 1.

    Example:
        >>> branches = {"shortcut": [Layer(1, stride=2)], "3 wide": [Layer(3, stride=2)]}
        >>> [text.get_text() for text in plot_branches(branches).axes[0].get_yticklabels()]
        ['shortcut', '3 wide']
    """
    units = require_whole("units", units)
    # A layer that changes nothing in front, so that a branch without layers has a field, too.
    ends = {name: trace([Layer(1), *as_layers(of)])[-1] for name, of in branches.items()}
    strides = {end.effective_stride for end in ends.values()}
    if len(strides) != 1:
        raise ValueError(
            f"branches={list(branches)} have the effective strides {sorted(strides)}: give one or "
            "more branches that meet unit by unit, with one effective stride."
        )
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + len(ends)))
        for unit, colour in zip(range(units), cycle(PALETTE), strict=False):
            _draw_unit_of_branches(axes, ends.values(), unit, 0.7 / units, colour)
        axes.set_yticks(range(len(ends)), ends)
        axes.invert_yaxis()
        axes.use_sticky_edges = False
        axes.margins(x=0.08)
        axes.set_xlabel("input position; below 0 lies padding")
    return figure


def _draw_unit_of_branches(axes, ends, unit, height, colour):
    """Draw one unit's bar in each row, the units of a row below each other."""
    centres = [float(end.centre + unit * end.effective_stride) for end in ends]
    rows = [row - 0.35 + (unit + 0.5) * height for row in range(len(centres))]
    sizes = [end.size for end in ends]
    lefts = [centre - size / 2 for centre, size in zip(centres, sizes, strict=True)]
    look = {"color": colour, "alpha": 0.35, "edgecolor": colour}
    axes.barh(rows, sizes, 0.8 * height, lefts, **look)
    axes.plot(centres, rows, "o--", color=colour, linewidth=1.2, markersize=6)
    beside = (lefts[0] + sizes[0], rows[0])
    axes.annotate(f"unit {unit}", beside, (4, 0), textcoords="offset points", va="center")


# Gradients


def plot_effective_field(effective, *, axis=-1):
    """Draw an effective field as a heat map, and its profile beside a Gaussian.

    The dashed box is the theoretical field; the orange outline holds what is stronger than
    4.55 % of the strongest. Along 3 axes, the map is the sum over the first.

    Args:
        effective: an :class:`~labkit.receptive_field.effective_field.EffectiveField`.
        axis: the axis of the profile, default the last.

    Returns:
        A ``matplotlib.figure.Figure``.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import effective_receptive_field
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
        >>> plot_effective_field(effective_receptive_field(line, samples=1)).axes[0].get_xlabel()
        'input position'
    """
    with figure_style():
        if effective.strength.ndim == 1:
            figure, profile = plt.subplots()
        else:
            size = (WIDTH, 1.65 * WIDTH)
            figure, (heat, profile) = plt.subplots(2, 1, figsize=size, height_ratios=(2, 1))
            label, place = _LABELS[effective.quantity], {"location": "top", "aspect": 40}
            figure.colorbar(_draw_map(heat, effective), ax=heat, label=label, **place)
            heat.set_xlabel(f"orange: effective, {_share(effective)}")
        _draw_profile(profile, effective, axis)
    return figure


def _share(effective):
    return f"{effective.effective_size:.0f} of {effective.theoretical_size[-1]}"


def _draw_map(axes, effective):
    """Draw the strength around the theoretical field, its box, and the effective part."""
    strength = effective.strength
    while strength.ndim > 2:
        strength = strength.sum(axis=0)
    strength = strength / strength.max()
    floor = 1e-3
    image = axes.imshow(np.maximum(strength, floor), cmap=_MAP_COLOURS, norm=LogNorm(floor, 1))
    box = (top, bottom), (left, right) = effective.field[-2:]
    _draw_box(axes, box, edgecolor="white", linewidth=2, linestyle="--")
    axes.contour(_smoothed(strength), levels=[THRESHOLD], colors=[ORANGE], linewidths=2)
    axes.set_xlim(_around((left, right), strength.shape[1]))
    axes.set_ylim(_around((top, bottom), strength.shape[0])[::-1])
    axes.locator_params(integer=True)
    return image


def _around(ends, length):
    """Return the limits of a view around the field from one position to another, in the input."""
    first, last = ends
    margin = 0.1 * (last - first + 1)
    return max(first - margin, 0) - 0.5, min(last + margin, length - 1) + 0.5


def _draw_box(axes, box, **look):
    """Frame the positions from the first to the last along two axes."""
    (top, bottom), (left, right) = box
    corner, width, height = (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1
    axes.add_patch(Rectangle(corner, width, height, fill=False, **look))


def _smoothed(strength):
    """Average over a few neighbours, so that the outline does not follow the noise."""
    window = np.ones(1 + 2 * (min(strength.shape) // 60))
    for axis in range(strength.ndim):
        strength = np.apply_along_axis(np.convolve, axis, strength, window / window.size, "same")
    return strength


def _draw_profile(axes, effective, axis):
    profile, gaussian = effective.profile(axis), effective.gaussian(axis)
    positions = np.arange(len(profile))
    axes.fill_between(positions, profile, color=SKY, step="mid")
    axes.plot(positions, gaussian, color=INK, linestyle="--", linewidth=1.5)
    first, last = effective.field[axis]
    for edge in (first - 0.5, last + 0.5):
        axes.axvline(edge, color=VERMILION, linestyle=":")
    axes.annotate(
        f"theoretical field: {effective.theoretical_size[axis]}",
        ((first + last) / 2, 1.02),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="bottom",
        color=VERMILION,
    )
    left, right = _around((first, last), len(profile))
    axes.set_xlim(left, right)
    axes.set_ylim(0, 1.15 * max(profile.max(), gaussian.max()))
    axes.locator_params(axis="x", integer=True)
    axes.locator_params(axis="y", nbins=4)
    axes.set_xlabel("input position")
    axes.set_ylabel("share of the " + ("energy" if effective.quantity == "energy" else "gradient"))
    words = f"dashed:\nGaussian,\nσ = {effective.sigma[axis]:.1f}"
    axes.text(0.95, 0.95, words, transform=axes.transAxes, ha="right", va="top")
    axes.text(0.05, 0.95, "blue:\nmeasured", transform=axes.transAxes, va="top", color=BLUE)


def plot_effective_before_after(before, after):
    """Draw the effective field of one unit before and after training, side by side.

    Args:
        before: an :class:`~labkit.receptive_field.effective_field.EffectiveField` of two axes.
        after: the same of the trained network, over inputs of the same size.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if the two do not show the same quantity over the same size.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import effective_receptive_field
        >>> plane = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Conv2D(1, 3)])
        >>> before, after = (effective_receptive_field(plane, samples=1, seed=s) for s in (0, 1))
        >>> figure = plot_effective_before_after(before, after)
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['before training', 'after training']
    """
    if before.strength.shape != after.strength.shape or before.quantity != after.quantity:
        raise ValueError(
            f"The fields do not compare: {before.quantity} over {before.strength.shape} and "
            f"{after.quantity} over {after.strength.shape}. Measure both the same way."
        )
    with figure_style():
        figure, pair = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
        for axes, effective, when in zip(pair, (before, after), ("before", "after"), strict=True):
            image = _draw_map(axes, effective)
            axes.set_title(f"{when} training")
            axes.set_xlabel(f"effective: {_share(effective)}")
        label = _LABELS[before.quantity]
        figure.colorbar(image, ax=pair, label=label, location="bottom", aspect=40)
    return figure


# Boxes over a picture


def plot_fields_over_picture(picture, analysis, layers=None, *, at=None):
    """Draw the fields of one unit per layer as nested boxes over a picture.

    Where a field reaches beyond the picture, the picture is framed by what the network pads.

    Args:
        picture: array (height, width), (height, width, 1), (height, width, 3) or (..., 4),
            integers of 0 ... 255 or floats of 0 ... 1.
        analysis: an :class:`~labkit.receptive_field.analysis_result.Analysis` of a model of
            two axes.
        layers: names of layers, from the input on; default: the last one of each stride.
        at: (row, column) in the picture whose nearest unit is taken; default: its centre.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if the picture or the model does not have two axes, or no layer has a box.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> plane = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Conv2D(1, 3, name="c")])
        >>> figure = plot_fields_over_picture(np.zeros((9, 9)), analyse(plane))
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['c: 3']
    """
    picture = np.asarray(picture)
    if picture.ndim not in (2, 3) or len(analysis.input_size) != 2:
        raise ValueError(
            "A picture of shape (height, width) or (height, width, channels) and a model of two "
            f"axes are needed: got {picture.shape} and {len(analysis.input_size)} axes."
        )
    at = ((picture.shape[0] - 1) / 2, (picture.shape[1] - 1) / 2) if at is None else at
    fits = np.shape(at) == (2,) and all(map(is_number, at))
    require(fits, "at", at, "a row and a column of the picture, two numbers")
    chosen = analysis if layers is None else [analysis[name] for name in layers]
    placed = [layer for layer in chosen if all(map(_can_be_placed, layer.axes))]
    if layers is None:
        placed = {layer.effective_stride: layer for layer in placed}.values()
    boxes = [(layer.name, _box(layer, at)) for layer in placed]
    if not boxes:
        raise ValueError("Every layer sees the whole picture: there is no box to draw.")
    with figure_style():
        figure, axes = plt.subplots(figsize=(WIDTH, WIDTH))
        axes.imshow(picture.squeeze(), cmap="gray" if picture.squeeze().ndim == 2 else None)
        _draw_boxes(axes, boxes)
        _frame(axes, picture.shape[:2], [box for _, box in boxes])
    return figure


def _can_be_placed(axis):
    """Say whether there is a unit nearest to a point: some see all, others follow no stride."""
    return axis.centre is not None and bool(axis.effective_stride)


def _box(layer, at):
    """Return (top, bottom), (left, right) of the unit nearest to a point."""
    box = []
    for axis, point in zip(layer.axes, at, strict=True):
        unit = round((Fraction(float(point)) - axis.centre) / axis.effective_stride)
        if axis.output_size:
            unit = min(max(unit, 0), axis.output_size - 1)
        field = axis.fields.of(unit)
        box.append((field.first, field.last))
    return tuple(box)


def _draw_boxes(axes, boxes):
    looks = zip(cycle(PALETTE), cycle(_LINE_STYLES), strict=False)
    for (name, box), (colour, style) in zip(boxes, looks, strict=False):
        height, width = (last - first + 1 for first, last in box)
        size = f"{height}" if width == height else f"{height} × {width}"
        _draw_box(axes, box, edgecolor="white", linewidth=3, alpha=0.7)
        look = {"edgecolor": colour, "linewidth": 1.6, "linestyle": style}
        _draw_box(axes, box, label=f"{name}: {size}", **look)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=1 if len(boxes) < 4 else 2)


def _frame(axes, shape, boxes):
    """Widen the view to the outermost box, and mark where the picture ends."""
    height, width = shape
    picture = (0, height - 1), (0, width - 1)
    top, left = np.min([picture, *boxes], axis=0)[:, 0]
    bottom, right = np.max([picture, *boxes], axis=0)[:, 1]
    margin = 0.02 * max(bottom - top, right - left)
    axes.set_xlim(left - 0.5 - margin, right + 0.5 + margin)
    axes.set_ylim(bottom + 0.5 + margin, top - 0.5 - margin)
    if min(top, left) < 0 or bottom >= height or right >= width:
        axes.set_facecolor(FAINT)
        axes.set_title("grey: padding beyond the picture")
    axes.set_aspect("equal")


# Strategies at equal weights


def plot_strategies(layers=9, *, dimensions=(1, 2)):
    """Compare ways to spend the same number of weights, and the resolution each one leaves.

    One large kernel, or ``layers`` kernels of 3: plain, with stride 2, with a dilation that
    doubles. One channel, no bias; the side of the large kernel is rounded down.

    Args:
        layers: number of layers of kernel 3, from 1 to 300.
        dimensions: numbers of spatial axes, one panel each.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ValueError: if ``layers`` is below 1, or so many that no axis holds their field.

    Example:
        >>> [axes.get_title() for axes in plot_strategies().axes]
        ['1-D, 27 weights', '2-D, 81 weights']
    """
    layers = require_whole("layers", layers)
    allowed = f"at most {_MOST_STRATEGY_LAYERS}: no axis holds the field of more strides of 2"
    require(layers <= _MOST_STRATEGY_LAYERS, "layers", layers, allowed)
    dimensions = require_whole_numbers("dimensions", dimensions)
    size = (WIDTH, 0.5 + 2.4 * len(dimensions))
    with figure_style():
        figure, panels = plt.subplots(len(dimensions), 1, figsize=size, squeeze=False)
        for axes, dimension in zip(panels[:, 0], dimensions, strict=True):
            _draw_strategies(axes, strategies(layers, dimension), layers, dimension)
        panels[-1, 0].set_xlabel("receptive field along one axis")
    return figure


def strategies(layers, dimension):
    """Return the strategies that :func:`plot_strategies` compares.

    Args:
        layers: number of layers of kernel 3, at least 1.
        dimension: number of spatial axes, at least 1.

    Returns:
        A list of (name, layers, field, stride left), all with at most
        ``layers * 3 ** dimension`` weights.

    Example:
        >>> [(name, field, left) for name, _, field, left in strategies(9, 2)][:2]
        [('one kernel of 9', 9, 1), ('9 kernels of 3', 19, 1)]
    """
    side = _root(layers * 3**dimension, dimension)
    chains = {
        f"one kernel of {side}": [Layer(side)],
        f"{layers} kernels of 3": [Layer(3)] * layers,
        "… with stride 2": [Layer(3, stride=2)] * layers,
        "… dilation 1, 2, 4, …": [Layer(3, dilation=2**i) for i in range(layers)],
    }
    return [
        (name, chain, receptive_field(chain), trace(chain)[-1].effective_stride)
        for name, chain in chains.items()
    ]


def _root(number, degree):
    """Return the largest integer whose power is at most the number."""
    return max(side for side in range(1, number + 1) if side**degree <= number)


def _draw_strategies(axes, compared, layers, dimension):
    colours = (ORANGE, BLUE, VERMILION, SKY)
    names, _, fields, strides = zip(*compared, strict=True)
    kept = ["all" if stride == 1 else f"1 of {_short(stride)}" for stride in strides]
    labels = [f"{_short(field)}\nkeeps {part}" for field, part in zip(fields, kept, strict=True)]
    # As floats, because matplotlib takes no whole number beyond 64 bits.
    _draw_dots(axes, [float(field) for field in fields], labels, colours)
    room_for_labels = 1.9 if max(fields) < _LONG_NUMBER else 2.6
    axes.set_xlim(1, float(max(fields)) ** room_for_labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [name.replace("dilation ", "dilation\n") for name in names])
    _set_power_ticks(axes, max(fields))
    axes.set_title(f"{dimension}-D, {layers * 3**dimension} weights")


def _short(number):
    """Write a number out, or to two digits and a power of ten where it is long."""
    if number < _LONG_NUMBER:
        return f"{number:,}"
    digits, power = f"{number:.1e}".split("e+")
    return rf"${digits} \cdot 10^{{{power}}}$"


def _set_power_ticks(axes, largest):
    """Mark powers of ten up to a number, a few of them where there are many."""
    digits = len(str(largest))
    step = 1 if largest < _WIDE_NUMBER else 1 + digits // 3
    axes.set_xticks([10.0**power for power in range(0, digits, step)])
    axes.minorticks_off()
    if largest >= _LONG_NUMBER:
        axes.xaxis.set_major_formatter(ticker.LogFormatterMathtext())
