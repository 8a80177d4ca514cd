"""What a network gets wrong, against counts and formulas by hand."""

import math

import keras
import numpy as np
import pytest
from scipy.stats import binomtest

from labkit import ImageDataGenerator
from labkit.dog_breeds.errors import (
    breed_accuracies,
    confusion_matrix,
    highest_losses,
    log_losses,
    most_confused,
    occlusion_map,
    take_pictures,
    top_accuracy,
    wilson_interval,
)
from labkit.dog_breeds.figures import (
    plot_breed_accuracies,
    plot_confusion_matrix,
    plot_occlusion,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([0, 1, 1, 1, 0, 2, 2, 2, 0])
BREEDS = ["boxer", "collie", "pug"]


class TestWilson:
    @pytest.mark.parametrize(("right", "total"), [(0, 5), (5, 5), (60, 101), (1, 1), (1234, 2095)])
    @pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
    def test_agrees_with_scipy(self, right, total, confidence):
        expected = binomtest(right, total).proportion_ci(confidence, method="wilson")
        ours = wilson_interval(right, total, confidence)
        np.testing.assert_allclose(ours, expected, atol=1e-9)
        assert 0 <= ours[0] < ours[1] <= 1

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ((1.5, 2), "right=1.5 must be a whole number, 0 or more"),
            ((3, 2), "right=3 must be at most total=2"),
            ((0, 0), "total=0 must be a whole number, 1 or more"),
            ((1, 2, 95), "confidence=95 must be a number between 0 and 1"),
        ],
    )
    def test_refuses(self, arguments, sentence):
        with pytest.raises(ValueError, match=sentence):
            wilson_interval(*arguments)


def test_confusions_by_hand():
    matrix = confusion_matrix(TRUTH, PREDICTED, 3)
    assert matrix.tolist() == [[1, 2, 0], [1, 1, 0], [1, 0, 3]]
    assert most_confused(matrix, BREEDS) == [
        ("boxer", "collie", 2),
        ("collie", "boxer", 1),
        ("pug", "boxer", 1),
    ]
    assert most_confused(matrix, BREEDS, 1) == [("boxer", "collie", 2)]
    assert matrix[0, 0] == 1  # what was given is left alone
    shares = breed_accuracies(matrix, BREEDS)
    assert list(shares.items()) == [("boxer", 1 / 3), ("collie", 0.5), ("pug", 0.75)]


def test_a_breed_without_pictures_has_no_accuracy():
    assert breed_accuracies(confusion_matrix([0], [1], 2), ["boxer", "pug"]) == {"boxer": 0.0}


@pytest.mark.parametrize(
    ("truth", "predicted", "sentence"),
    [
        ([0, 1], [0], "2 true breeds and 1 answers"),
        ([0, 3], [0, 1], "indices go from 0 to 3, and there are 3: give 0 to 2"),
        ([0, 1], [-1, 1], "indices go from -1 to 1"),
    ],
)
def test_refuses_answers_that_do_not_fit(truth, predicted, sentence):
    with pytest.raises(ValueError, match=sentence):
        confusion_matrix(truth, predicted, 3)


PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.0, 0.5, 0.5], [0.2, 0.3, 0.5]])


def test_log_losses_are_what_kaggle_and_keras_compute():
    losses = log_losses(PROBABILITIES, [0, 1, 0, 2])
    expected = [-math.log(0.7), -math.log(0.3), -math.log(1e-15), -math.log(0.5)]
    np.testing.assert_allclose(losses, expected)
    of_keras = keras.losses.SparseCategoricalCrossentropy()(np.array([0, 1]), PROBABILITIES[:2])
    assert losses[:2].mean() == pytest.approx(float(of_keras), rel=1e-5)
    assert highest_losses(PROBABILITIES, [0, 1, 0, 2], 3).tolist() == [2, 1, 3]


def test_top_accuracy_by_hand():
    assert top_accuracy(PROBABILITIES, [0, 0, 1, 0], 1) == 0.25
    assert top_accuracy(PROBABILITIES, [1, 0, 1, 1], 2) == 0.75
    assert top_accuracy(PROBABILITIES, [1, 0, 1, 1], 5) == 1.0


def test_single_pictures_are_those_of_their_rows(tmp_path):
    (tmp_path / "pug").mkdir()
    for number in range(5):
        colour = np.full((8, 8, 3), 50 * number, "uint8")
        keras.utils.save_img(tmp_path / "pug" / f"{number}.png", colour, scale=False)
    generator = ImageDataGenerator(rescale=1 / 255)
    batches = generator.flow_from_directory(tmp_path, (8, 8), batch_size=2, shuffle=False)
    taken = take_pictures(batches, [4, 1])
    np.testing.assert_allclose(taken[:, 0, 0, 0], [200 / 255, 50 / 255], rtol=1e-5)
    with pytest.raises(ValueError, match="give 0 to 4"):
        take_pictures(batches, [5])
    shuffled = generator.flow_from_directory(tmp_path, (8, 8), batch_size=2, seed=1)
    with pytest.raises(ValueError, match="shuffle=False"):
        take_pictures(shuffled, [0])


class TestOcclusion:
    @pytest.fixture
    def corner(self):
        """A network that looks at the top left corner alone: red there is breed 0."""
        inputs = keras.Input((12, 16, 3))
        patch = keras.layers.GlobalAveragePooling2D()(inputs[:, :4, :4])
        return keras.Model(inputs, keras.layers.Softmax()(patch))

    def test_finds_what_the_network_looks_at(self, corner):
        picture = np.zeros((12, 16, 3), np.float32)
        picture[:4, :4, 0] = 5.0
        lost = occlusion_map(corner, picture, 0, size=4, stride=4)
        assert lost.shape == (12, 16)
        assert (lost[:4, :4] > 0.3).all()
        np.testing.assert_allclose(lost[4:], 0, atol=1e-6)
        np.testing.assert_allclose(lost[:, 4:], 0, atol=1e-6)
        others = [occlusion_map(corner, picture, breed, 4, 4) for breed in (1, 2)]
        np.testing.assert_allclose(lost + sum(others), 0, atol=1e-6)

    def test_covers_every_place_by_default(self, corner):
        picture = np.random.default_rng(0).random((12, 16, 3))
        assert np.isfinite(occlusion_map(corner, picture, 0)).all()
        gaps = occlusion_map(corner, picture, 0, size=1, stride=5)
        assert np.isnan(gaps).any()

    def test_refuses(self, corner):
        picture = np.zeros((12, 16, 3))
        for arguments, sentence in (
            ((picture[None], 0), "of a batch, give one at a time"),
            ((picture, 3), "give 0 to 2"),
            ((picture, 0, 13), "size=13 must be at most 12 pixels"),
            ((picture, 0, 4, 0), "stride=0 must be a whole number, 1 or more"),
        ):
            with pytest.raises(ValueError, match=sentence):
                occlusion_map(corner, *arguments)


class TestFigures:
    def test_matrix_has_names_and_numbers(self):
        axes = plot_confusion_matrix(confusion_matrix(TRUTH, PREDICTED, 3), BREEDS).axes[0]
        np.testing.assert_allclose(axes.images[0].get_array()[2], [0.25, 0, 0.75])
        assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "1", "1", "2", "3"]
        assert [label.get_text() for label in axes.get_yticklabels()] == BREEDS

    def test_of_many_breeds_every_sixth_is_named_and_a_single_picture_is_seen(self):
        matrix = 16 * np.eye(120, dtype=int)
        matrix[5, 80] = 1
        axes = plot_confusion_matrix(matrix, [f"b{i}" for i in range(120)]).axes[0]
        assert not axes.texts
        assert [label.get_text() for label in axes.get_yticklabels()][:3] == ["b0", "b6", "b12"]
        assert len(axes.get_xticklabels()) == 20 and axes.get_xticks()[-1] == 114
        assert axes.images[0].norm(1 / 17) > 0.2  # without more ado 0.06, as good as white

    def test_accuracies_carry_their_intervals(self):
        figure = plot_breed_accuracies(confusion_matrix(TRUTH, PREDICTED, 3), BREEDS, count=2)
        axes = figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["boxer", "collie"]
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [1 / 3, 1 / 2])
        ends = [segment[:, 0] for segment in axes.collections[0].get_segments()]
        np.testing.assert_allclose(ends, [wilson_interval(1, 3), wilson_interval(1, 2)])
        assert axes.get_title() == "The 2 of 3 breeds recognised least"

    def test_maps_share_one_scale(self):
        maps = [np.full((4, 4), 0.5), np.full((4, 4), -0.1)]
        figure = plot_occlusion(np.zeros((2, 4, 4, 3)), maps, ["a", "b"])
        shown = [axes.images[1] for axes in figure.axes if len(axes.images) == 2]
        assert {image.get_clim() for image in shown} == {(-0.5, 0.5)}

    @pytest.mark.parametrize("plot", [plot_confusion_matrix, plot_breed_accuracies])
    def test_names_must_fit(self, plot):
        with pytest.raises(ValueError, match=r"shape \(2, 2\), and there are 3 breeds' names"):
            plot(np.eye(2), BREEDS)
