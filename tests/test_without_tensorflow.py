"""The way through both labs on a backend that is not TensorFlow, where TensorFlow is missing."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

LABKIT = Path(__file__).parents[1] / "labkit"

#: The functions of labkit that ask TensorFlow, where Keras computes with it: for gradients, and
#: for the devices that it sees, to share batches among them and to record what they were.
ASKS_TENSORFLOW = {
    "receptive_field/input_gradients.py": ["_with_tensorflow"],
    "dog_breeds/devices.py": ["_list_devices", "_mirror", "_sharing_devices"],
    "machine.py": ["_of_tensorflow"],
}

LAB_1 = """
import keras
import numpy as np

import labkit

settings = labkit.load_settings("drawn").replace(directory="pictures")
keras.utils.set_random_seed(settings.seed)
assert labkit.use_mixed_precision(settings.mixed_precision) == "float32"
assert "need no GPU" in labkit.gpu_advice(settings)
data = labkit.fetch(settings.source, settings.directory)
sizes = labkit.class_sizes(data)
assert sizes.total == 480
folders = labkit.reorganise(data)

flow = {"target_size": settings.target_size, "batch_size": settings.batch_size}
augmented = labkit.ImageDataGenerator(rescale=1 / 255, rotation_range=30, horizontal_flip=True)
training = augmented.flow_from_directory(
    folders.train_sorted, seed=settings.seed, drop_remainder=True, **flow
)
plain = labkit.ImageDataGenerator(rescale=1 / 255)
validation = plain.flow_from_directory(folders.val_sorted, shuffle=False, **flow)

scratch = labkit.small_vgg(
    settings.input_shape, len(sizes.sizes), filters=settings.filters, dense=settings.dense
)
labkit.compile_lab(scratch, settings.scratch_learning_rate)
keep = {"checkpoints": "checkpoints", "progress": False}
first = labkit.train(scratch, training, validation, epochs=1, **keep)
again = labkit.train(scratch, training, validation, epochs=2, **keep)
assert len(again) == 2 and again.loss[:1] == first.loss
assert again.loss[1] < again.loss[0]

tuned = labkit.pretrained(
    settings.base, settings.weights, len(sizes.sizes), settings.input_shape, dense=settings.dense
)
labkit.freeze(tuned, settings.head_learning_rate)
_, guessed = labkit.evaluate(tuned, validation)
history = labkit.train(tuned, training, validation, epochs=2, progress=False)
labkit.unfreeze(tuned, settings.fine_tuning_learning_rate)
history += labkit.train(tuned, training, validation, epochs=1, progress=False)
assert len(history) == 3 and labkit.evaluate(tuned, validation)[1] > guessed + 0.2

pictures, targets = validation[0]
shares = tuned.predict(pictures, verbose=0)
assert np.allclose(shares.sum(1), 1, atol=1e-5)
labkit.plot_history(history)
labkit.plot_samples(data, count=4, seed=1)
"""

LAB_2 = """
import keras
import numpy as np

from labkit.receptive_field import (
    analyse,
    effective_receptive_field,
    gradient_extent,
    plot_effective_field,
)
from labkit.receptive_field.oracle import gradient_map

keras.utils.set_random_seed(0)
network = keras.Sequential(
    [
        keras.Input((48, 48, 3)),
        keras.layers.Conv2D(4, 5, strides=2, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(4, 3, dilation_rate=2),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(4, (3, 1)),
    ]
)
found = analyse(network).final
sizes = tuple(last - first + 1 for first, last in gradient_extent(network))
assert sizes == tuple(axis.size for axis in found.axes) == (23, 15)

n, k = 20, 3
line = keras.Sequential(
    [keras.Input((n * (k - 1) + 1, 1)), *(keras.layers.Conv1D(1, k) for _ in range(n))]
)
share = gradient_map(line)
positions = np.arange(len(share))
spread = np.sqrt((share * (positions - (share * positions).sum()) ** 2).sum())
assert share.dtype == "float64" and abs(spread - np.sqrt(n * (k**2 - 1) / 12)) < 1e-9
assert keras.backend.standardize_dtype(keras.ops.ones(1).dtype) == "float32"

effective = effective_receptive_field(network, samples=2)
assert effective.theoretical_size == sizes
plot_effective_field(effective)
"""

#: ``None`` in ``sys.modules`` would not do: older versions of Keras take it for TensorFlow. Nor an
#: error from a finder: PyTorch asks whether there is such a package, and where one is missing, is
#: told of none.
BLOCKED = """
import sys
from importlib.machinery import PathFinder


class NoTensorFlow(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] != "tensorflow":
            return super().find_spec(name, path, target)


sys.meta_path = [NoTensorFlow if finder is PathFinder else finder for finder in sys.meta_path]
"""


def walk(program, backend, folder):
    """Run a program on a backend where importing TensorFlow fails, with JAX as it comes."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    end = "\nassert 'tensorflow' not in sys.modules\nprint(keras.backend.backend(), 'done')"
    kept = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + program + end],
        cwd=folder,
        env=kept
        | {"KERAS_BACKEND": backend, "MPLBACKEND": "agg", "PYTHONPATH": str(LABKIT.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{backend} done"


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_lab_1(backend, tmp_path):
    walk(LAB_1, backend, tmp_path)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_lab_2(backend, tmp_path):
    walk(LAB_2, backend, tmp_path)


def imports_of_tensorflow(path):
    """List the functions of a module in which TensorFlow is imported; "" stands for none."""
    found = []

    def visit(node, function=""):
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.Import) and [alias.name for alias in child.names]
            named = named or (isinstance(child, ast.ImportFrom) and [child.module or ""]) or []
            found.extend(function for name in named if name.split(".")[0] == "tensorflow")
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            visit(child, child.name if inside else function)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def test_labkit_asks_tensorflow_for_gradients_and_devices_alone():
    found = {
        path.relative_to(LABKIT).as_posix(): imports
        for path in sorted(LABKIT.rglob("*.py"))
        if (imports := imports_of_tensorflow(path))
    }
    assert found == ASKS_TENSORFLOW
