"""What ``analyse`` returns: the fields of every layer, readable as table, rows or numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from labkit.receptive_field import analysis_table
from labkit.receptive_field.explorer import explorer
from labkit.receptive_field.grid_fields import GridFields
from labkit.receptive_field.paths import Walked, extreme_path, smallest_sizes
from labkit.receptive_field.unit_fields import GLOBAL, UNCOUNTED, Clipped, Uneven, UnitFields
from labkit.words import (
    did_you_mean,
    ended,
    is_whole,
    require,
    require_whole,
    require_whole_numbers,
    some,
)

_AXIS_NAMES = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}


@dataclass(frozen=True, repr=False)
class AxisField:
    """What the units of one layer see along one axis of the input, in input positions.

    Sizes, padding and centre are those of a unit far from the borders, as the literature
    counts them. Behind transposed convolution and upsampling neighbouring units may have
    different fields: ``size`` is then the largest of :attr:`sizes_by_phase`.

    Args:
        fields: exact field of every unit, borders left aside; ``None`` if every unit sees
            all that reaches the layer.
        output_size: number of units along the axis; ``None`` if unknown or if units have no
            place on this axis any more.
        input_size: number of input positions, ``None`` if unknown.
        seen: first and last position that each unit sees, borders counted; ``None`` if the
            input size is unknown.
        misalignment: distance between the outermost centres of the paths joined here.
        shared: whether the units are counted along several axes at once, or along several
            dimensions, as after a reshape; then neighbours have no common stride.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
        >>> analyse(line)["conv"].axes[0].input_range(2)
        (2, 4)
    """

    fields: UnitFields | GridFields | Uneven | None
    output_size: int | None
    input_size: int | None
    seen: Clipped | None = field(default=None, compare=False)
    misalignment: Fraction = Fraction(0)
    shared: bool = False

    @property
    def is_global(self) -> bool:
        """Whether every unit sees all that reaches the layer, as after global pooling."""
        return self.fields is GLOBAL

    @property
    def is_regular(self) -> bool:
        """Whether fields repeat from unit to unit, so that they are known without borders."""
        return isinstance(self.fields, (UnitFields, GridFields))

    @property
    def why_no_stride(self) -> str | None:
        """Why there is no one effective stride, as a clause; ``None`` if there is one."""
        if self.is_global:
            return "every unit sees all that reaches the layer"
        if isinstance(self.fields, Uneven):
            return self.fields.why
        if isinstance(self.fields, GridFields) and not self.fields.periods:
            return "units have no place along this axis any more"
        if self.shared or isinstance(self.fields, GridFields):
            return "units are counted along several axes or dimensions at once"
        if self.fields.step == 0:
            return "units read the same stretch, or take turns at a few"
        return None

    @property
    def size(self) -> int | None:
        """Width r of the receptive field.

        Of a global one, what it covers; where no one field fits all units, the width of the
        widest in this picture. ``None`` if unknown.
        """
        if self.is_regular:
            return max(self.sizes_by_phase)
        if self.seen is None:
            return None
        if self.is_global:
            return max(int(self.seen.last.max()) - int(self.seen.first.min()) + 1, 0)
        return max(int((self.seen.last - self.seen.first).max()) + 1, 0)

    @property
    def sizes_by_phase(self) -> tuple[int, ...]:
        """Width of the field of units 0, 1, ... until they repeat; empty if they do not."""
        if not self.is_regular:
            return ()
        return tuple(field.width if field else 0 for field in self.fields.fields)

    @property
    def ranges_by_phase(self) -> tuple[tuple[int, int] | None, ...]:
        """First and last position of units 0, 1, ... until they repeat, borders left aside.

        ``None`` for a unit that sees nothing; empty if they do not repeat.
        """
        if not self.is_regular:
            return ()
        return tuple(field and (field.first, field.last) for field in self.fields.fields)

    @property
    def effective_stride(self) -> Fraction | None:
        """Input positions from one unit to the next; ``None`` if there is no one number."""
        if self.why_no_stride:
            return None
        return Fraction(self.fields.step, self.fields.period)

    @property
    def effective_padding(self) -> int | None:
        """How far the field of unit 0 begins before the input; ``None`` if it has no field."""
        first = self._of_unit_0()
        return first and -first.first

    @property
    def centre(self) -> Fraction | None:
        """Centre of the field of unit 0; the centre of the first input position is 0."""
        first = self._of_unit_0()
        return first and Fraction(first.first + first.last, 2)

    def _of_unit_0(self):
        return self.fields.fields[0] if self.is_regular else None

    @property
    def positions_read(self) -> int | None:
        """How many positions of the widest field are read; ``None`` if it cannot be told."""
        mask = self._mask_of_the_widest()
        if mask == UNCOUNTED:
            return None
        return self.size if mask is None else mask.bit_count()

    @property
    def holes(self) -> tuple[tuple[int, int], ...] | None:
        """Stretches of the widest field that nothing reads, each (first, last) from its start.

        ``None`` if it cannot be told: the field is global, uneven or too wide.
        """
        mask = self._mask_of_the_widest()
        if mask == UNCOUNTED:
            return None
        return () if mask is None else tuple(_zeros(mask))

    def _mask_of_the_widest(self):
        """Return which positions the widest field reads, as :class:`Positions` has it."""
        if not self.is_regular:
            return UNCOUNTED
        widest = max(self.fields.fields, key=lambda field: field.width if field else 0)
        return widest and widest.mask

    @property
    def sees_whole_input(self) -> bool | None:
        """Whether every unit's field reaches from the first input position to the last."""
        if self.seen is None:
            return None
        return bool((self.seen.first == 0).all() and (self.seen.last == self.input_size - 1).all())

    def input_range(self, unit) -> tuple[int, int] | None:
        """Return the first and last input position that a unit sees, borders counted.

        Args:
            unit: place of the unit along the axis, 0 the first; negative from the end. A tuple
                of places if the units lie along several dimensions.

        Returns:
            Two integers, ``None`` if the unit sees nothing but padding.

        Raises:
            ValueError: if the size of the input is unknown.
            IndexError: if there is no such unit.
        """
        if self.seen is None:
            raise ValueError("The size of the input is unknown: analyse(model, input_size=...).")
        place = _place(unit, self.seen.first.shape)
        first, last = int(self.seen.first[place]), int(self.seen.last[place])
        return (first, last) if first <= last else None

    def __repr__(self):
        return f"AxisField({_summary(self)})"


def _place(unit, sizes, of=""):
    """Return the place of a unit, one integer a dimension; refuse one that is not there."""
    place = tuple(unit) if isinstance(unit, (tuple, list)) else (unit,)
    fits = len(place) == len(sizes) and all(
        is_whole(at, -(n or 0)) and at < (n or 0) for at, n in zip(place, sizes, strict=True)
    )
    if not fits:
        there = " × ".join(str(size or "?") for size in sizes) or "one, at ()"
        raise IndexError(f"There is no unit {unit!r}{of}: there are {there}.")
    return place


def _summary(field):
    """Write what a field comes down to, numbers as plain as they are."""
    names = ("size", "effective_stride", "effective_padding", "centre")
    return ", ".join(f"{name}={_written(getattr(field, name))}" for name in names)


def _written(value):
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    return str(value)


def _zeros(mask: int) -> Iterator[tuple[int, int]]:
    """List the runs of 0 bits in a mask whose first and last bits are 1."""
    bits = bin(mask)[:1:-1]
    start = bits.find("0")
    while start != -1 and (end := bits.find("1", start)) != -1:
        yield start, end - 1
        start = bits.find("0", end)


def _as_dims(dim):
    """Write the dimensions that hold an axis as a tuple."""
    return () if dim is None else dim if isinstance(dim, tuple) else (dim,)


def _agreed(values):
    """Return the one value that all axes share, or all of them."""
    values = tuple(values)
    return values[0] if len(set(values)) == 1 else values


@dataclass(frozen=True, repr=False)
class LayerField:
    """What the units of one layer see.

    ``size``, ``effective_stride``, ``effective_padding``, ``centre``, ``output_size``,
    ``positions_read``, ``sees_whole_input`` and ``misalignment`` are read from the axes: one
    value if all axes agree, else a tuple with one value per axis.

    Args:
        name: path of the layer in the model, such as ``"backbone/conv1"``.
        layer_type: name of its class.
        axes: one :class:`AxisField` per spatial axis of the input.
        axes_without_gates: the same with squeeze-and-excitation left out; ``None`` if that
            changes nothing.
        dims: dimension of the layer's output that holds each axis, batch = 0; ``None`` where
            no dimension does, as after flattening; a tuple where several do.
        units: number of units along each dimension of the output that counts places, as a
            dictionary from the dimension.
        unknown: why it is not known what the units see, as a clause; ``None`` if it is.
        operations: multiply-adds for one picture; ``None`` if unknown.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
        >>> analyse(line)["conv"].sees_whole_input
        False
    """

    name: str
    layer_type: str
    axes: tuple[AxisField, ...]
    axes_without_gates: tuple[AxisField, ...] | None
    dims: tuple[int | tuple[int, ...] | None, ...]
    units: dict[int, int | None] = field(default_factory=dict)
    unknown: str | None = None
    operations: int | None = None

    def input_range(self, unit) -> tuple[tuple[int, int], ...] | None:
        """Return the input positions that a unit sees, borders counted.

        Args:
            unit: place of the unit: one integer for each dimension of the output but batch
                and channels, negative from the end; one integer alone if there is one.

        Returns:
            The first and the last position along each axis of the input; ``None`` if the unit
            sees nothing but padding.

        Raises:
            ValueError: if the size of the input is unknown, or what the layer sees.
            IndexError: if there is no such unit.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> plane = [keras.Input((9, 9, 1)), keras.layers.Conv2D(1, 3, name="conv")]
            >>> analyse(keras.Sequential(plane))["conv"].input_range((2, 4))
            ((2, 4), (4, 6))
        """
        if self.unknown:
            raise ValueError(ended(f"What {self.name!r} sees is unknown: {self.unknown}"))
        place = _place(unit, tuple(self.units.values()), f" in {self.name!r}")
        at = dict(zip(self.units, place, strict=True))
        ranges = tuple(
            axis.input_range(tuple(at[d] for d in _as_dims(dim)) or 0)
            for axis, dim in zip(self.axes, self.dims, strict=True)
        )
        return None if None in ranges else ranges

    def __getattr__(self, name):
        if name.startswith("_") or not (hasattr(AxisField, name) or name == "output_size"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return _agreed(getattr(axis, name) for axis in self.axes)

    def __repr__(self):
        return f"LayerField({self.name!r}, {_summary(self)})"


@dataclass(frozen=True)
class Analysis:
    """The receptive fields of a model, layer by layer.

    Print it, show it in a notebook, index it by the name or the number of a layer, loop over
    it, or turn it into rows for a data frame.

    Args:
        model_name: the model's name.
        input_size: positions along each spatial axis, ``None`` where unknown.
        layers: one :class:`LayerField` per call of a layer, in the order in which they run.
        outputs: name of the layer behind each output of the model.
        input_dims: dimension of the input tensor that holds each spatial axis, batch = 0.
        on: the layer whose units are counted instead of input positions; ``None``: none.
        walked: what paths are followed on.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import analyse
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
        >>> [layer.name for layer in analyse(line)]
        ['conv']
    """

    model_name: str
    input_size: tuple[int | None, ...]
    layers: tuple[LayerField, ...] = field(repr=False)
    outputs: tuple[str, ...]
    input_dims: tuple[int, ...]
    on: str | None = None
    walked: Walked | None = field(default=None, repr=False, compare=False)

    @property
    def final(self) -> LayerField:
        """The layer behind the model's first output."""
        return self[self.outputs[0]]

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the spatial axes, such as ``("height", "width")``."""
        count = len(self.input_size)
        return _AXIS_NAMES.get(count, tuple(f"axis {i}" for i in range(count)))

    def __len__(self):
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers)

    def __getitem__(self, name):
        """Return a layer by its path, by the last part of its path, or by number.

        A slice, of numbers or of names, gives a tuple of layers; a last name belongs to it.
        """
        if isinstance(name, slice):
            return self.layers[self._numbered(name)]
        if not isinstance(name, str):
            return self.layers[name]
        found = [layer for layer in self.layers if layer.name == name]
        found = found or [layer for layer in self.layers if layer.name.rsplit("/", 1)[-1] == name]
        if len(found) == 1:
            return found[0]
        raise KeyError(self._not_one(name, found))

    def _numbered(self, names):
        """Turn the names of a slice into numbers."""
        start, stop = names.start, names.stop
        start = self._place(start) if isinstance(start, str) else start
        stop = self._place(stop) + 1 if isinstance(stop, str) else stop
        return slice(start, stop, names.step)

    def _place(self, name):
        layer = self[name]
        return next(place for place, other in enumerate(self.layers) if other is layer)

    def _not_one(self, name, found):
        names = [layer.name for layer in found or self.layers]
        if not found and (calls := [n for n in names if n.startswith(f"{name} #")]):
            return f"The layer {name!r} is called {len(calls)} times: ask for one of {calls}."
        if found:
            return f"{name!r} names {len(found)} layers: ask for one of {names}."
        near = did_you_mean(name, names)
        return f"The model has no layer {name!r}{near}; it has {some(reversed(names))}."

    @property
    def operations(self) -> int | None:
        """Multiply-adds of all layers together for one picture; ``None`` if one is unknown."""
        return analysis_table.sum_or_none(layer.operations for layer in self.layers)

    def widest_path(self, layer=None, *, axis=0):
        """Find the path along which a layer sees furthest.

        Paths that are joined off centre reach further together than any of them alone.

        Args:
            layer: name or number of the layer; default: the final one.
            axis: number of the axis of the input, 0 the first.

        Returns:
            A :class:`~labkit.receptive_field.paths.FieldPath`.

        Raises:
            KeyError: if there is no such layer.
            ValueError: if the paths cannot be compared.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> resnet = keras.applications.ResNet50(weights=None, include_top=False)
            >>> found = analyse(resnet, 224)
            >>> found.widest_path().size, found.narrowest_path().size
            (483, 11)
        """
        return self._path(layer, axis, widest=True)

    def narrowest_path(self, layer=None, *, axis=0):
        """Find the path along which a layer sees least; arguments as :meth:`widest_path`."""
        return self._path(layer, axis, widest=False)

    def _path(self, layer, axis, widest):
        layer = self.final if layer is None else self[layer]
        axes = range(len(self.input_size))
        require(axis in axes, "axis", axis, f"one of {', '.join(map(str, axes))}")
        kind = "Widest" if widest else "Narrowest"
        along = f", along the {self.axis_names[axis]}" if len(axes) > 1 else ""
        caption = f"{kind} path to {layer.name} of {self.model_name}{along}"
        return extreme_path(self.walked, layer.name, axis, widest, caption)

    @cached_property
    def _smallest(self):
        """Field of the narrowest path to each layer along each axis, by the layer's name.

        ``None`` where it is the whole of an unknown size; a layer of which it cannot be told
        along some axis is left out.
        """
        return smallest_sizes(self.walked, len(self.input_size))

    def smallest_size(self, layer=None):
        """Return the field of the unit that sees least, along the narrowest path alone.

        Args:
            layer: name or number of the layer; default: the final one.

        Returns:
            A width in input positions if all axes agree, else one for each; ``None`` if it is
            the whole of an unknown size.

        Raises:
            KeyError: if there is no such layer.
            ValueError: if it cannot be told.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> resnet = keras.applications.ResNet50(weights=None, include_top=False)
            >>> analyse(resnet, 224).smallest_size("conv3_block4_out")
            11
        """
        layer = self.final if layer is None else self[layer]
        return _agreed(self._known_smallest(layer.name))

    def _known_smallest(self, name):
        if name not in self._smallest:
            raise ValueError(
                f"How little {name!r} sees along a single path cannot be told: on the way is a "
                "layer of which it is not known what it sees, or whose units have no common stride."
            )
        return self._smallest[name]

    def border_layers(self, input_size=None):
        """List the layers that widen the field though what they read sees past the picture.

        The first one is the border layer: from there on, layers have nothing new to join. Where
        paths are joined, the narrowest counts. What sees everything by its nature, such as
        global pooling, is left aside.

        Args:
            input_size: positions along each axis, or one integer for all; default: those of
                the analysis.

        Returns:
            A tuple of :class:`LayerField`, in the order in which they run.

        Raises:
            ValueError: if the size is unknown or no size, or it cannot be told.

        Source:
            M. L. Richter, J. Schöning, A. Wiedenroth, U. Krumnack, "Should You Go Deeper?
            Optimizing Convolutional Neural Network Architectures without Training", ICMLA 2021,
            arXiv:2106.12307.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> vgg16 = keras.applications.VGG16(weights=None, include_top=False)
            >>> [layer.name for layer in analyse(vgg16).border_layers(100)]
            ['block5_conv2', 'block5_conv3', 'block5_pool']
        """
        sizes = self.input_size if input_size is None else input_size
        sizes = (sizes,) * len(self.input_size) if is_whole(sizes) else sizes
        if sizes == self.input_size and None in sizes:
            raise ValueError("The size of the input is unknown: border_layers(input_size=...).")
        sizes = require_whole_numbers("input_size", sizes, number=len(self.input_size))
        return tuple(
            layer
            for layer, read in self._read_by_widening_layers()
            if all(width is None or width > size for width, size in zip(read, sizes, strict=True))
        )

    def smallest_input(self):
        """Return the smallest picture at which no layer is a border layer.

        Returns:
            Positions along each axis, one integer if all agree; 1 if nothing widens the field.

        Raises:
            ValueError: if it cannot be told.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> vgg16 = keras.applications.VGG16(weights=None, include_top=False)
            >>> analyse(vgg16).smallest_input()
            196
        """
        columns = zip(*(read for _, read in self._read_by_widening_layers()), strict=True)
        least = [max((width for width in column if width), default=1) for column in columns]
        return _agreed(least or [1])

    def _read_by_widening_layers(self):
        """Pair each layer that widens the field with what it reads: how far that sees at least.

        One width an axis, ``None`` along one that the layer does not widen.
        """
        for layer in self.layers:
            read = [
                # A unit of the input is one position.
                (1,) * len(self.input_size) if name is None else self._known_smallest(name)
                for name in self.walked.read_by(layer.name)
            ]
            least = [_least(column) for column in zip(*read, strict=True)]
            made = zip(layer.axes, self._known_smallest(layer.name), least, strict=True)
            widened = [
                before if wide is not None and wide > before and not axis.is_global else None
                for axis, wide, before in made
            ]
            if any(widened):
                yield layer, widened

    def chain(self, layer=None, *, axis=0):
        """Return the layers up to one of them as plain numbers, if they form a chain.

        Args:
            layer, axis: as for :meth:`widest_path`.

        Returns:
            As :meth:`FieldPath.chain() <labkit.receptive_field.paths.FieldPath.chain>`.

        Raises:
            KeyError: if there is no such layer.
            ValueError: if paths are joined, or a layer is no plain one.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> line = [keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")]
            >>> analyse(keras.Sequential(line)).chain()
            (Layer(kernel=3, stride=1, dilation=1, padding=0, name='conv'),)
        """
        path = self._path(layer, axis, widest=True)
        if path.joins:
            raise ValueError(
                f"The layer {path.joins[0]!r} joins several paths, so there is no one chain: "
                "take widest_path().chain()."
            )
        return path.chain()

    def explorer(self, layer=None, *, axis=0):
        """Open the receptive-field explorer with the layers of a chain, to ask: what if?

        Args:
            layer, axis: as for :meth:`widest_path`.

        Returns:
            An :class:`~labkit.receptive_field.explorer.Explorer`, which shows itself in a
            notebook; its ``link`` opens the book's explorer.

        Raises:
            KeyError: if there is no such layer.
            ValueError: if it is no chain, or beyond the explorer's limits.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> line = [keras.Input((9, 1)), keras.layers.Conv1D(1, 3, strides=2)]
            >>> analyse(keras.Sequential(line)).explorer().link
            'explorer.html#network=3s2'
        """
        return explorer(self.chain(layer, axis=axis))

    def compare(self, other):
        """Show what changes from this model to another.

        Layers are paired by name; where no name is shared, by order if the types agree.

        Args:
            other: the :class:`Analysis` of the other model.

        Returns:
            A :class:`~labkit.receptive_field.analysis_table.FieldTable` of the layers that
            differ: "this → that" where a number does, ``–`` where a layer is missing.

        Raises:
            TypeError: if ``other`` is no analysis.
            ValueError: if the models have nothing to pair.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> def line(dilation):
            ...     conv = keras.layers.Conv1D(1, 3, dilation_rate=dilation, name="conv")
            ...     return keras.Sequential([keras.Input((9, 1)), conv], name="line")
            >>> print(analyse(line(1)).compare(analyse(line(2))))
            From line to line
            <BLANKLINE>
            layer  units   size  stride  padding  centre  whole input  multiply-adds
            ─────  ─────  ─────  ──────  ───────  ──────  ───────────  ─────────────
            conv   7 → 5  3 → 5       1        0   1 → 2           no        21 → 15
            <BLANKLINE>
            Multiply-adds of all layers: 21 → 15.
        """
        if not isinstance(other, Analysis):
            raise TypeError(
                f"compare needs the analysis of another model, and this is {type(other).__name__}: "
                "compare(analyse(other))."
            )
        return analysis_table.comparison_table(self, other)

    def table(self, first=None, last=None, *, changes=False, width=None):
        """Return a table of all layers, of those from one to another, or of one alone.

        Args:
            first: name or number of a layer; alone, all that is known of that layer is shown.
            last: name or number of the last layer to show; default: the first alone.
            changes: whether layers that change nothing share a row with the one before them.
            width: most characters in a line when it is printed, at least 40, such as 80 for a
                terminal and 40 for a phone; default: as wide as it is.

        Returns:
            A :class:`~labkit.receptive_field.analysis_table.FieldTable`, which prints as text
            and shows itself in a notebook.

        Raises:
            KeyError: if there is no such layer.
            ValueError: if ``width`` is too small, or ``last`` stands before ``first``.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> chain = [keras.layers.Conv1D(1, 3, name="conv"), keras.layers.ReLU(name="relu")]
            >>> line = keras.Sequential([keras.Input((9, 1)), *chain], name="line")
            >>> print(analyse(line).table(changes=True, width=40))
            Receptive fields of line, input 9
            <BLANKLINE>
            layer        units  size  stride
            ───────────  ─────  ────  ──────
            conv … relu      7     3       1
            <BLANKLINE>
            layer        padding  centre
            ───────────  ───────  ──────
            conv … relu        0       1
            <BLANKLINE>
            layer        whole input  multiply-adds
            ───────────  ───────────  ─────────────
            conv … relu           no             21
            <BLANKLINE>
            layer        type
            ───────────  ──────
            conv … relu  Conv1D
        """
        if width is not None:
            width = require_whole("width", width, 40)
        if first is None and last is None:
            return analysis_table.field_table(self, self.layers, self._smallest, changes, width)
        if last is None:
            return analysis_table.layer_table(self, self[first], self._smallest, width)
        layers = self._between(first, last)
        return analysis_table.field_table(self, layers, self._smallest, changes, width)

    def _between(self, first, last):
        """Return the layers from one to another, both of them too."""
        names = [0 if first is None else first, last]
        start, stop = (self._place(name) for name in names)
        if stop < start:
            raise ValueError(f"{last!r} runs before {first!r}: give them the other way round.")
        return self.layers[start : stop + 1]

    def rows(self) -> list[dict]:
        """Return one dictionary per layer, as ``pandas.DataFrame`` takes them.

        Returns:
            Whole numbers as ``int``, others as ``float``, unknown ones as ``None``. If the
            axes differ anywhere, each column stands once per axis, as in ``size_height``.

        Example:
            >>> import keras
            >>> line = keras.Sequential(
            ...     [keras.Input((9, 1)), keras.layers.Conv1D(1, 3, name="conv")])
            >>> from labkit.receptive_field.analysis import analyse
            >>> analyse(line).rows()[0]["size"]
            3
        """
        has_gates = any(layer.axes_without_gates is not None for layer in self.layers)
        endings = [f"_{name}" for name in self.axis_names] if self._axes_differ() else [""]
        return [
            _row(layer, self._smallest.get(layer.name), has_gates, endings) for layer in self.layers
        ]

    def to_dataframe(self):
        """Return the :meth:`rows` as a ``pandas.DataFrame``.

        Raises:
            ImportError: if pandas is not installed.
        """
        return analysis_table.as_dataframe(self)

    def to_csv(self, path=None):
        """Write the :meth:`rows` as comma-separated values, names of columns first.

        Args:
            path: file to write (str or path); default: none.

        Returns:
            The text, if there is no path. What is unknown is left empty.

        Raises:
            OSError: if the file cannot be written; one that was there stays as it was.

        Example:
            >>> import keras
            >>> from labkit.receptive_field import analyse
            >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
            >>> analyse(line).to_csv().splitlines()[0][:26]
            'layer,type,output_size,siz'
        """
        return analysis_table.written(analysis_table.as_csv(self), path)

    def to_json(self, path=None):
        """Write the model's name, sizes, outputs, :meth:`rows` and :attr:`on` as JSON.

        Args:
            path: file to write (str or path); default: none.

        Returns:
            The text, if there is no path. What is unknown is ``null``.

        Raises:
            OSError: if the file cannot be written; one that was there stays as it was.

        Example:
            >>> import json, keras
            >>> from labkit.receptive_field import analyse
            >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
            >>> json.loads(analyse(line).to_json())["layers"][0]["size"]
            3
        """
        return analysis_table.written(analysis_table.as_json(self), path)

    def _axes_differ(self):
        return any(
            len({_values(axis) for axis in axes}) > 1
            for layer in self.layers
            for axes in (layer.axes, layer.axes_without_gates or layer.axes)
        ) or any(len(set(sizes)) > 1 for sizes in self._smallest.values())

    def __str__(self):
        return str(self.table())

    def _repr_html_(self):
        return self.table()._repr_html_()


def _least(widths):
    """Return the smallest width; the whole of an unknown size is wider than any."""
    return min((width for width in widths if width is not None), default=math.inf)


_COLUMNS = (
    "output_size",
    "size",
    "effective_stride",
    "effective_padding",
    "centre",
    "positions_read",
    "sees_whole_input",
    "misalignment",
)


def _row(layer, smallest, has_gates, endings):
    """Write a layer's values, once for each ending of a column's name: the axes from the first."""
    axes_by_suffix = {"": layer.axes}
    if has_gates:
        axes_by_suffix["_without_gates"] = layer.axes_without_gates or layer.axes
    values = {
        f"{column}{suffix}{ending}": _plain(getattr(axis, column))
        for suffix, axes in axes_by_suffix.items()
        for column in _COLUMNS
        for axis, ending in zip(axes, endings, strict=False)
    }
    least = smallest or [None] * len(layer.axes)
    values |= {f"smallest_size{e}": width for width, e in zip(least, endings, strict=False)}
    named = {"layer": layer.name, "type": layer.layer_type}
    return named | values | {"operations": layer.operations, "unknown": layer.unknown}


def _values(axis):
    return tuple(getattr(axis, column) for column in _COLUMNS)


def _plain(value):
    """Turn a fraction into an int where it is whole and a float where it is not."""
    if not isinstance(value, Fraction):
        return value
    return value.numerator if value.denominator == 1 else float(value)
