"""A network that sees time beside height and width."""

import keras
from keras import layers

from gallery.classification import inception
from gallery.network import Network, conv, pool


def i3d(middle=5):
    """Inflate GoogLeNet to three axes, with kernels of 3 where it has 5.

    Args:
        middle: how many modules lie between the last two poolings; GoogLeNet has five.
    """
    start = keras.Input((None, None, None, 3))
    x = pool(conv(start, 7, 2, padding=3), (1, 3, 3), (1, 2, 2), padding=(0, 1, 1))
    x = pool(conv(conv(x, 1), 3), (1, 3, 3), (1, 2, 2), padding=(0, 1, 1))
    for count, kernel in ((2, 3), (middle, 2)):
        for _ in range(count):
            x = inception(x, wide=3)
        x = pool(x, kernel, 2, padding=kernel // 2)
    x = inception(inception(x, wide=3), wide=3)
    return keras.Model(start, layers.AveragePooling3D((2, 7, 7), 1)(x))


NETWORKS = (
    Network(
        "I3D",
        i3d,
        2017,
        "https://arxiv.org/abs/1705.07750",
        size=(107, 571, 571),
        stride=(8, 32, 32),
        input_size=(240, 900, 900),
        published=(99, 539, 539),
        unit="frames and pixels",
        why="GoogLeNet has five modules between the last two poolings. With four of them the field "
        "is 99 frames by 539 pixels, as the paper says.",
    ),
)
