"""The blanks of lab 1: what is asked for is right, and each slip is named, one at a time."""

import dataclasses
import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from labkit import (
    ImageDataGenerator,
    add_head,
    base_layers,
    check_compiled,
    check_fit,
    check_flows,
    check_generator,
    check_network,
    compile_lab,
    flow_lab,
    freeze,
    headless,
    load_settings,
    pretrained,
    small_vgg,
    unfreeze,
)

ASKED = {
    "rescale": 1 / 255,
    "horizontal_flip": True,
    "rotation_range": 30,
    "brightness_range": (0.5, 1.5),
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "zoom_range": 0.2,
    "fill_mode": "reflect",
}
SIZE, CLASSES = (8, 8, 3), 3


class TestGenerator:
    def test_none_is_unanswered_and_what_is_asked_for_is_right(self):
        assert check_generator(None).status == "unanswered"
        assert check_generator(ImageDataGenerator(**ASKED)).status == "right"
        same = ASKED | {"brightness_range": [0.5, 1.5], "zoom_range": [0.8, 1.2]}
        assert check_generator(ImageDataGenerator(**same))

    @pytest.mark.parametrize("name", ASKED)
    def test_each_that_is_missing_is_named(self, name):
        some = {asked: value for asked, value in ASKED.items() if asked != name}
        told = check_generator(ImageDataGenerator(**some))
        assert told.status == "not yet"
        # Without anything at all, what stands first in the list is named: the rescaling.
        first = check_generator(ImageDataGenerator())
        assert (told == first) == (name == "rescale")

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"rescale": 255}, "from 0 to 1"),
            ({"rotation_range": 0.3}, "30 degrees"),
            ({"brightness_range": (0.0, 0.5)}, "Brightness"),
            ({"zoom_range": (0.2, 0.2)}, "zoom"),
            ({"vertical_flip": True}, "does not ask for vertical_flip"),
        ],
    )
    def test_other_values_are_not_right(self, change, sentence):
        told = check_generator(ImageDataGenerator(**(ASKED | change)))
        assert told.status == "not yet" and sentence in told.message

    def test_something_else_is_no_generator(self):
        assert "is no generator" in check_generator({"rescale": 1 / 255}).message


class TestFlows:
    @pytest.fixture
    def lab(self, breeds):
        settings = load_settings("drawn").replace(batch_size=4, target_size=(16, 16))
        return SimpleNamespace(train_sorted=breeds, val_sorted=breeds), settings

    @pytest.fixture
    def right(self, lab):
        folders, settings = lab
        sizes = {"target_size": settings.target_size, "batch_size": settings.batch_size}
        plain = ImageDataGenerator(rescale=1 / 255)

        def make(changed=None, **changes):
            wanted = {"training": {"seed": 1}, "validation": {"shuffle": False}}
            for name, arguments in wanted.items():
                arguments |= sizes | (changes if name == changed else {})
            return [
                arguments.pop("generator", plain).flow_from_directory(
                    arguments.pop("folder", breeds), **arguments
                )
                for breeds, arguments in (
                    (folders.train_sorted, wanted["training"]),
                    (folders.val_sorted, wanted["validation"]),
                )
            ]

        return make

    def test_none_is_unanswered_and_the_lab_s_own_are_right(self, lab, right):
        assert check_flows(None, None, *lab).status == "unanswered"
        assert check_flows(*flow_lab(*lab)[:2], *lab).status == "right"
        assert check_flows(*right(), *lab).status == "right"

    @pytest.mark.parametrize(
        ("which", "change", "sentence"),
        [
            ("training", {"class_mode": "sparse"}, "training are no one-hot rows"),
            ("training", {"target_size": (24, 16)}, "training come as 24 × 16"),
            ("validation", {"batch_size": 5}, "validation has 5 pictures"),
            ("training", {"generator": ImageDataGenerator()}, "its generator does not rescale"),
            ("training", {"shuffle": False}, "in the same order each time"),
            ("validation", {"shuffle": True}, "in a fixed order"),
            ("validation", {"drop_remainder": True}, "every picture once"),
            (
                "validation",
                {"generator": ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)},
                "rescaled and nothing else",
            ),
        ],
    )
    def test_slips_are_named(self, lab, right, which, change, sentence):
        told = check_flows(*right(which, **change), *lab)
        assert told.status == "not yet" and sentence in told.message

    def test_one_flow_is_not_enough_and_folders_are_not_exchanged(self, lab, right, tmp_path):
        folders, settings = lab
        training, validation = right()
        assert "batches of validation are None" in check_flows(training, None, *lab).message
        folders.val_sorted = tmp_path
        assert "another folder" in check_flows(training, validation, folders, settings).message


def network(*layers):
    return keras.Sequential([keras.Input(SIZE), *layers])


class TestNetwork:
    @pytest.fixture
    def asked(self):
        return small_vgg(SIZE, CLASSES, filters=(4,), dense=(5,))

    def right_layers(self):
        conv = {"padding": "same", "activation": "relu"}
        return [
            keras.layers.Conv2D(4, 3, **conv),
            keras.layers.Conv2D(4, (3, 3), **conv),
            keras.layers.MaxPooling2D((2, 2), strides=(2, 2)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]

    def test_none_is_unanswered_and_what_is_asked_for_is_right(self, asked):
        assert check_network(None, asked).status == "unanswered"
        told = check_network(network(*self.right_layers()), asked)
        assert told and f"{asked.count_params():,} parameters in 6 layers" in told.message

    @pytest.mark.parametrize(
        ("place", "layer", "sentence"),
        [
            (1, keras.layers.Conv2D(4, 5, padding="same", activation="relu"), "Layer 2 (Conv2D)"),
            (1, keras.layers.Conv2D(4, 3, activation="relu"), "Layer 2 (Conv2D) returns (6, 6, 4)"),
            (1, keras.layers.Conv2D(4, 3, padding="same"), "Layer 2 (Conv2D) has the activation"),
            (3, keras.layers.Flatten(), "Layer 4 (Flatten) returns (64,)"),
            (5, keras.layers.Dense(CLASSES), "has the activation linear"),
            (5, keras.layers.Dense(CLASSES, activation="sigmoid"), "the activation sigmoid"),
        ],
    )
    def test_the_first_layer_that_differs_is_named(self, asked, place, layer, sentence):
        layers = self.right_layers()
        layers[place] = layer
        told = check_network(network(*layers), asked)
        assert told.status == "not yet" and sentence in told.message

    def test_missing_layers_are_counted_and_other_things_are_no_network(self, asked):
        assert "has 5 layers; asked for are 6" in check_network(
            network(*self.right_layers()[:-1]), asked
        ).message.replace("All is well", "")
        assert "is no network" in check_network(self.right_layers(), asked).message
        open_ended = keras.Sequential(self.right_layers())
        assert "begin with keras.Input" in check_network(open_ended, asked).message

    def test_a_beginning_is_checked_by_itself(self, asked):
        begun = network(*self.right_layers()[:3])
        assert check_network(begun, asked, up_to="block1_pool")
        assert not check_network(begun, asked)
        assert not check_network(network(*self.right_layers()), asked, up_to="block1_pool")

    def test_a_head_is_checked_on_its_base(self):
        base = headless("small_vgg", "drawn", (32, 32, 3))
        asked = pretrained("small_vgg", "drawn", CLASSES, (32, 32, 3), dense=(5,))
        assert check_network(add_head(base, CLASSES, dense=(5,)), asked)
        told = check_network(add_head(base, CLASSES, dense=(6,)), asked)
        assert "All is well up to layer 14. Layer 15 (Dense) returns (6,)" in told.message


def named(value):
    """Name a case the same in every process, which the address of an object is not."""
    return value if isinstance(value, str) else ", ".join(value)


class TestCompiled:
    @pytest.fixture
    def fresh(self):
        return small_vgg(SIZE, CLASSES, filters=(4,), dense=(5,))

    def compiled(self, network, **changes):
        usual = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}
        network.compile(**{"optimizer": keras.optimizers.Adam(1e-3)} | usual | changes)
        return check_compiled(network, 1e-3)

    def test_not_compiled_is_unanswered_and_the_lab_s_is_right(self, fresh):
        assert check_compiled(fresh, 1e-3).status == "unanswered"
        assert check_compiled(compile_lab(fresh, 1e-3), 1e-3).status == "right"

    @pytest.mark.parametrize(
        "change",
        [
            {"loss": keras.losses.CategoricalCrossentropy()},
            {"loss": keras.losses.categorical_crossentropy},
            {"metrics": ["acc"]},
            {"metrics": [keras.metrics.CategoricalAccuracy()]},
            {"optimizer": "adam"},
        ],
        ids=named,
    )
    def test_other_spellings_are_right(self, fresh, change):
        assert self.compiled(fresh, **change).status == "right"

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"optimizer": "sgd"}, "optimizer is SGD"),
            ({"optimizer": keras.optimizers.Adam(1.0)}, "learning rate is 1; asked for is 0.001"),
            ({"loss": "sparse_categorical_crossentropy"}, "cross-entropy of one-hot rows"),
            ({"loss": "binary_crossentropy"}, "cross-entropy of one-hot rows"),
            ({"loss": "mse"}, "cross-entropy of one-hot rows"),
            ({"metrics": None}, "No accuracy"),
            ({"metrics": ["mse"]}, "No accuracy"),
        ],
        ids=named,
    )
    def test_slips_are_named(self, fresh, change, sentence):
        told = self.compiled(fresh, **change)
        assert told.status == "not yet" and sentence in told.message

    def test_a_check_leaves_a_training_as_it_was(self, fresh):
        pictures, targets = np.ones((2, *SIZE), "float32"), np.eye(CLASSES)[:2]
        assert self.compiled(fresh)
        before = fresh.get_weights()
        assert check_compiled(fresh, 1e-3)
        np.testing.assert_array_equal(before[0], fresh.get_weights()[0])
        assert len(fresh.fit(pictures, targets, epochs=2, verbose=0).history["loss"]) == 2

    def test_what_trains_and_what_does_not_is_checked(self):
        network = pretrained("small_vgg", "drawn", CLASSES, (32, 32, 3), dense=(5,))
        base = base_layers(network)
        compile_lab(network, 1e-3)
        assert "would train: freeze it" in check_compiled(network, 1e-3, frozen=base).message
        assert check_compiled(freeze(network, 1e-3), 1e-3, frozen=base)
        assert "is frozen: let it train" in check_compiled(network, 1e-3).message
        assert check_compiled(unfreeze(network, 1e-3), 1e-3)


@pytest.fixture(scope="module")
def fitted(eagerly):
    """Return a function that trains, once with the same options."""

    @functools.cache
    def fitted(epochs=2, rate=1e-2, validate=True):
        random = np.random.default_rng(0)
        pictures = random.random((6, *SIZE), "float32")
        targets = np.eye(CLASSES, dtype="float32")[[0, 1, 2] * 2]
        keras.utils.set_random_seed(1)
        model = compile_lab(small_vgg(SIZE, CLASSES, filters=(4,), dense=(5,)), rate)
        validation = (pictures, targets) if validate else None
        return model.fit(pictures, targets, 6, epochs, 0, validation_data=validation)

    return fitted


class TestFit:
    def test_none_is_unanswered_and_a_falling_loss_is_right(self, fitted):
        assert check_fit(None, 1e-2).status == "unanswered"
        told = check_fit(fitted(), 1e-2)
        assert told.status == "right" and "The loss falls" in told.message

    def test_slips_are_named(self, fitted):
        assert "is no training" in check_fit({"loss": [2, 1]}, 1e-2).message
        assert "validation_data" in check_fit(fitted(validate=False), 1e-2).message
        assert "train for two" in check_fit(fitted(epochs=1), 1e-2).message
        assert "learning rate is 10" in check_fit(fitted(rate=10.0), 1e-2).message
        assert "The loss rose" in check_fit(fitted(rate=10.0), 10.0).message

    @pytest.mark.parametrize(
        ("losses", "status", "said"),
        [
            ([0.4, 0.3], "right", "The loss falls"),
            ([0.40, 0.41], "right", "The loss has not fallen yet"),
            ([0.4, 0.9], "not yet", "The loss rose"),
            ([0.4, float("nan")], "not yet", "The loss rose"),
        ],
    )
    def test_a_loss_that_hardly_moves_is_no_slip(self, losses, status, said, fitted, monkeypatch):
        history = fitted()
        monkeypatch.setitem(history.history, "loss", losses)
        told = check_fit(history, 1e-2)
        assert (told.status, said in told.message) == (status, True)


def test_flows_of_the_lab_follow_the_seed_and_the_settings(breeds):
    folders = SimpleNamespace(train_sorted=breeds, val_sorted=breeds)
    settings = load_settings("drawn").replace(batch_size=4, target_size=(16, 16))
    settings = dataclasses.replace(settings, augmentation={"rotation_range": 30})
    flows = flow_lab(folders, settings)
    assert (len(flows.training), len(flows.validation), len(flows.training_plain)) == (2, 3, 3)
    assert flows.training.image_data_generator.rotation_range == 30
    assert flows.training_plain.image_data_generator.rotation_range == 0
    assert (flows.training.seed, flow_lab(folders, settings, seed=7).training.seed) == (2021, 7)


def test_slips_speak_the_language(monkeypatch):
    monkeypatch.setattr("labkit.language._chosen", ["de"])
    assert str(check_fit(3, 1e-3)) == (
        "✗ Noch nicht. 3 ist kein Training: Behalte, was fit zurückgibt."
    )
