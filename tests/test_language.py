"""Languages: whatever is shown comes from a catalogue, and every catalogue has all of it."""

import ast
import csv
import functools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import labkit
from labkit.dog_breeds.figures import readable
from labkit.language import (
    catalogue,
    language,
    languages,
    listed,
    phrase,
    phrases,
    use_language,
)
from labkit.page import in_script, speaking
from labkit.questions import Choice, Feedback, Number, ask, feedback, right, wrong
from labkit.receptive_field import check_closed_form, check_recurrence, explorer

ROOT = Path(__file__).parents[1]
LABKIT, LIVE = ROOT / "labkit", ROOT / "book" / "_live"
WING, EXPLORER = LABKIT / "dog_breeds", LABKIT / "receptive_field" / "explorer"
NETWORKS = (WING / "inside" / "page.js", WING / "inside" / "network.js")

#: What each page's script may say, and its sources, the scripts in the order in which they run.
PAGES = {
    ("page", "explorer"): (
        LABKIT / "page.js",
        EXPLORER / "explorer.js",
        EXPLORER / "explorer.html",
    ),
    ("page", "split_and_leak"): (
        LABKIT / "page.js",
        *(WING / "split_and_leak" / f"split_and_leak.{kind}" for kind in ("js", "html")),
    ),
    ("page", "networks", "inside"): (
        LABKIT / "page.js",
        *NETWORKS,
        *(WING / "inside" / f"inside.{kind}" for kind in ("js", "html")),
    ),
    ("page", "networks", "playground"): (
        LABKIT / "page.js",
        *NETWORKS,
        WING / "playground" / "augment.js",
        *(WING / "playground" / f"playground.{kind}" for kind in ("js", "html")),
    ),
    ("live",): (LIVE / "live.js", LIVE / "worker.js", LIVE / "field.html", LIVE / "clear_all.html"),
    ("on_demand",): (ROOT / "book" / "_static" / "pages_on_demand.js",),
    ("questions",): (LABKIT / "questions" / "questions.js",),
}
PYTHON = [
    path for folder in (LABKIT, LIVE, ROOT / "book" / "_ext") for path in folder.rglob("*.py")
]
#: The sections of the functions that say a phrase of one section alone.
SECTIONS = {"said": "checker", "refused": "checker: refusals", "_told": "blanks"}
#: What stands in quotes in a script and is shown to nobody.
CODE = {"Rescaling", "Exit", "Enter", "Escape", "labkit answer "}

OTHERS = languages()[1:]
ENGLISH = catalogue("en")
QUESTIONS = ask(
    Choice("Which?", {"a": right("1"), "b": wrong("2"), "c": wrong("3")}),
    Number("How wide?", 7, "So.", {9: "Too many."}, "Count."),
)


@pytest.fixture(autouse=True)
def english():
    yield
    use_language("en")


@pytest.fixture
def german():
    use_language("de")
    return catalogue("de")


@pytest.fixture(scope="module")
def breeds(tmp_path_factory):
    drawn = labkit.class_sizes(labkit.fetch("drawn", tmp_path_factory.mktemp("drawn")))
    return [*labkit.photograph_class_sizes().breeds, *drawn.breeds]


def whole(text):
    """Return a phrase as one text, both of a pair."""
    return text if isinstance(text, str) else "\n".join(text)


def gaps(text):
    return set(re.findall(r"{(\w+)}", whole(text)))


def forms(text):
    return 1 if isinstance(text, str) else len(text)


def words_in(text):
    """List the words of a text, without the names of gaps."""
    return re.findall(r"[^\W\d_]{2,}", re.sub(r"{\w+}", "", whole(text)))


# ---- The catalogues


def translations(code):
    """List what a catalogue says, beside what English says: section, name and the two phrases."""
    own = {section: texts for section, texts in catalogue(code).items() if section != "breeds"}
    return [
        (section, name, text, ENGLISH.get(section, {}).get(name))
        for section, texts in own.items()
        for name, text in texts.items()
    ]


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_phrases_that_english_has(code):
    unknown = [(s, name) for s, name, _, english in translations(code) if english is None]
    assert not unknown


@pytest.mark.parametrize("code", OTHERS)
def test_a_phrase_has_the_gaps_and_the_forms_that_it_has_in_english(code):
    known = [each for each in translations(code) if each[3] is not None]
    other_gaps = [(s, name) for s, name, text, english in known if gaps(text) != gaps(english)]
    other_forms = [(s, name) for s, name, text, english in known if forms(text) != forms(english)]
    assert (other_gaps, other_forms) == ([], [])


@pytest.mark.parametrize("code", OTHERS)
def test_no_sentence_is_left_in_english(code):
    same = [(s, name, text) for s, name, text, english in translations(code) if text == english]
    assert not [(s, name) for s, name, text in same if len(words_in(text)) > 1]


@pytest.mark.parametrize("code", OTHERS)
def test_breeds_are_those_that_there_are_and_none_has_anothers_name(code, breeds):
    names = catalogue(code).get("breeds", {})
    assert {breed.replace("_", " ") for breed in breeds} >= set(names)
    assert len(set(names.values())) == len(names) and all(names.values())


def test_german_is_whole(breeds):
    for section, english in ENGLISH.items():
        assert list(catalogue("de")[section]) == list(english), section
    assert {breed.replace("_", " ") for breed in breeds} == set(catalogue("de")["breeds"])


# ---- What Python says


@functools.cache
def trees():
    return [ast.parse(path.read_text(encoding="utf-8")) for path in PYTHON]


def strings(node):
    parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return [value for value in parts if isinstance(value, str)]


@functools.cache
def sayings():
    """List the calls that say a phrase: the call, the phrase's section, and what names it."""
    found = []
    calls = (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name == "phrase" and isinstance(call.args[0], ast.Constant):
            found.append((call, call.args[0].value, call.args[1]))
        elif name in SECTIONS:
            found.append((call, SECTIONS[name], call.args[0]))
    return found


def beginning(argument):
    """Return how a phrase's name begins that is put together, or nothing."""
    return strings(argument)[0] if isinstance(argument, ast.JoinedStr) else ""


def test_every_phrase_that_python_says_is_there_with_its_gaps():
    for call, section, argument in sayings():
        known = ENGLISH[section]
        either = isinstance(argument, ast.IfExp)
        choices = (argument.body, argument.orelse) if either else (argument,)
        for name in [text for choice in choices for text in strings(choice)]:
            if beginning(argument):
                assert any(other.startswith(name) for other in known), (section, name)
                break
            given = {keyword.arg for keyword in call.keywords}
            # A formula has braces of its own.
            assert None in given or gaps(known[name]) - {"L"} <= given, (section, name)


def test_every_phrase_is_said_somewhere():
    scripts = [path.read_text(encoding="utf-8") for paths in PAGES.values() for path in paths]
    # What an answer gets wrong is named in a table of data.
    more = LABKIT / "language.js", LABKIT / "receptive_field" / "checker" / "mistakes.json"
    pages = "\n".join([*scripts, *(path.read_text(encoding="utf-8") for path in more)])
    names = {text for tree in trees() for text in strings(tree)}
    names |= set(re.findall(r"(?:\$|PHRASES\.)(\w+)", pages)) | recorded_splits()
    begun = [begin for _, _, argument in sayings() if (begin := beginning(argument))]
    begun += re.findall(r"`([a-z]+_)\${", pages)
    for section, english in ENGLISH.items():
        for name in english:
            said = name in names or f'"{name}"' in pages or name.startswith(tuple(begun))
            assert said, (section, name)


def recorded_splits():
    """What the record of *Split and leak* calls its splits, which the page shows."""
    record = ROOT / "book" / "results" / "split_and_leak.csv"
    rows = list(csv.DictReader(record.read_text(encoding="utf-8").splitlines()))
    return {row[column] for row in rows for column in ("split", "copies")}


# ---- What pages say


@pytest.mark.parametrize("sections", PAGES)
def test_every_phrase_that_a_page_says_is_there_and_none_twice(sections):
    names = [name for section in sections for name in ENGLISH[section]]
    assert len(set(names)) == len(names)
    for path in PAGES[sections]:
        text = path.read_text(encoding="utf-8")
        for argument in re.findall(r"phrase\(([^(){}`]*?)[,)]", text):
            for name in re.findall(r'"([^"]+)"', argument.split("?")[-1]):
                assert name in names, (path.name, name)
        for beginning in re.findall(r"phrase\(`([a-z_]+)\${", text):
            assert any(name.startswith(beginning) for name in names), (path.name, beginning)


@pytest.mark.parametrize("sections", PAGES)
def test_no_words_stand_in_a_page_itself(sections):
    for path in PAGES[sections]:
        text = path.read_text(encoding="utf-8")
        shown = texts_of_script(text) if path.suffix == ".js" else texts_of_markup(text)
        words = [each for each in shown if re.search(r"[A-Za-z]{2,} [a-z]{2,}|^[A-Z][a-z]+$", each)]
        assert not set(words) - CODE - {name for s in sections for name in ENGLISH[s]}, path.name


def texts_of_script(text):
    """List what stands in quotes in a script, less what is code there."""
    code = re.sub(r"^\s*//.*", "", text, flags=re.MULTILINE).replace('"use strict"', "")
    quoted = [text for pair in re.findall(r'"([^"\n]*)"|`([^`\n]*)`', code) for text in pair]
    texts = [re.sub(r"\${[^}]*}", "  ", text) for text in quoted]
    return [text for text in texts if not re.search(r"[;=<\[(]|^\.", text)]


class Texts(HTMLParser):
    """Collects what a reader of a markup's words meets, less its gaps."""

    def __init__(self, markup):
        super().__init__()
        self.texts, self.inside = [], ""
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.texts += [value for name, value in attrs if name in ("aria-label", "alt", "title")]

    def handle_data(self, data):
        self.texts += [] if self.inside in ("style", "script", "code", "var", "sub") else [data]


def texts_of_markup(markup):
    return [re.sub(r"\$\w+", "", text).strip() for text in Texts(markup).texts]


def test_a_script_says_phrases_as_python_does():
    start = speaking("questions")
    (words,) = re.findall(r"^const PHRASES = (.*);$", start, flags=re.MULTILINE)
    assert json.loads(words) == {**ENGLISH["language"], **ENGLISH["questions"]}
    assert "function phrase(" in start


# ---- Each part of labkit


def test_questions_speak_german(german):
    html = QUESTIONS._repr_html_()
    assert 'lang="de"' in html
    (words,) = re.findall(r"data-words='([^']*)'", html)
    told = json.loads(words.replace("&amp;", "&"))
    assert told == {name: german["questions"][name] for name in told} and len(told) == 4
    assert f"<button>{german['questions']['check']}</button>" in html


def test_feedback_speaks_german(german):
    assert str(Feedback("not yet", "Biase fehlen.")) == "✗ Noch nicht. Biase fehlen."
    assert "Noch nicht beantwortet." in feedback(None, [], "")._repr_html_()
    assert "auch ohne Antwort" in str(feedback(None, [], ""))


def test_verdicts_speak_german(german):
    wrong_one = check_recurrence("s*r + k - 1")
    assert str(wrong_one) == (
        "✗ falsch: Noch nicht: k=1, s=2, r=1: Bei dir ergibt es 2, richtig ist 1; richtig ist es "
        "bei lauter Strides von 1. Zwischen r Einheiten liegen r − 1 Schritte der Länge s, nicht r "
        "(siehe Abschnitt 2, ein Kernel der Breite eins)."
    )
    assert "<summary>Ein Hinweis</summary>" in wrong_one._repr_html_()
    assert str(check_recurrence("")).startswith("… ohne Antwort: Noch keine Antwort")
    consistent = check_closed_form(lambda k, s: sum([]) + int(1.0) if not k else _field(k, s))
    assert re.search(r"unter [\d.]+ Netzen mit bis zu \d+ Schichten", str(consistent))


def _field(k, s):
    field = 1
    for kernel, stride in zip(reversed(k), reversed(s), strict=True):
        field = stride * (field - 1) + kernel
    return float(field)


def test_what_cannot_be_read_is_refused_in_german(german):
    verdict = check_recurrence("s*r + q")
    assert verdict.message == phrase(
        "checker",
        "unreadable",
        reason=phrase(
            "checker: refusals", "unknown", word="q", names=phrase("checker", "names in a layer")
        ),
    )
    assert "cannot" not in verdict.message


def test_the_explorer_speaks_german(german):
    html = explorer("Short example")._repr_html_()
    assert 'lang="de"' in html and in_script(german["explorer"]["result"]) in html
    for name in ("ask", "layers_label", "Short example"):
        assert f">{german['explorer'][name]}" in html


def test_breeds_have_german_names_and_unknown_ones_stay(german):
    assert readable("scottish_deerhound") == "Schottischer Hirschhund"
    assert readable("my_own_dog") == "my own dog"


# ---- The language in use


def test_what_a_catalogue_lacks_is_said_in_english(monkeypatch):
    partial = {"questions": {"right": "Juist."}}
    monkeypatch.setattr("labkit.language.languages", lambda: ("en", "nl"))
    monkeypatch.setattr("labkit.language.catalogue", {"en": ENGLISH, "nl": partial}.__getitem__)
    use_language("nl")
    assert phrase("questions", "right") == "Juist."
    assert phrase("questions", "wrong") == "Not yet."
    assert phrase("checker", "no proof") == "no proof"
    assert phrases("breeds") == {}


def test_a_pair_is_for_one_and_for_all_other_numbers(german):
    forms = german["live"]["cleared_all"]
    for number, form in ((1, forms[0]), (0, forms[1]), (2, forms[1])):
        assert phrase("live", "cleared_all", n=number) == form.replace("{n}", str(number))


def test_thousands_are_set_apart_as_the_language_does_it():
    said = [phrase("explorer", "layers", n=1234567)]
    use_language("de")
    said.append(phrase("explorer", "layers", n=1234567))
    assert said == ["1,234,567 layers", "1.234.567 Schichten"]
    assert (listed(["r"]), listed(["r", "k", "s"])) == ("r", "r, k und s")


def test_braces_without_a_filling_stay():
    assert "Σ_{l=1}^{L}" in phrase("checker: refusals", "bounds")


def test_a_phrase_that_english_lacks_is_an_error():
    with pytest.raises(KeyError):
        phrase("questions", "no such phrase")


def test_no_text_ends_the_element_of_a_script():
    assert json.loads(in_script({"a": "</script>"})) == {"a": "</script>"}
    assert "<" not in in_script({"a": "</script>"})


def test_a_language_without_catalogue_is_refused_and_changes_nothing():
    use_language("de")
    with pytest.raises(ValueError, match="language='tlh' must be one of 'en', 'de'"):
        use_language("tlh")
    assert language() == "de"
