"""Well-known networks as plain layers, up to what enters global pooling or the dense head.

Each is a tuple of :class:`~labkit.receptive_field.layers.Layer` from the input to the output,
and serves the lab, the command line and the tests alike. Activations, dropout and
normalisation read one position each and are left out.
"""

from collections.abc import Iterable

from labkit.receptive_field.layers import Layer


def _vgg(convolutions_per_block: Iterable[int]) -> tuple[Layer, ...]:
    """Stack blocks of 3-wide convolutions, each closed by a pooling of stride 2."""
    layers = []
    for block, convolutions in enumerate(convolutions_per_block, start=1):
        layers += [Layer(3, padding=1, name=f"conv{block}_{n + 1}") for n in range(convolutions)]
        layers.append(Layer(2, stride=2, name=f"pool{block}"))
    return tuple(layers)


#: The lab's own small network, four blocks of two convolutions. Its field is 76.
SMALL_VGG = _vgg((2, 2, 2, 2))

#: VGG16 of Simonyan and Zisserman (2015). Its field is 212.
VGG16 = _vgg((2, 2, 3, 3, 3))

#: VGG19 of Simonyan and Zisserman (2015). Its field is 268.
VGG19 = _vgg((2, 2, 4, 4, 4))

#: AlexNet in the one-column form of Krizhevsky (2014). Its field is 195.
ALEXNET = (
    Layer(11, stride=4, name="conv1"),
    Layer(3, stride=2, name="pool1"),
    Layer(5, padding=2, name="conv2"),
    Layer(3, stride=2, name="pool2"),
    Layer(3, padding=1, name="conv3"),
    Layer(3, padding=1, name="conv4"),
    Layer(3, padding=1, name="conv5"),
    Layer(3, stride=2, name="pool5"),
)
