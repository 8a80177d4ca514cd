"""Sorting into folders: who goes where, twice is once, killed runs, and what is refused."""

import errno
import math
import os
import shutil
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.dog_breeds import folders
from labkit.dog_breeds.folders import plan_folders, reorganise

SIZES = {"pug": 7, "beagle": 5, "shih-tzu": 2}


class Killed(BaseException):
    """What ends a run from outside; no handler for exceptions may swallow it."""


def make(folder, sizes=None, content=None):
    """Write a data set with so many pictures of each breed, the breeds interleaved."""
    left, rows = dict(sizes or SIZES), []
    while any(left.values()):
        for breed in [breed for breed, number in left.items() if number]:
            left[breed] -= 1
            rows.append((f"{breed[0]}{left[breed]}", breed))
    (folder / "train").mkdir(parents=True)
    for name, _ in rows:
        (folder / "train" / f"{name}.jpg").write_bytes((content or name).encode())
    (folder / "labels.csv").write_text("\n".join(["id,breed", *map(",".join, rows)]) + "\n")
    return folder


def tree(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def snapshot(folder):
    """Everything but the number of links, which linking does change."""
    return {
        str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes())
        for p in folder.rglob("*")
        if p.is_file()
    }


# By hand from SIZES: ids count down, so p6, p5 are the first two of seven pugs.
VALIDATION = {"pug/p6.jpg", "pug/p5.jpg", "beagle/b4.jpg", "shih-tzu/s1.jpg"}
TRAINING = {f"pug/p{i}.jpg" for i in range(5)} | {f"beagle/b{i}.jpg" for i in range(4)}
TRAINING |= {"shih-tzu/s0.jpg"}
SORTED = {f"val_sorted/{n}" for n in VALIDATION} | {f"train_sorted/{n}" for n in TRAINING}


@pytest.fixture
def dogs(tmp_path):
    return make(tmp_path / "dogs")


def refuse_links(monkeypatch, code=errno.EXDEV):
    def link(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)


def die_after(monkeypatch, steps, error=Killed):
    """Let link_or_copy work so many times and then fail."""
    real, done = folders.link_or_copy, []

    def link_or_copy(*names):
        if len(done) == steps:
            raise error
        done.append(names)
        return real(*names)

    monkeypatch.setattr(folders, "link_or_copy", link_or_copy)


def test_first_fifth_in_the_files_order_validates(dogs):
    result = reorganise(dogs)
    assert tree(dogs / "val_sorted") == VALIDATION
    assert tree(dogs / "train_sorted") == TRAINING
    assert (result.training, result.validation, result.breeds) == (10, 4, 3)
    assert (result.train_sorted, result.val_sorted) == (dogs / "train_sorted", dogs / "val_sorted")
    assert str(result) == "10 pictures to train and 4 to validate, 3 breeds"


def test_pictures_are_links_and_train_is_untouched(dogs):
    before = snapshot(dogs / "train")
    reorganise(dogs)
    assert snapshot(dogs / "train") == before
    for name in SORTED:
        assert os.path.samefile(dogs / name, dogs / "train" / os.path.basename(name))


def test_copies_where_links_are_refused(dogs, monkeypatch):
    refuse_links(monkeypatch)
    before = snapshot(dogs / "train")
    reorganise(dogs)
    assert snapshot(dogs / "train") == before
    for name in SORTED:
        original = dogs / "train" / os.path.basename(name)
        assert (dogs / name).read_bytes() == original.read_bytes()
        assert not os.path.samefile(dogs / name, original)


@pytest.mark.parametrize("links", [True, False])
def test_second_call_writes_nothing(dogs, monkeypatch, links):
    if not links:
        refuse_links(monkeypatch)
    first = reorganise(dogs)
    before = snapshot(dogs)
    die_after(monkeypatch, 0, AssertionError("placed a file again"))
    assert reorganise(dogs) == first
    assert snapshot(dogs) == before


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("steps", range(14))
def test_killed_run_shows_nothing_half_and_goes_on(dogs, monkeypatch, steps, links):
    if not links:
        refuse_links(monkeypatch)
    with monkeypatch.context() as patch:
        die_after(patch, steps)
        with pytest.raises(Killed):
            reorganise(dogs)
    assert not (dogs / "train_sorted").exists()
    assert not (dogs / "val_sorted").exists()
    with monkeypatch.context() as patch:
        die_after(patch, len(SORTED) - steps)
        reorganise(dogs)  # places only what the first run did not
    assert {name for name in tree(dogs) if "_sorted" in name} == SORTED
    assert not (dogs / ".sorting").exists()


def test_run_killed_between_the_two_renames_goes_on(dogs, monkeypatch):
    real = os.replace

    def replace(source, target):
        if str(target).endswith("train_sorted"):
            raise Killed
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            reorganise(dogs)
    die_after(monkeypatch, 0)
    reorganise(dogs)
    assert {name for name in tree(dogs) if "_sorted" in name} == SORTED


def test_half_a_copy_is_not_taken_for_a_picture(dogs, monkeypatch):
    refuse_links(monkeypatch)

    def half(source, target):
        with open(target, "wb") as file:
            file.write(b"?")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", half)
        with pytest.raises(Killed):
            reorganise(dogs)
    reorganise(dogs)
    assert {name for name in tree(dogs) if "_sorted" in name} == SORTED
    assert {(dogs / name).read_bytes() for name in SORTED} == {
        path.read_bytes() for path in (dogs / "train").iterdir()
    }


def test_folders_that_lack_some_pictures_are_completed(dogs):
    reorganise(dogs)
    (dogs / "train_sorted/pug/p0.jpg").unlink()
    shutil.rmtree(dogs / "val_sorted/beagle")
    reorganise(dogs)
    assert {name for name in tree(dogs) if "_sorted" in name} == SORTED


def test_unfinished_folders_of_other_labels_are_cleared(dogs, monkeypatch):
    with monkeypatch.context() as patch:
        die_after(patch, 9)
        with pytest.raises(Killed):
            reorganise(dogs)
    text = (dogs / "labels.csv").read_text().replace("pug", "beagle")
    (dogs / "labels.csv").write_text(text)
    reorganise(dogs)
    assert {path.name for path in (dogs / "train_sorted").iterdir()} == {"beagle", "shih-tzu"}
    assert len(tree(dogs / "val_sorted")) == math.ceil(12 / 5) + 1


REFUSALS = [
    ("train_sorted/pug/p6.jpg", "p6", r"train_sorted .*do not put 'pug/p6.jpg' there \(1 name"),
    ("val_sorted/beagle/p0.jpg", "p0", r"val_sorted .*do not put 'beagle/p0.jpg' there"),
    ("train_sorted/poodle/x.jpg", "x", r"do not put 'poodle/', 'poodle/x.jpg' there \(2 names"),
    ("train_sorted/x.jpg", "x", r"do not put 'x.jpg' there"),
    ("train_sorted/pug", "x", r"do not put 'pug' there"),
    ("train_sorted/pug/deep/x.jpg", "x", r"do not put 'pug/deep/' there"),
    ("train_sorted/pug/p0.jpg", "longer", r"'pug/p0.jpg' differ from the originals"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), REFUSALS)
def test_folder_sorted_differently_before(dogs, name, content, sentence):
    (dogs / name).parent.mkdir(parents=True)
    (dogs / name).write_text(content)
    before = snapshot(dogs)
    with pytest.raises(FileExistsError, match=sentence) as caught:
        reorganise(dogs)
    assert "delete or move away train_sorted and val_sorted" in str(caught.value)
    assert snapshot(dogs) == before
    assert not (dogs / ".sorting").exists()


def test_picture_changed_since_is_refused(dogs):
    reorganise(dogs)
    (dogs / "train/p0.jpg").unlink()
    (dogs / "train/p0.jpg").write_text("P0")
    os.utime(dogs / "train/p0.jpg", (1, 1))
    with pytest.raises(FileExistsError, match=r"'pug/p0.jpg' differ from the originals \(1 name "):
        reorganise(dogs)


def test_changed_label_is_refused(dogs):
    reorganise(dogs)
    text = (dogs / "labels.csv").read_text()
    (dogs / "labels.csv").write_text(text.replace("p0,pug", "p0,beagle"))
    # A sixth beagle: now two of them validate, so b3 moves as well.
    with pytest.raises(FileExistsError, match=r"do not put 'beagle/b3.jpg', 'pug/p0.jpg' there"):
        reorganise(dogs)


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r", "._p0.jpg"])
def test_what_systems_put_there_is_no_picture(dogs, name):
    reorganise(dogs)
    for folder in ("train", "train_sorted", "train_sorted/pug", "val_sorted/beagle"):
        (dogs / folder / name).touch()
    assert reorganise(dogs).training == 10


def test_folders_that_systems_put_there_are_no_breeds(dogs):
    reorganise(dogs)
    (dogs / "train_sorted/@eaDir").mkdir()
    (dogs / "val_sorted/pug/@eaDir").mkdir()
    (dogs / "val_sorted/pug/@eaDir/p6.jpg").touch()
    assert reorganise(dogs).validation == 4


def test_pictures_keep_their_suffixes(dogs):
    for old, new in (("p0.jpg", "p0.JPG"), ("p6.jpg", "p6.png")):
        (dogs / "train" / old).rename(dogs / "train" / new)
    for _ in range(2):
        folders_ = reorganise(dogs)
        assert (folders_.training, folders_.validation) == (10, 4)
    assert (dogs / "train_sorted/pug/p0.JPG").read_bytes() == b"p0"
    assert (dogs / "val_sorted/pug/p6.png").read_bytes() == b"p6"


def test_home_is_expanded(dogs, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(dogs.parent))
    assert reorganise("~/dogs", "~/sorted").train_sorted == dogs.parent / "sorted/train_sorted"
    assert tree(dogs.parent / "sorted") == SORTED


def test_symbolic_links_in_train_are_followed(dogs, tmp_path):
    picture = dogs / "train/p0.jpg"
    picture.rename(tmp_path / "blob")
    picture.symlink_to("../../blob")
    for _ in range(2):
        reorganise(dogs)
    assert not (dogs / "train_sorted/pug/p0.jpg").is_symlink()
    assert os.path.samefile(dogs / "train_sorted/pug/p0.jpg", tmp_path / "blob")


def test_destination_elsewhere(dogs, tmp_path):
    before = snapshot(dogs)
    result = reorganise(str(dogs), str(tmp_path / "new" / "place"))
    assert tree(tmp_path / "new" / "place") == SORTED
    assert result.val_sorted == tmp_path / "new" / "place" / "val_sorted"
    assert snapshot(dogs) == before


@pytest.mark.parametrize("inner", ["train", "train/below", "train/../train"])
def test_destination_in_train_is_refused(dogs, inner):
    before = snapshot(dogs)
    with pytest.raises(ValueError, match=r"cannot go to .* train/ is never changed"):
        reorganise(dogs, dogs / inner)
    assert snapshot(dogs) == before


def test_destination_that_is_a_file(dogs):
    with pytest.raises(OSError, match=r"cannot be written to .*labels.csv \(.*\); make room"):
        reorganise(dogs, dogs / "labels.csv")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_disk_that_refuses_is_named_in_a_sentence(dogs, monkeypatch, code):
    die_after(monkeypatch, 3, OSError(code, os.strerror(code)))
    with pytest.raises(
        OSError, match=rf"cannot be written to .*\({os.strerror(code)}\); make"
    ) as said:
        reorganise(dogs)
    for option in ("reorganise(data, FOLDER)", "sorted_directory=FOLDER", "--sorted FOLDER"):
        assert option in str(said.value)
    assert not (dogs / "train_sorted").exists()


def test_breed_too_small_to_split(tmp_path):
    dogs = make(tmp_path / "dogs", {"pug": 1, "beagle": 5, "chow": 1})
    with pytest.raises(ValueError, match=r"2 breeds with a single picture .*'chow', 'pug'; add"):
        reorganise(dogs)
    assert {path.name for path in dogs.iterdir()} == {"labels.csv", "train"}


def test_labels_without_pictures_are_refused(dogs):
    (dogs / "train/p0.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 label .* lacks 'p0.jpg'"):
        reorganise(dogs)


def test_bar_appears_only_when_it_takes_long(dogs, capfd):
    reorganise(dogs)
    assert capfd.readouterr().err == ""


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=80))
def test_plan_parts_each_breed_by_the_rule(breeds):
    """The rule spelled out: walk the file and count, with no code shared."""
    labels = {f"id{i}": breed for i, breed in enumerate(breeds)}
    totals, seen = Counter(breeds), Counter()
    if min(totals.values()) < 2:
        with pytest.raises(ValueError, match="single picture"):
            plan_folders(labels)
        return
    expected = {"val_sorted": {}, "train_sorted": {}}
    for name, breed in labels.items():
        split = "val_sorted" if seen[breed] < math.ceil(totals[breed] / 5) else "train_sorted"
        expected[split][f"{breed}/{name}.jpg"] = f"{name}.jpg"
        seen[breed] += 1
    assert plan_folders(labels) == expected
