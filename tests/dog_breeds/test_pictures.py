"""From a file to pixels: Keras' pixels where nothing is done better, and no broken file."""

import io
import struct

import cv2
import keras
import numpy as np
import pytest
from PIL import Image

from labkit.dog_breeds.pictures import (
    SUFFIXES,
    UndecodableError,
    is_picture,
    is_sidecar,
    jpeg_reduction,
    jpeg_size,
    load,
    pictures_below,
    resize,
    states_of,
)


def by_keras(path, size, color_mode="rgb", interpolation="nearest"):
    picture = keras.utils.load_img(path, color_mode, size, interpolation)
    return np.squeeze(keras.utils.img_to_array(picture).astype(np.uint8))


def save(path, picture, mode=None, **options):
    image = Image.fromarray(np.squeeze(picture))
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


@pytest.fixture
def photograph(tmp_path, soft_picture):
    return save(tmp_path / "dog.jpg", soft_picture(75, 100), quality=90)


@pytest.mark.parametrize("size", [(75, 100), (32, 32), (31, 47), (90, 120)], ids=str)
def test_nearest_gives_the_pixels_of_keras(size, photograph):
    ours = load(photograph, size, interpolation="nearest")
    np.testing.assert_array_equal(ours, by_keras(photograph, size))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format(suffix, tmp_path, soft_picture):
    assert is_picture(f"dog{suffix.upper()}")
    path = save(tmp_path / f"dog{suffix}", soft_picture(20, 30))
    np.testing.assert_array_equal(load(path, (20, 30)), by_keras(path, None))


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", ".jpg"), ("L", ".png"), ("P", ".png"), ("RGBA", ".png"), ("1", ".png")],
)
def test_other_modes_become_rgb_as_in_keras(mode, suffix, tmp_path, soft_picture):
    path = save(tmp_path / f"dog{suffix}", soft_picture(20, 30), mode)
    np.testing.assert_array_equal(load(path, (20, 30)), by_keras(path, None))


def test_cmyk_is_nearly_as_in_keras(tmp_path, soft_picture):
    path = save(tmp_path / "dog.jpg", soft_picture(20, 30), "CMYK", quality=95)
    assert np.abs(load(path, (20, 30)).astype(int) - by_keras(path, None)).max() <= 3


def test_grey_from_colour_is_nearly_as_in_keras(photograph):
    ours = load(photograph, (75, 100), "grayscale")
    difference = np.abs(ours.astype(int) - by_keras(photograph, None, "grayscale"))
    assert ours.shape == (75, 100)
    assert difference.mean() < 0.2
    assert difference.max() <= 10


def test_grey_file_stays_as_it_is(tmp_path, soft_picture):
    grey = soft_picture(20, 30, 1)
    path = save(tmp_path / "dog.png", grey)
    np.testing.assert_array_equal(load(path, (20, 30), "grayscale"), grey[..., 0])


def test_photograph_taken_sideways_is_turned_upright(tmp_path, soft_picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned by a quarter.
    upright = soft_picture(40, 30, 1).repeat(3, axis=2)
    path = save(tmp_path / "dog.jpg", np.rot90(upright), exif=exif, quality=95)
    difference = np.abs(load(path, (40, 30)).astype(int) - upright)
    assert difference.mean() < 3


def test_too_large_pictures_are_averaged_and_do_not_shimmer(tmp_path):
    # A chessboard of single pixels: the nearest pixel is black or white, the mean is grey.
    board = np.indices((256, 256)).sum(0).astype(np.uint8) % 2 * 255
    for suffix in (".png", ".jpg"):
        path = save(tmp_path / f"board{suffix}", board)
        nearest = load(path, (64, 64), interpolation="nearest").astype(int)
        assert np.abs(nearest - 127).min() > 100
        assert np.abs(load(path, (64, 64)).astype(int) - 127).max() <= 3


def test_averaging_in_the_decoder_looks_like_averaging_after_it(tmp_path, soft_picture):
    path = save(tmp_path / "dog.jpg", soft_picture(320, 400, 1), quality=95)
    difference = np.abs(
        load(path, (80, 100)).astype(int) - load(path, (80, 100), interpolation="area")
    )
    assert difference.mean() < 1


def test_area_and_bilinear_are_those_of_opencv(soft_picture):
    picture = soft_picture(75, 100)
    for name, code in (("area", cv2.INTER_AREA), ("bilinear", cv2.INTER_LINEAR)):
        expected = cv2.resize(picture, (60, 50), interpolation=code)
        np.testing.assert_array_equal(resize(picture, (50, 60), name), expected)


def test_load_writes_where_it_is_told_to(photograph):
    for size in ((75, 100), (20, 30)):
        out = np.zeros((2, *size, 3), np.uint8)
        load(photograph, size, out=out[1])
        np.testing.assert_array_equal(out[1], load(photograph, size))
        assert not out[0].any()


@pytest.mark.parametrize("progressive", [False, True])
def test_size_in_the_head_of_a_jpeg(progressive, soft_picture):
    file = io.BytesIO()
    comment = b"\xff\xc0" * 40  # Looks like a frame header, and is not one.
    Image.fromarray(soft_picture(75, 100)).save(
        file, "JPEG", progressive=progressive, comment=comment, dpi=(72, 72)
    )
    assert jpeg_size(file.getvalue()) == (75, 100)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xff\xff\xc0"],
)
def test_no_size_where_there_is_none(data):
    assert jpeg_size(data) is None
    assert jpeg_reduction(data, (10, 10)) == 1


@pytest.mark.parametrize(
    ("size", "target", "reduction"),
    [
        ((375, 500), (224, 224), 1),
        ((447, 600), (224, 224), 1),
        ((448, 600), (224, 224), 2),
        ((600, 448), (224, 224), 2),
        ((1500, 2000), (224, 224), 4),
        ((3000, 4000), (64, 64), 8),
        ((448, 600), (100, 224), 2),
        ((300, 4000), (100, 224), 1),
    ],
)
def test_reduction_never_falls_below_the_target(size, target, reduction):
    head = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", *size)
    assert jpeg_reduction(head, target) == reduction


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".gif", ".webp"])
@pytest.mark.parametrize("how", ["half", "empty"])
def test_broken_file_is_named(how, suffix, tmp_path, soft_picture, capfd):
    path = save(tmp_path / f"dog{suffix}", soft_picture(75, 100))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if how == "half" else b"")
    with pytest.raises(UndecodableError, match=f"dog{suffix} cannot be decoded .*skip"):
        load(path, (32, 32))
    assert capfd.readouterr().err == ""  # No decoder speaks before us.


def test_jpeg_with_something_after_its_end_is_whole(photograph):
    expected = load(photograph, (32, 32))
    photograph.write_bytes(photograph.read_bytes() + b"\0" * 100)
    np.testing.assert_array_equal(load(photograph, (32, 32)), expected)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UndecodableError, match=r"gone.jpg cannot be decoded \(No such file"):
        load(tmp_path / "gone.jpg", (32, 32))


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "desktop.ini", "Icon\r", "@eaDir", ".DS_Store", "._pug", "__MACOSX"]
)
def test_systems_put_sidecars_beside_pictures(name):
    assert is_sidecar(name)
    assert is_sidecar(name.upper())
    assert not is_picture(name)
    assert not is_sidecar(f"my {name}")


def test_pictures_below_are_in_the_order_of_folders_and_names(tmp_path):
    for name in ("b/2.JPG", "b/1.png", "a.webp", "b/c/0.gif", "@eaDir/a.jpg", ".b/a.jpg", "x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = ["a.webp", "b/1.png", "b/2.JPG", "b/c/0.gif"]
    assert [name.replace("\\", "/") for name in pictures_below(tmp_path)] == expected
    assert pictures_below(str(tmp_path)) == pictures_below(tmp_path)


def test_states_tell_a_changed_file_and_pass_over_one_that_is_gone(breeds):
    names = ["beagle/0.jpg", "collie/1.jpg", "pug/gone.jpg"]
    before = states_of(breeds, names)
    path = breeds / "collie" / "1.jpg"
    path.write_bytes(path.read_bytes() + b"\0")
    after = states_of(str(breeds), names)
    assert [old[0] for old, new in zip(before, after, strict=True) if old != new] == [names[1]]
