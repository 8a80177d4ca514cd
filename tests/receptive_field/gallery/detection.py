"""Backbones and necks of networks that find objects."""

import keras
from keras import layers

from gallery.classification import resnet
from gallery.network import Network, conv, convs, picture, pool

_FASTER_R_CNN = "https://arxiv.org/abs/1506.01497"
_YOLOV4 = "https://arxiv.org/abs/2004.10934"


def zf_proposals():
    """Propose regions on Zeiler and Fergus' network: 3 × 3 on its fifth convolution."""
    start = picture()
    x = pool(conv(start, 7, 2), 3, 2, "same")
    x = pool(conv(x, 5, 2), 3, 2, "same")
    return keras.Model(start, convs(convs(x, 3), 1))


def vgg16_proposals():
    """Propose regions on VGG16: 3 × 3 on its last convolution."""
    start = x = picture()
    for count in (2, 2, 3, 3):
        x = pool(convs(x, count), 2, 2)
    return keras.Model(start, convs(convs(x, 3), 1))


def darknet53(x, blocks=(1, 2, 8, 8, 4)):
    """Return what each stage of Darknet-53 makes."""
    stages, x = [], conv(x, 3)
    for count in blocks:
        x = conv(x, 3, 2, padding=1)
        for _ in range(count):
            x = layers.Add()([x, conv(conv(x, 1), 3)])
        stages.append(x)
    return stages


def csp_darknet53():
    """Let one half of each stage pass by its blocks, which widens no field."""
    start = picture()
    x = conv(start, 3)
    for count in (1, 2, 8, 8, 4):
        x = conv(x, 3, 2, padding=1)
        beside, x = conv(x, 1), conv(x, 1)
        for _ in range(count):
            x = layers.Add()([x, conv(conv(x, 1), 3)])
        x = conv(layers.Concatenate()([beside, conv(x, 1)]), 1)
    return keras.Model(start, x)


def efficientnet_b3(fourth=2, fifth=1):
    """Stack blocks that widen, filter channel by channel, gate and narrow again.

    Args:
        fourth: stride of the fourth stage; ``fifth``: of the one behind it. Darknet's file
            cfg/efficientnet_b0.cfg has 1 and 2 there.
    """
    start = picture()
    x = conv(start, 3, 2, padding=1)
    for count, kernel, stride in (
        *((2, 3, 1), (3, 3, 2), (3, 5, 2), (5, 3, fourth)),
        *((5, 5, fifth), (6, 5, 2), (2, 3, 1)),
    ):
        for block in range(count):
            y = layers.ZeroPadding2D(kernel // 2)(conv(x, 1))
            y = layers.DepthwiseConv2D(kernel, 1 if block else stride)(y)
            gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
            gate = layers.Activation("sigmoid")(conv(conv(gate, 1), 1))
            y = conv(layers.Multiply()([y, gate]), 1)
            x = layers.Add()([x, y]) if block else y
    return keras.Model(start, conv(x, 1))


def yolov3_neck():
    """Go up twice from the coarsest map of Darknet-53, each time beside a finer one."""
    start = picture()
    *_, fine, middle, coarse = darknet53(start)
    x = _five(coarse)
    for beside in (middle, fine):
        x = layers.UpSampling2D(2)(conv(x, 1))
        x = _five(layers.Concatenate()([x, beside]))
    return keras.Model(start, conv(x, 3))


def _five(x):
    for kernel in (1, 3, 1, 3, 1):
        x = conv(x, kernel)
    return x


NETWORKS = (
    Network(
        "Faster R-CNN on ZF",
        zf_proposals,
        2015,
        _FASTER_R_CNN,
        size=171,
        stride=16,
        input_size=320,
        published=171,
    ),
    Network(
        "Faster R-CNN on VGG16",
        vgg16_proposals,
        2015,
        _FASTER_R_CNN,
        size=228,
        stride=16,
        input_size=320,
        published=228,
    ),
    Network("CSPDarknet53", csp_darknet53, 2020, _YOLOV4, 725, 32, 896, published=725),
    Network(
        "CSPResNeXt50",
        lambda: resnet((3, 4, 6, 3), stride_in_3x3=True, first_pooling=2),
        2020,
        _YOLOV4,
        size=425,
        stride=32,
        input_size=640,
        published=425,
    ),
    Network(
        "EfficientNet-B3",
        efficientnet_b3,
        2019,
        _YOLOV4,
        size=1407,
        stride=32,
        input_size=1664,
        published=1311,
        why="The number stands in the paper of YOLOv4, whose authors rebuilt the network in their "
        "own framework, Darknet. In Darknet's file of EfficientNet-B0 the fourth of the five "
        "strides comes a stage late. With the same slip B3 sees 1,311 pixels, as they say. What "
        "was found follows from EfficientNet's own paper, and the network in Keras agrees.",
        gates=False,
    ),
    Network(
        "YOLOv3, finest map",
        yolov3_neck,
        2018,
        "https://arxiv.org/abs/1804.02767",
        size=981,
        stride=8,
        input_size=1280,
    ),
)
