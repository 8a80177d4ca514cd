"""Split and leak: what was recorded, and what its page says of it without a script."""

import csv
import json
import re
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import split_and_leak as tool

from labkit.dog_breeds.packaged import packaged_file
from labkit.dog_breeds.sources import fetch
from labkit.dog_breeds.split_and_leak import split_and_leak

RECORD = Path(__file__).parents[2] / "book" / "results" / "split_and_leak"
MADE = json.loads(RECORD.with_suffix(".json").read_text())
DOGS = [each["dog"] for each in MADE["pool"]]
with RECORD.with_suffix(".csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return split_and_leak(RECORD, fetch("drawn", tmp_path_factory.mktemp("dogs"), progress=False))


class TestRecord:
    def test_every_split_that_can_be_chosen_was_tried(self):
        names = ("split", "copies", "share", "seed")
        tried = [tuple(row[name] for name in names) for row in ROWS]
        choices = [len({row[name] for row in ROWS}) for name in names]
        assert choices == [2, 2, 5, 3] and len(set(tried)) == len(tried) == np.prod(choices)

    def test_sixty_dogs_and_the_copies_of_two_fifths(self):
        assert len(set(DOGS)) == 60 and len(DOGS) == 84
        assert [each["copy"] for each in MADE["pool"]].count(True) == 24

    def test_no_flaw_is_in_the_pool(self):
        with packaged_file("planted_flaws.csv") as path:
            flawed = path.read_text()
        assert not any(dog in flawed for dog in DOGS)

    def test_no_new_dog_is_in_the_pool(self, tmp_path):
        data = fetch("drawn", tmp_path / "dogs", progress=False)
        pool, new = tool.load_pictures(data, tmp_path)
        assert list(pool.ids) == DOGS and not set(new.ids) & set(DOGS)
        assert {int(row["new"]) for row in ROWS} == {len(set(new.ids))} == {len(new.ids)}
        distances = ((pool.pixels[:, None, ::4, ::4] - new.pixels[None, :, ::4, ::4]) ** 2).mean(
            (2, 3, 4)
        )
        assert distances.min() > 0.001

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(list(row.values())[:4]))
    def test_the_counts_are_those_of_the_split(self, row):
        places = {
            sign: [n for n, each in enumerate(row["validates"]) if each == sign] for sign in "01-"
        }
        training = {DOGS[n] for n in places["0"]}
        assert [len(places["0"]), len(places["1"])] == [
            int(row["training"]),
            int(row["validation"]),
        ]
        assert int(row["leaked"]) == sum(DOGS[n] in training for n in places["1"])
        assert len(places["-"]) == (24 if row["copies"] == "dropped" else 0)
        assert (int(row["leaked"]) == 0) == (row["copies"] == "dropped")
        for right, total in (("validation_right", "validation"), ("new_right", "new")):
            assert 0 <= int(row[right]) <= int(row[total])

    @pytest.mark.parametrize("row", ROWS[:: len(ROWS) // 12])
    def test_the_splits_are_the_tools(self, row):
        pool = tool.Pictures(
            tuple(DOGS), np.array([e["breed"] for e in MADE["pool"]]), np.zeros(84)
        )
        kept = np.array([sign != "-" for sign in row["validates"]])
        chosen = tool.choose_validation(
            pool[np.flatnonzero(kept)], int(row["seed"]), row["split"], int(row["share"])
        )
        assert "".join(np.where(chosen, "1", "0")) == row["validates"].replace("-", "")

    def test_it_says_what_made_it(self):
        assert MADE["command"].startswith("python tools/split_and_leak.py --out ")
        assert {"machine", "versions", "network", "date", "labkit"} <= set(MADE)


class TestSplits:
    POOL = tool.Pictures(tuple("abcdefghijabcd" * 2), np.repeat([0, 1], 14), np.zeros(28))

    def test_a_larger_share_exchanges_no_picture(self):
        for split in tool.SPLITS:
            chosen = [tool.choose_validation(self.POOL, 7, split, share) for share in (10, 30, 50)]
            assert all((more >= less).all() for less, more in pairwise(chosen))

    def test_by_breed_each_has_the_same_share(self):
        for share in tool.SHARES:
            chosen = tool.choose_validation(self.POOL, 3, "by breed", share)
            assert chosen[:14].sum() == chosen[14:].sum() == round(0.14 * share)

    def test_copies_are_told_from_their_originals(self):
        pool = tool.Pictures(tuple("abcab"), np.zeros(5, int), np.zeros(5))
        assert pool.is_copy.tolist() == [False] * 3 + [True] * 2


class TestPage:
    def test_it_is_small_and_asks_no_network(self, shown):
        html = shown._repr_html_()
        assert len(html) < 220_000
        assert not re.search(r"https?:|@import|url\(|\bfetch\(", html)

    def test_the_still_page_shows_the_first_split_and_says_what_it_reached(self, shown):
        html, row = shown._repr_html_(), ROWS[0]
        said = re.search('data-sl="fallback">(.*?)</p>', html)[1]
        numbers = [
            int(row[name]) for name in ("validation_right", "validation", "new_right", "new")
        ]
        assert f"{numbers[0]} of {numbers[1]}, {numbers[0] / numbers[1]:.0%}" in said
        assert f"{numbers[2]} of {numbers[3]}, {numbers[2] / numbers[3]:.0%}" in said
        rows = re.findall(r'(?s)<div class="sl-row"[^>]*>(.*?)</div>', html)
        places = [[int(n) for n in re.findall(r'data-n="(\d+)"', text)] for text in rows]
        assert sorted(chain(*places)) == list(range(84))
        for text in rows:
            left, right = (re.findall(r'data-n="(\d+)"', half) for half in text.split("sl-line"))
            signs = [[row["validates"][int(n)] for n in half] for half in (left, right)]
            assert set(signs[0]) == {"0"} and set(signs[1]) == {"1"}

    def test_twins_are_the_same_dog(self, shown):
        pairs = [(n, other) for n, other in enumerate(shown.twins) if other is not None]
        assert len(pairs) == 48
        assert all(DOGS[n] == DOGS[other] and shown.twins[other] == n for n, other in pairs)

    def test_without_a_record_it_says_which_file_is_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
            split_and_leak(tmp_path / "nothing", tmp_path)
