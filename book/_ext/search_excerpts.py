"""A Sphinx extension: what the search shows of a page is its words, from the disk too.

To show an excerpt, Sphinx's search fetches the page that it found, which browsers forbid to pages
from the disk, and shows its formulas as they were typed. So the words of every page are in one
script, which ``book.js`` asks for.
"""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup, Comment

UNSPOKEN = "script, style, svg, math, .headerlink"
BEGINS, ENDS = "WORDS_OF_PAGES = ", ";\n"

#: What a command of a formula reads as in a line of text; others go.
SIGNS = {
    "cdot": "·", "cdots": "⋯", "dots": "…", "ge": "≥", "lceil": "⌈", "le": "≤", "leftarrow": "←",
    "lfloor": "⌊", "ln": "ln", "prod": "∏", "rceil": "⌉", "rfloor": "⌋", "sigma": "σ", "sqrt": "√",
    "sum": "∑", "times": "×",
}  # fmt: skip


def keep_words(app, page, template, context, doctree):
    """Keep what a page says, if the search may find it."""
    if doctree is not None and "body" in context:
        app.words_of_pages[page] = words(context["body"])


def words(html):
    r"""Return HTML without anything but its words and the places that a result can lead to.

    Example:
        >>> words('<section id="a" class="b"><p>One <em>two</em>.</p></section>')
        '<section id="a">One two.</section>'
        >>> words(r'<p>Of <span class="math">\(r_{l-1}\)</span>:</p><div class="math">\[1\]</div>')
        'Of r_{l-1}:…'
    """
    soup = BeautifulSoup(html, "html.parser")
    for element in [*soup.select(UNSPOKEN), *soup.find_all(string=is_comment)]:
        element.extract()
    for formula in soup.select(".math"):
        formula.string = "…" if formula.name == "div" else readable(formula.get_text())
    for element in soup.find_all(True):
        element.attrs = {"id": element["id"]} if element.get("id") else {}
        if not element.attrs:
            element.unwrap()
    return str(soup)


def readable(formula):
    r"""Return a formula of a line as text without commands.

    Example:
        >>> readable(r"\(P_l = \prod_{i=1}^{l} s_i\)")
        'P_l = ∏_{i=1}^{l} s_i'
        >>> readable(r"\(s\,r + k\)"), readable(r"\(\{ 0 \le i \}\)")
        ('s r + k', '{ 0 ≤ i }')
    """
    text = re.sub(r"\\text\{(.*?)\}", r"\1", formula)
    text = re.sub(r"\\([A-Za-z]+)", lambda command: SIGNS.get(command[1], ""), text)
    text = re.sub(r"\\[()\[\]]", "", text)
    return re.sub(r"\\([{}])|\\.", r"\1 ", text).replace("  ", " ").strip()


def is_comment(text):
    """Tell whether a text is one that nobody reads."""
    return isinstance(text, Comment)


def write_words(app, exception):
    """Write the script; the words of a page that was not written anew stay as they were."""
    if exception or app.builder.format != "html" or not app.words_of_pages:
        return
    script = Path(app.outdir, "_static", "search_words.js")
    pages = {**earlier(script), **app.words_of_pages}
    pages = {page: pages[page] for page in sorted(pages) if page in app.env.found_docs}
    text = json.dumps(pages, ensure_ascii=False)
    script.write_text(f"{BEGINS}{text}{ENDS}", encoding="utf-8")


def earlier(script):
    """Return the words that a build before has written."""
    if not script.is_file():
        return {}
    text = script.read_text(encoding="utf-8")
    return json.loads(text.removeprefix(BEGINS).removesuffix(ENDS))


def setup(app):
    """Register the extension with Sphinx."""
    app.words_of_pages = {}
    app.connect("html-page-context", keep_words)
    app.connect("build-finished", write_words)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
