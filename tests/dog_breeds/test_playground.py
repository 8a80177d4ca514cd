"""What an augmentation playground says and carries, without a browser."""

import json
import re

import keras
import numpy as np
import pytest

import labkit
from labkit.dog_breeds.batches.augmentation import COLUMNS
from labkit.dog_breeds.inside import look_inside
from labkit.dog_breeds.playground import playground, ranges_of
from labkit.receptive_field import analyse

LAB = labkit.load_settings("photographs").augmentation


@pytest.fixture(scope="module")
def inside():
    keras.utils.set_random_seed(3)
    network = labkit.small_vgg((8, 8, 3), 2, filters=(4, 5), dense=(6,))
    pictures = np.random.default_rng(4).integers(0, 256, (3, 8, 8, 3)) / 255
    return look_inside({"one": network}, {"one": analyse(network)}, pictures, [0, 1, 1], ["a", "b"])


@pytest.fixture(scope="module")
def made(inside):
    return playground(inside, labkit.ImageDataGenerator(**LAB, cval=7))


class TestRanges:
    def test_every_draw_lies_in_them_and_many_come_near_either_end(self):
        generator = labkit.ImageDataGenerator(
            **LAB, shear_range=5, channel_shift_range=9.0, vertical_flip=True
        )
        ranges = ranges_of(generator, 64, 48)
        drawn = [generator.get_random_transform((64, 48, 3), seed) for seed in range(400)]
        assert list(ranges) == list(drawn[0])
        for name, (low, high) in ranges.items():
            values = np.array([float(each[name]) for each in drawn])
            near = 0.02 * (high - low)
            assert low <= values.min() <= low + near
            assert high - near <= values.max() <= high

    def test_what_is_switched_off_changes_nothing(self):
        ranges = ranges_of(labkit.ImageDataGenerator(), 64, 64)
        ones = ("zx", "zy", "brightness")
        assert ranges == {name: [float(name in ones)] * 2 for name in ranges}

    @pytest.mark.parametrize("shift", [3, [1.0, 2.0]])
    def test_a_shift_from_a_list_is_refused(self, shift):
        with pytest.raises(ValueError, match=r"height_shift_range=.* a point"):
            ranges_of(labkit.ImageDataGenerator(height_shift_range=shift), 64, 64)


class TestPage:
    def test_it_carries_the_networks_and_what_is_drawn(self, made, inside):
        html = made._repr_html_()
        data = json.loads(re.search(r'data-in="data">(.*?)</script>', html, re.DOTALL)[1])
        assert data["columns"] == list(COLUMNS) and data["ranges"]["theta"] == [-30, 30]
        assert (data["fill_mode"], data["cval"]) == ("reflect", 7)
        assert [network["name"] for network in data["networks"]] == ["one"]
        assert data["dogs"] == inside.data["dogs"] and made.weights == inside.weights
        assert "favourites" not in data["networks"][0] and inside.data["networks"][0]["favourites"]

    def test_without_a_script_there_is_a_picture_and_a_sentence(self, made):
        assert made.still[8:12] == b"WEBP"
        assert made.summary.startswith("A drawn dog of the breed a, and what")

    def test_repr(self, made):
        assert repr(made) == "<an augmentation playground with 3 pictures, which asks one>"
