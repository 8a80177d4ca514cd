"""How many pictures each breed has: in a folder, as tables, and of the photographs."""

import math

from data_sets import labels, write

from labkit import photograph_class_sizes
from labkit.dog_breeds.class_sizes import ClassSizes, class_sizes


def dogs(folder, sizes):
    rows = [(f"{breed}{n}", breed) for breed, size in sizes.items() for n in range(size)]
    return write(folder, {"labels.csv": labels(rows), **{f"train/{n}.jpg": b"" for n, _ in rows}})


def test_class_sizes_from_the_smallest(tmp_path):
    sizes = class_sizes(dogs(tmp_path, {"pug": 7, "beagle": 5, "shih-tzu": 2}))
    assert (sizes.breeds, sizes.sizes) == (("shih-tzu", "beagle", "pug"), (2, 5, 7))
    assert (len(sizes), sizes.total) == (3, 14)
    assert sizes.rows() == (("shih-tzu", 2, 1, 1), ("beagle", 5, 4, 1), ("pug", 7, 5, 2))


def test_classes_of_one_size_stand_by_name(tmp_path):
    assert class_sizes(dogs(tmp_path, {"pug": 3, "chow": 3})).breeds == ("chow", "pug")


def test_table_in_the_terminal():
    text = str(ClassSizes(("pug", "beagle"), (4, 1006)))
    assert text.splitlines() == [
        "breed     pictures  training  validation",
        "pug              4         3           1",
        "beagle       1,006       804         202",
        "2 breeds     1,010       807         203",
    ]
    assert repr(ClassSizes(("pug", "beagle"), (4, 1006))) == text


def test_long_table_shows_both_ends():
    names = tuple(f"breed{i:02}" for i in range(12))
    lines = str(ClassSizes(names, tuple(range(10, 22)))).splitlines()
    shown = [line.split()[0] for line in lines]
    assert shown == ["breed", *names[:5], "…", *names[-5:], "12"]


def test_table_in_a_notebook():
    html = ClassSizes(("a<b",), (1200,))._repr_html_()
    assert '<th scope="col">breed</th>' in html
    assert '<th scope="row">a&lt;b</th><td>1,200</td><td>960</td><td>240</td>' in html
    assert '<th scope="row">1 breed</th>' in html


def test_breeds_pictures_and_split_of_the_photographs_are_the_lab_s():
    sizes = photograph_class_sizes()
    validating = sum(math.ceil(size / 5) for size in sizes.sizes)
    assert (len(sizes), sizes.total) == (120, 10_222)
    assert (sizes.total - validating, validating) == (8_127, 2_095)
    assert list(sizes.sizes) == sorted(sizes.sizes)
