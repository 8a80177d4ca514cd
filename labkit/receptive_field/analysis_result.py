"""What ``analyse`` returns: the fields of every layer, readable as table, rows or numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from labkit.receptive_field.analysis_table import as_html, as_text
from labkit.receptive_field.grid_fields import GridFields
from labkit.receptive_field.unit_fields import GLOBAL, UNCOUNTED, Clipped, Uneven, UnitFields
from labkit.words import did_you_mean, is_whole, some

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
        """Stretches of the widest field that nothing reads: (first, last), from its start.

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
        shape = self.seen.first.shape
        place = unit if isinstance(unit, tuple) else (unit,)
        fits = len(place) == len(shape) and all(
            is_whole(at, -units) and at < units for at, units in zip(place, shape, strict=True)
        )
        if not fits:
            there = " × ".join(map(str, shape))
            raise IndexError(f"There is no unit {unit!r}: there are {there}.")
        first, last = int(self.seen.first[place]), int(self.seen.last[place])
        return (first, last) if first <= last else None

    def __repr__(self):
        return f"AxisField({_summary(self)})"


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
            raise ValueError(f"What {self.name!r} sees is unknown: {self.unknown}.")
        place = tuple(unit) if isinstance(unit, (tuple, list)) else (unit,)
        sizes = tuple(self.units.values())
        fits = len(place) == len(sizes) and all(
            is_whole(at, -(n or 0)) and at < (n or 0) for at, n in zip(place, sizes, strict=True)
        )
        if not fits:
            there = " × ".join(str(size or "?") for size in sizes) or "one, at ()"
            raise IndexError(f"There is no unit {unit!r} in {self.name!r}: there are {there}.")
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
        """Return a layer by its path, by the last part of its path, or by number."""
        if not isinstance(name, str):
            return self.layers[name]
        found = [layer for layer in self.layers if layer.name == name]
        found = found or [layer for layer in self.layers if layer.name.rsplit("/", 1)[-1] == name]
        if len(found) == 1:
            return found[0]
        raise KeyError(self._not_one(name, found))

    def _not_one(self, name, found):
        names = [layer.name for layer in found or self.layers]
        if not found and (calls := [n for n in names if n.startswith(f"{name} #")]):
            return f"The layer {name!r} is called {len(calls)} times: ask for one of {calls}."
        if found:
            return f"{name!r} names {len(found)} layers: ask for one of {names}."
        near = did_you_mean(name, names)
        return f"The model has no layer {name!r}{near}; it has {some(reversed(names))}."

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
        return [_row(layer, has_gates, endings) for layer in self.layers]

    def _axes_differ(self):
        return any(
            len({_values(axis) for axis in axes}) > 1
            for layer in self.layers
            for axes in (layer.axes, layer.axes_without_gates or layer.axes)
        )

    def __str__(self):
        return as_text(self)

    def _repr_html_(self):
        return as_html(self)


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


def _row(layer, has_gates, endings):
    """Write a layer's values, once for each ending of a column's name: the axes from the first."""
    axes_by_suffix = {"": layer.axes}
    if has_gates:
        axes_by_suffix["_without_gates"] = layer.axes_without_gates or layer.axes
    return {"layer": layer.name, "type": layer.layer_type} | {
        f"{column}{suffix}{ending}": _plain(getattr(axis, column))
        for suffix, axes in axes_by_suffix.items()
        for column in _COLUMNS
        for axis, ending in zip(axes, endings, strict=False)
    }


def _values(axis):
    return tuple(getattr(axis, column) for column in _COLUMNS)


def _plain(value):
    """Turn a fraction into an int where it is whole and a float where it is not."""
    if not isinstance(value, Fraction):
        return value
    return value.numerator if value.denominator == 1 else float(value)
