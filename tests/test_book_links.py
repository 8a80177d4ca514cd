"""The book's own links: words to the glossary, addresses that work in Colab to pages beside."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docutils import nodes

EXTENSIONS = Path(__file__).parents[1] / "book" / "_ext"

CONFIGURATION = """
extensions = ["myst_parser", "sphinxcontrib.bibtex", "first_uses", "offline_links"]
bibtex_bibfiles = ["works.bib"]
bibtex_cite_id = "{key}"
html_theme = "sphinx_book_theme"
html_theme_options = {
    "repository_url": "https://github.com/-someone-/book", "repository_branch": "main"
}
myst_enable_extensions = ["dollarmath"]
exclude_patterns = ["notes.md"]
"""

WORKS = """
@misc{known, author = {A. Known}, title = {Listed}, year = {2001}, url = {https://example.org/a}}
"""

GLOSSARY = """# Words

```{glossary}
stride
  The step of a kernel. It is {cite}`known` a number.

effective stride
  All strides together {cite}`known`.

batch
  Some pictures.

never used
  Nothing.
```

A stride is explained here.
"""

PAGE = """# The stride in a title

A `stride` in code and $stride$ in a formula stay. The first Stride, then a stride again.
Two effective strides, and some **batches**. A batchwise word is no batch.

[A stride in a link](https://example.org/b) stays too.

| stride |
| :-- |
| batch |

[page](https://github.com/-someone-/book/blob/main/words.md)
[place](https://github.com/-someone-/book/blob/main/words.md#words)
[no page](https://github.com/-someone-/book/blob/main/notes.md)
[elsewhere](https://github.com/-else-/book/blob/main/words.md)
[branch](https://github.com/-someone-/book/blob/old/words.md)
[paper](https://example.org/a)
"""

LIST = """# Works

[The paper's own address](https://example.org/a) stays here.

```{bibliography}
:all:
```
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A small book with the extensions, built: a map of page names to their articles."""
    folder = tmp_path_factory.mktemp("book")
    files = {"conf.py": CONFIGURATION, "works.bib": WORKS, "words.md": GLOSSARY, "index.md": PAGE}
    index = "\n\n```{toctree}\nwords\nworks\n```\n"
    for name, text in (files | {"index.md": PAGE + index, "works.md": LIST}).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "notes.md").write_text("# Notes\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", folder, folder / "built"]
    paths = os.pathsep.join([str(EXTENSIONS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return {
        name: article(folder / "built" / f"{name}.html") for name in ("index", "words", "works")
    }


def article(file):
    return re.search(r"<article.*?</article>", file.read_text(encoding="utf-8"), re.DOTALL)[0]


def glossary_links(html):
    """Map the words of each link to the glossary to where it leads and to what it tells."""
    links = re.findall(
        r'<a class="glossary-term[^"]*" href="([^"]*)" title="([^"]*)">(.*?)</a>', html
    )
    return {words: (target, told) for target, told, words in links}


def targets(html):
    """Map the words of every link to its address."""
    links = re.findall(r'<a class="[^"]*" href="([^"]*)"[^>]*>(.*?)</a>', html)
    return {re.sub("<.*?>", "", words): target for target, words in links}


def test_first_uses_lead_to_the_glossary_in_singular_and_plural(pages):
    links = glossary_links(pages["index"])
    assert {words: target for words, (target, _) in links.items()} == {
        "Stride": "words.html#term-stride",
        "effective strides": "words.html#term-effective-stride",
        "batches": "words.html#term-batch",
    }


def test_only_the_first_use_is_a_link(pages):
    assert len(re.findall("glossary-term", pages["index"])) == 3


def test_the_first_sentence_shows_without_its_citations(pages):
    links = glossary_links(pages["index"])
    assert links["Stride"][1] == "The step of a kernel."
    assert links["effective strides"][1] == "All strides together."


def test_titles_code_formulas_links_and_tables_stay(pages):
    assert re.search(r"<h1>The stride in a title", pages["index"])
    assert '<span class="pre">stride</span>' in pages["index"]
    assert targets(pages["index"])["A stride in a link"] == "https://example.org/b"
    assert "<td" in pages["index"] and 'term-batch">batch<' not in pages["index"]


def test_the_glossary_does_not_link_to_itself(pages):
    assert "glossary-term" not in pages["words"]


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("page", "words.html"),
        ("place", "words.html#words"),
        ("no page", "https://github.com/-someone-/book/blob/main/notes.md"),
        ("elsewhere", "https://github.com/-else-/book/blob/main/words.md"),
        ("branch", "https://github.com/-someone-/book/blob/old/words.md"),
        ("paper", "works.html#known"),
    ],
)
def test_addresses_with_a_place_in_the_book_lead_there(pages, words, target):
    assert targets(pages["index"])[words] == target


def test_the_bibliography_keeps_the_addresses_of_its_works(pages):
    assert targets(pages["works"])["The paper’s own address"] == "https://example.org/a"
    assert 'id="known"' in pages["works"]


def test_a_title_of_a_folded_cell_leaves_its_code():
    sys.path.insert(0, str(EXTENSIONS))
    from folded_titles import drop_titles

    sys.path.remove(str(EXTENSIONS))
    codes = ["# @title Answer: two\nprint(2)", "# a comment\nprint(3)", "# @title alone"]
    doctree = nodes.container("", *(nodes.literal_block(code, code) for code in codes))
    drop_titles(None, doctree)
    blocks = list(doctree.findall(nodes.literal_block))
    assert [block.astext() for block in blocks] == ["print(2)", *codes[1:]]
    assert [block.rawsource for block in blocks] == ["print(2)", *codes[1:]]
