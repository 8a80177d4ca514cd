"""A layer as the mathematics of receptive fields sees it: four integers and a name."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index

from labkit.words import is_whole

_SMALLEST = {"kernel": 1, "stride": 1, "dilation": 1, "padding": 0}
_ALLOWED = {0: "0, 1, 2, …", 1: "1, 2, 3, …"}


@dataclass(frozen=True)
class Layer:
    """Describe one convolution or pooling layer along one spatial axis.

    Args:
        kernel: width of the kernel in taps, a positive integer.
        stride: step between neighbouring units, in positions of the layer's input, a positive
            integer.
        dilation: distance between neighbouring taps, in positions of the layer's input, a
            positive integer; 1 is an ordinary kernel.
        padding: number of positions added at the start (left or top) of the layer's input, a
            non-negative integer. It moves centres and leaves every size as it is.
        name: any text, shown in tables.

    Raises:
        TypeError: where an argument is not an integer (``True`` and ``3.0`` are not), or the
            name is not text.
        ValueError: where an integer is too small.

    Example:
        >>> Layer(3, stride=2)
        Layer(kernel=3, stride=2, dilation=1, padding=0, name='')
        >>> Layer(3, dilation=4).reach
        9
        >>> Layer(3, stride=0)
        Traceback (most recent call last):
        ...
        ValueError: stride=0 is not possible: a stride is one of 1, 2, 3, …
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    name: str = ""

    def __post_init__(self):
        for argument, smallest in _SMALLEST.items():
            value = _checked(argument, getattr(self, argument), smallest)
            object.__setattr__(self, argument, value)
        if not isinstance(self.name, str):
            raise TypeError(f"name={self.name!r} is not possible: a name is text, such as 'conv1'.")

    @property
    def reach(self) -> int:
        """Width from the first tap to the last, ``dilation * (kernel - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def _checked(argument: str, value: object, smallest: int) -> int:
    """Return value as a plain integer, or say what the argument allows."""
    whole = is_whole(value)
    if whole and value >= smallest:
        return index(value)
    kind = ValueError if whole else TypeError
    allowed = _ALLOWED[smallest]
    raise kind(f"{argument}={value!r} is not possible: a {argument} is one of {allowed}")


def as_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return the layers as a tuple, or say which item is not a layer.

    Args:
        layers: any iterable of :class:`Layer`, from the input to the output; may be empty.

    Returns:
        The same layers in the same order.

    Raises:
        TypeError: where ``layers`` cannot be iterated, or an item is not a :class:`Layer`.

    Example:
        >>> as_layers([Layer(3), 5])
        Traceback (most recent call last):
        ...
        TypeError: layers[1] is 5, which is not a Layer: write, for example, Layer(3, stride=2).
    """
    if isinstance(layers, Layer):
        raise TypeError(f"layers is the single {layers!r}: put it into a list, [Layer(…)].")
    try:
        items = tuple(layers)
    except TypeError:
        raise TypeError(
            f"layers is {layers!r}, which is not a list of layers: write, for example, "
            "[Layer(3), Layer(2, stride=2)]."
        ) from None
    for place, item in enumerate(items):
        if not isinstance(item, Layer):
            raise TypeError(
                f"layers[{place}] is {item!r}, which is not a Layer: "
                "write, for example, Layer(3, stride=2)."
            )
    return items
