"""Networks that turn a picture into another, and those that judge whether they did."""

import keras
from keras import layers

from gallery.network import Network, conv, convs, picture

_PIX2PIX = "https://arxiv.org/abs/1611.07004"


def patch_discriminator(strided):
    """Halve the resolution some times and judge each patch, all kernels 4 wide."""
    start = x = picture()
    for _ in range(strided):
        x = conv(x, 4, 2, padding=1)
    return keras.Model(start, conv(conv(x, 4, padding=1), 4, padding=1))


def pix2pix_bottleneck():
    start = x = picture()
    for _ in range(8):
        x = conv(x, 4, 2, padding=1)
    return keras.Model(start, x)


def cyclegan_generator():
    """Code, transform by nine residual blocks, and decode."""
    start = picture()
    x = conv(start, 7)
    for _ in range(2):
        x = conv(x, 3, 2, padding=1)
    for _ in range(9):
        x = layers.Add()([x, convs(x, 2)])
    for _ in range(2):
        x = layers.Conv2DTranspose(2, 3, 2, padding="same")(x)
    return keras.Model(start, conv(x, 7))


NETWORKS = (
    Network("PatchGAN", lambda: patch_discriminator(3), 2016, _PIX2PIX, 70, 8, 160, published=70),
    Network(
        "PatchGAN, small patches",
        lambda: patch_discriminator(1),
        2016,
        _PIX2PIX,
        size=16,
        stride=2,
        input_size=40,
        published=16,
    ),
    Network(
        "U-GAT-IT, global judge",
        lambda: patch_discriminator(5),
        2019,
        "https://arxiv.org/abs/1907.10830",
        size=286,
        stride=32,
        input_size=448,
        published=286,
    ),
    Network("pix2pix, bottleneck", pix2pix_bottleneck, 2016, _PIX2PIX, 766, 256, 1536),
    Network(
        "CycleGAN generator",
        cyclegan_generator,
        2017,
        "https://arxiv.org/abs/1703.10593",
        size=169,
        stride=1,
        input_size=256,
    ),
)
