"""A folder for each class: found however it is wrapped, and brought into the one layout."""

import os
from pathlib import Path

import pytest
from data_sets import jpeg, snapshot, states_of, write

from labkit import class_sizes, duplicates, plot_samples
from labkit.dog_breeds.batches.directory import list_pictures
from labkit.dog_breeds.folders import reorganise
from labkit.dog_breeds.sources import fetch, read_labels
from labkit.dog_breeds.sources.class_folders import find_class_folders, give_ids

PUGS, HOUNDS = "n02110958-pug", "n02088094-Afghan_hound"
STANFORD = {
    f"Images/{PUGS}/n02110958_1.jpg": jpeg(10),
    f"Images/{PUGS}/n02110958_12.jpg": jpeg(20),
    f"Images/{HOUNDS}/n02088094_7.jpg": jpeg(30),
    f"Images/{HOUNDS}/n02088094_8.jpg": jpeg(40),
    f"Annotation/{PUGS}/n02110958_1": b"<annotation/>",
}
IMAGEWOOF = {
    "noisy_imagewoof.csv": b"path,noisy_labels_0",
    "train/n02086240/ILSVRC2012_val_1.JPEG": jpeg(10),
    "train/n02086240/n02086240_3.JPEG": jpeg(20),
    "train/n02087394/n02087394_9.JPEG": jpeg(30),
    "val/n02086240/n02086240_2.JPEG": jpeg(40),
    "val/n02087394/n02087394_10.JPEG": jpeg(50),
}
TELEPHONE = {
    "Rex/IMG_0001.JPG": jpeg(10),
    "Rex/2024/IMG_0002.jpeg": jpeg(20),
    "Bella/IMG_0001.png": jpeg(30),
    "Bella/img_0002.webp": jpeg(40),
    "Bella/Thumbs.db": b"?",
    "Bella/desktop.ini": b"?",
    "Bella/._IMG_0001.png": b"?",
    "Bella/@eaDir/IMG_0001.png/SYNOPHOTO_THUMB_M.jpg": jpeg(50),
    "@eaDir/Rex/SYNOPHOTO_THUMB_M.jpg": jpeg(60),
    "Icon\r": b"",
    ".DS_Store": b"?",
}


def bring(files, tmp_path):
    """Fetch such a folder; return a dict from each picture's name to its breed and bytes."""
    source = write(tmp_path / "mine", files)
    before = states_of(source)
    folder = fetch(source, tmp_path / "out", progress=False)
    assert states_of(source) == before
    labels = read_labels(folder)
    pictures = {path.name: path.read_bytes() for path in (folder / "train").iterdir()}
    assert len(labels) == len(pictures)
    return {name: (labels[Path(name).stem], data) for name, data in pictures.items()}


@pytest.mark.parametrize("wrapper", ["", "images", "anything", "images/Images"])
def test_stanford_dogs(wrapper, tmp_path):
    write(tmp_path / "mine", {"notes/read me.txt": b"?"})
    files = {name: data for name, data in STANFORD.items() if wrapper == "" or "Im" in name}
    files = {os.path.join(wrapper, name): data for name, data in files.items()}
    assert bring(files, tmp_path) == {
        "n02110958_1.jpg": (PUGS, jpeg(10)),
        "n02110958_12.jpg": (PUGS, jpeg(20)),
        "n02088094_7.jpg": (HOUNDS, jpeg(30)),
        "n02088094_8.jpg": (HOUNDS, jpeg(40)),
    }


def test_imagewoof_validates_with_what_is_to_validate(tmp_path):
    found = bring(IMAGEWOOF, tmp_path)
    assert {name: breed for name, (breed, _) in found.items()} == {
        "ILSVRC2012_val_1.JPEG": "n02086240",
        "n02086240_2.JPEG": "n02086240",
        "n02086240_3.JPEG": "n02086240",
        "n02087394_9.JPEG": "n02087394",
        "n02087394_10.JPEG": "n02087394",
    }
    folders = reorganise(tmp_path / "out")
    assert {path.name for path in folders.val_sorted.glob("*/*")} == {
        "n02086240_2.JPEG",
        "n02087394_10.JPEG",
    }


def test_telephone(tmp_path):
    assert bring(TELEPHONE, tmp_path) == {
        "Rex_IMG_0001.JPG": ("Rex", jpeg(10)),
        "Rex_IMG_0002.jpeg": ("Rex", jpeg(20)),
        "Bella_IMG_0001.png": ("Bella", jpeg(30)),
        "Bella_img_0002.webp": ("Bella", jpeg(40)),
    }
    assert str(reorganise(tmp_path / "out")) == "2 pictures to train and 2 to validate, 2 breeds"


def test_default_directory_is_named_for_the_folder_and_filled_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "my dogs", TELEPHONE)
    folder = fetch("my dogs", progress=False)
    assert str(folder) == os.path.join("data", "my dogs")
    before = states_of(folder)
    assert fetch(tmp_path / "my dogs", folder, progress=False) == folder
    assert states_of(folder) == before


def test_pictures_take_no_bytes_where_links_are_to_be_had(tmp_path):
    source = write(tmp_path / "mine", TELEPHONE)
    folder = fetch(source, tmp_path / "out", progress=False)
    assert os.path.samefile(folder / "train/Rex_IMG_0001.JPG", source / "Rex/IMG_0001.JPG")


@pytest.mark.parametrize("change", ["add", "remove", "replace"])
def test_folder_that_changed_since_is_not_passed_off(change, tmp_path):
    source = write(tmp_path / "mine", TELEPHONE)
    fetch(source, tmp_path / "out", progress=False)
    before = snapshot(tmp_path / "out")
    if change == "remove":
        (source / "Rex/IMG_0001.JPG").unlink()
    else:
        new = source / ("Rex/new.jpg" if change == "add" else "Rex/IMG_0001.JPG")
        new.unlink(missing_ok=True)
        new.write_bytes(jpeg(70, (50, 50)))
    with pytest.raises(FileExistsError, match=r"as they were before: .* delete .*out and call fet"):
        fetch(source, tmp_path / "out", progress=False)
    assert snapshot(tmp_path / "out") == before


def test_other_sources_in_the_same_directory_are_refused(tmp_path):
    fetch(write(tmp_path / "one", TELEPHONE), tmp_path / "out", progress=False)
    for other in ("drawn", write(tmp_path / "two", STANFORD)):
        with pytest.raises(FileExistsError, match="of another source, 'one'"):
            fetch(other, tmp_path / "out", progress=False)


@pytest.mark.parametrize("inner", ["", "Rex", "new"])
def test_class_folders_are_not_written_into(inner, tmp_path):
    source = write(tmp_path / "mine", TELEPHONE)
    before = snapshot(source)
    with pytest.raises(ValueError, match="that folder is not changed; choose a directory outside"):
        fetch(source, source / inner, progress=False)
    assert snapshot(source) == before


def test_damaged_pictures_are_named(tmp_path):
    source = write(tmp_path / "mine", TELEPHONE | {"Rex/a.jpg": jpeg()[:-30] + b"\xff\xd9"})
    with pytest.warns(UserWarning, match=r"1 picture of 5 .* cannot be decoded: 'a.jpg'; replace"):
        fetch(source, tmp_path / "out", progress=False)


def test_pictures_of_telephones_that_cannot_be_read_are_not_left_out_in_silence(tmp_path):
    files = TELEPHONE | {"Rex/IMG_0003.HEIC": b"?", "Rex/IMG_0004.HEIC": b"?", "Rex/a.dng": b"?"}
    source = write(tmp_path / "mine", files)
    with pytest.warns(UserWarning, match=r"Left out, .*: 2 .heic, 1 .dng in .*mine; save them as"):
        assert len(read_labels(fetch(source, tmp_path / "out", progress=False))) == 4


def test_what_came_of_a_telephone_is_trained_on(tmp_path, monkeypatch):
    """Counted, searched for copies and shown, from one's home."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    write(tmp_path / "mine", TELEPHONE | {"Bella/copy of Rex.png": TELEPHONE["Rex/IMG_0001.JPG"]})
    fetch("~/mine", "~/out", progress=False)
    assert class_sizes("~/out").rows() == (("Rex", 2, 1, 1), ("Bella", 3, 2, 1))
    (pair,) = duplicates("~/out", by="bytes")
    assert set(pair.ids) == {"Rex_IMG_0001", "copy of Rex"}
    assert pair.contradicts
    assert len(plot_samples("~/out").axes) == 5
    folders = reorganise("~/out")
    listing = list_pictures(folders.train_sorted)
    assert (len(listing.filenames), list(listing.class_indices)) == (3, ["Bella", "Rex"])


@pytest.mark.parametrize(
    ("files", "kind", "sentence"),
    [
        ({"Rex/notes.txt": b"?"}, FileNotFoundError, "nor a folder of pictures for each class"),
        ({"1.jpg": jpeg()}, FileNotFoundError, "nor a folder of pictures for each class"),
        ({"train/1.jpg": jpeg()}, FileNotFoundError, "holds no labels.csv"),
        (TELEPHONE | {"cover.jpg": jpeg()}, ValueError, "and 'cover.jpg' beside them, of no class"),
        (IMAGEWOOF | {"test/1.jpg": jpeg()}, ValueError, "and 'test' beside them, of no class"),
        ({"Rex/1.jpg": jpeg(), "rex/2.jpg": jpeg()}, ValueError, "differ only in upper and lower"),
    ],
)
def test_what_has_no_class_is_refused(files, kind, sentence, tmp_path):
    source = write(tmp_path / "mine", files)
    with pytest.raises(kind, match=sentence) as refusal:
        fetch(source, tmp_path / "out", progress=False)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_a_hash_is_no_folders(tmp_path):
    source = write(tmp_path / "mine", TELEPHONE)
    with pytest.raises(ValueError, match="sha256 belongs to an archive"):
        fetch(source, tmp_path / "out", sha256="0" * 64)


def test_order_is_by_part_and_then_by_name(tmp_path):
    source = write(tmp_path / "mine", IMAGEWOOF)
    found = [str(path.relative_to(source)) for path in find_class_folders(source)]
    names = ("val/n02086240", "val/n02087394", "train/n02086240", "train/n02087394")
    assert [name.replace("\\", "/") for name in found] == list(names)


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["a/1.jpg", "b/2.jpg"], ["1", "2"]),
        (["a/Dog.JPG", "a/Cat.png"], ["Dog", "Cat"]),
        (["a/1.jpg", "b/1.jpg"], ["a_1", "b_1"]),
        (["a/X.jpg", "b/x.jpg"], ["a_X", "b_x"]),
        (["a/1.jpg", "a/1.png"], ["a_1", "a_1_2"]),
        (["a/1.jpg", "b/1.jpg", "c/a_1.jpg"], ["a_1_2", "b_1", "a_1"]),
        (["a/\u00e9.jpg", "b/e\u0301.jpg"], ["a_\u00e9", "b_e\u0301"]),
        (["a/12:30.jpg", "a/ . .jpg"], ["12_30", "picture"]),
    ],
)
def test_ids_keep_the_letters_of_their_files_and_never_collide(paths, ids):
    rows = [(Path(path).parts[0], Path(path)) for path in paths]
    assert give_ids(rows) == ids
