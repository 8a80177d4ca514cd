"""Callbacks go on where they were, whenever a training is broken off."""

import json

import keras
import numpy as np
import pytest

from labkit.dog_breeds.callback_states import CallbackStates, put_arrays, take_arrays
from labkit.dog_breeds.training import train

EPOCHS = 6


class Data(keras.utils.PyDataset):
    """Noise with random labels, of which nothing is learnt for long."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def __len__(self):
        return 1

    def __getitem__(self, index):
        dice = np.random.default_rng([self.seed, index])
        return dice.random((16, 5), "float32"), np.eye(3, dtype="float32")[dice.integers(0, 3, 16)]


def build(rate=0.1):
    """Return a network with the same weights on every backend, and so the same curves."""
    keras.utils.set_random_seed(3)
    layers = [keras.Input((5,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    dice = np.random.default_rng(0)
    model.set_weights([dice.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    model.run_eagerly = True  # a step is too small to be worth compiling
    return model


def fit(model, kept=None, epochs=EPOCHS, validation=True, **options):
    given = Data(3) if validation else None
    return train(model, Data(0), given, epochs, kept, progress=False, **options)


class Broken(Exception):
    pass


class Breaking(keras.callbacks.Callback):
    """Break off after so many epochs of this run."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.after:
            raise Broken


def in_pieces(kept, make, epochs):
    """Train with breaks; each piece has new callbacks and a new network, as a new process has."""
    for after in [2, 3, epochs - 1]:
        with pytest.raises(Broken):
            fit(build(), kept, callbacks=[*make(), Breaking(after)])
    model = build()
    return model, fit(model, kept, callbacks=make())


def flatten(model):
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def of_every_kind(folder):
    """Callbacks of every kind that goes by what it has seen."""
    return [
        keras.callbacks.ReduceLROnPlateau(patience=1, cooldown=1, factor=0.5, min_delta=0.05),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(
            folder / "best.weights.h5", save_best_only=True, save_weights_only=True
        ),
    ]


def test_all_go_on_as_if_nothing_had_happened(tmp_path):
    files = [tmp_path / name for name in ("whole", "broken")]
    for folder in files:
        folder.mkdir()
    whole = build()
    expected = fit(whole, callbacks=of_every_kind(files[0]))
    # The first epochs are the best: the others count, and the rate falls by more than the schedule.
    rates = np.array(expected["learning_rate"])
    assert len(expected) == 5 and np.argmin(expected.val_loss) == 1
    assert min(rates[1:] / rates[:-1]) < 0.5 < 0.8 < max(rates[1:] / rates[:-1])
    model, history = in_pieces(tmp_path / "kept", lambda: of_every_kind(files[1]), len(expected))
    assert history.curves.keys() == expected.curves.keys()
    for name, curve in expected.curves.items():
        np.testing.assert_allclose(history[name], curve, rtol=1e-5)
    np.testing.assert_allclose(flatten(model), flatten(whole), rtol=1e-4, atol=1e-6)
    best = [build() for _ in files]
    for network, folder in zip(best, files, strict=True):
        network.optimizer.build(network.trainable_variables)
        network.load_weights(folder / "best.weights.h5")
    np.testing.assert_allclose(flatten(best[1]), flatten(best[0]), rtol=1e-4, atol=1e-6)


class TestEarlyStopping:
    OPTIONS = {"patience": 2, "restore_best_weights": True}  # noqa: RUF012

    def test_stops_and_keeps_the_best_epoch(self):
        model, every = build(), []
        spy = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: every.append(flatten(model))
        )
        history = fit(model, callbacks=[spy], **self.OPTIONS)
        assert len(history) < EPOCHS
        best = int(np.argmin(history.val_loss))
        assert best == len(history) - 3
        np.testing.assert_array_equal(flatten(model), every[best])

    def test_the_best_epoch_without_stopping(self, tmp_path):
        model = build()
        history = fit(model, tmp_path, restore_best_weights=True)
        assert len(history) == EPOCHS
        loss = model.evaluate(Data(3), verbose=0)[0]
        assert loss == pytest.approx(min(history.val_loss), rel=1e-5)
        assert min(history.val_loss) < history.val_loss[-1] * 0.99
        again = build()  # finished, it has its best weights again
        assert fit(again, tmp_path, restore_best_weights=True) == history
        np.testing.assert_array_equal(flatten(again), flatten(model))

    def test_by_another_curve(self):
        history = fit(build(), epochs=2, patience=2, monitor="loss", validation=False)
        assert history.val_loss == (None,) * len(history)

    def test_stays_stopped_with_the_best_weights(self, tmp_path):
        first = build()
        history = fit(first, tmp_path, **self.OPTIONS)
        for model in (first, build()):  # the cell run again, and in a new process
            assert fit(model, tmp_path, **self.OPTIONS) == history
            np.testing.assert_array_equal(flatten(model), flatten(first))

    def test_more_patience_goes_on(self, tmp_path):
        short = fit(build(), tmp_path, **self.OPTIONS)
        long = fit(build(), tmp_path, patience=3, restore_best_weights=True)
        assert len(long) == len(short) + 1 < EPOCHS
        assert long == fit(build(), patience=3, restore_best_weights=True)

    def test_stays_stopped_where_the_first_epoch_is_the_best(self, tmp_path):
        """Then what remembers the best epoch says all the time what it said at first."""
        history = fit(build(rate=0.0), tmp_path, **self.OPTIONS)
        assert len(history) == 3 < EPOCHS
        assert fit(build(rate=0.0), tmp_path, **self.OPTIONS) == history

    def test_stays_stopped_whatever_the_callback_was_used_for_before(self, tmp_path):
        used, other = (keras.callbacks.EarlyStopping(patience=2) for _ in range(2))
        fit(build(rate=0.0), callbacks=[used])
        fit(build(), callbacks=[other])
        history = fit(build(rate=0.0), tmp_path, callbacks=[used])
        for again in (used, other, keras.callbacks.EarlyStopping(patience=2)):
            assert fit(build(rate=0.0), tmp_path, callbacks=[again]) == history

    def test_a_class_of_ones_own_goes_on_with_more_patience(self, tmp_path):
        class Mine(keras.callbacks.EarlyStopping):
            def __init__(self, **options):
                super().__init__(**options)

        short = fit(build(rate=0.0), tmp_path, callbacks=[Mine(patience=2)])
        assert fit(build(rate=0.0), tmp_path, callbacks=[Mine(patience=2)]) == short
        assert len(fit(build(rate=0.0), tmp_path, callbacks=[Mine(patience=3)])) == len(short) + 1

    def test_refuses_the_best_of_epochs_that_nobody_watched(self, tmp_path):
        fit(build(), tmp_path, epochs=1)
        for epochs in (1, 2):
            with pytest.raises(ValueError, match=r"without watching for the best.*resume=False"):
                fit(build(), tmp_path, epochs, restore_best_weights=True)
        fit(build(), tmp_path, 1, restore_best_weights=True, resume=False)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"patience": 1.5}, "patience=1.5 must be a whole number, 0 or more"),
            ({"patience": 1, "validation": False}, "monitor='val_loss' needs validation batches"),
            ({"patience": 1, "monitor": "val_top"}, "measures no 'top', but accuracy and loss"),
        ],
    )
    def test_refuses_before_an_epoch_is_spent(self, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            fit(build(), **options)


def test_callbacks_of_the_user_are_looked_at_too():
    plateau = keras.callbacks.ReduceLROnPlateau()
    with pytest.raises(ValueError, match="monitor='val_loss' needs validation batches"):
        fit(build(), validation=False, callbacks=[plateau])


class Rich(keras.callbacks.Callback):
    """Remember all kinds of things."""

    def __init__(self, fixed=1.0):
        super().__init__()
        self.fixed, self.file = np.full(3, fixed), None


def test_states_survive_the_way_through_a_file():
    first, second = Rich(), Rich()
    states = CallbackStates([first])
    states.begin({})
    first.array, first.numbers = np.arange(3.0), {1: (2.0, [float("inf"), None]), "a": True}
    first.best, first.file = np.float32(0.5), object()
    arrays = []
    text = json.dumps(take_arrays(states.collect(), arrays))
    assert len(arrays) == 2
    kept = put_arrays(json.loads(text), arrays)
    again = CallbackStates([second])
    assert again.are_set_as(kept)
    again.begin(kept)
    np.testing.assert_array_equal(second.array, first.array)
    assert (second.numbers, second.best) == (first.numbers, 0.5)
    assert second.file is None  # what cannot be kept
    second.fixed = np.zeros(3)
    assert not again.are_set_as(kept)


def test_callbacks_of_a_kind_are_told_apart_by_their_order():
    first, second = Rich(), Rich()
    states = CallbackStates([first, second])
    states.begin({})
    first.best, second.best = 1, 2
    kept = states.collect()
    others = [Rich(), Rich()]
    CallbackStates(others).begin(kept)
    assert [other.best for other in others] == [1, 2]
    assert not CallbackStates([Rich()]).are_set_as(kept)
