"""The breeds: what is legal, which there are, and how they differ."""

import dataclasses
import re

import pytest
from draw_dogs import LAB_BREEDS, LAB_COUNTS, Breed, pretraining_breeds
from draw_dogs.breeds import (
    EARS,
    PATTERNS,
    PROPORTIONS,
    TAILS,
    difference,
    trait_names,
)


class TestBreed:
    @pytest.mark.parametrize(
        ("trait", "value", "said"),
        [
            ("ears", "square", "choose one of pointed, floppy, folded, rounded"),
            ("tail", "none", "choose one of curled"),
            ("pattern", "striped", "choose one of solid"),
            ("coat", "bald", "smooth, shaggy"),
            ("face", "sad", "plain, beard, fringe"),
            ("markings", ("halo",), "choose any of blaze"),
            ("leg_length", 1.5, "from 0 to 1"),
            ("snout_length", -0.1, "from 0 to 1"),
            ("colour", (300, 0, 0), "from 0 to 255"),
            ("second_colour", (1, 2), "from 0 to 255"),
        ],
    )
    def test_refuses_an_illegal_trait_and_names_it(self, trait, value, said):
        with pytest.raises(ValueError, match=said) as caught:
            Breed("odd_dog", **{trait: value})
        assert f"{trait}={value!r}" in str(caught.value)

    @pytest.mark.parametrize("name", ["Pug", "two words", "", "_x", "a__b", "../up"])
    def test_refuses_names_that_are_no_labels(self, name):
        with pytest.raises(ValueError, match="lower-case words joined by underscores"):
            Breed(name)

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            LAB_BREEDS[0].tail = "short"


class TestLabBreeds:
    def test_twelve_with_unequal_counts_like_the_real_data(self):
        assert len(LAB_BREEDS) == len({breed.name for breed in LAB_BREEDS}) == 12
        assert set(LAB_COUNTS) == {breed.name for breed in LAB_BREEDS}
        assert min(LAB_COUNTS.values()) >= 25
        assert len(set(LAB_COUNTS.values())) > 6
        assert 450 <= sum(LAB_COUNTS.values()) <= 510

    def test_no_two_look_alike(self):
        pairs = [(a, b) for a in LAB_BREEDS for b in LAB_BREEDS if a.name < b.name]
        assert min(difference(a, b) for a, b in pairs) > 0.35

    def test_they_show_every_kind_of_ear_and_tail(self):
        assert {breed.ears for breed in LAB_BREEDS} == set(EARS)
        assert {breed.tail for breed in LAB_BREEDS} == set(TAILS)


class TestPretrainingBreeds:
    def test_same_seed_same_breeds_other_seed_others(self):
        assert pretraining_breeds(8, seed=1) == pretraining_breeds(8, seed=1)
        assert pretraining_breeds(8, seed=1) != pretraining_breeds(8, seed=2)

    def test_disjoint_from_the_lab_in_name_and_in_looks(self):
        breeds = pretraining_breeds(60)
        names = {breed.name for breed in breeds}
        assert len(breeds) == len(names) == 60
        assert not names & {breed.name for breed in LAB_BREEDS}
        assert min(difference(a, b) for a in breeds for b in LAB_BREEDS) >= 0.5
        assert all(re.fullmatch(r"[a-z]+_[a-z]+", name) for name in names)

    def test_cover_the_space_of_traits(self):
        breeds = pretraining_breeds(60)
        assert {breed.pattern for breed in breeds} == set(PATTERNS)
        for trait in PROPORTIONS:
            values = [getattr(breed, trait) for breed in breeds]
            assert min(values) < 0.15
            assert max(values) > 0.85

    @pytest.mark.parametrize("count", [0, -3, 501])
    def test_refuses_an_impossible_count(self, count):
        with pytest.raises(ValueError, match=f"count={count} .* from 1 to 500"):
            pretraining_breeds(count)


def test_difference_is_symmetric_and_counts_every_trait():
    first, second = LAB_BREEDS[0], LAB_BREEDS[1]
    assert difference(first, second) == difference(second, first)
    changed = {
        "ears": "rounded",
        "tail": "plume",
        "pattern": "belt",
        "coat": "shaggy",
        "face": "beard",
        "markings": (),
        "colour": (9, 9, 9),
        "second_colour": (200, 9, 9),
    }
    for trait in set(trait_names()) - {"marking_colour"}:
        other = dataclasses.replace(first, **{trait: changed.get(trait, 0.99)})
        assert difference(first, other) > 0, trait
