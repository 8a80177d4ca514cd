"""Labels and pictures: what is read, and each way in which they can be wrong."""

import pytest

from labkit.dog_breeds.sources.layout import find_layout, parse_labels, read_labels

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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"is empty; its first line must be 'id,breed'"),
        (b" \n\n", r"is empty; its first line"),
        (b"id;breed\na;pug\n", r"parts its columns by semicolons .*'id;breed'.*with commas"),
        (b"id\tbreed\na\tpug\n", r"parts its columns by tabs"),
        (b"7f,pug\na,pug\n", r"starts with '7f,pug'; .* or put that line above the rows"),
        (b"id,breed\na," + b"x" * 241 + b"\n", r"the breed 'x{20}'… at line 2, which is too long"),
        ("id,breed\na,é\nb,e\u0301\n".encode(), r"breeds .*in how accents are written"),
        (b"id,breed\na,pug\nA,pug\n", r"the ids 'A', 'a', which differ only .*rename all but"),
        (b"name,class\na,pug\n", r"starts with 'name,class'"),
        (b"breed,id\npug,a\n", r"starts with 'breed,id'"),
        (b"id,breed\n", r"is empty: below 'id,breed'"),
        (b"id,breed\n\n\n", r"is empty"),
        (b"id,breed\na\n", r"has 1 field at line 2"),
        (b"id,breed\na,pug\nb,pug,1\n", r"has 3 fields at line 3"),
        (b"id,breed\n,pug\n", r"an empty id at line 2"),
        (b"id,breed\na, \n", r"an empty breed at line 2"),
        (b"id,breed\na,\xff\xfe\n", r"not UTF-8"),
        (b'id,breed\n"a\n' + b"x" * 140_000 + b'",pug\n', r"no CSV file at line 3"),
        (b"id,breed\na,pug\na,pug\n", r"1 id on more than one row, .*'a' each time as pug"),
        (b"id,breed\na,pug\na,beagle\n", r"1 id on more than one row, .*'a' as pug and beagle"),
        (b"id,breed\na,p\na,p\nb,p\nb,p\n", r"2 ids on more than one row"),
        (b"id,breed\na,Pug\nb,pug\n", r"breeds 'Pug', 'pug', which differ only in upper"),
    ],
)
def test_wrong_labels_are_refused(content, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        parse_labels(content, "labels.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../a", "a/b", "/a", "a\\b", "..", ".", ".hidden", "C:a", "a\x00b", "a\tb", "dot.", "a*b"],
)
@pytest.mark.parametrize("column", ["id", "breed"])
def test_names_that_lead_elsewhere_are_refused(name, column):
    row = f"{name},pug" if column == "id" else f"a,{name}"
    with pytest.raises(ValueError, match=f"the {column} .* at line 3, which cannot name a file"):
        parse_labels(f"{HEADER}ok,pug\n{row}\n".encode(), "labels.csv")


def test_label_without_picture(tmp_path):
    rows = "".join(f"{i},pug\n" for i in "abcdef")
    folder = make(tmp_path, HEADER + rows, ["a.jpg"])
    with pytest.raises(ValueError, match=r"5 labels .* lacks 'b.jpg', 'c.jpg', 'd.jpg' and 2 more"):
        read_labels(folder)


def test_folder_in_place_of_a_picture_is_no_picture(tmp_path):
    folder = make(tmp_path, HEADER + "a,pug\n", [])
    (folder / "train" / "a.jpg").mkdir()
    with pytest.raises(ValueError, match=r"1 label .* lacks 'a.jpg'"):
        read_labels(folder)


@pytest.mark.parametrize("name", ["b.jpg", "b.JPG", "a.png", "b.jpeg"])
def test_picture_without_label(tmp_path, name):
    folder = make(tmp_path, HEADER + "a,pug\n", ["a.jpg", name])
    with pytest.raises(ValueError, match=rf"1 picture .* no row for '{name}'"):
        read_labels(folder)


@pytest.mark.parametrize("name", [".DS_Store", "._a.jpg", "Thumbs.db", "read me.txt"])
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
