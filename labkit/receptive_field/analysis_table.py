"""An analysis as a table: aligned text for a terminal, accessible HTML for a notebook."""

from fractions import Fraction
from html import escape

from labkit import tables

_UNKNOWN = "?"
_NONE = "–"


def as_text(analysis):
    """Write an :class:`~labkit.receptive_field.analysis_result.Analysis` as aligned text."""
    table = tables.as_text(*_table(analysis), words=2, rule=True)
    return "\n".join([_caption(analysis), "", table, *_notes(analysis)])


def as_html(analysis):
    """Write an :class:`~labkit.receptive_field.analysis_result.Analysis` as an HTML table."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(analysis) if note)
    return tables.as_html(*_table(analysis), _caption(analysis)) + notes


def _caption(analysis):
    sizes = [str(size or _UNKNOWN) for size in analysis.input_size]
    return f"Receptive fields of {analysis.model_name}, input {' × '.join(sizes)}"


def _table(analysis):
    """Return the headings and, for each layer, the cells as text."""
    columns = [*_COLUMNS, *(c for c in _OPTIONAL if c.wanted(analysis))]
    headings = ["layer", "type", *(column.heading for column in columns)]
    rows = [
        [layer.name, layer.layer_type, *(column.cell(layer) for column in columns)]
        for layer in analysis.layers
    ]
    return headings, rows


class _Column:
    """One column: its heading, and what it shows of an axis."""

    def __init__(self, heading, show, gated=False, wanted=None):
        self.heading, self.show, self.gated = heading, show, gated
        self._wanted = wanted or (lambda axis: False)

    def cell(self, layer):
        """Write one value if all axes agree, else one per axis."""
        axes = (self.gated and layer.axes_without_gates) or layer.axes
        return _side_by_side([self.show(axis) for axis in axes])

    def wanted(self, analysis):
        """Say whether the column has anything to show in this analysis."""
        if self.gated:
            return any(layer.axes_without_gates is not None for layer in analysis.layers)
        return any(self._wanted(axis) for layer in analysis.layers for axis in layer.axes)


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
        return str(axis.size)
    return "all" if axis.size is None else f"all {axis.size}"


def _yes_or_no(value):
    return {True: "yes", False: "no", None: _UNKNOWN}[value]


_COLUMNS = (
    _Units("units", lambda axis: _number(axis.output_size, _UNKNOWN)),
    _Column("size", _size),
    _Column("stride", lambda axis: _number(axis.effective_stride)),
    _Column("padding", lambda axis: _number(axis.effective_padding)),
    _Column("centre", lambda axis: _number(axis.centre)),
    _Column("whole input", lambda axis: _yes_or_no(axis.sees_whole_input)),
)
_OPTIONAL = (
    _Column(
        "read",
        lambda axis: _number(axis.positions_read, _NONE if axis.is_global else _UNKNOWN),
        wanted=lambda axis: not axis.is_global and axis.positions_read != axis.size,
    ),
    _Column(
        "paths apart",
        lambda axis: _number(axis.misalignment),
        wanted=lambda axis: axis.misalignment,
    ),
    _Column("size, no gates", _size, gated=True),
    _Column("stride, no gates", lambda axis: _number(axis.effective_stride), gated=True),
    _Column("padding, no gates", lambda axis: _number(axis.effective_padding), gated=True),
    _Column("centre, no gates", lambda axis: _number(axis.centre), gated=True),
)


def _notes(analysis):
    """Explain what in this table needs a word."""
    notes = []
    axes = [axis for layer in analysis.layers for axis in layer.axes]
    if any(layer.axes_without_gates is not None for layer in analysis.layers):
        notes.append(
            "Gates (squeeze-and-excitation) pool the whole picture and weight channels by the "
            "result: strictly, every unit behind one sees everything. Without gates: the paths "
            "that carry position alone."
        )
    if any(len(set(axis.sizes_by_phase)) > 1 for axis in axes):
        notes.append(
            "Behind upsampling neighbouring units have fields of different sizes: the largest "
            "is shown."
        )
    if any(not axis.is_global and axis.positions_read != axis.size for axis in axes):
        notes.append("Read: positions inside the field that reach the unit; the rest are holes.")
    if any(axis.misalignment for axis in axes):
        notes.append("Paths apart: distance between the centres of the paths joined there.")
    return ["", *notes] if notes else []
