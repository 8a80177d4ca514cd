"""Archives: what is unpacked, and any damage; what else is refused is in tests/faults."""

import random

import pytest
from data_sets import make_tar, make_zip

from labkit.dog_breeds.sources.archive import extract_pictures

LABELS = b"id,breed\nb,pug\na,beagle\n"
FILES = {"labels.csv": LABELS, "train/a.jpg": b"first" * 99, "train/b.jpg": b"second"}


def unpack(archive, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    extract_pictures(archive, target, progress=False)
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


@pytest.mark.parametrize("prefix", ["", "dog-breed-identification/", "./", "./dogs/"])
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_root_or_one_folder_down(tmp_path, make, prefix):
    archive = make(tmp_path / "x", {prefix + name: data for name, data in FILES.items()})
    assert unpack(archive, tmp_path) == FILES


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_by_content_whatever_its_name(tmp_path, mode):
    assert unpack(make_tar(tmp_path / "dogs.zip", FILES, mode), tmp_path) == FILES


def test_labels_at_the_root_come_before_those_one_folder_down(tmp_path):
    files = FILES | {"old/labels.csv": b"id,breed\nz,pug\n"}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == FILES


def test_zip_of_windows_with_backslashes(tmp_path):
    files = {f"dogs\\{name}".replace("/", "\\"): data for name, data in FILES.items()}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == FILES


def test_all_else_is_left_out(tmp_path):
    more = {
        "test/c.jpg": b"?",
        "sample_submission.csv": b"?",
        "train/.DS_Store": b"?",
        "train/._a.jpg": b"?",
        "__MACOSX/._labels.csv": b"?",
        "train/Thumbs.db": b"?",
    }
    assert unpack(make_zip(tmp_path / "x.zip", FILES | more), tmp_path) == FILES


def test_bytes_that_compress_well_are_no_bomb(tmp_path):
    files = FILES | {"train/a.jpg": bytes(2**20)}
    assert unpack(make_zip(tmp_path / "x.zip", files), tmp_path) == files


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_cut_short_anywhere(tmp_path, make):
    whole = make(tmp_path / "whole", FILES).read_bytes()
    for length in range(1, len(whole) - 64 if make is make_tar else len(whole), 7):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "x").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut short|neither a zip nor a tar|not the archive"):
            unpack(folder / "x", folder)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_any_damage_is_refused_in_a_sentence_or_harmless(tmp_path, make):
    """Flip bytes at random: the pictures come out right, or a ValueError names the archive."""
    whole = make(tmp_path / "whole", FILES).read_bytes()
    rng = random.Random(0)
    outcomes = set()
    for trial in range(300):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        folder = tmp_path / str(trial)
        folder.mkdir()
        (folder / "x").write_bytes(content)
        try:
            assert unpack(folder / "x", folder) == FILES
        except ValueError as error:
            assert str(folder / "x") in str(error)
            outcomes.add("refused")
        else:
            outcomes.add("whole")
    assert outcomes == {"refused", "whole"}
