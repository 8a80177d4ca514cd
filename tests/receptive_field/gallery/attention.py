"""Networks of patches and windows, and a convolutional one that learnt from them."""

import keras
from keras import layers

from gallery.network import CHANNELS, Network, conv, picture


def vit_patches():
    start = picture(3)
    return keras.Model(start, conv(start, 16, 16, padding="valid"))


def swin_window(size=224, patch=4, window=7):
    """Cut patches, and let those of one window attend to each other."""
    start = keras.Input((size, size, 3))
    x = conv(start, patch, patch, padding="valid")
    tokens = size // patch
    count = tokens // window
    x = layers.Reshape((count, window, count, window, CHANNELS))(x)
    x = layers.MultiHeadAttention(1, CHANNELS, attention_axes=(2, 4))(x, x)
    return keras.Model(start, layers.Reshape((tokens, tokens, CHANNELS))(x))


def convnext_tiny():
    start = picture(3)
    x = conv(start, 4, 4, padding="valid")
    for stage, count in enumerate((3, 3, 9, 3)):
        if stage:
            x = conv(x, 2, 2, padding="valid")
        for _ in range(count):
            y = layers.LayerNormalization()(layers.DepthwiseConv2D(7, padding="same")(x))
            x = layers.Add()([x, conv(conv(y, 1), 1)])
    return keras.Model(start, x)


NETWORKS = (
    Network(
        "ViT-B/16, patches",
        vit_patches,
        2020,
        "https://arxiv.org/abs/2010.11929",
        size=16,
        stride=16,
        input_size=64,
        published=16,
    ),
    Network(
        "Swin-T, first window", swin_window, 2021, "https://arxiv.org/abs/2103.14030", 28, 4, 224
    ),
    Network("ConvNeXt-T", convnext_tiny, 2022, "https://arxiv.org/abs/2201.03545", 1688, 32, 1792),
)
