"""Batches go straight into fit, evaluate and predict: same batches on every backend."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from labkit import ImageDataGenerator
from labkit.dog_breeds.batches.directory_iterator import DirectoryIterator

FIT = """
import json, sys
import keras, numpy as np
from labkit import ImageDataGenerator

generator = ImageDataGenerator(rotation_range=30, brightness_range=(0.5, 1.5), rescale=1 / 255)
options = {"target_size": (16, 16), "batch_size": 4, "seed": 1}
batches = generator.flow_from_directory(sys.argv[1], **options)
plain = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
    sys.argv[1], shuffle=False, **options
)
model = keras.Sequential(
    [
        keras.layers.AveragePooling2D(4),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax", kernel_initializer="zeros"),
    ]
)
model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
history = model.fit(batches, validation_data=plain, epochs=2, verbose=0).history
print(json.dumps({
    "loss": history["loss"] + history["val_loss"],
    "evaluated": model.evaluate(plain, verbose=0)[0],
    "predicted": model.predict(plain, verbose=0).tolist(),
    "epoch": batches.epoch,
    "loaded": [name for name in ("tensorflow", "jax", "torch") if name in sys.modules],
}))
"""


@pytest.fixture(scope="module")
def fitted():
    """What a run of FIT says on a backend, by the directory's path."""

    def run(backend, directory):
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
        done = subprocess.run(
            [sys.executable, "-c", FIT, str(directory)],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_learn_the_same_and_load_no_tensorflow(backend, breeds, fitted):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    result = fitted(backend, breeds)
    assert backend in result["loaded"] and "tensorflow" not in result["loaded"]
    assert result["epoch"] == 2
    assert result["loss"][2:] == sorted(result["loss"][2:], reverse=True)
    if importlib.util.find_spec("tensorflow") is not None:
        expected = fitted("tensorflow", breeds)
        np.testing.assert_allclose(result["loss"], expected["loss"], rtol=1e-4)
        np.testing.assert_allclose(result["predicted"], expected["predicted"], rtol=1e-3)


@pytest.fixture
def handed_out(monkeypatch):
    """The pictures of each batch that Keras got, in order."""
    batches = []
    original = DirectoryIterator.__getitem__

    def recording(self, index):
        x, y = original(self, index)
        batches.append(x.copy())
        return x, y

    monkeypatch.setattr(DirectoryIterator, "__getitem__", recording)
    return batches


def flow(breeds, **options):
    generator = ImageDataGenerator(rotation_range=30, brightness_range=(0.5, 1.5))
    return generator.flow_from_directory(
        breeds, target_size=(16, 16), **({"batch_size": 4, "seed": 1} | options)
    )


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_sees_the_batches_of_each_epoch_in_their_order(shuffle, breeds, model, handed_out):
    batches = flow(breeds)
    model.fit(batches, epochs=2, shuffle=shuffle, verbose=0)
    same = flow(breeds)
    expected = [x for _ in range(2) for x, _ in same]
    # Backends may take a batch or two beforehand, to see its shape.
    assert len(handed_out) >= len(expected) == 6
    for ours, theirs in zip(handed_out[-6:], expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert batches.epoch == 2


@pytest.mark.parametrize(("taken", "counted"), [(1, 0), (2, 0), (3, 1)])
def test_a_look_at_two_batches_is_no_epoch(taken, counted, breeds):
    """On JAX, Keras takes two to see their shape: on a GPU, and before Keras 3.15 anywhere."""
    batches = flow(breeds, batch_size=2)
    batches.on_epoch_begin()
    for index in range(taken):
        batches[index]
    batches.on_epoch_end()
    assert len(batches) == 5 and batches.epoch == counted


def test_fit_after_an_interrupted_one_begins_with_a_whole_epoch(breeds, model, handed_out):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    batches = flow(breeds)
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches, verbose=0, callbacks=[Interrupt()])
    model.fit(batches, verbose=0)
    same = flow(breeds)
    same.epoch = batches.epoch - 1
    for ours, (theirs, _) in zip(handed_out[-3:], same, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_predictions_stand_in_the_order_of_the_filenames(breeds):
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D()])
    plain = ImageDataGenerator().flow_from_directory(
        breeds, target_size=(16, 16), batch_size=4, shuffle=False
    )
    for _ in range(2):
        means = model.predict(plain, verbose=0)
        expected = np.concatenate([x for x, _ in plain]).mean((1, 2))
        np.testing.assert_allclose(means, expected, rtol=1e-4)


def test_fit_and_evaluate_train_a_real_model(breeds):
    model = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3, "softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile("adam", "categorical_crossentropy")
    batches = ImageDataGenerator(horizontal_flip=True, dtype="uint8").flow_from_directory(
        breeds, target_size=(16, 16), batch_size=4, seed=1
    )
    before = model.evaluate(batches, verbose=0)
    model.fit(batches, epochs=5, verbose=0)
    assert model.evaluate(batches, verbose=0) < before


def test_broken_picture_stops_fit_by_its_name(breeds, model):
    batches = flow(breeds, workers=1, cache=None)
    path = Path(batches.filepaths[0])
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(Exception, match=r"beagle/0.jpg cannot be decoded .*undecodable=\"skip\""):
        model.fit(batches, verbose=0)


WITHOUT_TENSORFLOW = """
import sys, types

class PyDataset:
    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers

keras = types.ModuleType("keras")
keras.utils = types.SimpleNamespace(PyDataset=PyDataset)
sys.modules["keras"] = keras
for name in ("tensorflow", "jax", "torch", "scipy"):
    sys.modules[name] = None  # Importing it fails.

from labkit import ImageDataGenerator
generator = ImageDataGenerator(rotation_range=30, brightness_range=(0.5, 1.5), rescale=1 / 255)
batches = generator.flow_from_directory(sys.argv[1], target_size=(16, 16), batch_size=4)
print(sum(len(x) for x, y in batches))
"""


def test_nothing_but_the_dataset_class_of_keras_is_needed(breeds):
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, str(breeds)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "10"
