"""Which positions of its input a unit reads, along one axis.

Everything a layer can do to an axis is one rule: unit j reads the positions
(stride · j + offset) / divisor, for every offset in a fixed set for which that is a
whole number inside the input.

=====================  ==========================================  ======  =======
layer                  offsets                                     stride  divisor
=====================  ==========================================  ======  =======
convolution, pooling   −padding, −padding + dilation, ...           s       1
cropping, padding      one: +cropping, −padding                     1       1
transposed conv.       padding − dilation · (0, ..., kernel − 1)    1       s
repeating f times      −(f − 1), ..., 0                             1       f
=====================  ==========================================  ======  =======
"""

from dataclasses import dataclass, field


class UnreadableLayer(ValueError):
    """A layer's effect on an axis cannot be told; the message says why, without its name."""


@dataclass(frozen=True)
class Axis:
    """One axis of the tensor that a layer reads, as its rule sees it.

    Args:
        dim: dimension of the tensor that holds the axis, batch = 0.
        shape: sizes of all dimensions, batch included, ``None`` where unknown.
        call: the :class:`~labkit.receptive_field.model_graph.Call`.
    """

    dim: int
    shape: tuple
    call: object = field(default=None, repr=False, compare=False)

    @property
    def size(self):
        """Number of positions, ``None`` if unknown."""
        return self.shape[self.dim]

    @property
    def rank(self):
        """Number of dimensions of the tensor, batch included."""
        return len(self.shape)

    def spatial(self, data_format):
        """Return the place of this axis among the layer's spatial axes, 0 the first.

        Args:
            data_format: ``"channels_last"`` or ``"channels_first"``.

        Returns:
            An integer, or ``None`` if the layer takes this axis for its channels.
        """
        first = 2 if data_format == "channels_first" else 1
        place = self.dim - first
        return place if 0 <= place < self.rank - 2 else None


@dataclass(frozen=True)
class Reads:
    """The positions that each unit reads along one axis.

    Args:
        offsets: a ``range`` or tuple of integers; ``None``: every position there is.
        size: number of units, ``None`` if unknown or if no unit has a place any more.
        stride: positive integer.
        divisor: positive integer.
        dim: dimension of the output that holds the axis; ``None``: none does.
    """

    offsets: range | tuple | None
    size: int | None
    stride: int = 1
    divisor: int = 1
    dim: int | None = field(default=None, compare=False)

    @property
    def is_one_to_one(self):
        """Whether unit j reads position j and no other; a border may still come or go."""
        return self.offsets == _NONE_BUT_ITSELF and self.stride == self.divisor == 1


_NONE_BUT_ITSELF = range(1)


def one_to_one(axis, dim=None):
    """Let unit j read position j: the rule of every element-wise layer.

    Args:
        axis: the :class:`Axis`.
        dim: dimension of the output that holds the axis; default: the same.

    Returns:
        A :class:`Reads`.
    """
    return Reads(_NONE_BUT_ITSELF, axis.size, dim=axis.dim if dim is None else dim)


def everything(axis, size=None, dim=None):
    """Let every unit read all positions: global pooling, attention, dense after flatten.

    Args:
        axis: the :class:`Axis`.
        size: number of units along the axis that remain; default: unknown.
        dim: dimension of the output that holds them; default: none.

    Returns:
        A :class:`Reads`.
    """
    return Reads(None, size, dim=dim)


def window(axis, kernel, stride=1, dilation=1, padding="valid"):
    """Let unit j read a window: the rule of convolution and pooling.

    Args:
        axis: the :class:`Axis`.
        kernel: number of positions read, at least 1.
        stride: steps between windows, at least 1.
        dilation: steps inside a window, at least 1.
        padding: ``"valid"``, ``"same"``, ``"causal"``, or a pair (before, after) of integers,
            where a negative one crops.

    Returns:
        A :class:`Reads`.

    Raises:
        UnreadableLayer: if ``"same"`` padding depends on a size that is unknown.

    Example:
        >>> window(Axis(1, (None, 10, 3)), kernel=3, stride=2, padding="same")
        Reads(offsets=range(0, 3), size=5, stride=2, divisor=1, dim=1)
    """
    extent = (kernel - 1) * dilation + 1
    before, after = _padding(padding, axis.size, extent, stride)
    size = None if axis.size is None else (axis.size + before + after - extent) // stride + 1
    return Reads(range(-before, extent - before, dilation), size, stride, dim=axis.dim)


def _padding(padding, size, extent, stride):
    """Return the positions added (before, after) the axis."""
    if not isinstance(padding, str):
        return padding
    match padding:
        case "valid":
            return 0, 0
        case "causal":
            return extent - 1, 0
        case "same":
            return _same_padding(size, extent, stride)
    raise UnreadableLayer(f"has padding {padding!r}, and only valid, same and causal are known")


def _same_padding(size, extent, stride):
    """Pad as TensorFlow does: ceil(size / stride) units, the odd position behind."""
    if stride == 1:
        total = extent - 1
    elif size is None:
        raise UnreadableLayer(
            "pads 'same' with a stride above 1, which depends on the size of the input: "
            "give it, for example input_size=(224, 224)"
        )
    else:
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def transposed_window(axis, kernel, stride=1, dilation=1, padding="valid", output_padding=None):
    """Let position i spread over a window: the rule of transposed convolution.

    Args:
        axis: the :class:`Axis`.
        kernel: number of units that a position reaches, at least 1.
        stride: units between neighbouring positions, at least 1.
        dilation: steps inside the window, at least 1.
        padding: ``"valid"`` or ``"same"``, as Keras defines them.
        output_padding: units added behind, ``None`` for Keras' own choice.

    Returns:
        A :class:`Reads`.

    Example:
        >>> transposed_window(Axis(1, (None, 5, 3)), kernel=4, stride=2, padding="same")
        Reads(offsets=range(-2, 2), size=10, stride=1, divisor=2, dim=1)
    """
    extent = (kernel - 1) * dilation + 1
    if padding == "same":
        added = stride if output_padding is None else extent % 2 + output_padding
        before = max(extent - added, 0) // 2
    else:
        added = max(extent, stride) if output_padding is None else extent + output_padding
        before = 0
    size = None if axis.size is None else (axis.size - 1) * stride + added
    offsets = range(before - extent + 1, before + 1, dilation)
    return Reads(offsets, size, 1, stride, dim=axis.dim)


def repeat(axis, times):
    """Let each position become several units: the rule of nearest upsampling.

    Args:
        axis: the :class:`Axis`.
        times: units per position, at least 1.

    Returns:
        A :class:`Reads`.
    """
    size = None if axis.size is None else axis.size * times
    return Reads(range(1 - times, 1), size, 1, times, dim=axis.dim)


def adaptive_pool(axis, size):
    """Divide an axis into a given number of bins: the rule of adaptive pooling.

    Bin j runs from floor(j · n / size) to ceil((j + 1) · n / size).

    Args:
        axis: the :class:`Axis`.
        size: number of bins, at least 1.

    Returns:
        A :class:`Reads`.
    """
    if axis.size is None:
        raise UnreadableLayer("has bins that depend on the size of the input: give input_size")
    return Reads(range(1 - size, axis.size), size, axis.size, size, dim=axis.dim)


#: Reach of an interpolation on either side, in positions of the input.
_REACH = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


def resize(axis, size, interpolation="bilinear"):
    """Let an axis be interpolated at half-pixel centres: the rule of resizing.

    Unit j lies at (j + 1/2) · n / size − 1/2 of the input and reads what lies less than
    the interpolation's reach from there.

    Args:
        axis: the :class:`Axis`, of known size n.
        size: number of units, at least 1.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or
            ``"lanczos5"``.

    Returns:
        A :class:`Reads`.
    """
    if axis.size is None:
        raise UnreadableLayer("interpolates to a size of its own: give input_size")
    if interpolation == "nearest":
        # floor((2j + 1) n / 2 size): the numerator less its remainder.
        offsets = range(axis.size - 2 * size + 1, axis.size + 1)
    elif interpolation in _REACH:
        reach = 2 * size * _REACH[interpolation]
        offsets = range(axis.size - size - reach + 1, axis.size - size + reach)
        offsets = _without_zeros(offsets, axis.size, size, interpolation)
    else:
        raise UnreadableLayer(f"has interpolation {interpolation!r}, which has no rule")
    return Reads(offsets, size, 2 * axis.size, 2 * size, dim=axis.dim)


def _without_zeros(offsets, n, size, interpolation):
    """Leave out where a cubic or Lanczos kernel is exactly zero: at whole distances."""
    if interpolation == "bilinear":
        return offsets
    centre = n - size
    return tuple(o for o in offsets if o == centre or (o - centre) % (2 * size))
