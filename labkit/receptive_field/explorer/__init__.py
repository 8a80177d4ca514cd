"""The receptive-field explorer: one piece of HTML that needs no kernel and no network.

The package holds the page's three sources, ``explorer.html``, ``explorer.css`` and
``explorer.js``; :mod:`labkit.page` joins them with what all such pages share.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from labkit.language import phrase, phrases
from labkit.page import write_page
from labkit.receptive_field.known_networks import ALEXNET, SMALL_VGG, VGG16
from labkit.receptive_field.layers import Layer, as_layers
from labkit.receptive_field.recurrence import receptive_field, trace

#: Largest value of each stepper; the smallest is 1. The page reads these from its own markup.
LIMITS = {"kernel": 99, "stride": 32, "dilation": 64}
MOST_LAYERS = 32

#: Networks to start from, in the order of the page's list; the first is the default.
PRESETS = {
    "Short example": (Layer(3), Layer(2, stride=2), Layer(3)),
    "Small VGG": SMALL_VGG,
    "VGG16": VGG16,
    "AlexNet": ALEXNET,
    # He et al. (2016): a 7-wide convolution and a 3-wide pooling, both of stride 2.
    "ResNet stem": (Layer(7, stride=2), Layer(3, stride=2)),
    # Yu and Koltun (2016): dilations that double leave no hole; equal ones do.
    "Dilated stack": tuple(Layer(3, dilation=d) for d in (1, 2, 4, 8)),
    "Equal dilations": tuple(Layer(3, dilation=2) for _ in range(3)),
}


@dataclass(frozen=True, repr=False)
class Explorer:
    """Hold the network that an explorer opens with; a notebook shows it as the explorer.

    Args:
        layers: tuple of :class:`~labkit.receptive_field.layers.Layer` from the input to the
            output, within the explorer's limits; :func:`explorer` checks them.

    Example:
        >>> Explorer((Layer(3), Layer(2, stride=2)))
        <receptive-field explorer: 3-2s2>
    """

    layers: tuple[Layer, ...]

    @property
    def link(self) -> str:
        """The address that opens the book's explorer with this network, from a page beside it."""
        return f"explorer.html#network={notation(self.layers)}"

    def __repr__(self) -> str:
        return f"<receptive-field explorer: {notation(self.layers) or 'no layer'}>"

    def _repr_html_(self) -> str:
        return write_page(
            __package__,
            "explorer",
            network=notation(self.layers),
            most_layers=MOST_LAYERS,
            options=_options(self.layers),
            steppers="\n".join(_stepper(name, most) for name, most in LIMITS.items()),
            position=_stepper("position"),
            summary=escape(_summary(self.layers)),
        )


def explorer(network: str | Iterable[Layer] | None = None) -> Explorer:
    """Show an explorer of receptive fields, in a notebook or in the book.

    It is one piece of HTML with its style and script: it needs no kernel and no network. Where
    the page has an address of its own, the network stands in it, as ``#network=3-2s2-3d4``.

    Args:
        network: the name of a preset (``"Short example"``, ``"Small VGG"``, ``"VGG16"``,
            ``"AlexNet"``, ``"ResNet stem"``, ``"Dilated stack"``, ``"Equal dilations"``; case
            does not matter), or an iterable of up to 32
            :class:`~labkit.receptive_field.layers.Layer` from the input to the output, with
            kernels up to 99, strides up to 32 and dilations up to 64. Names and padding are
            left out, since no size depends on them. Default: the short example.

    Returns:
        An :class:`Explorer`; as the last line of a cell it shows itself.

    Raises:
        TypeError: where ``network`` is neither a name nor layers.
        ValueError: where no preset has the name, or a layer is beyond the limits.

    Example:
        >>> explorer([Layer(3, dilation=4)])
        <receptive-field explorer: 3d4>
        >>> explorer("ResNet stem")
        <receptive-field explorer: 7s2-3s2>
    """
    if network is None:
        network = next(iter(PRESETS))
    if isinstance(network, str):
        return Explorer(_preset(network))
    return Explorer(_within_limits(as_layers(network)))


def notation(layers: Iterable[Layer]) -> str:
    """Write a network as the page's address has it: kernel, then stride and dilation if not 1.

    Args:
        layers: any iterable of :class:`~labkit.receptive_field.layers.Layer`; may be empty.

    Returns:
        The layers from the input to the output, joined by hyphens.

    Example:
        >>> notation([Layer(3), Layer(2, stride=2), Layer(3, dilation=4)])
        '3-2s2-3d4'
    """
    return "-".join(_layer_notation(layer) for layer in layers)


def _layer_notation(layer):
    stride = f"s{layer.stride}" if layer.stride > 1 else ""
    dilation = f"d{layer.dilation}" if layer.dilation > 1 else ""
    return f"{layer.kernel}{stride}{dilation}"


def _preset(name):
    by_name = {known.lower(): layers for known, layers in PRESETS.items()}
    layers = by_name.get(name.strip().lower())
    if layers is None:
        raise ValueError(
            f"The explorer has no preset {name!r}: choose one of {', '.join(PRESETS)}, or give "
            "a list of layers, such as [Layer(3), Layer(2, stride=2)]."
        )
    return layers


def _within_limits(layers):
    if len(layers) > MOST_LAYERS:
        raise ValueError(
            f"{len(layers)} layers are too many to edit: the explorer takes up to "
            f"{MOST_LAYERS}. For longer networks use receptive_field or trace."
        )
    for place, layer in enumerate(layers):
        for name, most in LIMITS.items():
            if getattr(layer, name) > most:
                raise ValueError(
                    f"layers[{place}] has {name}={getattr(layer, name)}: the explorer takes a "
                    f"{name} from 1 to {most}. For larger ones use receptive_field or trace."
                )
    return layers


def _options(layers):
    """List the presets, behind the notebook's own network where it is none of them."""
    known = {name: notation(preset) for name, preset in PRESETS.items()}
    if notation(layers) not in known.values():
        known = {"As first shown": notation(layers), **known}
    words = phrases("explorer")
    return "\n".join(
        f'<option value="{escape(text)}">{escape(words.get(name, name))}</option>'
        for name, text in known.items()
    )


def _stepper(name, most=""):
    label = escape(phrase("explorer", name))
    hidden = f'<span class="lk-hidden"> {label}</span>'
    return (
        f'<div class="lk-stepper" data-rf-stepper="{name}">'
        f'<button type="button" data-by="-1">−{hidden}</button>'
        f'<label><span>{label}</span><input type="number" inputmode="numeric" min="1" '
        f'max="{most}" step="1" autocomplete="off"></label>'
        f'<button type="button" data-by="1">+{hidden}</button></div>'
    )


def _summary(layers):
    """Say the numbers once in words, for a page whose script does not run."""
    return phrase(
        "explorer",
        "summary",
        network=notation(layers) or phrase("explorer", "without_layer"),
        field=receptive_field(layers),
        stride=trace(layers)[-1].effective_stride if layers else 1,
    )
