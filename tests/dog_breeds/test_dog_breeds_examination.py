"""Keys of the examination, against Keras, SciPy and answers worked out from the items' words."""

import ast
import re
from fractions import Fraction
from math import ceil, log

import keras
import numpy as np
import pytest
from scipy.stats import binomtest

from labkit.questions.examination import paper

SEEDS = range(40)
PAPERS = [paper("dog_breeds", seed) for seed in SEEDS]
#: Those for which Keras builds a network.
FEW = 8


def items(number, papers=None):
    return [items[number - 1] for items in PAPERS[:papers]]


def keyed(item):
    return [value.number for value in item.key]


def numbers(text):
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d|\d", text)]


def sizes_of(item):
    return [int(size) for size in re.findall(r"(\d+) of the", item.text)]


@pytest.mark.parametrize("item", items(1))
def test_guessing(item):
    pictures = [breed for breed, size in enumerate(sizes_of(item)) for _ in range(size)]
    shares = sorted((pictures.count(breed) / len(pictures) for breed in range(4)), reverse=True)
    classes = int(re.search(r"has (\d+) breeds", item.text)[1])
    assert keyed(item) == pytest.approx([shares[0], shares[0] + shares[1], 1 / classes])


@pytest.mark.parametrize("item", items(2))
def test_split_and_steps(item):
    batch = int(re.search(r"Batches have (\d+)", item.text)[1])
    validation = sum(ceil(Fraction(size, 5)) for size in sizes_of(item))
    training = sum(sizes_of(item)) - validation
    full = [range(at, at + batch) for at in range(0, training - batch + 1, batch)]
    assert keyed(item) == [training, len(full), len(range(0, validation, batch))]


@pytest.mark.parametrize("item", items(3))
def test_matrices(item):
    text = item.text.replace("−", "-")
    shift, zoom = (
        np.array(ast.literal_eval("[[" + m.replace("; ", "],[").replace(" ", ",") + "]]"))
        for m in re.findall(r"= \(([^)]*)\)", text)
    )
    y, x = numbers(re.search(r"in row \d+, column \d+", text)[0])
    first, second = (matrix @ [y, x, 1] for matrix in (shift @ zoom, zoom @ shift))
    assert keyed(item) == pytest.approx([*first[:2], *second[:2]])
    assert not np.allclose(first, second)


@pytest.mark.parametrize("item", items(4, FEW))
def test_parameters_of_a_block(item):
    one, two, *_ = numbers(item.text)
    kernel = int(re.search(r"kernels of (\d)", item.text)[1])
    channels = 3 if "three colours" in item.text else 1
    count = [block(side, channels, one, two, kernel) for side in (20, 40)]
    assert keyed(item) == [*count[0], sum(count[1]) / sum(count[0])]


def block(side, channels, one, two, kernel):
    model = keras.Sequential(
        [
            keras.Input((side, side, channels)),
            keras.layers.Conv2D(one, kernel),
            keras.layers.Conv2D(two, kernel),
            keras.layers.MaxPooling2D(),
        ]
    )
    return [layer.count_params() for layer in model.layers]


@pytest.mark.parametrize("item", items(5, FEW))
def test_sizes_of_maps(item):
    height = numbers(item.text)[0]
    pattern = r"kernel of (\d) × \d, stride (\d), padding \"valid\""
    kernel, stride = map(int, re.search(pattern, item.text).groups())
    layers = [
        keras.layers.Conv2D(1, kernel, stride),
        keras.layers.MaxPooling2D(2, 2),
        keras.layers.Conv2D(1, 3, 2, padding="same"),
    ]
    maps, heights = keras.Input((height, height, 1)), []
    for layer in layers:
        maps = layer(maps)
        heights.append(maps.shape[1])
    assert keyed(item) == heights


@pytest.mark.parametrize("item", items(6, FEW))
def test_flattened_or_averaged(item):
    maps, side, _, units = numbers(item.text)[:4]
    counted = []
    for reduce in (keras.layers.Flatten(), keras.layers.GlobalAveragePooling2D()):
        model = keras.Sequential(
            [keras.Input((side, side, maps)), reduce, keras.layers.Dense(units)]
        )
        counted.append(model.count_params())
    assert keyed(item) == counted


@pytest.mark.parametrize("item", items(7))
def test_early_stopping(item):
    (row,) = re.findall(r"validation loss \| (.*) \|", item.text)
    losses = list(map(float, row.split(" | ")))
    patience = int(re.search(r"patience of (\d)", item.text)[1])
    assert {2: "the second", 3: "the third"}[patience] in item.text
    assert keyed(item) == [*stopped(losses, patience)]


def stopped(losses, patience):
    """Let Keras' own callback watch the losses."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback = keras.callbacks.EarlyStopping("val_loss", patience=patience)
    model.stop_training = False
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            return epoch + 1, callback.best_epoch + 1
    raise AssertionError("Training did not end.")


@pytest.mark.parametrize("item", items(8, FEW))
def test_frozen_parameters(item):
    base, maps, units, classes, *_ = numbers(item.text)
    pictures = keras.Input((4, 4, maps))
    pooled = keras.layers.GlobalAveragePooling2D()(pictures)
    head = keras.layers.Dense(classes)(keras.layers.Dense(units)(pooled))
    trained = keras.Model(pictures, head).count_params()
    assert keyed(item) == [trained, base + trained, trained]


@pytest.mark.parametrize("item", items(9))
def test_sure_of_an_accuracy(item):
    right, total = numbers(item.text)[:2]
    low, high = binomtest(right, total).proportion_ci(method="wilson")
    assert keyed(item) == pytest.approx([low, high])
    stated = float(re.search(r"network is (0\.\d\d)", item.text)[1])
    assert ("inside" in item.answer) == (low < stated < high)
    assert min(abs(stated - low), abs(stated - high)) > 2 * item.key[0].tolerance


@pytest.mark.parametrize("item", items(10))
def test_cross_entropy(item):
    given = [Fraction(share) for share in re.findall(r"1/\d+", item.text)]
    assert len(given) == 3
    loss = sum(-log(share) for share in given) / 3
    even = log(int(re.search(r"are (\d+) breeds", item.text)[1]))
    assert keyed(item) == pytest.approx([loss, even])
    assert item.answer.startswith("(c) Better") == (loss < even) and abs(loss - even) > 0.1
