"""Languages: a catalogue has every word that is looked up in it, and English needs none."""

import json
import re
import sys

import pytest

import labkit
from labkit.dog_breeds.figures import readable
from labkit.language import catalogue, language, languages, translated, use_language
from labkit.questions import Choice, Feedback, Number, ask, feedback, right, wrong
from labkit.questions.fragment import _WORDS

OTHERS = languages()[1:]
QUESTIONS = ask(
    Choice("Which?", {"a": right("1"), "b": wrong("2"), "c": wrong("3")}),
    Number("How wide?", 7, "So.", {9: "Too many."}, "Count."),
)


@pytest.fixture(autouse=True)
def english():
    yield
    use_language("en")


@pytest.fixture(params=OTHERS)
def other(request):
    use_language(request.param)
    return request.param


@pytest.fixture(scope="module")
def breeds(tmp_path_factory):
    drawn = labkit.class_sizes(labkit.fetch("drawn", tmp_path_factory.mktemp("drawn")))
    return [*labkit.photograph_class_sizes().breeds, *drawn.breeds]


def looked_up(monkeypatch, act):
    """List the words that are asked for while something is shown."""
    asked = []
    for module in ("feedback", "fragment", "kinds"):
        # By its name in a dotted path, feedback would be the function.
        place = sys.modules[f"labkit.questions.{module}"]
        note = lambda section, text: asked.append((section, text)) or text  # noqa: E731
        monkeypatch.setattr(place, "translated", note)
    act()
    return {text for section, text in asked if section == "words"}


def show_everything():
    QUESTIONS._repr_html_()
    for status in ("right", "not yet", "unanswered"):
        str(Feedback(status)), Feedback(status)._repr_html_()
    feedback(None, [], "")


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_the_words_that_are_looked_up_and_no_others(code, monkeypatch):
    asked = looked_up(monkeypatch, show_everything)
    assert len(asked) >= 7 and asked == set(catalogue(code)["words"])


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_every_breed(code, breeds):
    names = catalogue(code)["breeds"]
    assert {breed.replace("_", " ") for breed in breeds} == set(names)
    assert len(set(names.values())) == len(names) and all(names.values())


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_filled_in_is_filled_in_in_every_language(code):
    for english, words in catalogue(code)["words"].items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", words))


def test_questions_speak_the_language(other):
    html = QUESTIONS._repr_html_()
    assert f'lang="{other}"' in html
    (words,) = re.findall(r"data-words='([^']*)'", html)
    told = json.loads(words.replace("&amp;", "&"))
    assert told == {name: catalogue(other)["words"][text] for name, text in _WORDS.items()}
    assert f"<button>{catalogue(other)['words']['Check']}</button>" in html


def test_feedback_speaks_german():
    use_language("de")
    assert str(Feedback("not yet", "Biase fehlen.")) == "✗ Noch nicht. Biase fehlen."
    assert "Noch nicht beantwortet." in feedback(None, [], "")._repr_html_()
    assert "auch ohne Antwort" in str(feedback(None, [], ""))


def test_breeds_have_german_names_and_unknown_ones_stay():
    use_language("de")
    assert readable("scottish_deerhound") == "Schottischer Hirschhund"
    assert readable("my_own_dog") == "my own dog"


def test_english_needs_no_catalogue(monkeypatch):
    monkeypatch.setattr("labkit.language.catalogue", None)
    assert (language(), translated("words", "Right.")) == ("en", "Right.")
    assert readable("scottish_deerhound") == "scottish deerhound"
    assert '<div class="labkit-questions" lang="en"' in QUESTIONS._repr_html_()


def test_a_language_without_catalogue_is_refused_and_changes_nothing():
    use_language("de")
    with pytest.raises(ValueError, match="language='tlh' must be one of 'en', 'de'"):
        use_language("tlh")
    assert language() == "de"
