"""Batches: what is in them, that a seed fixes them, and that no picture gets lost."""

import gc
import threading

import cv2
import keras
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator as KerasGenerator

from labkit import ImageDataGenerator
from labkit.dog_breeds.batches.augmentation import (
    one_transformation,
    transformations,
    uniform_table,
)

LAB = ImageDataGenerator(
    rescale=1 / 255,
    horizontal_flip=True,
    rotation_range=30,
    brightness_range=(0.5, 1.5),
    width_shift_range=0.2,
    height_shift_range=0.2,
    zoom_range=0.2,
    fill_mode="reflect",
)
PLAIN = ImageDataGenerator()


def flow(generator, directory, **options):
    options = {"target_size": (32, 24), "batch_size": 4, "seed": 1, "cache": None} | options
    return generator.flow_from_directory(directory, **options)


def epochs(batches, count=2):
    return [list(batches) for _ in range(count)]


def assert_same(left, right):
    for one, other in zip(left, right, strict=True):
        for (x, y), (x_, y_) in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, x_)
            np.testing.assert_array_equal(y, y_)


# What is in a batch.


def test_attributes_are_those_of_keras(breeds, capsys):
    ours = flow(PLAIN, breeds)
    keras_ = KerasGenerator().flow_from_directory(breeds, target_size=(32, 24), batch_size=4)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Found 10 images belonging to 3 classes."] * 2
    for name in ("samples", "n", "num_classes", "class_indices", "filenames", "batch_size"):
        assert getattr(ours, name) == getattr(keras_, name), name
    for name in ("image_shape", "target_size", "color_mode", "class_mode", "shuffle"):
        assert getattr(ours, name) == getattr(keras_, name), name
    np.testing.assert_array_equal(ours.classes, keras_.classes)
    np.testing.assert_array_equal(ours.labels, keras_.labels)
    assert ours.filepaths == keras_.filepaths
    assert len(ours) == len(keras_) == 3
    assert ours.dtype == keras_.dtype == "float32"


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize("class_mode", ["categorical", "sparse", "input", None])
def test_unaugmented_batches_equal_those_of_keras(class_mode, color_mode, breeds):
    options = {
        "target_size": (32, 24),
        "batch_size": 4,
        "shuffle": False,
        "interpolation": "nearest",
        "class_mode": class_mode,
        "color_mode": color_mode,
    }
    ours = list(ImageDataGenerator(rescale=1 / 255).flow_from_directory(breeds, **options))
    keras_ = KerasGenerator(rescale=1 / 255).flow_from_directory(breeds, **options)
    assert len(ours) == len(keras_)
    for mine, theirs in zip(ours, (keras_[i] for i in range(len(keras_))), strict=True):
        pairs = [(mine, theirs)] if class_mode is None else zip(mine, theirs, strict=True)
        for array, expected in pairs:
            assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
            # In grey, the decoder's luma is rounded another way.
            tolerance = 10 / 255 if color_mode == "grayscale" and array.ndim == 4 else 0
            np.testing.assert_allclose(array, expected, atol=tolerance, rtol=0)


def test_binary_labels(breeds):
    batches = flow(PLAIN, breeds, classes=["pug", "collie"], class_mode="binary", shuffle=False)
    labels = np.concatenate([y for _, y in batches])
    assert labels.tolist() == [0, 0, 1, 1, 1]
    assert labels.dtype == np.float32


def test_input_labels_are_the_pictures_themselves(breeds):
    for x, y in flow(LAB, breeds, class_mode="input"):
        np.testing.assert_array_equal(x, y)
        assert not np.shares_memory(x, y)


@pytest.mark.filterwarnings("ignore:.*scipy.ndimage.interpolation:DeprecationWarning")
def test_augmented_batches_are_what_keras_makes_of_the_drawn_parameters(breeds):
    batches = flow(LAB, breeds, interpolation="nearest", target_size=(32, 32))
    drawn = transformations(LAB, uniform_table(1, 0, 10), 32, 32)
    keras_ = KerasGenerator(fill_mode="reflect", rescale=1 / 255)
    order = np.random.default_rng([1, 0, 1]).permutation(10)
    pictures = np.concatenate([x for x, _ in batches])
    for picture, index in zip(pictures, order, strict=True):
        original = keras.utils.img_to_array(
            keras.utils.load_img(batches.filepaths[index], target_size=(32, 32))
        )
        expected = keras_.apply_transform(original, one_transformation(drawn, index))
        difference = 255 * np.abs(picture - keras_.standardize(expected))
        assert difference.mean() < 0.75
        assert difference.max() < (2.01 if cv2.__version__ >= "5" else 8)


def test_uint8_batches_are_the_float_ones_before_the_rescale(breeds):
    settings = {"rotation_range": 30, "brightness_range": (0.5, 1.5), "horizontal_flip": True}
    small = flow(ImageDataGenerator(dtype="uint8", **settings), breeds)
    large = flow(ImageDataGenerator(rescale=1 / 255, **settings), breeds)
    for (x8, y8), (x, y) in zip(small, large, strict=True):
        assert (x8.dtype, x.dtype, y8.dtype) == (np.uint8, np.float32, np.float32)
        np.testing.assert_array_equal(x8.astype(np.float32) * np.float32(1 / 255), x)
        np.testing.assert_array_equal(y8, y)


def test_flips_alone_only_flip(breeds):
    generator = ImageDataGenerator(horizontal_flip=True, vertical_flip=True)
    plain = np.concatenate([x for x, _ in flow(PLAIN, breeds, shuffle=False)])
    flipped = np.concatenate([x for x, _ in flow(generator, breeds, shuffle=False)])
    drawn = transformations(generator, uniform_table(1, 0, 10), 32, 24)
    for before, after, across, down in zip(
        plain, flipped, drawn["flip_horizontal"], drawn["flip_vertical"], strict=True
    ):
        expected = before[:: -1 if down else 1, :: -1 if across else 1]
        np.testing.assert_array_equal(after, expected)
    assert 0 < drawn["flip_horizontal"].sum() < 10


def test_preprocessing_function_gets_each_picture_before_the_rescale(breeds):
    shapes = []

    def centre(picture):
        shapes.append(picture.shape)
        return picture - picture.mean()

    generator = ImageDataGenerator(preprocessing_function=centre, rescale=0.5)
    centred = np.concatenate([x for x, _ in flow(generator, breeds, shuffle=False)])
    plain = np.concatenate([x for x, _ in flow(PLAIN, breeds, shuffle=False)])
    assert set(shapes) == {(32, 24, 3)}
    np.testing.assert_allclose(
        centred, 0.5 * (plain - plain.mean((1, 2, 3), keepdims=True)), atol=1e-4
    )


# Epochs.


def test_each_epoch_has_every_picture_once_in_an_order_of_its_own(breeds):
    batches = flow(PLAIN, breeds, interpolation="nearest")
    orders = []
    for epoch in epochs(batches, 3):
        assert [len(x) for x, _ in epoch] == [4, 4, 2]
        pictures = np.concatenate([x for x, _ in epoch])
        plain = np.concatenate(
            [x for x, _ in flow(PLAIN, breeds, interpolation="nearest", shuffle=False)]
        )
        same = (pictures[:, None] == plain[None]).all((2, 3, 4))
        assert (same.sum(0) == 1).all()
        labels = np.concatenate([y for _, y in epoch]).argmax(1)
        np.testing.assert_array_equal(labels, batches.classes[same.argmax(1)])
        orders.append(tuple(same.argmax(1)))
    assert len(set(orders)) == 3


def test_without_shuffle_the_order_is_by_class_and_name(breeds):
    batches = flow(LAB, breeds, shuffle=False)
    for epoch in epochs(batches):
        labels = np.concatenate([y for _, y in epoch]).argmax(1)
        np.testing.assert_array_equal(labels, batches.classes)
    first, second = epochs(batches)
    assert (first[0][0] != second[0][0]).any()


def test_drop_remainder_leaves_out_the_last_smaller_batch(breeds):
    dropping = flow(LAB, breeds, drop_remainder=True)
    assert len(dropping) == 2
    assert_same([list(dropping)], [list(flow(LAB, breeds))[:2]])
    assert len(flow(LAB, breeds, drop_remainder=True, batch_size=5)) == 2


def test_next_goes_on_without_end_and_reset_begins_again(breeds):
    batches = flow(LAB, breeds)
    first, second = epochs(flow(LAB, breeds))
    assert_same([[next(batches) for _ in range(6)]], [first + second])
    batches.reset()
    assert_same([[next(batches)]], [second[:1]])


def test_epoch_may_be_set_to_resume(breeds):
    batches = flow(LAB, breeds)
    first, second = epochs(batches)
    batches.epoch = 1
    assert_same([list(batches)], [second])
    batches.epoch = 0
    assert_same([list(batches)], [first])


# Seeds, threads and caches.


def test_seed_fixes_all_batches_and_another_gives_others(breeds):
    assert_same(epochs(flow(LAB, breeds)), epochs(flow(LAB, breeds)))
    assert (flow(LAB, breeds)[0][0] != flow(LAB, breeds, seed=2)[0][0]).any()


def test_seed_that_was_drawn_can_be_used_again(breeds):
    free = flow(LAB, breeds, seed=None)
    assert free.seed != flow(LAB, breeds, seed=None).seed
    assert_same(epochs(free), epochs(flow(LAB, breeds, seed=free.seed)))


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_threads_change_no_batch(workers, breeds):
    assert_same(epochs(flow(LAB, breeds, workers=workers)), epochs(flow(LAB, breeds)))


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize("cache", ["auto", "memory", "disk"])
def test_caches_change_no_batch(cache, color_mode, breeds):
    plain = epochs(flow(LAB, breeds, color_mode=color_mode), 3)
    for _ in range(2):
        batches = flow(LAB, breeds, color_mode=color_mode, cache=cache)
        assert_same(epochs(batches, 3), plain)
        assert batches.cache == ("memory" if cache == "auto" else cache)


def test_batches_are_the_same_in_any_order_of_asking(breeds):
    batches = flow(LAB, breeds)
    asked = [batches[index] for index in (2, 0, 1, 0)]
    straight = list(flow(LAB, breeds))
    assert_same([asked], [[straight[index] for index in (2, 0, 1, 0)]])
    batches.epoch = 5
    assert_same([[batches.batch(0, 1), batches.batch(0, 0)]], [[straight[1], straight[0]]])


def test_next_batches_are_prepared_before_they_are_asked_for(breeds, monkeypatch):
    batches = flow(LAB, breeds, batch_size=1, workers=2)
    begun = {index: threading.Event() for index in range(10)}
    original = batches._ahead._compute
    monkeypatch.setattr(
        batches._ahead, "_compute", lambda key: begun[key[1]].set() or original(key)
    )
    batches[0]
    assert begun[1].wait(10) and begun[2].wait(10)
    assert not begun[3].is_set()
    batches[8]
    assert begun[8].is_set() and not begun[9].wait(0.05)  # Nobody goes through in order.


def test_batches_kept_are_not_overwritten(breeds):
    batches = flow(LAB, breeds)
    kept = [(x, x.copy()) for _ in range(12) for x, _ in batches]
    for x, copy in kept:
        np.testing.assert_array_equal(x, copy)


def test_cache_on_disk_lies_hidden_beside_the_directory(breeds, tmp_path):
    batches = flow(LAB, breeds, cache="disk")
    list(batches)
    hidden = [path for path in tmp_path.iterdir() if path.is_file()]
    assert [path.name.startswith(".breeds-32x24-rgb-bilinear-") for path in hidden] == [True]
    assert str(hidden[0]) in batches.cache_report


def test_cache_directory_is_made_and_serves_several_directories(breeds, tmp_path):
    place = tmp_path / "deep" / "cache"
    for options in ({}, {"classes": ["pug"]}, {"target_size": (8, 8)}):
        list(flow(LAB, breeds, cache="disk", cache_directory=place, **options))
    assert len(list(place.iterdir())) == 3


def test_cache_on_disk_notices_a_changed_picture(breeds, write_picture, soft_picture):
    list(flow(PLAIN, breeds, cache="disk"))
    write_picture(breeds / "pug" / "1.jpg", soft_picture(60, 60, seed=99))
    assert_same(epochs(flow(PLAIN, breeds, cache="disk")), epochs(flow(PLAIN, breeds)))


def test_cached_pictures_are_not_read_again(breeds):
    batches = flow(PLAIN, breeds, cache="memory")
    first, second = epochs(batches)
    for path in batches.filepaths:
        open(path, "wb").close()
    third = list(batches)
    for epoch in (second, third):
        total = sum(x.sum(dtype=float) for x, _ in epoch)
        assert total == pytest.approx(sum(x.sum(dtype=float) for x, _ in first))


def test_iterator_and_its_threads_go_when_it_is_let_go(breeds):
    gc.freeze()  # What other tests have left would take long to look through.
    others = set(threading.enumerate())
    batches = flow(LAB, breeds, workers=3)
    list(batches)
    ours = set(threading.enumerate()) - others
    assert 1 <= len(ours) <= 3
    del batches
    gc.collect()
    gc.unfreeze()
    for thread in ours:
        thread.join(10)
        assert not thread.is_alive()


# Undecodable pictures.


def spoil(path):
    path.write_bytes(path.read_bytes()[:400])


def test_broken_picture_is_refused_by_name(breeds):
    spoil(breeds / "beagle" / "3.jpg")
    with pytest.raises(ValueError, match=r"beagle/3.jpg cannot be decoded .*undecodable=\"skip\""):
        flow(LAB, breeds)


def test_several_broken_pictures_are_refused_in_one_sentence(breeds):
    for number in range(5):
        spoil(breeds / "beagle" / f"{number}.jpg")
    for number in range(2):
        spoil(breeds / "pug" / f"{number}.jpg")
    with pytest.raises(ValueError, match=r"beagle/0.jpg', .*4.jpg' and 2 more cannot be decoded: "):
        flow(LAB, breeds)


@pytest.mark.parametrize("cache", [None, "memory", "disk"])
def test_broken_pictures_are_skipped_with_a_warning(cache, breeds, capsys):
    spoil(breeds / "beagle" / "3.jpg")
    damaged = breeds / "collie" / "0.jpg"
    damaged.write_bytes(damaged.read_bytes()[:20] + b"\xff\xd9")
    with pytest.warns(
        UserWarning, match=r"Left out, .*: .*beagle/3.jpg', .*collie/0.jpg'\."
    ) as seen:
        batches = flow(LAB, breeds, undecodable="skip", cache=cache)
    assert seen[0].filename == __file__
    assert "Found 8 images belonging to 3 classes." in capsys.readouterr().out
    assert batches.samples == len(batches.classes) == 8
    assert not {"beagle/3.jpg", "collie/0.jpg"} & set(batches.filenames)
    skipped = epochs(batches)
    damaged.unlink()
    (breeds / "beagle" / "3.jpg").unlink()
    assert_same(skipped, epochs(flow(LAB, breeds)))


def test_damage_that_decoders_fill_up_in_silence_is_noticed(breeds, write_picture, soft_picture):
    """Broken off, but closed: cut in the middle of its content."""
    picture = breeds / "pug" / "1.jpg"
    write_picture(picture, soft_picture(200, 160))
    picture.write_bytes(picture.read_bytes()[:-300] + b"\xff\xd9")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"pug/1.jpg cannot be decoded \(its content is dam"):
            flow(LAB, breeds)
    with pytest.warns(UserWarning, match=r"Left out, because undecodable: .*pug/1.jpg'"):
        assert flow(LAB, breeds, undecodable="skip").samples == 9


def test_home_is_expanded(breeds, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(breeds.parent))
    assert_same(epochs(flow(LAB, "~/breeds")), epochs(flow(LAB, breeds)))
    assert flow(LAB, "~/breeds", cache="disk", cache_directory="~/kept").cache == "disk"
    assert list((breeds.parent / "kept").iterdir())


def test_picture_that_breaks_later_is_named_when_its_turn_comes(breeds):
    batches = flow(LAB, breeds, workers=1, shuffle=False)
    spoil(breeds / "pug" / "1.jpg")
    with pytest.raises(ValueError, match=r"pug/1.jpg cannot be decoded"):
        list(batches)


def test_nothing_decodable_is_refused(breeds):
    for path in breeds.glob("*/*.jpg"):
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="Left out"),
        pytest.raises(ValueError, match="has 0 decodable pictures, too few for a batch of 4"),
    ):
        flow(LAB, breeds, undecodable="skip")


# Arguments.


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"color_mode": "rgba"}, "color_mode='rgba' must be one of 'rgb', 'grayscale'."),
        ({"class_mode": "raw"}, "class_mode='raw' must be one of 'categorical', .* None."),
        ({"class_mode": "binary"}, 'class_mode="binary" needs 2 classes, and .* has 3; use "cat'),
        ({"interpolation": "lanczos"}, "interpolation='lanczos' must be one of 'bilinear',"),
        ({"cache": "ram"}, "cache='ram' must be one of 'auto', 'memory', 'disk', None."),
        ({"cache": ["disk"]}, "cache=.* must be one of"),
        ({"undecodable": "ignore"}, "undecodable='ignore' must be one of 'refuse', 'skip'."),
        ({"batch_size": 0}, "batch_size=0 must be a whole number, 1 or more."),
        ({"batch_size": 2.5}, "batch_size=2.5 must be a whole number"),
        ({"batch_size": "16"}, "batch_size='16' must be a whole number"),
        ({"batch_size": True}, "batch_size=True must be a whole number"),
        ({"target_size": 224}, "target_size=224 must be a sequence of 2 whole numbers, each 1"),
        ({"target_size": "64"}, "target_size='64' must be a sequence of 2 whole numbers"),
        ({"target_size": (True, 5)}, "target_size=.* must be"),
        ({"target_size": (0, 5)}, "target_size=.* must be"),
        ({"target_size": (5, 5, 3)}, "target_size=.* must be"),
        ({"seed": -1}, "seed=-1 must be a whole number, 0 or more."),
        ({"seed": "abc"}, "seed='abc' must be"),
        ({"seed": False}, "seed=False must be"),
        ({"workers": True}, "workers=True must be"),
        ({"workers": 0}, "workers=0 must be a whole number, 1 or more."),
        ({"batch_size": 11, "drop_remainder": True}, "too few for a batch of 11"),
        ({"subset": "training"}, "subset='training' is not offered here: .*labkit.reorganise"),
    ],
)
def test_arguments_out_of_range_are_refused_in_one_sentence(options, sentence, breeds):
    with pytest.raises(ValueError, match=sentence) as refusal:
        flow(LAB, breeds, **options)
    assert "\n" not in str(refusal.value)


def test_numbers_of_numpy_are_numbers(breeds):
    whole = {"batch_size": 4, "target_size": (32, 24), "seed": 1, "workers": 2}
    plain = flow(LAB, breeds, **whole)
    numpy = flow(LAB, breeds, **{name: np.array(value) for name, value in whole.items()})
    assert_same(epochs(plain), epochs(numpy))
    for name in whole:
        assert repr(vars(numpy).get(name)) == repr(vars(plain).get(name)), name


def test_unknown_argument(breeds):
    with pytest.raises(TypeError, match="flow_from_directory has no argument 'batchsize'"):
        flow(LAB, breeds, batchsize=3)
