"""Epochs: a batch is the same whoever asks, and Keras gets every batch of one after the other."""

import keras
import numpy as np
import pytest

from labkit.dog_breeds.batches.epochs import EpochBatches, epoch_order


class Numbered(EpochBatches):
    """Batches of which each says its epoch and its number, and that note what Keras asks for."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.asked = []

    def __len__(self):
        return self.number

    def batch(self, epoch, index):
        return np.full((2, 1), 100 * epoch + index, "float32"), np.zeros((2, 1), "float32")

    def __getitem__(self, index):
        self.asked.append((self.epoch, index))
        return super().__getitem__(index)


def number_of(batch):
    return int(batch[0][0, 0])


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def passes(batches):
    """The numbers that Keras asked for in each epoch, the last ones: before come mere looks."""
    return {
        epoch: [index for at, index in batches.asked if at == epoch][-len(batches) :]
        for epoch in sorted({epoch for epoch, _ in batches.asked})
    }


@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_goes_through_one_epoch_after_the_other(shuffle, model):
    batches = Numbered(7)
    for _ in range(2):
        model.fit(batches, epochs=2, shuffle=shuffle, verbose=0)
    asked = passes(batches)
    assert batches.epoch == 4
    for epoch in range(4):
        assert sorted(asked[epoch]) == list(range(7))
        assert shuffle or asked[epoch] == list(range(7))


def test_by_hand_batches_are_the_same_before_during_and_after_fit(model):
    batches, seen = Numbered(4), []

    class ByHand(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for index in (3, 0, 2):
                assert number_of(EpochBatches.__getitem__(batches, index)) == (
                    100 * batches.epoch + index
                )
            seen.append(batches.epoch)

    before = [number_of(batches[index]) for index in range(4)]
    model.fit(batches, epochs=3, verbose=0, callbacks=[ByHand()])
    assert seen == [0] * 4 + [1] * 4 + [2] * 4
    assert [number_of(batches[index]) for index in range(4)] == [300, 301, 302, 303]
    assert [number_of(batches.batch(0, index)) for index in range(4)] == before
    batches.epoch = 0
    assert [number_of(batches[index]) for index in range(4)] == before == [0, 1, 2, 3]


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("steps", [2, 3])
def test_fit_that_counts_its_own_steps_sees_another_epoch_after_each_pass(steps, model):
    batches = Numbered(4)
    model.fit(batches, steps_per_epoch=steps, epochs=8, shuffle=False, verbose=0)
    asked = passes(batches)
    assert batches.epoch == 4
    assert [asked[epoch] for epoch in range(4)] == [[0, 1, 2, 3]] * 4


def test_evaluate_and_predict_go_through_all(model):
    batches = Numbered(5)
    model.evaluate(batches, verbose=0)
    assert batches.epoch == 1
    predicted = model.predict(batches, verbose=0)
    assert batches.epoch == 2 and len(predicted) == 10


@pytest.mark.parametrize(
    ("looks", "epoch"),
    [
        ([[0, 1, 2, 3, 4]], 1),
        ([[4, 2, 0, 3, 1]], 1),
        ([[0, 1, 2, 3]], 0),
        ([[0], [0, 1], [0, 1, 2, 3, 4]], 1),
        ([[0, 1, 2], [3, 4]], 1),
        ([[0, 1, 2, 3, 4], [0], [0, 1, 2, 3, 4]], 2),
        ([[0, 0, 0, 0, 0]], 0),
        ([[], []], 0),
    ],
)
def test_an_epoch_is_over_when_keras_has_had_all_of_it(looks, epoch):
    batches = Numbered(5)
    for index in range(5):
        batches[index]  # by hand, before Keras begins
    batches.on_epoch_end()
    for asked in looks:
        batches.on_epoch_begin()
        for index in asked:
            batches[index]
        batches.on_epoch_end()
    assert batches.epoch == epoch


def test_loops_and_next_go_through_epochs_too():
    batches = Numbered(3)
    assert [number_of(batch) for batch in batches] == [0, 1, 2]
    assert [number_of(next(batches)) for _ in range(5)] == [100, 101, 102, 200, 201]
    batches.reset()
    assert number_of(next(batches)) == 200
    batches.epoch = np.int64(7)
    assert number_of(next(batches)) == number_of(batches[np.int64(0)]) == 700


@pytest.mark.parametrize("epoch", [-1, True, "1", 1.0])
def test_what_is_no_epoch_is_refused(epoch):
    with pytest.raises(ValueError, match=r"epoch=.* must be a whole number, 0 or more"):
        Numbered(3).epoch = epoch


@pytest.mark.parametrize("index", [-1, 3])
def test_batch_outside_the_epoch_is_refused(index):
    with pytest.raises(IndexError, match=f"There is no batch {index}; .* 0 to 2"):
        Numbered(3)[index]


@pytest.mark.parametrize(
    ("seed", "epoch", "pictures", "first"),
    [
        (0, 0, 7, [3, 1, 4, 5, 6]),
        (3, 2, 480, [406, 267, 479, 232, 309]),
        (123456789, 41, 10222, [10134, 6690, 7607, 1826, 4837]),
    ],
)
def test_order_of_a_seed_stays_as_it_is(seed, epoch, pictures, first):
    order = epoch_order(seed, epoch, pictures)
    assert order[:5].tolist() == first
    assert sorted(order.tolist()) == list(range(pictures))
