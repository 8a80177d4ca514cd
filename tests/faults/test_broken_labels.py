"""Labels that are wrong or oddly written: one sentence, or read as what they mean."""

import shutil

import pytest
from broken_places import answer
from data_sets import ROWS, good_files, labels, make_zip, pictures_of, snapshot, write

from labkit import class_sizes, duplicates, fetch, reorganise
from labkit.dog_breeds.sources import read_labels

GOOD = good_files()
TEXT = labels().decode()


def with_breed(name):
    """Rename the beagles."""
    return GOOD | {"labels.csv": TEXT.replace("beagle", name).encode()}


def without(*names):
    return {name: content for name, content in GOOD.items() if name not in names}


def with_labels(text):
    return GOOD | {"labels.csv": text.encode()}


#: What cannot name a file on some system, or leads out of its folder.
UNUSABLE = (
    "../a",
    "a/b",
    "/a",
    "a\\b",
    "..",
    ".",
    ".hidden",
    "C:a",
    "a\x00b",
    "a\tb",
    "dot.",
    "a*b",
)


def naming(column, name):
    """Rename the first id, or the breed of its row."""
    row = f"{name},pug" if column == "id" else f"p0,{name}"
    return with_labels(TEXT.replace("p0,pug", row))


REFUSED = {
    "labels.csv missing": (without("labels.csv"), "holds no labels.csv"),
    "labels.csv empty": (with_labels(""), "labels.csv.* is empty; its first line must be"),
    "labels.csv of blank lines": (with_labels(" \n\n"), "is empty; its first line must be"),
    "labels.csv with a header alone": (with_labels("id,breed\n"), "is empty: below 'id,breed'"),
    "labels.csv without header": (
        with_labels(TEXT.removeprefix("id,breed\n")),
        "starts with 'p0,pug'; the first line must be 'id,breed': .* put that line above the rows",
    ),
    "labels.csv with other column names": (
        with_labels(TEXT.replace("id,breed", "file,class")),
        "starts with 'file,class'; the first line must be 'id,breed': rename the columns",
    ),
    "labels.csv with semicolons": (
        with_labels(TEXT.replace(",", ";")),
        "parts its columns by semicolons .*save it again as CSV with commas",
    ),
    "labels.csv with columns exchanged": (
        with_labels(TEXT.replace("id,breed", "breed,id")),
        "starts with 'breed,id'; the first line must be 'id,breed'",
    ),
    "labels.csv with tabs": (
        with_labels(TEXT.replace(",", "\t")),
        "parts its columns by tabs .*save it again as CSV with commas",
    ),
    "row of one field": (with_labels(TEXT + "x\n"), "1 field at line 10; each line needs two"),
    "row of three fields": (with_labels(TEXT + "x,pug,1\n"), "3 fields at line 10; each line"),
    "field without end": (
        with_labels('id,breed\n"a\n' + "x" * 140_000 + '",pug\n'),
        "is no CSV file at line 3",
    ),
    "empty id": (naming("id", ""), "an empty id at line 2; fill it in"),
    "labels.csv not in UTF-8": (
        GOOD | {"labels.csv": TEXT.replace("pug", "möps").encode("latin-1")},
        "is not UTF-8 text; save it again",
    ),
    "labels.csv in UTF-16": (
        GOOD | {"labels.csv": TEXT.encode("utf-16")},
        "is not UTF-8 text; save it again",
    ),
    "id without picture": (
        without("train/p2.jpg"),
        "1 label .* without a picture: train/ lacks 'p2.jpg'; add the pictures or remove",
    ),
    "ids without pictures": (
        without(*(f"train/{name}.jpg" for name in ("p0", "b0", "p1", "b1", "p2"))),
        "5 labels .* lacks 'p0.jpg', 'b0.jpg', 'p1.jpg' and 2 more; add the pictures or remove",
    ),
    "folder in place of a picture": (
        without("train/p2.jpg") | {"train/p2.jpg/x": b""},
        "1 label .* lacks 'p2.jpg'",
    ),
    **{
        f"picture without label called {name}": (
            GOOD | {f"train/{name}": GOOD["train/p0.jpg"]},
            f"1 picture .* no row for '{name}' .*; add the rows or move",
        )
        for name in ("x9.JPG", "p0.png", "x9.jpeg")
    },
    "picture without label": (
        GOOD | {"train/x9.jpg": GOOD["train/p0.jpg"]},
        "1 picture .* without a label: .* no row for 'x9.jpg' .*; add the rows or move",
    ),
    "duplicate id": (
        with_labels(TEXT + "p0,beagle\n"),
        "1 id on more than one row, for example 'p0' as pug and beagle; keep one row",
    ),
    "duplicate row": (
        with_labels(TEXT + "p0,pug\n"),
        "1 id on more than one row, for example 'p0' each time as pug; keep one row",
    ),
    "duplicate ids": (
        with_labels(TEXT + "p0,pug\nb0,beagle\n"),
        "2 ids on more than one row, for example 'p0' each time as pug; keep one row",
    ),
    **{
        f"{column} {name!r}": (
            naming(column, name),
            f"the {column} .* at line 2, which cannot name a file: it must not",
        )
        for column in ("id", "breed")
        for name in UNUSABLE
    },
    "breed name with a slash": (
        with_breed("bea/gle"),
        "the breed 'bea/gle' at line 3, which cannot name a file: it must not",
    ),
    "breed name that leads out": (
        with_breed("../beagle"),
        "the breed '../beagle' at line 3, which cannot name a file: it must not",
    ),
    "breed name of spaces": (with_breed("  "), "an empty breed at line 3; fill it in"),
    "breed name too long for a folder": (
        with_breed("x" * 300),
        "the breed 'x+'… at line 3, which is too long to name a file; 240 bytes",
    ),
    "breed names that differ by case": (
        with_labels(TEXT.replace("p3,pug", "p3,Pug")),
        "the breeds 'Pug', 'pug', which differ only in upper and lower case .*; spell them alike",
    ),
    "breed names that differ by how an accent is written": (
        with_labels(TEXT.replace("p3,pug", "p3,é").replace("b3,beagle", "b3,e\u0301")),
        "which differ only .* in how accents are written, .*; spell them alike",
    ),
    "ids that differ by case": (
        GOOD | {"labels.csv": (TEXT + "P0,pug\n").encode(), "train/P0.jpg": GOOD["train/p0.jpg"]},
        "the ids 'P0', 'p0', which differ only .*; rename all but one",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_broken_labels_in_a_folder(kind, tmp_path):
    """Whatever reads the labels says the same and writes nothing; mended, all goes on."""
    files, sentence = REFUSED[kind]
    folder = write(tmp_path / "dogs", files)
    (folder / "train").mkdir(exist_ok=True)
    before = snapshot(folder)
    for call in (fetch, reorganise, class_sizes, duplicates):
        answer(lambda call=call: call(folder), (ValueError, FileNotFoundError), sentence)
    assert snapshot(folder) == before
    shutil.rmtree(folder)
    write(folder, GOOD)
    assert str(reorganise(fetch(folder))) == "6 pictures to train and 2 to validate, 2 breeds"


@pytest.mark.parametrize("kind", REFUSED)
def test_broken_labels_in_an_archive(kind, tmp_path):
    files, sentence = REFUSED[kind]
    archive, folder = make_zip(tmp_path / "dogs.zip", files), tmp_path / "out"
    answer(lambda: fetch(archive, folder, progress=False), ValueError, sentence)
    assert not folder.exists()
    make_zip(archive, GOOD)
    assert pictures_of(fetch(archive, folder, progress=False)) == GOOD


READ = {
    "labels.csv with a BOM": b"\xef\xbb\xbf" + labels(),
    "labels.csv with CRLF": TEXT.replace("\n", "\r\n").encode(),
    "labels.csv with a BOM and CRLF": b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("kind", READ)
def test_oddly_written_labels_are_read_as_meant(kind, tmp_path):
    files = GOOD | {"labels.csv": READ[kind]}
    folder = fetch(make_zip(tmp_path / "dogs.zip", files), tmp_path / "out", progress=False)
    assert list(read_labels(folder).items()) == ROWS
    assert (folder / "labels.csv").read_bytes() == READ[kind]  # and not rewritten
    assert reorganise(folder).breeds == 2


@pytest.mark.parametrize("name", ["St. Bernard", " basset hound ", "épagneul breton", "柴犬"])
def test_breed_name_with_spaces_or_accents_is_a_folder(name, tmp_path):
    folder = write(tmp_path / "dogs", with_breed(name))
    result = reorganise(folder)
    assert {path.name for path in result.train_sorted.iterdir()} == {"pug", name.strip()}


def test_breed_with_one_picture(tmp_path):
    folder = write(tmp_path / "dogs", good_files([*ROWS, ("c0", "chow")]))
    before = snapshot(folder)
    answer(
        lambda: reorganise(folder),
        ValueError,
        "1 breed with a single picture cannot be split .*: 'chow'; add pictures, or remove",
    )
    assert snapshot(folder) == before
    assert class_sizes(folder).rows()[0] == ("chow", 1, 0, 1)


def test_breed_with_two_pictures(tmp_path):
    folder = write(tmp_path / "dogs", good_files([*ROWS, ("c0", "chow"), ("c1", "chow")]))
    result = reorganise(folder)
    assert [path.name for path in (result.val_sorted / "chow").iterdir()] == ["c0.jpg"]
    assert [path.name for path in (result.train_sorted / "chow").iterdir()] == ["c1.jpg"]


def test_folder_already_sorted_by_another_split(tmp_path):
    folder = write(tmp_path / "dogs", GOOD)
    reorganise(folder)
    # Somebody's own split: one picture more validates.
    (folder / "train_sorted/pug/p3.jpg").rename(folder / "val_sorted/pug/p3.jpg")
    before = snapshot(folder)
    answer(
        lambda: reorganise(folder),
        FileExistsError,
        r"val_sorted was sorted differently before: .*'pug/p3.jpg'.*; delete or move away",
    )
    assert snapshot(folder) == before
    for name in ("train_sorted", "val_sorted"):
        (folder / name).rename(folder / f"mine_{name}")
    assert reorganise(folder).training == 6
