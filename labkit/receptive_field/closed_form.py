"""The receptive field by the closed form, one sum over the layers."""

from collections.abc import Iterable
from itertools import accumulate
from operator import mul

from labkit.receptive_field.layers import Layer, as_layers


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
