"""The receptive field of a chain: the recurrence, its closed form, every layer on the way."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import accumulate
from operator import mul

from labkit import tables
from labkit.receptive_field.layers import Layer, as_layers

#: The closed form with dilation that the original lab of 2021 got wrong, as data to check. Its
#: product runs to l where it has to stop at l − 1, so that each layer counts its own stride: 243
#: for VGG16, where 212 is right.
ORIGINAL_DILATION_FORMULA = "1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l} s_i"


def receptive_field(layers: Iterable[Layer]) -> int:
    r"""Compute the receptive field of one output unit by the recurrence.

    It runs backwards, from one unit of the last layer (:math:`r_L = 1`) to the input:

    .. math:: r_{l-1} = s_l (r_l - 1) + d_l (k_l - 1) + 1

    Args:
        layers: the layers from the input to the output; may be empty.

    Returns:
        The width of the receptive field in input positions, at least 1.

    Raises:
        TypeError: where an item is not a :class:`Layer`.

    Source:
        Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
        Distill (2019), equation 1, with the kernel widened by its dilation.

    Example:
        >>> receptive_field([Layer(3), Layer(2, stride=2), Layer(3)])
        8
        >>> receptive_field([])
        1
    """
    width = 1
    for layer in reversed(as_layers(layers)):
        width = layer.stride * (width - 1) + layer.dilation * (layer.kernel - 1) + 1
    return width


def closed_form(layers: Iterable[Layer]) -> int:
    r"""Compute the receptive field of one output unit from the closed form.

    .. math:: r_0 = 1 + \sum_{l=1}^{L} d_l (k_l - 1) \prod_{i=1}^{l-1} s_i

    The product stops at :math:`l - 1`: a layer's own stride moves its units apart, and so does
    not widen what one of them reads.

    Args:
        layers: the layers from the input to the output; may be empty.

    Returns:
        The width of the receptive field in input positions, at least 1.

    Raises:
        TypeError: where an item is not a :class:`Layer`.

    Source:
        Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
        Distill (2019), equation 2, with the kernel widened by its dilation.

    Example:
        >>> closed_form([Layer(3), Layer(2, stride=2), Layer(3)])
        8
    """
    chain = as_layers(layers)
    strides_before = accumulate((layer.stride for layer in chain), mul, initial=1)
    return 1 + sum(
        layer.dilation * (layer.kernel - 1) * stride
        for layer, stride in zip(chain, strides_before, strict=False)
    )


@dataclass(frozen=True)
class TraceRow:
    """Hold what one unit of one layer sees of the input, in input positions.

    Args:
        name: the layer's name, or ``layer 1``, ``layer 2``, … where it has none.
        size: width of the receptive field.
        effective_stride: distance between the fields of neighbouring units.
        effective_padding: how far the field of unit 0 begins before the input.
        centre: centre of the field of unit 0, where the centre of the first input position
            is 0; a whole number or a half.

    Example:
        >>> from labkit.receptive_field import Layer, trace
        >>> trace([Layer(3, name="conv")])[0].size
        3
    """

    name: str
    size: int
    effective_stride: int
    effective_padding: int
    centre: Fraction


class Trace(tuple):
    """Hold one :class:`TraceRow` per layer, and show them as a table.

    It is a tuple of rows: index it, loop over it, ask its length.

    Example:
        >>> from labkit.receptive_field import Layer, trace
        >>> print(trace([Layer(3, name="conv")]))
        layer  size  stride  padding  centre
        conv      3       1        0       1
    """

    __slots__ = ()
    _HEADINGS = ("layer", "size", "stride", "padding", "centre")

    def rows(self) -> list[dict]:
        """Return one plain dictionary per layer, as ``pandas.DataFrame`` takes them."""
        return [asdict(row) for row in self]

    def __str__(self) -> str:
        return tables.as_text(self._HEADINGS, list(map(_cells, self)))

    def _repr_html_(self) -> str:
        return tables.as_html(self._HEADINGS, map(_cells, self))


def _cells(row: TraceRow) -> tuple[str, ...]:
    """Write a row as text; a half is exact in decimals."""
    centre = f"{row.centre}" if row.centre.denominator == 1 else f"{float(row.centre)}"
    numbers = map(str, (row.size, row.effective_stride, row.effective_padding))
    return row.name, *numbers, centre


def trace(layers: Iterable[Layer]) -> Trace:
    """Follow the field of unit 0 through the layers, from the input to the output.

    Args:
        layers: the layers from the input to the output; may be empty.

    Returns:
        One :class:`TraceRow` per layer, in the same order. It prints as a table, is a table in
        a notebook, and ``rows()`` feeds a data frame.

    Raises:
        TypeError: where an item is not a :class:`Layer`.

    Example:
        >>> print(trace([Layer(3, padding=1, name="conv"), Layer(2, stride=2, name="pool")]))
        layer  size  stride  padding  centre
        conv      3       1        1       0
        pool      4       2        1     0.5
    """
    size, stride, padding, rows = 1, 1, 0, []
    for number, layer in enumerate(as_layers(layers), start=1):
        size += layer.dilation * (layer.kernel - 1) * stride
        padding += layer.padding * stride
        stride *= layer.stride
        centre = Fraction(size - 1, 2) - padding
        rows.append(TraceRow(layer.name or f"layer {number}", size, stride, padding, centre))
    return Trace(rows)
