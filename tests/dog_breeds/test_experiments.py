"""Trainings are told apart by all that makes their curves, and by nothing else."""

import functools

import cv2
import keras
import numpy as np
import pytest

from labkit import ImageDataGenerator, compile_lab, freeze, pretrained, small_vgg, train, unfreeze
from labkit.dog_breeds.experiments import describe_experiment, digest
from labkit.dog_breeds.saving import load, save

SIZE = (16, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sorted_pictures(tmp_path_factory.mktemp("sorted"), seed=0)


def sorted_pictures(folder, seed, breeds=("beagle", "pug"), number=4):
    random = np.random.default_rng(seed)
    for breed in breeds:
        (folder / breed).mkdir()
        for picture in range(number):
            noise = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / breed / f"{picture}.png"), noise)
    return folder


def flow(folder, seed=1, batch_size=4, target_size=SIZE, augmentation=None, **options):
    generator = ImageDataGenerator(rescale=1 / 255, **(augmentation or {}))
    return generator.flow_from_directory(
        folder, target_size, batch_size=batch_size, seed=seed, **options
    )


def network(seed=5, rate=1e-3, **options):
    keras.utils.set_random_seed(seed)
    options = {"base": "small_vgg", "weights": None, "filters": (3,), **options}
    return freeze(pretrained(classes=2, input_shape=(*SIZE, 3), dense=(4,), **options), rate)


def compiled(optimizer="adam", loss="categorical_crossentropy", **options):
    keras.utils.set_random_seed(5)
    model = small_vgg((*SIZE, 3), 2, filters=(3,), dense=(4,))
    model.compile(optimizer, loss, **options)
    return model


def parts_that_differ(one, other):
    return describe_experiment(*one).differs_in(describe_experiment(*other).parts)


NETWORKS = {
    "preprocessing": (lambda: network(preprocessing="none"), ["the network"]),
    "filters": (
        lambda: network(filters=(4,)),
        ["the network", "the weights of its frozen layers"],
    ),
    "weights": (lambda: network(seed=6), ["the weights of its frozen layers", "the random seed"]),
    "stage": (
        lambda: unfreeze(network()),
        ["the network", "the weights of its frozen layers"],
    ),
}


@pytest.mark.parametrize("change", NETWORKS)
def test_networks_are_told_apart(change, folder):
    build, parts = NETWORKS[change]
    batches = flow(folder)
    first = describe_experiment(network(), batches)
    assert first.differs_in(describe_experiment(build(), batches).parts) == parts


BATCHES = {
    "seed": {"seed": 2},
    "augmentation": {"augmentation": {"rotation_range": 10}},
    "size of a batch": {"batch_size": 2},
    "interpolation": {"interpolation": "nearest"},
    "own function": {"augmentation": {"preprocessing_function": lambda x: x + 1}},
}


@pytest.mark.parametrize("change", BATCHES)
def test_batches_are_told_apart(change, folder):
    model = network()
    other = flow(folder, **BATCHES[change])
    assert parts_that_differ((model, flow(folder)), (model, other)) == ["the batches"]


def test_data_are_told_apart(folder, tmp_path):
    model, batches = network(), flow(folder)
    for number, options in enumerate(({"seed": 9}, {"seed": 0, "number": 3})):
        (tmp_path / str(number)).mkdir()
        other = flow(sorted_pictures(tmp_path / str(number), **options))
        assert parts_that_differ((model, batches), (model, other)) == ["the data"]
        assert parts_that_differ((model, batches, batches), (model, batches, other)) == ["the data"]


OBJECTIVES = {
    "optimizer": ({"optimizer": "sgd"}, ["the optimizer"]),
    "momentum": ({"optimizer": keras.optimizers.Adam(beta_1=0.8)}, ["the optimizer"]),
    "schedule": (
        {"optimizer": keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9))},
        ["the optimizer"],
    ),
    "loss": ({"loss": "mse"}, ["the loss"]),
    "smoothing": (
        {"loss": keras.losses.CategoricalCrossentropy(label_smoothing=0.1)},
        ["the loss"],
    ),
    "own loss": ({"loss": lambda truth, said: keras.ops.mean(said)}, ["the loss"]),
    "weights of losses": ({"loss_weights": [0.5]}, ["the loss"]),
}


@pytest.mark.parametrize("change", OBJECTIVES)
def test_objectives_are_told_apart(change, folder):
    options, parts = OBJECTIVES[change]
    batches = flow(folder)
    assert parts_that_differ((compiled(), batches), (compiled(**options), batches)) == parts


def test_own_functions_are_told_apart_by_what_they_do():
    def scaled(factor):
        return lambda x: x * factor

    assert digest(scaled(2)) == digest(scaled(2)) != digest(scaled(3))
    assert digest(lambda x: x + 1) == digest(lambda x: x + 1) != digest(lambda x: x + 2)
    assert digest(functools.partial(max, 1)) != digest(functools.partial(max, 2))

    def itself(x):
        return itself(x - 1)

    assert digest(itself) == digest(itself)


class Own(keras.Model):
    def __init__(self, factor):
        super().__init__()
        self.dense, self.factor = keras.layers.Dense(2), factor

    def call(self, x):
        return self.dense(x) * self.factor


class Other(Own):
    def call(self, x):
        return self.dense(x) + 1


def test_models_that_cannot_say_how_they_are_built_are_told_by_their_code():
    models = [Own(1), Own(1), Other(1)]
    for model in models:
        model.compile("sgd", "mse")
        model(np.ones((1, 3)))
    same, other = (parts_that_differ((models[0], None), (each, None)) for each in models[1:])
    assert (same, other) == ([], ["the network"])


def test_what_may_change_does_not_count(folder):
    one, batches = network(), flow(folder)
    other = network(rate=1e-2)  # its layers are numbered anew
    other.compile(other.optimizer, other.loss, metrics=["mae"])
    unseeded = [flow(folder, seed=None) for _ in "ab"]
    assert unseeded[0].seed != unseeded[1].seed
    assert parts_that_differ((one, batches), (other, flow(folder))) == []
    assert parts_that_differ((one, unseeded[0]), (one, unseeded[1])) == []
    assert parts_that_differ((one, batches), (one, unseeded[0])) == ["the batches"]
    model = compiled()
    before = describe_experiment(model, batches)
    train(model, batches, None, 1, progress=False)
    assert before.differs_in(describe_experiment(model, batches).parts) == []


@pytest.mark.usefixtures("eagerly")
class TestTraining:
    """With checkpoints, as a student meets it."""

    def fit(self, model, folder, kept, **options):
        batches = flow(folder, **options)
        return train(model, batches, None, 1, kept, progress=False)

    def test_another_experiment_begins_anew_says_so_and_loses_nothing(
        self, folder, tmp_path, capsys
    ):
        first = self.fit(network(), folder, tmp_path)
        second = self.fit(network(preprocessing="none"), folder, tmp_path)
        assert "this one differs in the network: it begins anew" in capsys.readouterr().err
        third = self.fit(network(), folder, tmp_path, seed=2)
        assert "this one differs in the batches: it begins anew" in capsys.readouterr().err
        assert len({first.loss, second.loss, third.loss}) == 3
        # Each is taken up again by its own.
        assert self.fit(network(), folder, tmp_path) == first
        assert self.fit(network(preprocessing="none"), folder, tmp_path) == second
        assert capsys.readouterr().err == ""

    def test_what_was_trained_before_counts(self, folder, tmp_path, capsys):
        """Fine-tuning after another head is another fine-tuning."""
        heads, tuned = tmp_path / "head", tmp_path / "tuned"

        def both_stages(seed):
            model = network()
            self.fit(model, folder, heads, seed=seed)
            return self.fit(unfreeze(model), folder, tuned)

        first = both_stages(1)
        assert both_stages(2) != first
        told = capsys.readouterr().err.splitlines()[-1]
        assert "differs in what the network was trained on before: it begins anew" in told
        assert both_stages(1) == first

    def test_a_cell_that_is_run_again_gives_what_it_gave(self, folder, tmp_path, capsys):
        heads, tuned = tmp_path / "head", tmp_path / "tuned"
        model = network()
        head = self.fit(model, folder, heads)
        assert self.fit(model, folder, heads) == head
        fine = self.fit(unfreeze(model), folder, tuned)
        weights = model.get_weights()
        assert self.fit(model, folder, tuned) == fine
        for one, other in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        assert capsys.readouterr().err == ""
        # But a head upon what was fine-tuned is another head.
        assert self.fit(freeze(model), folder, heads) != head
        assert "begins anew" in capsys.readouterr().err

    def test_a_saved_network_knows_what_it_went_through(self, folder, tmp_path):
        kept = tmp_path / "tuned"
        model = network()
        self.fit(model, folder, tmp_path / "head")
        save(model, tmp_path / "head.keras")
        fine = self.fit(unfreeze(model), folder, kept)
        keras.utils.set_random_seed(5)
        assert self.fit(unfreeze(load(tmp_path / "head.keras")), folder, kept) == fine
        assert self.fit(unfreeze(network()), folder, kept) != fine

    def test_compiling_anew_is_no_other_experiment(self, folder, tmp_path):
        model = network()
        first = self.fit(model, folder, tmp_path)
        assert self.fit(compile_lab(model, 1e-3), folder, tmp_path) == first
