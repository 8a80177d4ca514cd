"""Networks that say what is on a picture, up to what enters the dense or global part."""

import keras
from keras import layers

from gallery.network import Network, conv, convs, picture, pool

_DISTILL = "https://distill.pub/2019/computing-receptive-fields"


def lenet5():
    start = picture(1)
    x = conv(start, 5, padding="valid")
    x = layers.AveragePooling2D(2, 2)(x)
    x = conv(x, 5, padding="valid")
    x = layers.AveragePooling2D(2, 2)(x)
    return keras.Model(start, conv(x, 5, padding="valid"))


def alexnet():
    start = picture()
    x = pool(conv(start, 11, 4, padding="valid"), 3, 2)
    x = pool(conv(x, 5), 3, 2)
    return keras.Model(start, pool(convs(x, 3), 3, 2))


def vgg16():
    start = x = picture()
    for count in (2, 2, 3, 3, 3):
        x = pool(convs(x, count), 2, 2)
    return keras.Model(start, x)


def googlenet():
    """Stack Inception modules, up to the average over 7 × 7 that ends them."""
    start = picture()
    x = pool(conv(start, 7, 2), 3, 2, "same")
    x = pool(conv(conv(x, 1), 3), 3, 2, "same")
    for count in (2, 5):
        for _ in range(count):
            x = inception(x)
        x = pool(x, 3, 2, "same")
    x = inception(inception(x))
    return keras.Model(start, layers.AveragePooling2D(7, 1)(x))


def inception(x, wide=5):
    """Join four paths; the inflated network of :mod:`gallery.video` has 3 for ``wide``."""
    pooled = pool(x, 3, 1, "same")
    paths = [conv(x, 1), conv(conv(x, 1), 3), conv(conv(x, 1), wide), conv(pooled, 1)]
    return layers.Concatenate()(paths)


def resnet(blocks, stride_in_3x3=False, first_pooling=3):
    """Stack bottleneck blocks; the stride lies in the first or in the second of their layers."""
    start = picture()
    x = pool(conv(start, 7, 2, padding=3), first_pooling, 2, padding=first_pooling // 2)
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            early, late = (1, stride) if stride_in_3x3 else (stride, 1)
            x = bottleneck(x, early, late, project=not block)
    return keras.Model(start, x)


def bottleneck(x, early=1, late=1, dilation=1, project=False):
    """Add what three convolutions make; the first and the second may have a stride."""
    y = conv(conv(conv(x, 1, early), 3, late, dilation, padding=dilation), 1)
    return layers.Add()([conv(x, 1, early * late) if project else x, y])


def mobilenet():
    start = picture()
    x = conv(start, 3, 2)
    for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        x = conv(layers.DepthwiseConv2D(3, stride, padding="same")(x), 1)
    return keras.Model(start, x)


def inception_resnet_v2():
    """Build it as TF-Slim has it, whose table is the source."""
    start = picture()
    x = convs(conv(conv(start, 3, 2, padding="valid"), 3, padding="valid"), 1)
    x = conv(conv(pool(x, 3, 2), 1), 3, padding="valid")
    x = pool(x, 3, 2)
    average = layers.AveragePooling2D(3, 1, padding="same")(x)
    paths = [conv(x, 1), conv(conv(x, 1), 5), convs(conv(x, 1), 2), conv(average, 1)]
    x = layers.Concatenate()(paths)
    for _ in range(10):
        x = _mixed(x, [], [3], [3, 3])
    x = _reduced(x, [3], [3, 3])
    for _ in range(20):
        x = _mixed(x, [], [(1, 7), (7, 1)])
    x = _reduced(x, [3], [3], [3, 3])
    for _ in range(10):
        x = _mixed(x, [], [(1, 3), (3, 1)])
    return keras.Model(start, conv(x, 1))


def _mixed(x, *kernels_of_paths):
    """Add to a tensor what several paths, each behind a convolution of kernel 1, make of it."""
    paths = []
    for kernels in kernels_of_paths:
        y = conv(x, 1)
        for kernel in kernels:
            y = conv(y, kernel)
        paths.append(y)
    return layers.Add()([x, conv(layers.Concatenate()(paths), 1, channels=x.shape[-1])])


def _reduced(x, *kernels_of_paths):
    """Halve the resolution on several paths, the last kernel of each with stride 2."""
    paths = [pool(x, 3, 2)]
    for *kernels, last in kernels_of_paths:
        y = conv(x, 1)
        for kernel in kernels:
            y = conv(y, kernel)
        paths.append(conv(y, last, 2, padding="valid"))
    return conv(layers.Concatenate()(paths), 1)


NETWORKS = (
    Network(
        "LeNet-5",
        lenet5,
        1998,
        "https://doi.org/10.1109/5.726791",
        size=32,
        stride=4,
        input_size=60,
        output_sizes=(32, 1),
    ),
    Network("AlexNet", alexnet, 2012, _DISTILL, 195, 32, 300, published=195),
    Network("VGG16", vgg16, 2014, _DISTILL, 212, 32, 320, published=212),
    Network(
        "GoogLeNet",
        googlenet,
        2014,
        "https://arxiv.org/abs/1411.4038",
        size=907,
        stride=32,
        input_size=1280,
        published=907,
    ),
    Network("ResNet-50", lambda: resnet((3, 4, 6, 3)), 2015, _DISTILL, 483, 32, 640, published=483),
    Network(
        "ResNet-50 v1.5",
        lambda: resnet((3, 4, 6, 3), stride_in_3x3=True),
        2017,
        "https://docs.pytorch.org/vision/stable/models/resnet.html",
        size=427,
        stride=32,
        input_size=640,
        why="PyTorch's version has the stride in the second layer of a block, which is 3 wide, and "
        "no longer in the first. So three wide layers lie on the finer side of a stride now, where "
        "they add half as much.",
    ),
    Network("MobileNet", mobilenet, 2017, _DISTILL, 315, 32, 512, published=315),
    Network(
        "Inception-ResNet-v2", inception_resnet_v2, 2016, _DISTILL, 3039, 32, 3200, published=3039
    ),
)
