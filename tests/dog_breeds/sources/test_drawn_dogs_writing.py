"""The files: Kaggle's layout, the same bytes again, never half-written."""

import csv
import hashlib
import itertools
import os
import re

import cv2
import numpy as np
import pytest

from labkit.dog_breeds.sources.drawn_dogs import (
    LAB_BREEDS,
    LAB_COUNTS,
    Breed,
    draw_dog,
    write_drawn_dogs,
    writing,
)
from labkit.dog_breeds.sources.drawn_dogs.drawing import picture_seed

FEW = {breed.name: 2 + position % 2 for position, breed in enumerate(LAB_BREEDS)}


def write(directory, **arguments):
    arguments = {"counts": FEW, "size": (40, 48), "progress": False, **arguments}
    return write_drawn_dogs(directory, **arguments)


def digest(directory):
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def rows_of(directory):
    with open(directory / "labels.csv", newline="") as file:
        return list(csv.DictReader(file))


class TestLayout:
    def test_is_kaggles(self, tmp_path):
        directory = write(tmp_path / "deep" / "dogs")
        assert directory == tmp_path / "deep" / "dogs"
        assert sorted(path.name for path in directory.iterdir()) == ["labels.csv", "train"]
        rows = rows_of(directory)
        assert list(rows[0]) == ["id", "breed"]
        assert (directory / "labels.csv").read_bytes().startswith(b"id,breed\n")
        names = [row["id"] for row in rows]
        assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
        assert len(set(names)) == len(names) == sum(FEW.values())
        assert {f"{name}.jpg" for name in names} == set(os.listdir(directory / "train"))
        counted = {name: sum(row["breed"] == name for row in rows) for name in FEW}
        assert counted == FEW

    def test_rows_are_not_grouped_by_breed(self, tmp_path):
        breeds = [row["breed"] for row in rows_of(write(tmp_path / "dogs"))]
        changes = sum(a != b for a, b in itertools.pairwise(breeds))
        assert changes > 0.7 * len(breeds)

    def test_pictures_decode_at_the_size_asked_for(self, tmp_path):
        directory = write(tmp_path / "dogs")
        for path in (directory / "train").iterdir():
            assert cv2.imread(str(path)).shape == (40, 48, 3)

    def test_each_picture_shows_the_breed_of_its_label(self, tmp_path):
        """Decoded again it is, within JPEG's error, one of its own breed's drawings."""
        directory = write(tmp_path / "dogs", size=(64, 64), seed=3)
        breeds = {breed.name: breed for breed in LAB_BREEDS}
        for row in rows_of(directory):
            breed = breeds[row["breed"]]
            path = directory / "train" / f"{row['id']}.jpg"
            picture = cv2.imread(str(path))[..., ::-1].astype(int)
            drawn = [
                draw_dog(breed, picture_seed(breed, index, 3), (64, 64)).astype(int)
                for index in range(FEW[breed.name])
            ]
            assert min(np.abs(picture - other).mean() for other in drawn) < 8

    def test_sizes_vary_by_default(self, tmp_path):
        directory = write(tmp_path / "dogs", size=None, breeds=LAB_BREEDS[:6])
        shapes = {cv2.imread(str(path)).shape for path in (directory / "train").iterdir()}
        assert len(shapes) > 2
        assert all(100 <= side <= 180 for shape in shapes for side in shape[:2])

    def test_usual_counts_are_the_labs(self, tmp_path, monkeypatch):
        monkeypatch.setattr(writing, "draw_dog", lambda *_: np.zeros((32, 32, 3), np.uint8))
        rows = rows_of(write(tmp_path / "dogs", counts=None))
        counted = {name: sum(row["breed"] == name for row in rows) for name in LAB_COUNTS}
        assert counted == LAB_COUNTS


class TestRepeat:
    def test_same_seed_same_bytes_other_seed_others(self, tmp_path):
        first, second = write(tmp_path / "a"), write(tmp_path / "b")
        assert digest(first) == digest(second)
        third = write(tmp_path / "c", seed=7)
        assert not set(os.listdir(first / "train")) & set(os.listdir(third / "train"))

    def test_leaves_a_complete_set_alone(self, tmp_path, monkeypatch):
        directory = write(tmp_path / "dogs")
        (directory / "train_sorted").mkdir()
        before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
        monkeypatch.setattr(writing, "draw_dog", None)
        write(directory)
        assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before

    def test_fills_a_folder_that_is_there(self, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        write(tmp_path)
        assert (tmp_path / "notes.txt").read_text() == "mine"
        assert len(rows_of(tmp_path)) == sum(FEW.values())

    def test_replaces_a_lost_picture(self, tmp_path):
        directory = write(tmp_path / "dogs")
        whole = digest(directory)
        next((directory / "train").iterdir()).unlink()
        assert digest(write(directory)) == whole

    def test_refuses_to_touch_other_pictures(self, tmp_path):
        (tmp_path / "train").mkdir()
        (tmp_path / "train" / "holiday.jpg").write_bytes(b"mine")
        with pytest.raises(FileExistsError, match="already holds other pictures"):
            write(tmp_path)
        assert digest(tmp_path).keys() == {"train/holiday.jpg"}

    def test_refuses_another_set_of_dogs(self, tmp_path):
        whole = digest(write(tmp_path / "dogs"))
        with pytest.raises(FileExistsError, match="empty or new folder"):
            write(tmp_path / "dogs", seed=8)
        assert digest(tmp_path / "dogs") == whole

    def test_refuses_a_file_in_place_of_the_folder(self, tmp_path):
        (tmp_path / "dogs").write_text("mine")
        with pytest.raises(FileExistsError, match="is a file"):
            write(tmp_path / "dogs")


class TestInterrupted:
    @pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
    def test_while_drawing_leaves_nothing(self, tmp_path, monkeypatch, error):
        drawn = []

        def stumble(*picture):
            drawn.append(picture)
            if len(drawn) == 5:
                raise error("stopped")
            return b"half"

        monkeypatch.setattr(writing, "_draw_jpeg", stumble)
        with pytest.raises(error):
            write(tmp_path / "dogs")
        assert len(drawn) >= 5
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("whole", [True, False])
    def test_what_a_killed_run_left_is_cleared_away(self, tmp_path, whole):
        if whole:
            write(tmp_path / "dogs")
        (tmp_path / "dogs" / ".drawing" / "train").mkdir(parents=True)
        (tmp_path / "dogs" / ".drawing" / "train" / "half.jpg").write_bytes(b"half")
        write(tmp_path / "dogs")
        assert [path.name for path in tmp_path.iterdir()] == ["dogs"]
        names = sorted(path.name for path in (tmp_path / "dogs").iterdir())
        assert names == ["labels.csv", "train"]

    def test_while_moving_is_mended_by_the_next_run(self, tmp_path, monkeypatch):
        replace = os.replace

        def stumble(source, target):
            if str(target).endswith("labels.csv"):
                raise OSError("stopped")
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(writing.os, "replace", stumble)
            with pytest.raises(OSError, match="stopped"):
                write(tmp_path / "dogs")
        assert not (tmp_path / "dogs" / "labels.csv").exists()
        assert digest(write(tmp_path / "dogs")) == digest(write(tmp_path / "whole"))


class TestRefuses:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"breeds": ()}, "no breeds"),
            ({"breeds": (LAB_BREEDS[0], LAB_BREEDS[0])}, "its own name"),
            ({"counts": {**FEW, LAB_BREEDS[0].name: 0}}, "at least 1"),
            ({"counts": {**FEW, LAB_BREEDS[0].name: 2.5}}, "whole number"),
            ({"counts": {}}, "None for 'biscuit_corgling'"),
            ({"seed": -1}, "seed must be"),
            ({"size": (8, 8)}, "size must be"),
        ],
    )
    def test_in_one_sentence_and_writes_nothing(self, tmp_path, arguments, said):
        with pytest.raises(ValueError, match=said):
            write(tmp_path / "dogs", **arguments)
        assert list(tmp_path.iterdir()) == []

    def test_what_is_no_breed(self, tmp_path):
        with pytest.raises(TypeError, match="must be a Breed"):
            write(tmp_path / "dogs", breeds=("pug",))


def test_a_breed_outside_the_lab_gets_the_usual_count(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "draw_dog", lambda *_: np.zeros((32, 32, 3), np.uint8))
    write(tmp_path / "dogs", breeds=(Breed("lone_wolf"),), counts=None)
    assert len(rows_of(tmp_path / "dogs")) == 40
