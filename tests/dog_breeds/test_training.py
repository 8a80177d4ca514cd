"""Training: it learns, shows progress, keeps every epoch and takes up a killed run."""

import json
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest

from labkit import small_vgg
from labkit.dog_breeds import training
from labkit.dog_breeds.batches import epochs as batches_of_epochs
from labkit.dog_breeds.batches.epochs import EpochBatches
from labkit.dog_breeds.networks import compile_lab
from labkit.dog_breeds.training import evaluate, train


class Halves(keras.utils.PyDataset):
    """Pictures bright on the left or on the right half, which is their class."""

    def __init__(self, batches=2):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        random = np.random.default_rng(index)
        side = random.integers(0, 2, 16)
        pictures = random.random((16, 8, 8, 3), "float32") * 0.3
        pictures[side == 0, :, :4] += 0.7
        pictures[side == 1, :, :, 1] += 0.7
        return pictures, np.eye(2, dtype="float32")[side]


def build(seed=3):
    """Build the same network each time."""
    keras.utils.set_random_seed(seed)
    network = compile_lab(small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(8,)), 1e-2)
    network.run_eagerly = True  # a step is too small to be worth compiling
    return network


@pytest.fixture
def model():
    return build()


def weights_of(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def test_learns_and_returns_a_figure_per_epoch(model):
    history = train(model, Halves(4), Halves(1), epochs=8, progress=False)
    assert {len(curve) for curve in history.curves.values()} == {len(history)} == {8}
    assert history.accuracy[-1] > 0.9 > history.accuracy[0]
    assert evaluate(model, Halves())[1] > 0.9


def test_progress_goes_to_stderr(model, capsys):
    train(model, Halves(), Halves(1), epochs=2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Epoch 2/2" in printed.err
    assert "4/4" in printed.err


class Numbered(Halves):
    """Batches that are drawn epoch by epoch, and note for which one each was asked."""

    epoch = 0

    def __init__(self):
        super().__init__()
        self.asked = []

    def __getitem__(self, index):
        self.asked.append((self.epoch, index))
        return super().__getitem__(index)


def test_batches_are_told_which_epoch_it_is(model, tmp_path):
    batches = Numbered()
    train(model, batches, Halves(1), epochs=2, checkpoints=tmp_path, progress=False)
    assert [asked for asked in batches.asked if asked[0] == 1] == [(1, i) for i in range(2)]
    resumed = Numbered()
    train(model, resumed, Halves(1), epochs=3, checkpoints=tmp_path, progress=False)
    assert resumed.asked[-2:] == [(2, i) for i in range(2)]


def test_further_callbacks_see_the_epochs_that_are_left(model, tmp_path):
    class Ends(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.epochs = []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(epoch)

    first, second = Ends(), Ends()
    for epochs, callback in ((2, first), (3, second)):
        train(
            model,
            Halves(),
            Halves(1),
            epochs,
            checkpoints=tmp_path,
            progress=False,
            callbacks=[callback],
        )
    # The second remembers what the first had seen, as if it were the same.
    assert (first.epochs, second.epochs) == ([0, 1], [0, 1, 2])


class Killed(Exception):
    pass


class Killing(keras.callbacks.Callback):
    """Break off in the middle of one epoch, as a lost machine would."""

    def __init__(self, epoch):
        super().__init__()
        self.last = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.last:
            raise Killed


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path):
    model = build()
    whole = train(model, Halves(), Halves(1), epochs=3, progress=False)
    with pytest.raises(Killed):
        train(build(), Halves(), Halves(1), 3, tmp_path, progress=False, callbacks=[Killing(2)])
    [path] = tmp_path.iterdir()
    with h5py.File(path) as file:
        assert len(json.loads(file["labkit"][()])["curves"]["loss"]) == 2

    fresh = build(seed=4)
    keras.utils.set_random_seed(3)
    resumed = train(fresh, Halves(), Halves(1), 3, checkpoints=tmp_path, progress=False)
    np.testing.assert_allclose(resumed.loss, whole.loss, rtol=1e-3)
    np.testing.assert_allclose(weights_of(fresh), weights_of(model), rtol=1e-2, atol=1e-4)


def test_a_finished_run_is_not_trained_again(model, tmp_path):
    first = train(model, Halves(), Halves(1), 2, checkpoints=tmp_path, progress=False)
    before = weights_of(model)
    assert train(model, Halves(), Halves(1), 2, checkpoints=tmp_path, progress=False) == first
    np.testing.assert_array_equal(weights_of(model), before)
    assert len(list(tmp_path.iterdir())) == 1


def test_resume_false_begins_anew(model, tmp_path):
    train(model, Halves(), Halves(1), 2, checkpoints=tmp_path, progress=False)
    history = train(
        model, Halves(), Halves(1), 1, checkpoints=tmp_path, resume=False, progress=False
    )
    assert len(history) == 1


@pytest.mark.parametrize("epochs", [0, 1.5, True, "2"])
def test_refuses_epochs(model, epochs):
    with pytest.raises(ValueError, match=f"epochs={epochs!r} must be a whole number, 1 or more"):
        train(model, Halves(), Halves(1), epochs)


def test_numpy_counts_epochs_too(model):
    assert len(train(model, Halves(1), Halves(1), np.int64(1), progress=False)) == 1


def test_refuses_a_model_that_is_not_compiled():
    with pytest.raises(ValueError, match="'small_vgg' is not compiled; compile it first"):
        train(small_vgg((8, 8, 3), classes=2, filters=(4,)), Halves(), Halves(1), 1)


def test_evaluate_needs_a_compiled_model():
    with pytest.raises(ValueError, match="'small_vgg' is not compiled; compile it first"):
        evaluate(small_vgg((8, 8, 3), classes=2, filters=(4,)), Halves(1))


@pytest.fixture
def clock(monkeypatch):
    """Let time pass as a test says, and any training be long enough for a word."""
    clock = SimpleNamespace(seconds=0.0)
    for module in (training, batches_of_epochs):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.seconds))
    monkeypatch.setattr(training, "_WORTH_A_WORD", 0)
    return clock


class Drawn(EpochBatches):
    """Batches that take their time, if there is a clock."""

    def __init__(self, clock=None, seconds=0.0):
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def __len__(self):
        return 2

    def batch(self, epoch, index):
        if self.clock:
            self.clock.seconds += self.seconds
        return Halves()[index]


class Slow(keras.callbacks.Callback):
    """Make each step of the training take a second, and each of the validation ten."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_end(self, batch, logs=None):
        self.clock.seconds += 1

    def on_test_batch_end(self, batch, logs=None):
        self.clock.seconds += 10


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [(3, "The pictures limit the speed"), (0.1, "The network limits the speed")],
    ids=["pictures", "network"],
)
def test_says_once_what_limits_whatever_validation_takes(model, capsys, clock, seconds, sentence):
    train(model, Drawn(clock, seconds), Halves(), 2, callbacks=[Slow(clock)])
    told = capsys.readouterr().err
    assert told.count("the speed") == 1 and sentence in told


def test_without_progress_says_nothing(model, capsys, clock):
    train(model, Drawn(clock, 1), None, 2, progress=False, callbacks=[Slow(clock)])
    assert capsys.readouterr().err == ""


def test_is_silent_where_little_time_is_left(model, capsys):
    train(model, Drawn(), Halves(1), epochs=2)
    assert "the speed" not in capsys.readouterr().err


def test_advice_depends_on_what_is_kept():
    assert 'cache="disk"' in training.what_limits(0.9, cached=False)
    assert "More cores" in training.what_limits(0.9, cached=True)
