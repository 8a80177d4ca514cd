"""Networks along one axis: sound, motion and other things that pass."""

import keras
from keras import layers

from gallery.network import CHANNELS, Network, conv, line

_WAVENET = "https://arxiv.org/abs/1609.03499"
_WAV2VEC = "https://arxiv.org/abs/1904.05862"


def wavenet(blocks, first=True):
    """Stack blocks of gated causal layers, dilated by 1, 2, ... 512, whose shortcuts are added."""
    start = x = line(CHANNELS)
    x = conv(x, 2, padding="causal") if first else x
    skipped = []
    for _ in range(blocks):
        for power in range(10):
            gate, value = (
                conv(x, 2, dilation=2**power, padding="causal") for _ in ("gate", "value")
            )
            y = layers.Multiply()(
                [layers.Activation("sigmoid")(gate), layers.Activation("tanh")(value)]
            )
            skipped.append(conv(y, 1))
            x = layers.Add()([x, conv(y, 1)])
    return keras.Model(start, layers.Add()(skipped))


def tcn(kernel=3, stacks=2, powers=6):
    """Stack residual blocks of two causal layers of one dilation."""
    start = x = line(CHANNELS)
    for _ in range(stacks):
        for power in range(powers):
            y = x
            for _ in range(2):
                y = conv(y, kernel, dilation=2**power, padding="causal")
            x = layers.Add()([x, y])
    return keras.Model(start, x)


def strided(kernels, strides, context=0):
    """Stack layers of given kernels and strides, and causal ones of kernel 3 behind them."""
    start = x = line()
    for kernel, stride in zip(kernels, strides, strict=True):
        x = conv(x, kernel, stride, padding="valid")
    for _ in range(context):
        x = conv(x, 3, padding="causal")
    return keras.Model(start, x)


def wav2vec(context=0):
    return strided((10, 8, 4, 4, 4), (5, 4, 2, 2, 2), context)


def wav2vec2():
    return strided((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))


def conv_tasnet():
    """Code frames of 16 samples, and find masks for them by dilated blocks."""
    start = line()
    code = x = conv(start, 16, 8, padding="valid")
    skipped = []
    for _ in range(3):
        for power in range(8):
            y = layers.DepthwiseConv1D(3, dilation_rate=2**power, padding="same")(conv(x, 1))
            skipped.append(conv(y, 1))
            x = layers.Add()([x, conv(y, 1)])
    mask = layers.Activation("sigmoid")(conv(layers.Add()(skipped), 1))
    return keras.Model(start, layers.Multiply()([code, mask]))


def soundstream_encoder():
    start = line()
    x = conv(start, 7, padding="causal")
    for stride in (2, 4, 5, 8):
        for dilation in (1, 3, 9):
            x = layers.Add()([x, conv(conv(x, 7, dilation=dilation, padding="causal"), 1)])
        x = conv(layers.ZeroPadding1D((stride, 0))(x), 2 * stride, stride, padding="valid")
    return keras.Model(start, conv(x, 3, padding="causal"))


def ms_tcn_stage():
    start = x = line(CHANNELS)
    for power in range(10):
        x = layers.Add()([x, conv(conv(x, 3, dilation=2**power), 1)])
    return keras.Model(start, x)


def video_pose():
    """Shrink a sequence of poses; shortcuts are cropped to the middle."""
    start = line(CHANNELS)
    x = conv(start, 3, padding="valid")
    for power in range(1, 5):
        y = conv(conv(x, 3, dilation=3**power, padding="valid"), 1)
        x = layers.Add()([layers.Cropping1D(3**power)(x), y])
    return keras.Model(start, x)


NETWORKS = (
    Network(
        "WaveNet, one block",
        lambda: wavenet(1, first=False),
        2016,
        _WAVENET,
        size=1024,
        stride=1,
        input_size=2200,
        published=1024,
        unit="samples",
    ),
    Network("WaveNet, three blocks", lambda: wavenet(3), 2016, _WAVENET, 3071, 1, 6400),
    Network(
        "wav2vec, encoder",
        wav2vec,
        2019,
        _WAV2VEC,
        size=465,
        stride=160,
        input_size=1000,
        published=30,
        unit="ms at 16 kHz",
        per_unit=16,
        decimals=-1,
    ),
    Network(
        "wav2vec, context",
        lambda: wav2vec(9),
        2019,
        _WAV2VEC,
        size=3345,
        stride=160,
        input_size=8000,
        published=210,
        unit="ms at 16 kHz",
        per_unit=16,
        decimals=-1,
    ),
    Network(
        "wav2vec 2.0, encoder",
        wav2vec2,
        2020,
        "https://arxiv.org/abs/2006.11477",
        size=400,
        stride=320,
        input_size=1600,
        published=400,
        unit="samples",
    ),
    Network(
        "Conv-TasNet",
        conv_tasnet,
        2018,
        "https://arxiv.org/abs/1809.07454",
        size=12256,
        stride=8,
        input_size=13000,
        published=1.53,
        checked=False,
        unit="s at 8 kHz",
        per_unit=8000,
        decimals=2,
    ),
    Network(
        "SoundStream, encoder",
        soundstream_encoder,
        2021,
        "https://arxiv.org/abs/2107.03312",
        size=5314,
        stride=320,
        input_size=24000,
    ),
    Network(
        "TCN of keras-tcn",
        tcn,
        2018,
        "https://pypi.org/project/keras-tcn/",
        size=505,
        stride=1,
        input_size=1100,
        published=505,
        unit="steps",
    ),
    Network(
        "MS-TCN, one stage",
        ms_tcn_stage,
        2019,
        "https://arxiv.org/abs/1903.01945",
        size=2047,
        stride=1,
        input_size=2200,
        published=2047,
        checked=False,
        unit="frames",
    ),
    Network(
        "VideoPose3D",
        video_pose,
        2018,
        "https://arxiv.org/abs/1811.11742",
        size=243,
        stride=1,
        input_size=260,
        published=243,
        unit="frames",
    ),
)
