"""Pictures that are none, or unusual: read as they look, or named in one sentence."""

import struct
import zlib
from functools import cache

import cv2
import numpy as np
import pytest
from broken_places import answer, in_child
from data_sets import good_files, jpeg, make_zip, snapshot, write
from PIL import Image

from labkit import ImageDataGenerator, duplicates, fetch, reorganise

GOOD = good_files()
SIZE = (24, 32)


def encode(folder, suffix, mode, shade):
    """Write a picture of one shade with Pillow; return its bytes."""
    path = folder / f"made{suffix}"
    Image.new(mode, SIZE[::-1], shade).save(path)
    return path.read_bytes()


@cache
def huge(suffix, height=9000, width=12000):
    quick = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    data = cv2.imencode(suffix, np.full((height, width), 200, np.uint8), quick)[1].tobytes()
    assert len(data) < 4e6
    return data


def png_head(width, height):
    """Return a PNG whose head promises so many pixels, and which holds none."""

    def chunk(kind, data):
        check = struct.pack(">L", zlib.crc32(kind + data))
        return struct.pack(">L", len(data)) + kind + data + check

    head = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def sort_with(folder, content):
    """Make a sorted data set in which one training picture has that content."""
    return reorganise(write(folder, GOOD | {"train/p3.jpg": content}))


def flow(folders, **options):
    generator = ImageDataGenerator(dtype="uint8")
    return generator.flow_from_directory(
        folders.train_sorted, target_size=SIZE, shuffle=False, batch_size=6, **options
    )


READ = {
    "PNG called .jpg": (lambda folder: encode(folder, ".png", "RGB", (200,) * 3), 200),
    "CMYK": (lambda folder: encode(folder, ".jpg", "CMYK", (0, 0, 0, 55)), 200),
    "greyscale": (lambda folder: encode(folder, ".jpg", "L", 200), 200),
    "transparent": (lambda folder: encode(folder, ".png", "RGBA", (200, 200, 200, 0)), 200),
    "1 × 1": (lambda folder: jpeg(200, (1, 1)), 200),
    "1 × 500": (lambda folder: jpeg(200, (1, 500)), 200),
    "12,000 × 9,000 JPEG": (lambda folder: huge(".jpg"), 200),
    "12,000 × 9,000 PNG": (lambda folder: huge(".png"), 200),
}


@pytest.mark.parametrize("kind", READ)
def test_unusual_picture_is_read_as_it_looks(kind, tmp_path):
    make, shade = READ[kind]
    (x, _) = flow(sort_with(tmp_path / "dogs", make(tmp_path)))[0]
    last = x[-1]  # p3.jpg, for without shuffling pictures come by name
    assert last.shape == (*SIZE, 3)
    assert np.abs(last.astype(int) - shade).max() <= 2
    assert np.abs(x[:-1].astype(int) - shade).max() > 20


BROKEN = {
    "truncated JPEG": (lambda: jpeg(200)[:-300], "it is cut short or no picture"),
    "truncated PNG called .jpg": (lambda: png_head(32, 24)[:-12], "it is cut short or no picture"),
    "empty file": (lambda: b"", "the file is empty"),
    "web page called .jpg": (lambda: b"<html>429 Too many requests</html>", "no picture"),
    "more pixels than memory": (
        lambda: png_head(40_000, 30_000),
        "it has 40,000 × 30,000 pixels, and at most 178,956,970 are decoded",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_picture(kind, tmp_path):
    """Named before the first batch or with it; left out if asked for; replaced, all goes on."""
    make, reason = BROKEN[kind]
    folders = sort_with(tmp_path / "dogs", make())
    before = snapshot(tmp_path)
    answer(
        lambda: flow(folders, cache=None)[0],
        ValueError,
        rf"pug/p3.jpg cannot be decoded \(.*{reason}.*\): replace or delete it, or pass",
    )
    with pytest.warns(UserWarning, match=r"Left out, because undecodable: .*p3.jpg'\.") as seen:
        assert duplicates(tmp_path / "dogs") == ()
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match=r"Left out, because undecodable: .*p3.jpg'\."):
        assert len(flow(folders, cache=None, undecodable="skip")[0][0]) == 5
    assert snapshot(tmp_path) == before
    for path in (tmp_path / "dogs").rglob("p3.jpg"):
        path.write_bytes(GOOD["train/p3.jpg"])
    assert len(flow(folders)[0][0]) == 6


def test_fetch_names_the_damaged_pictures_of_an_archive(tmp_path):
    files = {
        **GOOD,
        "train/p1.jpg": BROKEN["truncated JPEG"][0](),
        "train/b2.jpg": jpeg(99)[:20] + b"\xff\xd9",  # both ends as they should be
    }
    archive = make_zip(tmp_path / "dogs.zip", files)
    with pytest.warns(UserWarning, match=r"2 pictures of 8 .* decoded: 'p1.jpg', 'b2.jpg'; repl"):
        folder = fetch(archive, tmp_path / "out", progress=False)
    assert (folder / "train/p1.jpg").read_bytes() == files["train/p1.jpg"]
    fetch(archive, tmp_path / "out")  # and says it once


def test_fetch_names_the_damaged_pictures_of_a_folder(tmp_path):
    """Each time, for nothing else will: the folder stays as it is."""
    damaged = {"train/p1.jpg": jpeg(99, (90, 90))[:-30] + b"\xff\xd9"}
    folder = write(tmp_path / "mine", GOOD | damaged)
    before = snapshot(folder)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 picture of 8 in .* decoded: 'p1.jpg'; repl"):
            assert fetch(folder) == folder
    assert snapshot(folder) == before


def test_fetch_looks_at_pictures_that_somebody_else_laid_out(tmp_path):
    folder = write(tmp_path / "mine", GOOD | {"train/p1.jpg": b"no picture"})
    with pytest.warns(UserWarning, match="1 picture of 8 in .* cannot be decoded: 'p1.jpg'"):
        assert fetch("kaggle", folder) == folder


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_huge_pictures_in_many_threads_take_the_memory_of_one(suffix, tmp_path):
    """Two of 12,000 × 9,000 pixels fill 650 MB when they are decoded at once."""
    (tmp_path / "huge").write_bytes(huge(suffix))
    said = in_child(
        """
        from concurrent.futures import ThreadPoolExecutor
        from resource import RUSAGE_SELF, getrusage
        from labkit.dog_breeds.pictures import load
        load_one = lambda _: load(folder / "huge", (64, 64))
        before = getrusage(RUSAGE_SELF).ru_maxrss
        with ThreadPoolExecutor(2) as pool:
            tell("shapes", [picture.shape for picture in pool.map(load_one, range(2))])
        # Kilobytes; on a Mac bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        tell("grown", (getrusage(RUSAGE_SELF).ru_maxrss - before) * unit)
        """,
        tmp_path,
    )
    assert said["shapes"] == [[64, 64, 3]] * 2
    assert said["grown"] < 1.5 * 12_000 * 9_000 * 3


def test_identical_pictures_are_reported(tmp_path):
    """The same bytes; and the same photograph smaller, compressed again and in another breed."""
    rng = np.random.default_rng(0)

    def photograph():
        coarse = rng.integers(0, 256, (9, 12, 3), np.uint8)
        return cv2.resize(coarse, (240, 180), interpolation=cv2.INTER_CUBIC)

    def encoded(picture, quality=90):
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()

    files = {name: encoded(photograph()) for name in GOOD if name.startswith("train/")}
    files["train/b1.jpg"] = files["train/b0.jpg"]
    twin = cv2.imdecode(np.frombuffer(files["train/p2.jpg"], np.uint8), cv2.IMREAD_COLOR)
    files["train/b3.jpg"] = encoded(cv2.resize(twin, (90, 90), interpolation=cv2.INTER_AREA), 60)
    folder = write(tmp_path, GOOD | files)
    assert str(duplicates(folder, by="bytes")) == (
        "1 picture is there more than once, none of them under different breeds."
    )
    assert str(duplicates(folder)) == (
        "2 pictures are there more than once, 1 of them under different breeds:\np2 pug, b3 beagle"
    )
    with pytest.raises(ValueError, match="by='eye' must be one of 'appearance', 'bytes'"):
        duplicates(folder, by="eye")
