"""Batches go straight into fit, evaluate and predict: same batches on every backend."""

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from labkit import ImageDataGenerator, train
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
history = model.fit(batches, validation_data=plain, epochs=2, shuffle=False, verbose=0).history
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
    """The epoch, the number and the pictures of each batch that Keras got, in order."""
    batches = []
    original = DirectoryIterator.__getitem__

    def recording(self, index):
        epoch = self.epoch
        x, y = original(self, index)
        batches.append((epoch, index, x.copy()))
        return x, y

    monkeypatch.setattr(DirectoryIterator, "__getitem__", recording)
    return batches


def assert_whole_epochs(handed_out, batches, epochs, ordered):
    """Each epoch's last pass is all of its batches, as another iterator makes them."""
    for epoch in epochs:
        got = [(index, x) for at, index, x in handed_out if at == epoch][-len(batches) :]
        numbers = [index for index, _ in got]
        assert sorted(numbers) == list(range(len(batches)))
        assert not ordered or numbers == sorted(numbers)
        for index, x in got:
            np.testing.assert_array_equal(x, batches.batch(epoch, index)[0])


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
def test_fit_gets_the_batches_of_each_epoch(shuffle, breeds, model, handed_out):
    batches = flow(breeds)
    model.fit(batches, epochs=2, shuffle=shuffle, verbose=0)
    assert batches.epoch == 2
    assert_whole_epochs(handed_out, flow(breeds), range(2), ordered=not shuffle)


@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_has_each_batch_prepared_once(shuffle, breeds, model, monkeypatch):
    batches = flow(breeds, batch_size=1, workers=2)
    computed = []
    original = batches._ahead._compute

    def recording(key):
        computed.append(key)
        return original(key)

    monkeypatch.setattr(batches._ahead, "_compute", recording)
    random.seed(7)
    model.fit(batches, epochs=1, verbose=0)  # and has looked at the shape
    computed.clear()
    model.fit(batches, epochs=3, shuffle=shuffle, verbose=0)
    assert batches.epoch == 4
    # A look takes two batches, and has two more prepared.
    assert 30 <= len(computed) <= 30 + 4
    assert {key for key in computed if key[0] < 4} == {(e, i) for e in (1, 2, 3) for i in range(10)}


def test_fit_after_an_interrupted_one_begins_with_a_whole_epoch(breeds, model, handed_out):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    batches = flow(breeds)
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches, verbose=0, callbacks=[Interrupt()])
    model.fit(batches, verbose=0, shuffle=False)
    assert_whole_epochs(handed_out, flow(breeds), [batches.epoch - 1], ordered=True)
    assert [index for _, index, _ in handed_out[-3:]] == [0, 1, 2]


@pytest.mark.parametrize("interrupted", [True, False])
def test_training_gets_the_same_batches_if_it_is_resumed(interrupted, breeds, handed_out, tmp_path):
    network = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    network.build((None, 16, 16, 3))
    network.compile("sgd", "mse", metrics=["accuracy"])
    pictures = {"batch_size": 4, "seed": 1}
    validation = flow(breeds, batch_size=10)
    if interrupted:
        train(network, flow(breeds, **pictures), validation, 1, tmp_path / "kept", progress=False)
        handed_out.clear()
    batches = flow(breeds, **pictures)
    batches.epoch = 5  # where a loop may have left it
    train(network, batches, validation, 3, tmp_path / "kept", progress=False)
    assert batches.epoch == validation.epoch == 3
    trained = [each for each in handed_out if len(each[2]) < 10]
    assert_whole_epochs(trained, flow(breeds), range(interrupted, 3), ordered=True)
    validated = [each for each in handed_out if len(each[2]) == 10]
    assert_whole_epochs(validated, flow(breeds, batch_size=10), range(interrupted, 3), ordered=True)


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
