"""Networks that remove noise or blur, and those that enlarge."""

from fractions import Fraction

import keras
from keras import layers

from gallery.network import Network, conv, convs, picture


def plain(depth):
    """Stack convolutions of kernel 3."""
    start = picture(1)
    return keras.Model(start, convs(start, depth))


def srcnn():
    start = picture(1)
    return keras.Model(start, conv(conv(conv(start, 9), 1), 5))


def ircnn():
    start = x = picture(1)
    for dilation in (1, 2, 3, 4, 3, 2, 1):
        x = conv(x, 3, dilation=dilation)
    return keras.Model(start, x)


def ffdnet(size=96):
    """Split a picture into four of half its size, work on these, and put them together again."""
    half = size // 2
    start = keras.Input((size, size, 1))
    parts = layers.Permute((1, 3, 2, 4))(layers.Reshape((half, 2, half, 2))(start))
    x = convs(layers.Reshape((half, half, 4))(parts), 15, channels=4)
    parts = layers.Permute((1, 3, 2, 4))(layers.Reshape((half, half, 2, 2))(x))
    return keras.Model(start, layers.Reshape((size, size, 1))(parts))


def espcn(size=24, times=3):
    """Work at the small size, and spread channels over the large one at the end."""
    start = keras.Input((size, size, 1))
    x = conv(conv(conv(start, 5), 3), 3, channels=times**2)
    parts = layers.Permute((1, 3, 2, 4))(layers.Reshape((size, size, times, times))(x))
    return keras.Model(start, layers.Reshape((size * times, size * times, 1))(parts))


NETWORKS = (
    Network("SRCNN", srcnn, 2014, "https://arxiv.org/abs/1501.00092", 13, 1, 32, published=13),
    Network(
        "VDSR", lambda: plain(20), 2015, "https://arxiv.org/abs/1511.04587", 41, 1, 64, published=41
    ),
    Network(
        "DnCNN",
        lambda: plain(17),
        2016,
        "https://arxiv.org/abs/1608.03981",
        size=35,
        stride=1,
        input_size=64,
        published=35,
    ),
    Network(
        "IRCNN",
        ircnn,
        2017,
        "https://arxiv.org/abs/1704.03264",
        33,
        1,
        64,
        published=33,
        checked=False,
    ),
    Network(
        "FFDNet",
        ffdnet,
        2017,
        "https://arxiv.org/abs/1710.04026",
        62,
        1,
        96,
        published=62,
        checked=False,
    ),
    Network("ESPCN", espcn, 2016, "https://arxiv.org/abs/1609.05158", 9, Fraction(1, 3), 24),
)
