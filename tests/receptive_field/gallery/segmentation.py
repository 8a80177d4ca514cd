"""Networks that label every position."""

import keras
from keras import layers

from gallery.classification import alexnet, bottleneck, vgg16
from gallery.network import Network, conv, convs, picture, pool

_FCN = "https://arxiv.org/abs/1411.4038"
_SEGNET = "https://arxiv.org/abs/1511.00561"


def fcn(base, kernel):
    """Turn the first dense layer behind a classifier into a convolution as wide as it was."""
    model = base()
    return keras.Model(model.input, conv(model.output, kernel, padding="valid"))


def unet():
    """Build the first U-Net, in which no convolution pads and skipped maps are cropped."""
    start = x = keras.Input((572, 572, 1))
    skipped = []
    for _ in range(4):
        x = convs(x, 2, padding="valid")
        skipped.append(x)
        x = pool(x, 2, 2)
    x = convs(x, 2, padding="valid")
    for beside in reversed(skipped):
        x = layers.Conv2DTranspose(2, 2, 2)(x)
        cropped = layers.Cropping2D((beside.shape[1] - x.shape[1]) // 2)(beside)
        x = convs(layers.Concatenate()([cropped, x]), 2, padding="valid")
    return keras.Model(start, conv(x, 1))


def segnet_basic_encoder():
    start = x = picture()
    for _ in range(4):
        x = pool(conv(x, 7), 2, 2)
    return keras.Model(start, x)


def segnet():
    """Build VGG16 there and back; unpooling by indices reads one position a unit."""
    start = x = picture()
    for count in (2, 2, 3, 3, 3):
        x = pool(convs(x, count), 2, 2)
    for count in (3, 3, 3, 2, 2):
        x = convs(layers.UpSampling2D(2)(x), count)
    return keras.Model(start, x)


def vnet():
    start = x = keras.Input((None, None, None, 1))
    skipped = []
    for count in (1, 2, 3, 3):
        x = layers.Add()([x, convs(x, count, 5, channels=1)])
        skipped.append(x)
        x = conv(x, 2, 2, padding="valid", channels=1)
    x = layers.Add()([x, convs(x, 3, 5, channels=1)])
    for count, beside in zip((3, 3, 2, 1), reversed(skipped), strict=True):
        x = layers.Conv3DTranspose(1, 2, 2)(x)
        joined = layers.Concatenate()([x, beside])
        x = layers.Add()([x, convs(joined, count, 5, channels=1)])
    return keras.Model(start, conv(x, 1, channels=1))


def deeplab_largefov():
    """Take VGG16 with the last two strides taken out and dilation put in."""
    start = x = picture()
    for count in (2, 2, 3):
        x = pool(convs(x, count), 3, 2, "same")
    x = pool(convs(x, 3), 3, 1, "same")
    x = pool(convs(x, 3, dilation=2), 3, 1, "same")
    x = layers.AveragePooling2D(3, 1, padding="same")(x)
    return keras.Model(start, conv(x, 3, dilation=12))


def context_module():
    start = x = picture()
    for dilation in (1, 1, 2, 4, 8, 16, 1):
        x = conv(x, 3, dilation=dilation)
    return keras.Model(start, conv(x, 1))


def deeplab_v3_plus():
    """Take ResNet-50 at stride 16 with the pyramid of dilations, less its global pooling."""
    start = picture()
    x = pool(conv(start, 7, 2, padding=3), 3, 2, padding=1)
    fine = None
    for count, stride, dilation in ((3, 1, 1), (4, 2, 1), (6, 2, 1), (3, 1, 2)):
        for block in range(count):
            late = 1 if block else stride
            x = bottleneck(x, late=late, dilation=dilation, project=not block)
        fine = x if fine is None else fine
    pyramid = [conv(x, 1), *(conv(x, 3, dilation=rate) for rate in (6, 12, 18))]
    x = conv(layers.Concatenate()(pyramid), 1)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    x = conv(convs(layers.Concatenate()([x, conv(fine, 1)]), 2), 1)
    return keras.Model(start, layers.UpSampling2D(4, interpolation="bilinear")(x))


def hrnet():
    """Keep up to four resolutions side by side; the finest is the result."""
    start = picture()
    x = conv(conv(start, 3, 2, padding=1), 3, 2, padding=1)
    for block in range(4):
        x = bottleneck(x, project=not block)
    maps = [conv(x, 3), conv(x, 3, 2, padding=1)]
    for modules in (1, 4, 3):
        for _ in range(modules):
            maps = [_basic_blocks(x) for x in maps]
            maps = [_fused(maps, to) for to in range(len(maps))]
        maps.append(conv(maps[-1], 3, 2, padding=1))
    return keras.Model(start, maps[0])


def _basic_blocks(x):
    for _ in range(4):
        x = layers.Add()([x, convs(x, 2)])
    return x


def _fused(maps, to):
    """Bring every map to the resolution of one, and add them."""
    brought = []
    for place, x in enumerate(maps):
        for _ in range(place, to):
            x = conv(x, 3, 2, padding=1)
        if place > to:
            x = layers.UpSampling2D(2 ** (place - to))(conv(x, 1))
        brought.append(x)
    return layers.Add()(brought)


NETWORKS = (
    Network(
        "FCN on AlexNet",
        lambda: fcn(alexnet, 6),
        2014,
        _FCN,
        size=355,
        stride=32,
        input_size=480,
        published=355,
    ),
    Network(
        "FCN on VGG16",
        lambda: fcn(vgg16, 7),
        2014,
        _FCN,
        size=404,
        stride=32,
        input_size=544,
        published=404,
    ),
    Network(
        "U-Net",
        unet,
        2015,
        "https://arxiv.org/abs/1505.04597",
        size=204,
        stride=1,
        input_size=572,
        output_sizes=(572, 388),
    ),
    Network(
        "SegNet-Basic, encoder",
        segnet_basic_encoder,
        2015,
        _SEGNET,
        size=106,
        stride=16,
        input_size=160,
        published=106,
    ),
    Network("SegNet", segnet, 2015, _SEGNET, 404, 1, 640),
    Network(
        "V-Net",
        vnet,
        2016,
        "https://arxiv.org/abs/1606.04797",
        size=548,
        stride=1,
        input_size=640,
        published=551,
        checked=False,
        unit="voxels",
        why="The paper lets each of its four up-convolutions, which are 2 wide, widen the field "
        "like a convolution. But at a stride as wide as its kernel, each unit of an "
        "up-convolution reads one position alone.",
    ),
    Network(
        "DeepLab-LargeFOV",
        deeplab_largefov,
        2014,
        "https://arxiv.org/abs/1412.7062",
        size=435,
        stride=8,
        input_size=640,
        published=224,
        why="The paper compares its first dense layer with VGG16's, which covers 7 cells of 32 "
        "pixels, 224 in all. Each cell sees more than its own 32 pixels: the layers below "
        "it add the rest.",
    ),
    Network(
        "Dilated context module",
        context_module,
        2015,
        "https://arxiv.org/abs/1511.07122",
        size=67,
        stride=1,
        input_size=100,
        published=67,
    ),
    Network(
        "DeepLabv3+ on ResNet-50",
        deeplab_v3_plus,
        2018,
        "https://arxiv.org/abs/1802.02611",
        size=1083,
        stride=1,
        input_size=1280,
    ),
    Network("HRNet-W32", hrnet, 2019, "https://arxiv.org/abs/1908.07919", 2783, 4, 3200),
)
