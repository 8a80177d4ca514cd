"""What the gallery says of one network, and the layers that its builders share."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import keras
from keras import layers


@dataclass(frozen=True)
class Network:
    """A published network.

    Args:
        name: as people call it.
        build: function without arguments that returns a ``keras.Model`` of open size, whose first
            output is what the number is about.
        year: of the publication.
        source: address of the paper, or of what else states the number.
        size: width of the field in positions of the input, or one width per axis.
        stride: effective stride.
        input_size: length of an input that holds the field between the borders, for oracles.
        published: what the source states, in ``unit``, or one number per axis; ``None`` if it
            states none, and ``size`` follows from its description.
        unit: of ``published``, in words.
        per_unit: positions of the input in one ``unit``.
        decimals: of ``published``; -1 where it is rounded to tens.
        checked: whether the number was read in the source, or in a text that quotes it.
        why: where the source is right in another sense than ``size``, in which one.
        gates: whether ``size`` counts gates that pool the whole picture.
        output_sizes: a pair of sizes of input and output that the source states, or ``None``.
    """

    name: str
    build: Callable[[], keras.Model]
    year: int
    source: str
    size: int | tuple[int, ...]
    stride: int | Fraction | tuple
    input_size: int | tuple[int, ...]
    published: float | tuple[float, ...] | None = None
    unit: str = "pixels"
    per_unit: int = 1
    decimals: int = 0
    checked: bool = True
    why: str = ""
    gates: bool = True
    output_sizes: tuple[int, int] | None = None

    @property
    def as_published(self):
        """Return ``size`` as the source would state it."""
        sizes = self.size if isinstance(self.size, tuple) else (self.size,)
        stated = tuple(round(size / self.per_unit, self.decimals) for size in sizes)
        return stated if isinstance(self.size, tuple) else stated[0]


#: Channels of every layer: what a unit reads does not depend on their number.
CHANNELS = 2


def picture(channels=CHANNELS):
    """Return an input of open height and width."""
    return keras.Input((None, None, channels))


def line(channels=1):
    """Return an input of open length."""
    return keras.Input((None, channels))


def conv(x, kernel, stride=1, dilation=1, padding="same", channels=CHANNELS):
    """Convolve along all spatial axes.

    Args:
        x: tensor with channels last and one to three spatial axes.
        kernel, stride, dilation: integers, or one per axis.
        padding: ``"same"``, ``"valid"``, ``"causal"``, or an integer: zeros added on each side.
        channels: of the output.
    """
    axes = len(x.shape) - 2
    if not isinstance(padding, str):
        x = getattr(layers, f"ZeroPadding{axes}D")(padding)(x)
        padding = "valid"
    kind = getattr(layers, f"Conv{axes}D")
    return kind(channels, kernel, stride, padding=padding, dilation_rate=dilation)(x)


def convs(x, count, kernel=3, **options):
    """Convolve several times."""
    for _ in range(count):
        x = conv(x, kernel, **options)
    return x


def pool(x, kernel, stride, padding="valid"):
    """Take maxima along all spatial axes; ``padding`` as in :func:`conv`, or one per axis."""
    axes = len(x.shape) - 2
    if not isinstance(padding, str):
        x = getattr(layers, f"ZeroPadding{axes}D")(padding)(x)
        padding = "valid"
    return getattr(layers, f"MaxPooling{axes}D")(kernel, stride, padding)(x)
