"""Examination papers: another for each seed, the same for the same, and marks that add up."""

import inspect
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from labkit.questions.examination import Item, Mark, Value, as_markdown, labs, main, paper

SEEDS = range(200)
#: So many students sit in a class; no item shall look the same to most of them.
FEWEST_VARIANTS = 20


@pytest.fixture(scope="module", params=labs())
def papers(request):
    return [paper(request.param, seed) for seed in SEEDS]


def test_every_lab_has_a_paper():
    assert labs() == ["dog_breeds", "receptive_field"]


@pytest.mark.parametrize("lab", labs())
def test_every_function_has_its_words(lab):
    module = import_module(f"labkit.{lab}.examination")
    functions = inspect.getmembers(module, inspect.isfunction)
    own = {
        name
        for name, function in functions
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    words = Path(module.__file__).with_suffix(".toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(words)) == own


def test_every_seed_gives_another_paper_of_ten_items(papers):
    assert len({as_markdown(items, "") for items in papers}) == len(papers)
    assert {len(items) for items in papers} == {10}


def test_every_item_has_many_variants_and_the_same_points_in_each(papers):
    for variants in zip(*papers, strict=True):
        assert len({item.text for item in variants}) >= FEWEST_VARIANTS, variants[0].title
        assert len({(item.title, item.section, item.points) for item in variants}) == 1


def test_the_key_names_the_letters_that_the_text_has(papers):
    for item in (item for items in papers[:20] for item in items):
        asked = [letter for letter in "abcde" if f"({letter})" in item.text]
        assert asked == list("abcde"[: len(asked)]) and asked
        answered = {value.name[1] for value in item.key} | set(letters(item.answer))
        marked = "".join(mark.what for mark in item.scheme)
        assert answered | set(letters(marked)) == set(asked), item.title


def letters(text):
    return [letter for letter in "abcde" if f"({letter})" in text]


def test_a_mistake_worth_marking_is_not_within_the_tolerance(papers):
    for value in (value for items in papers for item in items for value in item.key):
        assert value.accepts(value.number)
        off = max(2 * value.tolerance, 1e-3 if value.tolerance else 1)
        assert not value.accepts(value.number + off)


def test_the_same_seed_gives_the_same_paper_in_another_process():
    command = [sys.executable, "-m", "labkit.questions.examination"]
    command += ["--lab", "receptive_field", "--seed", "7", "--key"]
    # In a locale without ≥, as redirected output has on Windows.
    narrow = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, env=narrow, capture_output=True, check=True, encoding="utf-8")
    title = "receptive_field, paper 7"
    assert done.stdout == as_markdown(paper("receptive_field", 7), title, key=True) + "\n"


def test_these_numbers_stay_under_every_python():
    """A paper that was handed out must be found again by its seed."""
    first, *_, last = paper("receptive_field", 7)
    assert "| 1, reads the input | 5 | 3 |\n| 2 | 4 | 1 |\n| 3 | 2 | 3 |" in first.text
    assert first.key[0].number == 17 and last.key[0].number == 33


def test_keys_and_schemes_are_printed_only_when_asked_for(capsys):
    main(["--lab", "dog_breeds", "--seed", "3"])
    plain = capsys.readouterr().out
    main(["--lab", "dog_breeds", "--seed", "3", "--key"])
    with_key = capsys.readouterr().out
    items = paper("dog_breeds", 3)
    assert not [m for item in items for m in item.scheme if f"- {m}" in plain]
    assert not [v for item in items for v in item.key if f"- {v}" in plain]
    assert all(f"- {mark}" in with_key for item in items for mark in item.scheme)


@pytest.mark.parametrize("seed", ["-1", "x"])
def test_a_seed_that_is_none_is_refused(seed, capsys):
    with pytest.raises(SystemExit):
        main(["--lab", "dog_breeds", f"--seed={seed}"])
    assert "error:" in capsys.readouterr().err


def test_a_lab_without_items_is_refused():
    with pytest.raises(ValueError, match="lab='questions' must be one of 'dog_breeds', 'rec"):
        paper("questions", 1)


def test_points_are_those_of_the_scheme():
    item = Item("sum", 1, "(a)", (Value("(a)", 2),), (Mark(1, "a"), Mark(3, "b")))
    assert item.points == 4


@pytest.mark.parametrize("answer", ["2", None, float("nan"), True])
def test_what_is_no_number_is_not_marked(answer):
    with pytest.raises(ValueError, match="must be a finite number"):
        Value("(a)", 2).accepts(answer)


def test_a_position_in_the_padding_has_a_minus_sign():
    assert str(Value("(a) first", -3)) == "(a) first: \N{MINUS SIGN}3"
