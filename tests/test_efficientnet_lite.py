"""The program that makes a base of EfficientNet-Lite0: its reader of PyTorch's files, its order."""

import io
import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest
from efficientnet_lite import build, read_tensors, set_weights


class Storage:
    """Numbers as a file of PyTorch refers to them, by a key."""

    def __init__(self, kind, key, numbers):
        self.kind, self.key, self.numbers = kind, key, numbers


class Tensor:
    """A tensor as such a file holds it: a storage, an offset, a shape and steps."""

    def __init__(self, *arguments):
        self.arguments = (*arguments, False, {})

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Writer(pickle.Pickler):
    """Write as ``torch.save`` did before version 1.6."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return "storage", value.kind, value.key, "cpu", len(value.numbers), None
        return None


@pytest.fixture
def kinds(monkeypatch):
    """Return the classes of storages, by names as they are in PyTorch, without PyTorch."""

    class FloatStorage: ...

    class LongStorage: ...

    def _rebuild_tensor_v2(*_): ...

    found = {"torch": (FloatStorage, LongStorage), "torch._utils": (_rebuild_tensor_v2,)}
    for name, members in found.items():
        module = types.ModuleType(name)
        for member in members:
            member.__module__, member.__qualname__ = name, member.__name__
            setattr(module, member.__name__, member)
        monkeypatch.setitem(sys.modules, name, module)
    return FloatStorage, LongStorage


def written(tensors, *storages):
    """Return a file of these tensors."""
    file = io.BytesIO()
    for what in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(what, file, 2)
    Writer(file, 2).dump(tensors)
    pickle.dump([storage.key for storage in storages], file, 2)
    for storage in storages:
        file.write(struct.pack("<q", len(storage.numbers)) + storage.numbers.tobytes())
    file.seek(0)
    return file


def test_reads_tensors_in_whatever_order_they_are_stored(kinds):
    plain = np.arange(24, dtype="<f4")
    storage = Storage(kinds[0], "1", plain)
    counter = Storage(kinds[1], "2", np.array([7], "<i8"))
    tensors = {
        "rows": Tensor(storage, 0, (4, 6), (6, 1)),
        "columns": Tensor(storage, 6, (6, 3), (1, 6)),
        "count": Tensor(counter, 0, (), ()),
    }
    read = read_tensors(written(tensors, storage, counter))
    assert list(read) == ["rows", "columns", "count"]
    np.testing.assert_array_equal(read["rows"], plain.reshape(4, 6))
    np.testing.assert_array_equal(read["columns"], plain.reshape(4, 6)[1:].T)
    assert read["count"] == 7 and read["count"].shape == ()


def test_reads_nothing_beyond_what_is_stored(kinds):
    storage = Storage(kinds[0], "1", np.zeros(4, "<f4"))
    with pytest.raises(ValueError, match="reaches beyond its 3 numbers"):
        read_tensors(written({"weight": Tensor(storage, 1, (4,), (1,))}, storage))


def test_runs_no_code_that_a_file_brings():
    class Malicious:
        def __reduce__(self):
            return os.getcwd, ()

    with pytest.raises(pickle.UnpicklingError, match=r"has no use for \w+\.getcwd"):
        read_tensors(written({"weight": Malicious()}))


def test_puts_filters_where_keras_has_them():
    network = build()
    random = np.random.default_rng(0)
    tensors = {}
    for number, weight in enumerate(network.weights):
        shape = tuple(weight.shape)
        if len(shape) == 4:  # PyTorch has no order of its own for what is convolved depthwise
            rows, columns, channels, filters = shape
            depthwise = "depthwise" in weight.path
            first = (channels, filters) if depthwise else (filters, channels)
            shape = (*first, rows, columns)
        tensors[str(number)] = random.random(shape, "float32")
        tensors[f"{number}.num_batches_tracked"] = np.array(0)
    tensors |= {"_fc.weight": np.zeros((1000, 1280)), "_fc.bias": np.zeros(1000)}
    set_weights(network, tensors)
    stem, depthwise = network.get_layer("stem_conv"), network.get_layer("stage1_1_depthwise_conv")
    assert stem.get_weights()[0][2, 1, 0, 31] == tensors["0"][31, 0, 2, 1]
    number = [weight.path for weight in network.weights].index(depthwise.weights[0].path)
    assert depthwise.get_weights()[0][2, 1, 30, 0] == tensors[str(number)][30, 0, 2, 1]
    del tensors["_fc.bias"]
    with pytest.raises(ValueError, match="are no EfficientNet-Lite0"):
        set_weights(network, tensors)
