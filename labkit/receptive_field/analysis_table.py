"""An analysis as a table: aligned text for a terminal, accessible HTML for a notebook."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from labkit import tables

_UNKNOWN = "?"
_NONE = "–"


def as_text(analysis):
    """Write an :class:`~labkit.receptive_field.analysis_result.Analysis` as aligned text."""
    headings, rows, notes = _table(analysis)
    table = tables.as_text(headings, rows, words=2, rule=True)
    return "\n".join([_caption(analysis), "", table, *(["", *notes] if notes else [])])


def as_html(analysis):
    """Write an :class:`~labkit.receptive_field.analysis_result.Analysis` as an HTML table."""
    headings, rows, notes = _table(analysis)
    table = tables.as_html(headings, rows, _caption(analysis))
    return table + "".join(f"<p>{escape(note)}</p>" for note in notes)


def _caption(analysis):
    sizes = [str(size or _UNKNOWN) for size in analysis.input_size]
    return f"Receptive fields of {analysis.model_name}, input {' × '.join(sizes)}"


def _table(analysis):
    """Return the headings, for each layer the cells as text, and notes."""
    extra, notes = _extras(analysis)
    columns = [*_COLUMNS, *extra]
    headings = ["layer", "type", *(column.heading for column in columns)]
    rows = [
        [layer.name, layer.layer_type, *(column.cell(layer) for column in columns)]
        for layer in analysis.layers
    ]
    return headings, rows, notes


@dataclass(frozen=True)
class _Column:
    """One column: its heading, and what it shows of an axis, with gates or without."""

    heading: str
    show: Callable
    without_gates: bool = False

    def cell(self, layer):
        """Write one value if all axes agree, else one per axis."""
        axes = (self.without_gates and layer.axes_without_gates) or layer.axes
        return _side_by_side([self.show(axis) for axis in axes])


class _Units(_Column):
    """The number of units: unknown, or none where units have no place on the axis any more."""

    def cell(self, layer):
        """Write one number if all axes agree, else one per axis."""
        pairs = zip(layer.axes, layer.dims, strict=True)
        shown = [_NONE if dim is None else self.show(axis) for axis, dim in pairs]
        return _side_by_side(shown)


def _side_by_side(shown):
    return shown[0] if len(set(shown)) == 1 else "×".join(shown)


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


def _reasons(analysis):
    """Say once of each reason from which layer on there is no common stride, or nothing known."""
    first = {}
    for layer in analysis.layers:
        whys = {axis.why_no_stride for axis in layer.axes if not axis.is_global} - {None}
        for why in [layer.unknown] if layer.unknown else sorted(whys):
            kind = "Unknown (?)" if layer.unknown else f"No common stride ({_NONE})"
            first.setdefault((kind, why), layer.name)
    return [f"{kind} from {name} on: {why}." for (kind, why), name in first.items()]


def _extras(analysis):
    """Return columns for what only some networks have, and notes on it."""
    columns, notes = [], _reasons(analysis)
    axes = [axis for layer in analysis.layers for axis in layer.axes]
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
    if any(layer.axes_without_gates is not None for layer in analysis.layers):
        columns += [_Column(f"{heading}, no gates", show, True) for heading, show in _FIELD.items()]
        notes.append(
            "Gates (squeeze-and-excitation) pool the whole picture and weight channels by the "
            "result: strictly, every unit behind one sees everything. Without gates: the paths "
            "that carry position alone."
        )
    return columns, notes
