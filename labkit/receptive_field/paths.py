"""Single paths through a network: how wide the widest is, how narrow the narrowest, and which.

A path takes one input of every layer. Followed from the input on, only those ways to a tensor
are kept that no other way to it contains (or, for the narrowest, is contained in): what contains
another still does so behind any layer, so that nothing that is left out could win.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import lcm

from labkit.receptive_field.analysis_table import FieldTable
from labkit.receptive_field.layers import Layer
from labkit.receptive_field.tensor_fields import TensorFields, input_fields
from labkit.receptive_field.unit_fields import GLOBAL, UNCOUNTED, UnitFields

#: So many ways to one layer are compared, of which none contains another.
_MOST_WAYS = 200


@dataclass(frozen=True)
class Step:
    """One call on the way.

    Args:
        call: the :class:`~labkit.receptive_field.model_graph.Call`, with the shapes that its
            tensors have at the size analysed.
        names: of its outputs, as rows of the analysis have them.
        indices: which of its inputs count.
        unknown: numbers of those outputs of which it is not known what all inputs make of them.
    """

    call: object
    names: tuple[str, ...]
    indices: tuple[int, ...]
    unknown: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Walked:
    """A walk over a model's calls, kept so that single paths can be followed.

    Args:
        start: number of the tensor it began at; ``fields``: the fields there.
        list_steps: function that lists one :class:`Step` per call, readers after makers.
        follow: function of a call and pairs of an input's number and its fields, which returns
            what is known of each output.
    """

    start: int
    fields: TensorFields
    list_steps: Callable
    follow: Callable

    @cached_property
    def steps(self):
        """The calls on the way."""
        return tuple(self.list_steps())

    @cached_property
    def _made_by(self):
        return {name: step for step in self.steps for name in step.names}

    @cached_property
    def _names(self):
        return {
            n: name for s in self.steps for n, name in zip(s.call.outputs, s.names, strict=True)
        }

    def number_of(self, name):
        """Return the number of the tensor of a row."""
        step = self._made_by[name]
        return step.call.outputs[step.names.index(name)]

    def read_by(self, name):
        """Name the rows that a row reads; the input counts as ``None``."""
        step = self._made_by[name]
        return [self._names.get(step.call.inputs[index]) for index in step.indices]

    def depths(self):
        """Count, for each row, the layers on the longest way from the input, which is ``None``."""
        depths = {None: 0}
        for step in self.steps:
            for name in step.names:
                depths[name] = 1 + max(depths[read] for read in self.read_by(name))
        return depths


@dataclass(frozen=True, eq=False)
class _Way:
    """A way to one tensor: its fields, the last call, which input that read, and the way there."""

    tensor: TensorFields
    name: str | None = None
    call: object = None
    index: int | None = None
    before: object = None
    joins: bool = False

    def back(self):
        """List the ways from the input to this one, the input left out."""
        ways, way = [], self
        while way.before is not None:
            ways.append(way)
            way = way.before
        return ways[::-1]


@dataclass(frozen=True, repr=False)
class FieldPath:
    """One path through a network, and the field along it alone.

    Print it, or show it in a notebook: a row for each layer that changes the field.

    Args:
        names: the layers from the input to the last one, as the analysis names them.
        sizes: field of each layer along this path alone, in input positions: of the unit that
            sees furthest, or least, as the path; ``None`` where it is the whole of an unknown
            size.
        caption: what a table of it says above.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> start = keras.Input((20, 1))
        >>> wide = keras.layers.Conv1D(1, 5, padding="same", name="wide")(start)
        >>> model = keras.Model(start, keras.layers.Add(name="sum")([start, wide]))
        >>> analyse(model).widest_path().names, analyse(model).narrowest_path().names
        (('wide', 'sum'), ('sum',))
    """

    names: tuple[str, ...]
    sizes: tuple[int | None, ...]
    caption: str
    _ways: tuple = field(default=(), compare=False)
    _follow: Callable = field(default=None, compare=False)
    _axis: int = 0

    @property
    def size(self):
        """Field of the last layer along this path alone."""
        return self.sizes[-1] if self.sizes else 1

    @property
    def joins(self):
        """The layers of the path that read other paths, too."""
        return tuple(way.name for way in self._ways if way.joins)

    def chain(self):
        """Return the layers of the path as plain numbers.

        Layers that read each position alone are left out, and zero padding by a layer of its
        own is counted with the layer behind it. The chain ends before the first layer that
        sees everything.

        Returns:
            A tuple of :class:`~labkit.receptive_field.layers.Layer`, which
            :func:`~labkit.receptive_field.recurrence.trace`,
            :func:`~labkit.receptive_field.figures.plot_neurons` and
            :func:`~labkit.receptive_field.explorer` take.

        Raises:
            ValueError: if a layer cannot be written so: upsampling, cropping, a kernel whose
                taps do not lie evenly.
        """
        chain, padding = [], 0
        for way in self._ways:
            if way.tensor.axes[self._axis].fields is GLOBAL:
                break
            kernel, stride, dilation, before = self._plain(way)
            if (kernel, stride) == (1, 1):
                padding += before
                continue
            chain.append(Layer(kernel, stride, dilation, _checked(padding + before, way), way.name))
            padding = 0
        if padding:
            chain.append(Layer(1, padding=_checked(padding, way, "Up to"), name="padding"))
        return tuple(chain)

    def _plain(self, way):
        """Let one layer read a tensor whose units see themselves; return its four numbers."""
        read = way.before.tensor
        axis = read.axes[self._axis]
        dims = [dim for dim, digits in enumerate(read.dims) if set(axis.digits) & set(digits)]
        channels = [dim for dim in range(1, len(read.dims)) if dim not in read.held]
        if len(axis.digits) == len(dims) == 1 and read.dims[dims[0]] == axis.digits:
            alone = input_fields(read.shape, read.held, channels)
            made = self._follow(way.call, [(way.index, alone)])[0]
            fields = made.axes[read.held.index(dims[0])].fields
            plain = isinstance(fields, UnitFields) and fields.period == 1 and _taps(fields)
            if plain:
                return plain
        raise ValueError(
            f"The layer {way.name!r} is no plain layer with a kernel, a stride and a dilation "
            "along this axis: a chain of layers cannot hold it."
        )

    def __str__(self):
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self):
        return self._table()._repr_html_()

    def _table(self):
        known = zip(self.names, self.sizes, strict=True)
        rows, before = [], 1
        for name, size in known:
            if size != before:
                rows.append((name, "all" if size is None else str(size)))
            before = size
        return FieldTable(self.caption, ("layer", "field so far"), tuple(rows), ())


def _taps(fields):
    """Return kernel, stride, dilation and padding of units that read single positions."""
    read = fields.fields[0]
    if read is None or read.mask == UNCOUNTED:
        return None
    mask = (1 << read.width) - 1 if read.mask is None else read.mask
    places = [place for place in range(read.width) if mask >> place & 1]
    dilation = places[1] if len(places) > 1 else 1
    if places != list(range(0, read.width, dilation)):
        return None
    return len(places), fields.step, dilation, -read.first


def _checked(padding, way, place="Before"):
    if padding < 0:
        raise ValueError(
            f"{place} the layer {way.name!r} the input is cropped by {-padding}: a chain of layers "
            "has no negative padding."
        )
    return padding


# Finding them


def extreme_path(walked, name, axis, widest, caption):
    """Find the widest or the narrowest path to a layer.

    Args:
        walked: a :class:`Walked`.
        name: the row of the layer.
        axis: number of the axis of the input.
        widest: whether the widest is asked for, or the narrowest.
        caption: for the table.

    Returns:
        A :class:`FieldPath`.

    Raises:
        ValueError: if it cannot be told.
    """
    number = walked.number_of(name)
    ways = _ways(walked, axis, widest).get(number)
    if ways is None:
        raise ValueError(
            f"The paths to {name!r} cannot be compared: on the way is a layer of which it is not "
            "known what it sees, or whose units have no common stride."
        )
    best = max(ways, key=lambda way: _rank(way, axis, widest))
    steps = best.back()
    return FieldPath(
        names=tuple(way.name for way in steps),
        sizes=tuple(_width(way.tensor.axes[axis], max if widest else min) for way in steps),
        caption=caption,
        _ways=tuple(steps),
        _follow=walked.follow,
        _axis=axis,
    )


def smallest_sizes(walked, axes):
    """Find how far each layer sees at least: its unit that sees least, along one path alone.

    Args:
        walked: a :class:`Walked`.
        axes: number of axes of the input.

    Returns:
        A dictionary from a row to a width in input positions for each axis, ``None`` where it
        is the whole of an unknown size. What cannot be told is left out.
    """
    by_axis = [_ways(walked, axis, widest=False) for axis in range(axes)]
    found = {}
    for step in walked.steps:
        for name, number in zip(step.names, step.call.outputs, strict=True):
            ways = [ways[number] for ways in by_axis]
            if None not in ways:
                found[name] = tuple(_narrowest(each, axis) for axis, each in enumerate(ways))
    return found


def _narrowest(ways, axis):
    widths = [_width(way.tensor.axes[axis], min) for way in ways]
    return min((width for width in widths if width is not None), default=None)


def _ways(walked, axis, widest):
    """Follow the ways that may win to every tensor; ``None`` where that cannot be told."""
    ways = {walked.start: [_Way(walked.fields)]}
    for step in walked.steps:
        call = step.call
        made = {number: [] for number in call.outputs}
        for index in step.indices:
            for way in ways[call.inputs[index]] or [None]:
                outputs = way and walked.follow(call, [(index, way.tensor)])
                for place, number in enumerate(call.outputs):
                    tensor = None if number in step.unknown else outputs and outputs[place]
                    if not isinstance(tensor, TensorFields) or not _comparable(tensor, axis):
                        made[number] = None
                    elif made[number] is not None:
                        joins = len(step.indices) > 1
                        new = _Way(tensor, step.names[place], call, index, way, joins)
                        made[number] = _with(made[number], new, axis, widest)
        ways.update(made)
    return ways


def _comparable(tensor, axis):
    fields = tensor.axes[axis].fields
    return fields is GLOBAL or isinstance(fields, UnitFields)


def _with(ways, new, axis, widest):
    """Add a way if none wins over it, in place of those that it wins over."""
    fields = new.tensor.axes[axis].fields
    others = [way.tensor.axes[axis].fields for way in ways]
    if any(_wins(other, fields, widest) for other in others):
        return ways
    kept = [
        way for way, other in zip(ways, others, strict=True) if not _wins(fields, other, widest)
    ]
    return [*kept, new] if len(kept) < _MOST_WAYS else None


def _wins(one, other, widest):
    """Say whether a way is at least as wide for every unit (or at least as narrow)."""
    outer, inner = (one, other) if widest else (other, one)
    if outer is GLOBAL or inner is GLOBAL:
        return outer is GLOBAL
    if outer.step * inner.period != inner.step * outer.period:
        return False
    units = range(lcm(outer.period, inner.period))
    return all(_contains(outer.of(unit), inner.of(unit), widest) for unit in units)


def _contains(outer, inner, widest):
    """Say whether a field contains another; no field is the least wide, and never narrow."""
    if outer is None or inner is None:
        return inner is None if widest else outer is None
    return outer.first <= inner.first and inner.last <= outer.last


def _rank(way, axis, widest):
    width = _width(way.tensor.axes[axis], max if widest else min)
    whole = width is None
    return (whole, width or 0) if widest else (not whole, -(width or 0))


def _width(axis, extreme):
    """Return the width of the widest or narrowest field of any unit, ``None`` if unknown."""
    if axis.fields is GLOBAL:
        if axis.seen is None:
            return None
        return max(int(axis.seen.last.max()) - int(axis.seen.first.min()) + 1, 0)
    nothing = 0 if extreme is max else None
    return extreme((field.width for field in axis.fields.fields if field), default=nothing)
