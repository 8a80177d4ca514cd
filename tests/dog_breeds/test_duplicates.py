"""Copies: to the byte, and alike, against a comparison of every pair with every other."""

import itertools

import cv2
import numpy as np
import pytest
from data_sets import labels, write

from labkit.dog_breeds.duplicates import Duplicate, duplicates, find_lookalikes
from labkit.dog_breeds.pictures import UndecodableError


@pytest.fixture
def photographs(tmp_path):
    """Twelve smooth pictures of 96 × 96 pixels in PNG, every third a copy with some noise."""
    rng = np.random.default_rng(1)
    paths = []
    for number in range(12):
        if number % 3 == 0:
            coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
            picture = cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_LINEAR)
        noise = rng.normal(0, 4 * (number % 3), (32, 32, 3)).repeat(3, 0).repeat(3, 1)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.clip(picture + noise, 0, 255).astype(np.uint8))
        paths.append(path)
    return paths


def differences(paths):
    """Compare all pairs at 32 × 32 pixels: blocks of 3 × 3, averaged with NumPy alone."""
    small = [
        cv2.imread(str(p)).astype(float).reshape(32, 3, 32, 3, 3).mean((1, 3)).round()
        for p in paths
    ]
    pairs = itertools.combinations(range(len(small)), 2)
    return {(i, j): np.sqrt(((small[i] - small[j]) ** 2).mean()) for i, j in pairs}


@pytest.mark.parametrize("threshold", [0.5, 4.0, 7.0, 40.0])
def test_finds_what_comparing_every_pair_finds(threshold, photographs):
    near = {pair for pair, far in differences(photographs).items() if far <= threshold}
    groups = find_lookalikes(photographs, threshold)
    joined = {pair for group in groups for pair in itertools.combinations(group, 2)}
    assert near <= joined
    for group in groups:  # no member without a neighbour in its group
        for member in group:
            assert any({member, other} in map(set, near) for other in group)
    assert (threshold == 0.5) == (not near)


def test_chains_are_one_group(photographs):
    assert find_lookalikes(photographs, 255.0) == [list(range(12))]


def test_small_and_compressed_copies_are_found(photographs, tmp_path):
    original = cv2.imread(str(photographs[0]))
    copies = []
    for size, quality in ((90, 90), (60, 70), (200, 60)):
        path = tmp_path / f"copy{size}.jpg"
        resized = cv2.resize(original, (size, size), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(path), resized, [cv2.IMWRITE_JPEG_QUALITY, quality])
        copies.append(path)
    assert find_lookalikes([photographs[3], photographs[0], *copies]) == [[1, 2, 3, 4]]


def test_nothing_and_no_picture(tmp_path):
    assert find_lookalikes([]) == []
    (tmp_path / "x.jpg").write_bytes(b"?")
    with pytest.raises(UndecodableError, match=r"x.jpg cannot be decoded"):
        find_lookalikes([tmp_path / "x.jpg"])


def dogs(folder, contents):
    """Write pictures of such bytes; a picture's first letter tells its breed."""
    breeds = {"p": "pug", "b": "beagle"}
    rows = [(name, breeds[name[0]]) for name in contents]
    pictures = {f"train/{name}.jpg": content for name, content in contents.items()}
    return write(folder, {"labels.csv": labels(rows), **pictures})


def test_duplicates_by_bytes_and_not_by_size(tmp_path):
    contents = {"p2": b"same", "b2": b"twice", "p1": b"twice", "b1": b"else", "p0": b"same"}
    found = duplicates(dogs(tmp_path, contents | {"b0": b"same"}), by="bytes")
    assert found == (
        Duplicate(("p2", "p0", "b0"), ("pug", "pug", "beagle")),
        Duplicate(("b2", "p1"), ("beagle", "pug")),
    )
    assert all(group.contradicts for group in found)


def test_duplicates_of_one_breed_do_not_contradict(tmp_path):
    (found,) = duplicates(dogs(tmp_path / "x", {"p0": b"same", "p1": b"same"}), by="bytes")
    assert not found.contradicts
    assert duplicates(dogs(tmp_path / "y", {"p0": b"one", "p1": b"two"}), by="bytes") == ()
