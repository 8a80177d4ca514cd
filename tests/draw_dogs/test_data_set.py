"""The data set: Kaggle's layout, the same bytes again, and the dogs that labkit ships."""

import csv
import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import draw_dogs
import numpy as np
import pytest
from draw_dogs import LAB_BREEDS, LAB_COUNTS, draw_files, pack
from draw_dogs.__main__ import ARCHIVE
from draw_dogs.data_set import draw_jpeg, picture_id
from draw_dogs.package_data import PACKAGE, publish
from draw_dogs.page_picture import PICTURE, draw_sheet

from labkit import fetch

HERE = Path(__file__).parent
FEW = {breed.name: 2 + position % 2 for position, breed in enumerate(LAB_BREEDS)}


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)


@pytest.fixture(scope="module")
def files():
    return draw_files(counts=FEW, size=(40, 48), progress=False)


@pytest.fixture(scope="module")
def rows(files):
    return list(csv.DictReader(io.StringIO(files["labels.csv"].decode())))


@pytest.fixture(scope="module")
def shipped():
    with zipfile.ZipFile(PACKAGE / ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class TestFiles:
    def test_layout_is_kaggles(self, files, rows):
        assert list(rows[0]) == ["id", "breed"]
        names = [row["id"] for row in rows]
        assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
        assert list(files) == ["labels.csv", *(f"train/{name}.jpg" for name in names)]
        counted = {name: sum(row["breed"] == name for row in rows) for name in FEW}
        assert counted == FEW

    def test_rows_are_not_grouped_by_breed(self, rows):
        changes = sum(a["breed"] != b["breed"] for a, b in itertools.pairwise(rows))
        assert changes > 0.7 * len(rows)

    def test_pictures_decode_at_the_size_asked_for(self, files):
        pictures = [decoded(data) for name, data in files.items() if name.endswith(".jpg")]
        assert {picture.shape for picture in pictures} == {(40, 48, 3)}

    def test_same_seed_same_bytes_other_seed_others(self, files):
        few = {"breeds": LAB_BREEDS[:2], "size": (40, 48), "progress": False}
        counts = {breed.name: 1 for breed in LAB_BREEDS[:2]}
        again, other = (draw_files(counts=counts, seed=seed, **few) for seed in (2021, 7))
        assert again.items() - {("labels.csv", again["labels.csv"])} <= files.items()
        assert again.keys() & other.keys() == {"labels.csv"}

    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            ({"breeds": ()}, ValueError, "no breeds"),
            ({"breeds": (LAB_BREEDS[0], LAB_BREEDS[0])}, ValueError, "its own name"),
            ({"breeds": ("pug",)}, TypeError, "must be a Breed"),
            ({"seed": -1}, ValueError, "seed must be"),
            ({"size": (8, 8)}, ValueError, "size must be"),
        ],
    )
    def test_refuses_what_it_cannot_draw(self, arguments, error, said):
        with pytest.raises(error, match=said):
            draw_files(progress=False, **arguments)


class TestZip:
    def test_is_the_same_for_the_same_files(self, monkeypatch):
        files = {"labels.csv": b"id,breed", "train/a.jpg": b"dog"}
        first = pack(files)
        monkeypatch.setattr("time.time", lambda: 2e9)
        assert pack(files) == first
        assert pack(files | {"train/a.jpg": b"cat"}) != first

    def test_is_taken_by_fetch(self, files, tmp_path):
        (tmp_path / "dogs.zip").write_bytes(pack(files))
        folder = fetch(tmp_path / "dogs.zip", tmp_path / "dogs", progress=False)
        assert all((folder / name).read_bytes() == data for name, data in files.items())


class TestShipped:
    """The dogs in the package are this program's."""

    def test_labels_and_names_are_those_of_the_program(self, shipped):
        rows = list(csv.reader(io.StringIO(shipped["labels.csv"].decode())))[1:]
        expected = {
            (picture_id(breed, index), breed.name)
            for breed in LAB_BREEDS
            for index in range(LAB_COUNTS[breed.name])
        }
        assert set(map(tuple, rows)) == expected
        assert len(shipped) == len(rows) + 1 == len(expected) + 1

    @pytest.mark.parametrize("breed", LAB_BREEDS, ids=lambda breed: breed.name)
    def test_pictures_are_those_of_the_program(self, shipped, breed):
        """But for a pixel that another processor rounds differently: ``make dogs`` shows those."""
        drawn = decoded(draw_jpeg(breed, 1))
        assert np.abs(drawn - decoded(shipped[f"train/{picture_id(breed, 1)}.jpg"])).mean() < 0.5
        assert np.abs(drawn - decoded(draw_jpeg(breed, 1, size=drawn.shape[:2], seed=7))).mean() > 5

    def test_files_are_in_their_order_and_stored_as_they_are(self, shipped):
        assert pack(shipped) == (PACKAGE / ARCHIVE).read_bytes()

    def test_picture_of_the_pages_is_the_programs(self):
        assert np.abs(decoded(draw_sheet()) - decoded(PICTURE.read_bytes())).mean() < 0.5


def test_surroundings_leave_the_drawings_alone():
    """Another order of hashes, language, time zone, processor and number of threads."""
    first = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"}
    second = {
        "PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns",
        "OPENCV_CPU_DISABLE": "AVX2", "OPENCV_IPP": "disabled", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    tools = str(Path(draw_dogs.__file__).parents[1])
    digests = {
        subprocess.run(
            [sys.executable, HERE / "digest_drawings.py", threads],
            env={**os.environ, "PYTHONPATH": tools, **surroundings},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads, surroundings in (("1", first), ("5", second))
    }
    assert len(digests) == 1


def test_publishing_changes_one_hash(tmp_path):
    (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  a.csv\n" + "1" * 64 + "  dogs.zip\n")
    assert publish("dogs.zip", b"dogs", tmp_path) == "dogs.zip is another file now."
    digest = hashlib.sha256(b"dogs").hexdigest()
    expected = "0" * 64 + f"  a.csv\n{digest}  dogs.zip\n"
    assert (tmp_path / "SHA256SUMS").read_text() == expected
    assert publish("dogs.zip", b"dogs", tmp_path).startswith("dogs.zip is the same file again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SHA256SUMS", "dogs.zip"]
