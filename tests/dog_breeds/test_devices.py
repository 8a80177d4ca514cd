"""What computes: two halves of one processor train as the whole does; advice where no GPU is."""

import json
import os
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

import labkit
from labkit import load_settings, small_vgg
from labkit.dog_breeds import devices
from labkit.dog_breeds.devices import gpu_advice, has_gpu, use_devices, use_mixed_precision

BACKEND = keras.backend.backend()
distributing = pytest.mark.skipif(BACKEND == "torch", reason="Keras does not distribute on torch")

#: In a process of its own, because a backend splits the processor before its first computation.
TRAINING = """
import json, sys
import keras
import labkit

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    half = tf.config.LogicalDeviceConfiguration()
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [half, half])
else:
    import jax

    jax.config.update("jax_num_cpu_devices", 2)

def train_on(number, batch_size):
    devices = labkit.use_devices(number)
    keras.utils.set_random_seed(1)
    model = labkit.small_vgg((16, 16, 3), 2, filters=(4, 8), dense=(8,))
    labkit.compile_lab(model, 1e-2)
    flow = {"target_size": (16, 16), "batch_size": batch_size}
    generator = labkit.ImageDataGenerator(rescale=1 / 255, rotation_range=20, horizontal_flip=True)
    training = generator.flow_from_directory(sys.argv[1], seed=3, drop_remainder=True, **flow)
    plain = labkit.ImageDataGenerator(rescale=1 / 255)
    validation = plain.flow_from_directory(sys.argv[1], shuffle=False, **flow)
    history = labkit.train(model, training, validation, epochs=2, progress=False)
    measured = labkit.evaluate(model, validation)
    predicted = model.predict(validation, verbose=0)
    said = labkit.predict(model, validation.filepaths[0])
    named = dict(zip(said.breeds, said.probabilities))
    return [devices, history.curves, measured, predicted.tolist(), named]

answers = []
for number, batch_size in json.loads(sys.argv[2]):
    try:
        answers.append(train_on(number, batch_size))
    except ValueError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Write 31 pictures of two classes: batches of 4 leave 3 over, a lame share for two."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(31):
        breed = folder / ("pug", "boxer")[number % 2]
        breed.mkdir(exist_ok=True)
        picture = random.integers(0, 120, (16, 16, 3), np.uint8)
        picture[..., number % 2] += 120
        cv2.imwrite(str(breed / f"{number:02}.png"), picture)
    return folder


def train_on(folder, *requests):
    """Train by ``(devices, batch size)`` each, in one process; return results and refusals."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, folder, json.dumps(requests)],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": BACKEND, "CUDA_VISIBLE_DEVICES": "-1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def shared(pictures):
    """What a process with two devices answers: to train on one, what it refuses, and on both."""
    return train_on(pictures, (1, 4), (3, 4), (2, 9), (2, 6), (2, 4))


@distributing
def test_two_devices_train_as_one_does(shared):
    alone, history, measured, predicted, named = shared[0]
    both, shared_history, shared_measured, shared_predicted, shared_named = shared[-1]
    assert (len(alone), len(both)) == (1, 2)
    for curve, figures in history.items():
        assert shared_history[curve] == pytest.approx(figures, rel=1e-4), curve
    assert history["loss"][0] != pytest.approx(history["loss"][-1], rel=1e-2)
    assert shared_measured == pytest.approx(measured, rel=1e-4)
    np.testing.assert_allclose(shared_predicted, predicted, rtol=1e-3, atol=1e-5)
    assert shared_named == pytest.approx(named, rel=1e-3, abs=1e-5)  # a picture for both
    assert named["boxer"] == pytest.approx(predicted[0][0], rel=1e-3)


@distributing
def test_there_must_be_so_many_devices(shared):
    assert "devices=3" in shared[1] and "take at most 2" in shared[1]


@distributing
def test_a_batch_that_cannot_be_shared_is_refused(shared):
    assert "2 devices cannot share a batch of 9 pictures" in shared[2]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX shares no validation")
def test_a_last_batch_without_a_picture_for_each_is_refused(shared):
    assert "2 devices cannot share a batch of 1 pictures" in shared[3]


@pytest.mark.parametrize("number", [0, -1, 1.0, "2", None, True])
def test_a_number_of_devices_is_a_whole_number(number):
    with pytest.raises(ValueError, match=r"devices=.* must be a whole number, 1 or more"):
        use_devices(number)


@pytest.mark.skipif(BACKEND != "torch", reason="only torch cannot")
def test_torch_refuses_more_than_one():
    with pytest.raises(ValueError, match="set KERAS_BACKEND to tensorflow or jax"):
        use_devices(2)


def test_one_device_changes_nothing():
    assert len(use_devices(1)) == len(use_devices(np.int64(1))) == 1
    assert keras.distribution.distribution() is None


def test_mixed_precision_only_where_there_is_a_gpu(monkeypatch):
    assert use_mixed_precision() == ("mixed_float16" if has_gpu() else "float32")
    try:
        monkeypatch.setattr(devices, "has_gpu", lambda: True)
        assert use_mixed_precision() == "mixed_float16"
        assert use_mixed_precision(wanted=False) == "float32"
        use_mixed_precision()
        assert small_vgg((8, 8, 3), classes=2, filters=(4,)).layers[-1].compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


class TestGpuAdvice:
    @pytest.fixture(params=[True, False], ids=["with a GPU", "without"])
    def gpu(self, request, monkeypatch):
        monkeypatch.setattr(devices, "has_gpu", lambda: request.param)
        return request.param

    def test_drawn_dogs_want_none(self, gpu):
        assert gpu_advice(load_settings("drawn")) == "The settings 'drawn' need no GPU."

    def test_photographs_without_one_get_advice_and_no_error(self, gpu):
        advice = gpu_advice(load_settings("photographs"))
        assert advice.startswith("A GPU was found" if gpu else "No GPU was found")
        assert gpu or all(way in advice for way in ("Colab", "load_settings('drawn')"))


class TestScaledOnDevice:
    """Seen from a GPU, which this machine need not have: only the decision asks for one."""

    @pytest.fixture(autouse=True)
    def gpu(self, monkeypatch):
        monkeypatch.setattr(devices, "has_gpu", lambda: True)

    @pytest.fixture
    def flow(self, pictures):
        def flow(generator, **changes):
            options = {"target_size": (16, 16), "batch_size": 4, "seed": 3, "drop_remainder": True}
            return generator.flow_from_directory(pictures, **options | changes)

        return flow

    @pytest.fixture
    def augmented(self):
        ranges = {"rotation_range": 20, "brightness_range": (0.5, 1.5), "horizontal_flip": True}
        return labkit.ImageDataGenerator(rescale=1 / 255, **ranges)

    @staticmethod
    def network():
        keras.utils.set_random_seed(1)
        return labkit.compile_lab(small_vgg((16, 16, 3), 2, filters=(4,), dense=(8,)), 1e-2)

    def test_bytes_times_the_factor_are_the_batches_to_the_last_bit(self, flow, augmented):
        batches = flow(augmented)
        others, factor = batches.in_bytes()
        for epoch in (0, 3):
            (x, y), (other, same_y) = batches.batch(epoch, 1), others.batch(epoch, 1)
            assert other.dtype == np.uint8
            np.testing.assert_array_equal(x, other.astype("float32") * np.float32(factor))
            np.testing.assert_array_equal(y, same_y)

    def test_training_is_the_same(self, flow, augmented, monkeypatch):
        def trained(gpu):
            monkeypatch.setattr(devices, "has_gpu", lambda: gpu)
            model, batches = self.network(), flow(augmented)
            history = labkit.train(model, batches, flow(augmented), epochs=2, progress=False)
            measured = labkit.evaluate(model, flow(augmented))
            return history.curves, measured, batches.epoch, model.get_weights()

        (here, measured_here, epoch_here, weights_here) = trained(False)
        (there, measured_there, epoch_there, weights_there) = trained(True)
        assert epoch_here == epoch_there
        for name, curve in here.items():
            np.testing.assert_allclose(there[name], curve, rtol=1e-4)
        np.testing.assert_allclose(measured_there, measured_here, rtol=1e-4)
        for one, other in zip(weights_here, weights_there, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)

    def test_bytes_travel_and_callbacks_meet_the_network_itself(self, flow, augmented):
        model, seen = self.network(), []

        class Spy(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                x, _ = flow(augmented)[0]
                seen.append((self.model, self.model.predict(x, verbose=0)))

        batches, taken = flow(augmented), []
        bytes_batch = type(batches).batch
        with pytest.MonkeyPatch.context() as patch:

            def batch(self, epoch, index):
                taken.append(self.dtype)
                return bytes_batch(self, epoch, index)

            patch.setattr(type(batches), "batch", batch)
            labkit.train(model, batches, flow(augmented), 1, progress=False, callbacks=[Spy()])
        assert "uint8" in taken
        assert seen[0][0] is model
        x, _ = flow(augmented)[0]
        np.testing.assert_allclose(seen[0][1], model.predict(x, verbose=0), rtol=1e-4)
        assert "call" not in vars(model)

    @pytest.mark.parametrize(
        "changes",
        [{"rescale": None}, {"channel_shift_range": 9.0}, {"preprocessing_function": np.sqrt}],
        ids=str,
    )
    def test_what_bytes_cannot_hold_travels_as_it_is(self, flow, changes):
        batches = flow(labkit.ImageDataGenerator(**{"rescale": 1 / 255} | changes))
        assert batches.in_bytes() is None
        with devices.scaled_on_device(None, batches) as fed:
            assert fed == [batches]

    def test_different_factors_travel_as_they_are(self, flow):
        several = [flow(labkit.ImageDataGenerator(rescale=factor)) for factor in (1.0, 1 / 255)]
        with devices.scaled_on_device(None, *several) as fed:
            assert fed == several

    def test_a_failure_leaves_the_model_as_it_was(self, flow, augmented):
        model = self.network()
        with pytest.raises(KeyError), devices.scaled_on_device(model, flow(augmented)):
            raise KeyError
        assert "call" not in vars(model)
