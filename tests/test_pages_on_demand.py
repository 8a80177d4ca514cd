"""Pages in a lab that a reader asks for: what stands on the lab's page, and what beside it."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx.errors import ExtensionError

from labkit.dog_breeds.inside import LookInside
from labkit.dog_breeds.playground import Playground

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
on_demand = import_module("pages_on_demand")
sys.path.pop(0)

DATA = {"networks": [{"name": "tiny"}], "dogs": [{}]}
HTML = LookInside(DATA, b"weights", b"still", "A dog, in words.")._repr_html_()


def doctree(html, *, of_a_cell):
    """Return a page that shows HTML, as a cell's output or for itself."""
    document = new_document("lab")
    kind = "cell_code_output" if of_a_cell else "mime_bundle"
    raw = nodes.raw("", html, format="html", classes=["output", "text_html"])
    document += nodes.container("", raw, nb_element=kind)
    return document


@pytest.fixture
def app(tmp_path):
    uri = SimpleNamespace(format="html", get_target_uri=lambda name: f"{name}.html")
    env = SimpleNamespace(metadata={}, doc2path=lambda name: f"{name}.md")
    return SimpleNamespace(builder=uri, outdir=str(tmp_path), env=env)


def test_what_a_cell_shows_becomes_a_script_beside_the_page(app, tmp_path):
    page = doctree(HTML, of_a_cell=True)
    on_demand.put_beside(app, page, "labs/dog_breeds")
    (raw,) = page.findall(nodes.raw)
    seen = raw.astext()
    assert raw["classes"] == ["output", "text_html"]
    assert "A dog, in words." in seen and "<img" in seen and "<script" not in seen
    assert seen.count("<div") == seen.count("</div>")
    address, name = re.search(r'data-page="([^"]+)" data-name="(\w+)" hidden', seen).groups()
    script = (tmp_path / "labs" / address).resolve().read_text(encoding="utf-8")
    assert json.loads(script.partition(f'["{name}"] = ')[2].rstrip(";\n")) == HTML


def test_the_page_it_has_for_itself_stays_whole(app, tmp_path):
    page = doctree(HTML, of_a_cell=False)
    on_demand.put_beside(app, page, "book/look_inside")
    assert next(page.findall(nodes.raw)).astext() == HTML and not list(tmp_path.iterdir())


def test_other_outputs_stay(app, tmp_path):
    page = doctree('<div class="network">A table</div>', of_a_cell=True)
    on_demand.put_beside(app, page, "labs/dog_breeds")
    assert next(page.findall(nodes.raw)).astext().endswith("A table</div>")
    assert not list(tmp_path.iterdir())


def test_a_page_without_a_live_part_is_refused(app):
    page = doctree(HTML.replace(on_demand.LIVE, "<div>"), of_a_cell=True)
    with pytest.raises(ExtensionError, match="live part"):
        on_demand.put_beside(app, page, "labs/dog_breeds")


@pytest.mark.parametrize("kind", [LookInside, Playground])
def test_links_to_each_kind_are_known_to_the_script(kind):
    """The fragment that opens it is the one that it writes itself."""
    script = (ROOT / "book" / "_static" / "pages_on_demand.js").read_text(encoding="utf-8")
    html = kind(DATA, b"", b"", "")._repr_html_()
    known = dict(re.findall(r'"([\w-]+)": "#(\w+)="', script))
    (name,) = set(re.match(r'<div class="([^"]+)"', html)[1].split()) & set(known)
    assert f'readAddress("{known[name]}")' in html


def test_its_button_speaks_the_language_of_the_page(app):
    app.env.metadata["labs/german"] = {"lang": "de"}
    page = doctree(HTML, of_a_cell=True)
    on_demand.put_beside(app, page, "labs/german")
    (raw,) = page.findall(nodes.raw)
    assert re.search(r'data-loading="Wird geladen …" .*>Hier öffnen \(0,\d MB\)<', raw.astext())
    on_demand.put_beside(app, page := doctree(HTML, of_a_cell=True), "labs/english")
    assert ">Open it here (0." in next(page.findall(nodes.raw)).astext()
