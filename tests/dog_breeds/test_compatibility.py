"""What does not fit together is refused before an hour is spent on it."""

import cv2
import keras
import numpy as np
import pytest

from labkit import (
    ImageDataGenerator,
    compile_lab,
    evaluate,
    predict,
    pretrained,
    small_vgg,
    train,
)
from labkit.dog_breeds.saving import Provenance, remember

SIZE = (16, 16)


@pytest.fixture
def sort(tmp_path):
    def write(name, breeds):
        for breed in breeds:
            (tmp_path / name / breed).mkdir(parents=True)
            for number in range(2):
                grey = np.full((*SIZE, 3), 200 + number, np.uint8)
                cv2.imwrite(str(tmp_path / name / breed / f"{number}.png"), grey)
        return tmp_path / name

    return write


def flow(folder, rescale=1 / 255, generator=None, **options):
    generator = generator or ImageDataGenerator(rescale=rescale)
    return generator.flow_from_directory(folder, SIZE, batch_size=4, seed=0, **options)


def network(classes=3, **options):
    model = compile_lab(small_vgg((*SIZE, 3), classes, filters=(2,), dense=(2,)))
    model.run_eagerly = True
    return model


def fit(model, *batches, **options):
    return train(model, *batches, epochs=1, progress=False, **options)


class TestClasses:
    def test_of_validation_must_be_those_of_training(self, sort):
        training, validation = flow(sort("train", "abc")), flow(sort("val", "abd"))
        difference = "'c' only in the former and 'd' only in the latter"
        with pytest.raises(ValueError, match=f"not have the same classes, {difference}: sort"):
            fit(network(), training, validation)

    def test_in_another_order_are_others(self, sort):
        training, folder = flow(sort("train", "abc")), sort("val", "abc")
        with pytest.raises(ValueError, match="same classes, but in another order"):
            fit(network(), training, flow(folder, classes=["b", "a", "c"]))
        fit(network(), training, flow(folder))

    @pytest.mark.parametrize("mode", ["categorical", "sparse"])
    def test_must_be_as_many_as_outputs(self, sort, mode):
        batches = flow(sort("train", "ab"), class_mode=mode)
        sentence = "has 3 outputs and the batches have 2 breeds: build it with classes=2"
        for measure in (
            lambda: fit(network(), batches, None),
            lambda: evaluate(network(), batches),
        ):
            with pytest.raises(ValueError, match=sentence):
                measure()

    def test_of_a_measurement_must_be_those_of_the_training(self, sort):
        model = network()
        fit(model, flow(sort("train", "abc")), None)
        others = flow(sort("others", "abd"))
        with pytest.raises(ValueError, match="'small_vgg' was trained on other breeds than these"):
            evaluate(model, others)
        turned = flow(sort("again", "abc"), classes=["c", "b", "a"])
        with pytest.raises(ValueError, match="but in another order: give flow_from_directory"):
            evaluate(model, turned)


class TestRange:
    """Pictures in 0…255 pass no network that takes them in [0, 1]."""

    @pytest.mark.parametrize("build", ["small_vgg", "pretrained"])
    def test_of_pictures_is_looked_at(self, sort, build):
        model = network()
        if build == "pretrained":
            model = compile_lab(pretrained("small_vgg", None, 3, (*SIZE, 3), (2,), filters=(2,)))
        raw = flow(sort("train", "abc"), rescale=None)
        sentence = r"go up to 201, and the network .* takes pictures in \[0, 1\]: .* rescale=1/255"
        with pytest.raises(ValueError, match=sentence):
            fit(model, raw, None)
        with pytest.raises(ValueError, match=sentence):
            fit(model, flow(sort("good", "abc")), raw)
        with pytest.raises(ValueError, match=sentence):
            evaluate(model, raw)

    def test_that_a_network_scales_itself_is_its_own(self, sort):
        inside = keras.Sequential(
            [
                keras.Input((*SIZE, 3)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, "softmax"),
            ]
        )
        compile_lab(inside)
        fit(inside, flow(sort("train", "abc"), rescale=None), None)
        with pytest.raises(ValueError, match=r"trained on pictures × 1, and these are × 0\.003922"):
            evaluate(inside, flow(sort("again", "abc")))

    def test_by_an_own_function_is_not_guessed_at(self, sort):
        model = network()
        halved = ImageDataGenerator(preprocessing_function=lambda picture: picture / 510)
        fit(model, flow(sort("train", "abc"), generator=halved), None)
        evaluate(model, flow(sort("again", "abc")))


class TestMetrics:
    def test_without_validation_there_are_curves_of_training(self, sort, capsys):
        history = train(network(), flow(sort("train", "abc")), None, epochs=2)
        assert len(history.loss) == 2 and history.val_loss == (None, None)
        assert "accuracy" in capsys.readouterr().err

    def test_others_have_their_curves(self, sort, capsys):
        model = network()
        top = keras.metrics.TopKCategoricalAccuracy(2, name="top_2")
        model.compile("adam", "categorical_crossentropy", metrics=[top], run_eagerly=True)
        batches = flow(sort("train", "abc"))
        history = train(model, batches, batches, epochs=2)
        assert history.metrics == ("loss", "top_2")
        assert all(0 <= share <= 1 for share in history["val_top_2"])
        assert "loss" in capsys.readouterr().err
        with pytest.raises(ValueError, match="measures no 'accuracy', but loss and top_2: compile"):
            evaluate(model, batches)


class TestClassWeight:
    def test_weighs_the_loss(self, sort):
        batches = flow(sort("train", "abc"), shuffle=False)
        losses = [
            fit(network_of_even_odds(), batches, None, class_weight=weights).loss[0]
            for weights in (None, {0: 1.0, 1: 0.0, 2: 0.0}, {0: 2.0, 1: 2.0, 2: 2.0})
        ]
        even = np.log(3)
        # Of six pictures in batches of four and two, Keras averages over the pictures.
        assert losses == pytest.approx([even, even / 3, 2 * even], rel=1e-3)

    @pytest.mark.parametrize(
        "weights", [{"a": 1.0}, {3: 1.0}, {0: -1.0}, {0: "1"}, [1.0, 1.0, 1.0], {True: 1.0}]
    )
    def test_refuses_what_keras_would_pass_over(self, sort, weights):
        with pytest.raises(ValueError, match="must be a dict from the index of a class"):
            fit(network(), flow(sort("train", "abc")), None, class_weight=weights)


def network_of_even_odds():
    """Say a third for each breed, and never learn."""
    layers = [keras.Input((*SIZE, 3)), keras.layers.Flatten()]
    dense = keras.layers.Dense(3, "softmax", kernel_initializer="zeros")
    model = keras.Sequential([*layers, dense])
    model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy", run_eagerly=True)
    return model


def test_nothing_is_asked_of_other_batches():
    """Of arrays in a PyDataset of one's own nothing is known, and they train as in Keras."""

    class Own(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return np.zeros((2, *SIZE, 3), "float32"), np.eye(3, dtype="float32")[:2]

    model = network()
    remember(model, Provenance(("a", "b", "c")))
    fit(model, Own(), Own())
    assert evaluate(model, Own())[1] in (0.0, 0.5, 1.0)
    named = Own()
    named.class_indices = {"a": 0, "b": 1, "c": 2}
    fit(model, named, None)
    with pytest.raises(ValueError, match="not known how the pictures were prepared"):
        predict(model, np.zeros((*SIZE, 3), np.uint8))
