"""The pictures: repeatable, varied, and each trait where it belongs."""

import dataclasses

import cv2
import numpy as np
import pytest
from draw_dogs import LAB_BREEDS, Breed, draw_dog, draw_dog_and_mask
from draw_dogs.dog import Accessories, paint_dog
from draw_dogs.geometry import View
from draw_dogs.painting import Painter
from draw_dogs.scene import PLACES
from draw_dogs.skeleton import POSES, Pose, pose_dog

PLAIN = Breed("plain_dog", ears="folded", tail="short")
SIDE = Pose("stand", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (0, 0))
SCALE, ORIGIN = 120.0, np.array([160.0, 200.0])
VIEW = View(np.diag([1.0, -1.0, 1.0]), SCALE, ORIGIN, perspective=0.0)


def side_view(**traits):
    """Paint a dog that stands sideways, facing right, feet at row 200: mask, colours, joints."""
    breed = dataclasses.replace(PLAIN, **traits)
    painter = Painter((220, 320), np.array([0.0, -1.0]))
    skeleton = pose_dog(breed, SIDE)
    rng = np.random.default_rng(0)
    paint_dog(painter, breed, SIDE, skeleton, VIEW, Accessories(None, False), rng)
    return painter.cover > 0, painter.colour.astype(int), skeleton


def pixel(point):
    return ORIGIN + SCALE * np.array([point[0], -point[1]])


def changed(first, second):
    """Give the (x, y) of the pixels that differ clearly between two side views."""
    differs = (first[0] != second[0]) | (np.abs(first[1] - second[1]).max(-1) > 24)
    y, x = np.nonzero(differs)
    assert len(x) > 40, "the trait changes next to nothing"
    return x, y


class TestTraits:
    @pytest.mark.parametrize("tail", ["curled", "straight", "plume", "whip"])
    def test_tail_is_behind_the_rump(self, tail):
        first, second = side_view(), side_view(tail=tail)
        x, y = changed(first, second)
        hip = pixel(first[2].torso.centres[0])
        # A curled tail lies over the croup; all others are behind the dog.
        over = (y < hip[1]) & (x < hip[0] + 0.25 * SCALE) & (tail == "curled")
        assert np.mean((x < hip[0]) | over) > 0.97
        assert second[0].sum() > first[0].sum()

    @pytest.mark.parametrize(
        "traits",
        [
            {"ears": "pointed"},
            {"ears": "floppy"},
            {"ears": "rounded"},
            {"ear_size": 1.0},
            {"face": "beard"},
            {"face": "fringe"},
            {"markings": ("blaze",)},
            {"pattern": "mask"},
        ],
    )
    def test_ears_and_face_are_at_the_head(self, traits):
        first, second = side_view(), side_view(**traits)
        x, y = changed(first, second)
        centre = pixel(first[2].head)
        away = np.hypot(x - centre[0], y - centre[1])
        assert np.mean(away < 2.4 * 0.24 * SCALE) > 0.97

    def test_a_longer_snout_reaches_further_forward(self):
        short, long = side_view(snout_length=0.0), side_view(snout_length=1.0)
        x, _ = changed(short, long)
        assert np.nonzero(long[0])[1].max() > np.nonzero(short[0])[1].max() + 0.1 * SCALE
        assert np.mean(x > pixel(short[2].head)[0]) > 0.8

    def test_pointed_ears_rise_above_floppy_ones(self):
        pointed, floppy = side_view(ears="pointed"), side_view(ears="floppy")
        assert np.nonzero(pointed[0])[0].min() < np.nonzero(floppy[0])[0].min() - 0.05 * SCALE

    def test_a_saddle_lies_on_the_back(self):
        first, second = side_view(), side_view(pattern="saddle", tail="short")
        x, y = changed(first, second)
        trunk = x < pixel(first[2].torso.centres[-1])[0]
        assert trunk.sum() > 300
        below = y[trunk] > pixel(first[2].torso.centres[0])[1] + 0.05 * SCALE
        assert below.mean() < 0.1

    def test_socks_are_on_the_feet(self):
        first, second = side_view(), side_view(markings=("socks",))
        _, y = changed(first, second)
        assert np.mean(y > 200 - 0.36 * SCALE) > 0.97

    def test_a_bib_is_at_throat_chest_and_belly(self):
        first, second = side_view(), side_view(markings=("bib",))
        _, y = changed(first, second)
        back = pixel(first[2].torso.centres[10])[1]
        assert np.mean(y > back - 0.3 * SCALE) > 0.97
        assert np.mean(y > back) > 0.6

    @pytest.mark.parametrize("pattern", ["spots", "patches", "brindle", "belt", "tan_points"])
    def test_patterns_colour_the_coat_and_keep_the_outline(self, pattern):
        first, second = side_view(), side_view(pattern=pattern)
        changed(first, second)
        assert np.array_equal(first[0], second[0])

    def test_colour_changes_the_dog_and_not_its_outline(self):
        first, second = side_view(), side_view(colour=(60, 60, 70))
        x, _ = changed(first, second)
        assert np.array_equal(first[0], second[0])
        assert len(x) > 0.75 * first[0].sum()

    def test_legs_lift_the_belly(self):
        short, long = side_view(leg_length=0.0), side_view(leg_length=1.0)
        assert np.nonzero(long[0])[0].min() < np.nonzero(short[0])[0].min() - 0.3 * SCALE
        assert np.nonzero(long[0])[0].max() == pytest.approx(np.nonzero(short[0])[0].max(), abs=3)

    def test_build_changes_length_depth_waist_and_thickness(self):
        def middle_column(**traits):
            mask, _, skeleton = side_view(**traits)
            return mask[:, int(pixel(skeleton.torso.centres[7])[0])].sum()

        def width(**traits):
            columns = np.nonzero(side_view(**traits)[0])[1]
            return np.ptp(columns)

        assert width(body_length=1.0) > width(body_length=0.0) + 0.2 * SCALE
        assert middle_column(body_depth=1.0) > middle_column(body_depth=0.0) + 0.1 * SCALE
        assert middle_column(slenderness=1.0) < middle_column(slenderness=0.0) - 3
        thin, thick = side_view(leg_thickness=0.0), side_view(leg_thickness=1.0)
        row = 200 - int(0.12 * SCALE)
        assert thick[0][row].sum() > thin[0][row].sum() + 4

    def test_a_shaggy_coat_has_a_ragged_outline(self):
        def edge(**traits):
            mask = side_view(**traits)[0].astype(np.uint8)
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            return max(cv2.arcLength(outline, True) for outline in outlines)

        assert edge(coat="shaggy") > 1.08 * edge()


class TestDrawDog:
    def test_same_seed_same_bytes_other_seed_other_picture(self):
        first = draw_dog(LAB_BREEDS[3], 5, (90, 120))
        assert first.dtype == np.uint8
        assert first.shape == (90, 120, 3)
        assert first.tobytes() == draw_dog(LAB_BREEDS[3], 5, (90, 120)).tobytes()
        assert first.tobytes() != draw_dog(LAB_BREEDS[3], 6, (90, 120)).tobytes()

    def test_pictures_of_a_breed_differ_as_photographs_do(self):
        pictures = [draw_dog(LAB_BREEDS[0], seed, (64, 64)).astype(int) for seed in range(8)]
        gaps = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]
        assert min(gaps) > 12

    def test_breed_leaves_the_situation_alone(self):
        """The same seed puts another breed before the same background."""
        first, first_mask = draw_dog_and_mask(LAB_BREEDS[2], 11, (96, 128))
        second, second_mask = draw_dog_and_mask(
            dataclasses.replace(LAB_BREEDS[2], colour=(230, 220, 200)), 11, (96, 128)
        )
        dog = cv2.dilate(first_mask | second_mask, np.ones((13, 13), np.uint8))  # a soft lens
        outside = dog == 0
        assert outside.mean() > 0.2
        assert np.array_equal(first[outside], second[outside])
        assert not np.array_equal(first[first_mask == 255], second[first_mask == 255])

    @pytest.mark.parametrize("breed", LAB_BREEDS, ids=lambda breed: breed.name)
    def test_the_dog_fills_a_good_part_of_the_frame(self, breed):
        shares = [(draw_dog_and_mask(breed, seed, (64, 80))[1] > 127).mean() for seed in range(12)]
        assert min(shares) > 0.08
        assert max(shares) < 0.85
        assert 0.2 < np.mean(shares) < 0.6

    def test_mask_is_where_the_dog_is(self):
        """Outside its mask the picture does not depend on the coat; inside it does."""
        _, mask = draw_dog_and_mask(LAB_BREEDS[9], 3, (120, 160))
        assert mask.shape == (120, 160)
        assert {0, 255} <= set(np.unique(mask))

    @pytest.mark.parametrize("size", [(32, 32), (33, 47), (200, 100), (60, 240)])
    def test_any_size(self, size):
        for seed in range(6):
            assert draw_dog(LAB_BREEDS[seed], seed, size).shape == (*size, 3)

    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            (("pug", 1, (64, 64)), TypeError, "must be a Breed"),
            ((LAB_BREEDS[0], -1, (64, 64)), ValueError, "seed must be an integer"),
            ((LAB_BREEDS[0], 1.5, (64, 64)), ValueError, "seed must be an integer"),
            ((LAB_BREEDS[0], 1, (64,)), ValueError, "size must be"),
            ((LAB_BREEDS[0], 1, 64), ValueError, "size must be"),
            ((LAB_BREEDS[0], 1, (8, 64)), ValueError, "from 32 to 2048"),
            ((LAB_BREEDS[0], 1, (64.0, 64)), ValueError, "integers"),
        ],
    )
    def test_refuses_what_it_cannot_draw(self, arguments, error, said):
        with pytest.raises(error, match=said):
            draw_dog(*arguments)

    def test_leaves_the_global_states_alone(self):
        threads = cv2.getNumThreads()
        np.random.seed(3)
        before = np.random.get_state()[1].copy()
        draw_dog(LAB_BREEDS[0], 1, (64, 64))
        assert cv2.getNumThreads() == threads
        assert np.array_equal(np.random.get_state()[1], before)


def test_all_poses_and_places_turn_up():
    from draw_dogs.scene import random_place
    from draw_dogs.skeleton import random_pose

    rng = np.random.default_rng(0)
    assert {random_pose(rng).kind for _ in range(200)} == set(POSES)
    assert {random_place(rng, 0.5, 0.0).kind for _ in range(200)} == set(PLACES)


@pytest.mark.parametrize("kind", POSES)
def test_a_posed_dog_keeps_its_feet_on_the_ground(kind):
    for breed in LAB_BREEDS:
        for phase in np.linspace(0, 6, 5):
            skeleton = pose_dog(breed, dataclasses.replace(SIDE, kind=kind, phase=phase))
            tubes = [skeleton.torso, skeleton.tail, *skeleton.legs.values()]
            lowest = min((item.centres[:, 1] - item.radii).min() for item in tubes)
            feet = [
                skeleton.legs[name].centres[-1, 1] - skeleton.legs[name].radii[-1]
                for name in skeleton.legs
            ]
            assert lowest > -0.07
            assert min(feet) == pytest.approx(0, abs=0.03)
