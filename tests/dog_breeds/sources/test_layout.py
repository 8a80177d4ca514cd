"""Labels and pictures: what is read; the ways in which they can be wrong are in tests/faults."""

import pytest

from labkit.dog_breeds.sources.layout import (
    find_layout,
    parse_labels,
    read_data_set,
    read_labels,
)

HEADER = "id,breed\n"


def make(folder, text, names=None):
    """Write labels.csv and empty pictures; the pictures follow the labels by default."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "train").mkdir(exist_ok=True)
    if names is None:
        names = [line.split(",")[0] + ".jpg" for line in text.splitlines()[1:]]
    for name in names:
        (folder / "train" / name).touch()
    return folder


def test_order_of_the_file_is_kept(tmp_path):
    folder = make(tmp_path, HEADER + "z,pug\na,beagle\nm,pug\n")
    assert list(read_labels(folder).items()) == [("z", "pug"), ("a", "beagle"), ("m", "pug")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,breed\r\na,pug\r\n", "line ends of Windows"),
        (b"\xef\xbb\xbfid,breed\na,pug\n", "byte-order mark of Excel"),
        (b"id,breed\n\na,pug\n\n", "blank lines"),
        (b"id, breed\n a , pug \n", "spaces around the comma"),
        (b'"id","breed"\n"a","pug"\n', "quoted fields"),
        (b"id,breed\na,pug", "no line end at the end"),
    ],
)
def test_harmless_spellings_are_read(content, reason):
    assert parse_labels(content, "labels.csv") == {"a": "pug"}, reason


def test_names_with_spaces_dots_and_accents_are_breeds():
    text = HEADER + "a.b,St. Bernard\nc,épagneul breton\nd,x\n"
    assert list(parse_labels(text.encode(), "").values()) == ["St. Bernard", "épagneul breton", "x"]


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".png", ".webp", ".gif", ".Tiff"])
def test_pictures_may_have_any_suffix_of_one(tmp_path, suffix):
    folder = make(tmp_path, HEADER + "a,pug\nB.c,pug\n", ["B.c.jpg", f"a{suffix}"])
    labels, files = read_data_set(folder)
    assert labels == {"a": "pug", "B.c": "pug"}
    assert files == {"a": f"a{suffix}", "B.c": "B.c.jpg"}
    assert list(files) == list(labels)


def test_second_picture_of_an_id_has_no_label(tmp_path):
    folder = make(tmp_path, HEADER + "a,pug\n", ["a.jpg", "a.JPG", "a.PNG"])
    with pytest.raises(ValueError, match=r"2 pictures .* no row for 'a.JPG', 'a.PNG' in train/"):
        read_labels(folder)


@pytest.mark.parametrize(
    "name", [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini", "Icon\r", "read me.txt"]
)
def test_other_files_beside_the_pictures_are_passed_over(tmp_path, name):
    folder = make(tmp_path, HEADER + "a,pug\n", ["a.jpg", name])
    assert read_labels(folder) == {"a": "pug"}


def test_missing_folder_labels_or_train(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere; labkit.fetch"):
        read_labels(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds no labels.csv"):
        read_labels(tmp_path)
    (tmp_path / "labels.csv").write_text(HEADER + "a,pug\n")
    with pytest.raises(FileNotFoundError, match=r"no folder train/"):
        read_labels(tmp_path)


def test_layout_is_found_at_the_root_or_one_folder_down(tmp_path):
    inner = make(tmp_path / "dogs", HEADER + "a,pug\n")
    assert find_layout(tmp_path) == inner
    assert find_layout(inner) == inner


def test_layout_two_folders_down_is_not_looked_for(tmp_path):
    make(tmp_path / "far" / "dogs", HEADER + "a,pug\n")
    with pytest.raises(FileNotFoundError, match=r"holds no labels.csv, nor does a folder in it"):
        find_layout(tmp_path)


def test_two_layouts_are_ambiguous_unless_the_root_has_one(tmp_path):
    for name in ("one", "two"):
        make(tmp_path / name, HEADER + "a,pug\n")
    with pytest.raises(ValueError, match=r"2 folders with a labels.csv: 'one', 'two'"):
        find_layout(tmp_path)
    make(tmp_path, HEADER + "a,pug\n")
    assert find_layout(tmp_path) == tmp_path
