"""A Sphinx extension: the search of a book that lies on the disk shows excerpts too.

To show one, Sphinx's search fetches the page that it found, which browsers forbid to pages from the
disk. Scripts they load. So the words of every page are in one, which ``book.js`` asks for there.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup, Comment

UNSPOKEN = "script, style, svg, math, .headerlink"


def keep_words(app, page, template, context, doctree):
    """Keep what a page says, if the search may find it."""
    if doctree is not None and "body" in context:
        app.words_of_pages[page] = words(context["body"])


def words(html):
    """Return HTML without anything but its words and the places that a result can lead to.

    Example:
        >>> words('<section id="a" class="b"><p>One <em>two</em>.</p></section>')
        '<section id="a">One two.</section>'
    """
    soup = BeautifulSoup(html, "html.parser")
    for element in [*soup.select(UNSPOKEN), *soup.find_all(string=is_comment)]:
        element.extract()
    for element in soup.find_all(True):
        element.attrs = {"id": element["id"]} if element.get("id") else {}
        if not element.attrs:
            element.unwrap()
    return str(soup)


def is_comment(text):
    """Tell whether a text is one that nobody reads."""
    return isinstance(text, Comment)


def write_words(app, exception):
    """Write the script."""
    if not exception and app.builder.format == "html" and app.words_of_pages:
        pages = json.dumps(app.words_of_pages, ensure_ascii=False)
        script = Path(app.outdir, "_static", "search_words.js")
        script.write_text(f"WORDS_OF_PAGES = {pages};\n", encoding="utf-8")


def setup(app):
    """Register the extension with Sphinx."""
    app.words_of_pages = {}
    app.connect("html-page-context", keep_words)
    app.connect("build-finished", write_words)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
