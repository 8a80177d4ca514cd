"""Checkpoints: the whole state, replaced in one step, and refused where it does not fit."""

import os
import random

import keras
import numpy as np
import pytest

from labkit.dog_breeds.checkpoints import keep_checkpoints
from labkit.dog_breeds.experiments import describe_experiment
from labkit.dog_breeds.networks import compile_lab, freeze, pretrained, unfreeze
from labkit.dog_breeds.training import train

CURVES = {"loss": (1.0,), "accuracy": (0.5,), "val_loss": (2.0,), "val_accuracy": (0.25,)}


class Noise(keras.utils.PyDataset):
    """A batch of random pictures, the same in every epoch."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        dice = np.random.default_rng(index)
        classes = np.eye(2, dtype="float32")[dice.integers(0, 2, 8)]
        return dice.random((8, 8, 8, 3), "float32"), classes


def build(rate=1e-2, eagerly=True, **options):
    """Build a network with dropout; Keras gives its layers other names each time."""
    keras.utils.set_random_seed(3)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ],
        **options,
    )
    compile_lab(network, rate)
    network.run_eagerly = eagerly  # a step is too small to be worth compiling
    return network


def fit(network, folder, epochs, **options):
    return train(network, Noise(), None, epochs, folder, progress=False, **options)


def kept_of(folder, network):
    """Open the checkpoints that :func:`fit` keeps of a network that has not been trained."""
    return keep_checkpoints(folder, network, describe_experiment(network, Noise()))


def only_file(folder):
    [path] = folder.iterdir()
    return path


def state_of(network):
    variables = [*network.variables, *network.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assert_same(network, other):
    for ours, theirs in zip(state_of(network), state_of(other), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_dropout_goes_on_where_it_was(tmp_path):
    whole = build(eagerly=False)
    history = fit(whole, None, 2)
    fit(build(eagerly=False), tmp_path, 1)
    resumed = build(eagerly=False)
    np.testing.assert_allclose(fit(resumed, tmp_path, 2).loss, history.loss, rtol=1e-5)
    assert_same(resumed, whole)
    if keras.backend.backend() == "torch":
        return  # Its dropout draws from torch's own generator and counts nothing.
    seeds = [variable for variable in whole.variables if "seed" in variable.path]
    assert len(seeds) == 1 and keras.ops.convert_to_numpy(seeds[0])[1] > 0


def test_python_and_numpy_go_on_with_the_same_random_numbers(tmp_path):
    fit(build(), tmp_path, 1)
    random.random(), np.random.random()
    with kept_of(tmp_path, network := build()) as checkpoints:
        network.optimizer.build(network.trainable_variables)
        checkpoints.save(network, CURVES)
    expected = random.random(), np.random.random()
    fit(build(), tmp_path, 1)
    assert (random.random(), np.random.random()) == expected


def scale_losses(network):
    """Compile a network anew, with its optimizer inside one that scales losses."""
    network.compile(
        optimizer=keras.optimizers.LossScaleOptimizer(network.optimizer),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def test_loss_scale_of_mixed_precision_is_kept(tmp_path):
    """In float32, because few processors can train in float16; the optimizer is the same."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert type(build().optimizer) is keras.optimizers.LossScaleOptimizer
    finally:
        keras.config.set_dtype_policy("float32")
    first = scale_losses(build())
    fit(first, tmp_path, 1)
    first.optimizer.dynamic_scale.assign(128.0)
    first.optimizer.step_counter.assign(17)
    with kept_of(tmp_path, first) as checkpoints:
        checkpoints.save(first, CURVES)
    resumed = scale_losses(build())
    fit(resumed, tmp_path, 1)
    assert float(resumed.optimizer.dynamic_scale) == 128.0
    assert int(resumed.optimizer.step_counter) == 17
    assert int(resumed.optimizer.iterations) == 1
    assert_same(resumed, first)


class TestLearningRate:
    def test_that_is_changed_in_between_counts(self, tmp_path):
        fit(build(1e-2), tmp_path, 1)
        resumed = build(1e-4)
        fit(resumed, tmp_path, 2)
        assert float(resumed.optimizer.learning_rate) == pytest.approx(1e-4)

    def test_that_training_itself_changed_is_kept(self, tmp_path):
        with kept_of(tmp_path, network := build(1e-2)) as checkpoints:
            network.optimizer.build(network.trainable_variables)
            network.optimizer.learning_rate = 3e-3
            checkpoints.save(network, CURVES)
        resumed = build(1e-2)
        fit(resumed, tmp_path, 1)
        assert float(resumed.optimizer.learning_rate) == pytest.approx(3e-3)

    def test_schedule_follows_the_iterations(self, tmp_path):
        def scheduled():
            network = build()
            schedule = keras.optimizers.schedules.InverseTimeDecay(1e-2, 1, 1.0)
            adam = keras.optimizers.Adam(schedule)
            network.compile(adam, "categorical_crossentropy", metrics=["accuracy"])
            return network

        fit(scheduled(), tmp_path, 1)
        resumed = scheduled()
        fit(resumed, tmp_path, 1)
        assert float(resumed.optimizer.learning_rate) == pytest.approx(1e-2 / 2)


def test_epoch_that_was_not_written_whole_does_not_count(tmp_path, monkeypatch):
    fit(build(), tmp_path, 1)
    path = only_file(tmp_path)
    kept = path.read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    for struck in ("save_weights", "fsync", "replace"):
        network = build()
        with monkeypatch.context() as patch:
            patch.setattr(network if struck == "save_weights" else os, struck, stop)
            with pytest.raises(KeyboardInterrupt):
                fit(network, tmp_path, 2)
        assert path.read_bytes() == kept, struck
    whole, resumed = build(), build()
    fit(whole, None, 2)
    fit(resumed, tmp_path, 2)
    assert_same(resumed, whole)
    assert only_file(tmp_path) == path


def test_beginning_anew_never_pairs_new_weights_with_old_curves(tmp_path, monkeypatch):
    old = build()
    history = fit(old, tmp_path, 1)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(build(0.5), tmp_path, 1, resume=False)
    restored = build()
    assert fit(restored, tmp_path, 1) == history
    assert_same(restored, old)


def transfer():
    keras.utils.set_random_seed(3)
    return pretrained("small_vgg", None, 2, (8, 8, 3), (4,), filters=(3,))


def test_stages_do_not_mix(tmp_path, capsys):
    """Keras would load the head's weights and, with a warning, no optimizer."""
    head = freeze(transfer())
    history = fit(head, tmp_path, 2)  # the first loss tells nothing of what trains
    assert capsys.readouterr().err == ""
    assert fit(unfreeze(transfer()), tmp_path, 2) != history
    assert (
        "keeps another training, from which this one differs in the net" in capsys.readouterr().err
    )
    assert fit(freeze(transfer()), tmp_path, 2) == history
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_checkpoint_is_refused_in_a_sentence_and_kept(tmp_path):
    network = build()
    fit(network, tmp_path, 1)
    path = only_file(tmp_path)
    content = path.read_bytes()
    network.save_weights(tmp_path / "keras.weights.h5")  # all its weights, but none of ours
    of_keras = (tmp_path / "keras.weights.h5").read_bytes()
    (tmp_path / "keras.weights.h5").unlink()
    for damaged in (content[: len(content) // 2], b"", of_keras):
        path.write_bytes(damaged)
        with pytest.raises(
            ValueError, match=r"checkpoint .* is damaged: delete it, choose another"
        ):
            fit(build(), tmp_path, 2)
        assert path.read_bytes() == damaged


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"cannot be written to .* \(File exists\); make room"):
        fit(build(), tmp_path / "file", 1)
