"""An analysis as a table: text for a terminal, accessible HTML for a notebook, or a file."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from textwrap import fill

from labkit import tables
from labkit.files import errors_in_a_sentence, replacing
from labkit.words import ended, some

_UNKNOWN = "?"
_NONE = "–"


@dataclass(frozen=True, repr=False)
class FieldTable:
    """Receptive fields as a table: print it, or show it in a notebook.

    Args:
        caption: what it shows.
        headings: one a column; ``rows``: the cells as text, the first naming its row.
        notes: sentences below.
        width: most characters in a line of text; ``None``: any.

    Example:
        >>> print(FieldTable("Fields", ("layer", "size"), (("conv", "3"),), ()))
        Fields
        <BLANKLINE>
        layer  size
        ─────  ────
        conv      3
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    width: int | None = None

    def __str__(self):
        words = 2 if self.headings[1] == "type" else 1
        table = tables.as_text(self.headings, self.rows, words, rule=True, width=self.width)
        blocks = [self.caption, table, *(["\n".join(self.notes)] if self.notes else [])]
        return "\n\n".join(block if block is table else self._filled(block) for block in blocks)

    __repr__ = __str__

    def _filled(self, text):
        """Break lines that are too long between words."""
        if self.width is None:
            return text
        return "\n".join(fill(line, self.width) for line in text.splitlines())

    def _repr_html_(self):
        table = tables.as_html(self.headings, self.rows, self.caption)
        # A note may end with lines of code to copy.
        look = ' style="white-space: pre-wrap"'
        looks = [look if "\n" in note else "" for note in self.notes]
        notes = zip(looks, map(escape, self.notes), strict=True)
        return table + "".join(f"<p{look}>{note}</p>" for look, note in notes)


def field_table(analysis, layers, smallest, changes=False, width=None):
    """Write the fields of some layers, one row each.

    Args:
        analysis: an :class:`~labkit.receptive_field.analysis_result.Analysis`.
        layers: those of its layers to show.
        smallest: field of the narrowest path to a layer, one an axis, by the layer's name.
        changes: whether layers that change nothing share the row of the one before them.
        width: most characters in a line of text; ``None``: any.

    Returns:
        A :class:`FieldTable`.
    """
    extra, notes = _extras(layers, smallest)
    columns = [*_COLUMNS, *extra]
    shown = [tuple(column.cell(layer) for column in columns) for layer in layers]
    first = [
        place
        for place, cells in enumerate(shown)
        if not (changes and place and cells == shown[place - 1])
    ]
    groups = [layers[start:end] for start, end in zip(first, [*first[1:], None], strict=True)]
    costs = [_cost(sum_or_none(layer.operations for layer in group)) for group in groups]
    headings = ("layer", "type", *(column.heading for column in columns), "multiply-adds")
    rows = tuple(
        (_named(group), group[0].layer_type, *shown[start], cost)
        for group, start, cost in zip(groups, first, costs, strict=True)
    )
    if width is not None:
        # Where room is short, numbers come first.
        headings, *rows = [(name, *others, kind) for name, kind, *others in (headings, *rows)]
    return FieldTable(_caption(analysis), headings, tuple(rows), tuple(notes), width)


def _named(group):
    """Name one layer, or the first and the last of several."""
    return " … ".join(dict.fromkeys((group[0].name, group[-1].name)))


def layer_table(analysis, layer, smallest, width=None):
    """Write all that is known of one layer, one line each, a column an axis.

    Args:
        analysis, smallest, width: as for :func:`field_table`.
        layer: the layer.

    Returns:
        A :class:`FieldTable`.
    """
    extra, notes = _extras([layer], smallest)
    rows = [(column.heading, *column.by_axis(layer)) for column in (*_COLUMNS, *extra)]
    rows += _phases(layer)
    headings = ("quantity", *analysis.axis_names)
    if all(len(set(cells)) == 1 for _, *cells in rows):
        rows, headings = [row[:2] for row in rows], ("quantity", "each axis")
    cost = ("multiply-adds", _cost(layer.operations), *[""] * (len(headings) - 2))
    caption = f"{layer.name} ({layer.layer_type}). {_caption(analysis)}"
    return FieldTable(caption, headings, (*rows, cost), tuple(notes), width)


#: Neighbouring units that are written one by one.
_MOST_PHASES = 8


def _phases(layer):
    """Write what neighbouring units see, far from the borders, where they see differently much."""
    by_axis = [axis.ranges_by_phase for axis in layer.axes]
    period = max(map(len, by_axis))
    if period < 2:
        return []
    rows = []
    for phase in range(min(period, _MOST_PHASES)):
        ranges = [found[phase] if phase < len(found) else None for found in by_axis]
        rows.append((f"unit {phase} sees", *map(_range, ranges)))
    if period > _MOST_PHASES:
        rows.append((f"up to unit {period - 1}", *["…"] * len(by_axis)))
    return rows


def _range(ends):
    return _NONE if ends is None else f"{ends[0]} … {ends[1]}"


def comparison_table(analysis, other):
    """Write what differs between two models.

    Args:
        analysis, other: their analyses.

    Returns:
        A :class:`FieldTable`.

    Raises:
        ValueError: if they have nothing to pair, not the same number of axes, or count other
            units.
    """
    if len(analysis.input_size) != len(other.input_size):
        raise ValueError(
            f"The models have {len(analysis.input_size)} and {len(other.input_size)} axes: "
            "compare models of the same number."
        )
    if (analysis.on is None) != (other.on is None):
        raise ValueError(
            f"One model is seen on {analysis.on or other.on!r} and the other on its input, in "
            "other units: analyse both with on=, or neither."
        )
    columns = [*_COLUMNS, _Cost("multiply-adds", None)]
    rows = []
    for pair in _paired(analysis.layers, other.layers):
        cells = [[column.cell(each) if each else _NONE for column in columns] for each in pair]
        if cells[0] != cells[1]:
            name = next(each.name for each in pair if each)
            rows.append((name, *map(_from_to, *cells)))
    costs = _from_to(_cost(analysis.operations), _cost(other.operations))
    notes = [f"Multiply-adds of all layers: {costs}."]
    if not rows:
        notes.insert(0, "No layer differs.")
    caption = f"From {analysis.model_name} to {other.model_name}"
    headings = ("layer", *(column.heading for column in columns))
    return FieldTable(caption, headings, tuple(rows), tuple(notes))


def _paired(layers, others):
    """Pair the layers of two models by name; where no name is shared, by order."""
    ours, theirs = ({each.name: each for each in model} for model in (layers, others))
    if not set(ours) & set(theirs):
        kinds = [[each.layer_type for each in model] for model in (layers, others)]
        if kinds[0] == kinds[1]:
            return list(zip(layers, others, strict=True))
        raise ValueError(
            f"The models share no layer's name ({some(ours)} here, {some(theirs)} there): give "
            "layers that belong together the same name=."
        )
    behind = [theirs[name] for name in theirs if name not in ours]
    pairs = [(each, theirs.get(name)) for name, each in ours.items()]
    return [*pairs, *((None, each) for each in behind)]


def _from_to(this, that):
    return this if this == that else f"{this} → {that}"


def sum_or_none(numbers):
    """Add numbers up; ``None`` if one of them is unknown."""
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def _cost(number):
    """Write a number of multiply-adds to three digits."""
    if number is None:
        return _UNKNOWN
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def _caption(analysis):
    sizes = " × ".join(str(size or _UNKNOWN) for size in analysis.input_size)
    read = f"seen on {analysis.on}," if analysis.on else "input"
    return f"Receptive fields of {analysis.model_name}, {read} {sizes}"


@dataclass(frozen=True)
class _Column:
    """One column: its heading, and what it shows of an axis, with gates or without."""

    heading: str
    show: Callable
    without_gates: bool = False

    def by_axis(self, layer):
        """Write one value an axis."""
        axes = (self.without_gates and layer.axes_without_gates) or layer.axes
        return [self.show(axis) for axis in axes]

    def cell(self, layer):
        """Write one value if all axes agree, else one per axis."""
        shown = self.by_axis(layer)
        return shown[0] if len(set(shown)) == 1 else "×".join(shown)


class _Units(_Column):
    """The number of units: unknown, or none where units have no place on the axis any more."""

    def by_axis(self, layer):
        """Write one number an axis."""
        pairs = zip(layer.axes, layer.dims, strict=True)
        return [_NONE if dim is None else self.show(axis) for axis, dim in pairs]


class _Cost(_Column):
    """The multiply-adds, which belong to no axis."""

    def by_axis(self, layer):
        """Write them once."""
        return [_cost(layer.operations)]


@dataclass(frozen=True)
class _Smallest(_Column):
    """How little is seen along the narrowest path."""

    smallest: dict = field(default_factory=dict)

    def by_axis(self, layer):
        """Write one number an axis."""
        known = self.smallest.get(layer.name)
        if known is None:
            return [_UNKNOWN] * len(layer.axes)
        return ["all" if width is None else str(width) for width in known]

    def tells(self, layer):
        """Say whether this is another number than the size."""
        known = self.smallest.get(layer.name)
        return known is not None and any(
            width != axis.size for width, axis in zip(known, layer.axes, strict=True)
        )


def _number(value, unknown=_NONE):
    """Write a number exactly: a half and a quarter as decimals, a third as a fraction."""
    if value is None:
        return unknown
    if isinstance(value, Fraction) and value.denominator in (2, 4, 8):
        return str(float(value))
    return str(value)


def _size(axis):
    """Mark a global field, whose size depends on the picture."""
    if not axis.is_global:
        return _number(axis.size, _UNKNOWN)
    return "all" if axis.size is None else f"all {axis.size}"


def _positions_read(axis):
    return _number(axis.positions_read, _UNKNOWN if axis.is_regular else _NONE)


def _yes_or_no(value):
    return {True: "yes", False: "no", None: _UNKNOWN}[value]


_FIELD = {
    "size": _size,
    "stride": lambda axis: _number(axis.effective_stride),
    "padding": lambda axis: _number(axis.effective_padding),
    "centre": lambda axis: _number(axis.centre),
}
_COLUMNS = (
    _Units("units", lambda axis: _number(axis.output_size, _UNKNOWN)),
    *(_Column(heading, show) for heading, show in _FIELD.items()),
    _Column("whole input", lambda axis: _yes_or_no(axis.sees_whole_input)),
)


def _reasons(layers):
    """Say once of each reason from which layer on there is no common stride, or nothing known."""
    first = {}
    for layer in layers:
        whys = {axis.why_no_stride for axis in layer.axes if not axis.is_global} - {None}
        for why in [layer.unknown] if layer.unknown else sorted(whys):
            kind = "Unknown (?)" if layer.unknown else f"No common stride ({_NONE})"
            first.setdefault((kind, why), layer.name)
    return [ended(f"{kind} from {name} on: {why}") for (kind, why), name in first.items()]


def _extras(layers, smallest):
    """Return columns for what only some networks have, and notes on it."""
    columns, notes = [], _reasons(layers)
    axes = [axis for layer in layers for axis in layer.axes]
    least = _Smallest("smallest", None, smallest=smallest)
    if any(map(least.tells, layers)):
        columns.append(least)
        notes.append(
            "Smallest: what the unit that sees least reaches along the narrowest path alone."
        )
    if any(len(set(axis.sizes_by_phase)) > 1 for axis in axes):
        notes.append(
            "Behind upsampling neighbouring units have fields of different sizes: the largest "
            "is shown."
        )
    if any(axis.is_regular and axis.positions_read != axis.size for axis in axes):
        columns.append(_Column("read", _positions_read))
        notes.append("Read: positions inside the field that reach the unit; the rest are holes.")
    if any(axis.misalignment for axis in axes):
        columns.append(_Column("paths apart", lambda axis: _number(axis.misalignment)))
        notes.append("Paths apart: distance between the centres of the paths joined there.")
    if any(layer.axes_without_gates is not None for layer in layers):
        columns += [_Column(f"{heading}, no gates", show, True) for heading, show in _FIELD.items()]
        notes.append(
            "Gates (squeeze-and-excitation) pool the whole picture and weight channels by the "
            "result: strictly, every unit behind one sees everything. Without gates: the paths "
            "that carry position alone."
        )
    return columns, notes


def as_csv(analysis):
    """Write the rows of an :class:`~labkit.receptive_field.analysis_result.Analysis` as CSV."""
    rows = analysis.rows()
    return tables.as_csv([rows[0], *(row.values() for row in rows)])


def as_json(analysis):
    """Write the model's name, sizes, outputs, rows and the layer it is seen on as JSON."""
    content = {
        "model": analysis.model_name,
        "input_size": dict(zip(analysis.axis_names, analysis.input_size, strict=True)),
        "on": analysis.on,
        "outputs": analysis.outputs,
        "operations": analysis.operations,
        "layers": analysis.rows(),
    }
    return json.dumps(content, indent=2) + "\n"


def as_dataframe(analysis):
    """Return the rows as a ``pandas.DataFrame``."""
    try:
        import pandas
    except ImportError as problem:
        raise ImportError(
            "A data frame needs pandas: pip install pandas, or take analysis.rows()."
        ) from problem
    return pandas.DataFrame(analysis.rows())


def written(text, path):
    """Write a text to a file whole; return it where there is no path."""
    if path is None:
        return text
    return write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_whole(path, write):
    """Let ``write``, a function of a path, write a file that is there when it is whole.

    Raises:
        OSError: if it cannot be written; one that was there stays as it was.
    """
    problem = f"{str(path)!r} cannot be written"
    with (
        errors_in_a_sentence(problem, "choose a folder that may be written to"),
        replacing(path) as partial,
    ):
        write(partial)
