"""The book speaks a page's language there: in its fields, and in the numbers of its figures."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.errors import ExtensionError

from labkit.language import language, use_language

ROOT = Path(__file__).parents[1]
FIGURE = '<section id="a"><span class="caption-number">Figure 1 </span><section>'
REFERENCE = '<a><span class="std std-numref">Figure 1</span></a> Figure skating'


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    yield __import__("page_language")
    sys.modules.pop("page_language")
    use_language("en")


def app(tmp_path, metadata, suffix=".md"):
    path = tmp_path / f"page{suffix}"
    path.write_text(json.dumps({"metadata": metadata}), encoding="utf-8")
    read = {} if suffix == ".ipynb" else {"page": metadata}
    return SimpleNamespace(env=SimpleNamespace(metadata=read, doc2path=lambda name: path))


@pytest.mark.parametrize("suffix", [".md", ".ipynb"])
def test_a_page_says_its_language_and_the_next_one_is_english_again(extension, tmp_path, suffix):
    assert extension.speak_as(app(tmp_path, {"lang": "de"}, suffix), "page") == "de"
    assert language() == "de"
    assert extension.speak_as(app(tmp_path, {}, suffix), "page") == "en"
    assert language() == "en"


def test_a_language_without_catalogue_stops_the_build(extension, tmp_path):
    with pytest.raises(ExtensionError, match="page has lang: tlh, which is none of en, de"):
        extension.speak_as(app(tmp_path, {"lang": "tlh"}), "page")


def test_text_and_figures_are_marked_as_the_languages_own(extension, tmp_path):
    context = {"body": FIGURE + REFERENCE}
    extension.mark(app(tmp_path, {"lang": "de"}), "page", "", context, None)
    assert context["body"].startswith('<section lang="de" id="a">')
    assert context["body"].count("Abbildung 1") == 2
    assert "Figure skating" in context["body"] and "<section>" in context["body"]


def test_an_english_page_stays_as_it_is(extension, tmp_path):
    context = {"body": FIGURE}
    extension.mark(app(tmp_path, {}), "page", "", context, None)
    assert context == {"body": FIGURE}
