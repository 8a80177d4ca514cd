"""A Sphinx extension: a lab loads a page in the page, of a megabyte, when a reader asks for it.

A lab is long, and most who open it read another part. So its page has the still picture with its
words and a button; what the cell has shown becomes a script beside the page, which the button
loads. From a server or from the disk alike, because a script may be loaded where other files may
not. Pages that show the same by ``glue`` have it at once, being about nothing else.
"""

import hashlib
import json
from html import escape
from pathlib import Path

from docutils import nodes
from page_language import speak_as
from sphinx.errors import ExtensionError
from sphinx.util.osutil import relative_uri

from labkit.language import phrase, phrases

FOLDER = "_static/pages_in_pages"
#: Where what is seen without a script ends, in the markup of every such page.
LIVE = '<div class="lk-live" data-in="live" hidden>'
BEGIN = '<div class="labkit-page network-page '
BUTTON = (
    '<p><button type="button" data-page="{address}" data-name="{name}" hidden '
    'data-loading="{loading}" data-failed="{failed}">{open}</button> '
    '<span role="status"></span></p>\n</div>'
)


def put_beside(app, doctree, docname):
    """Put each page in the page that a cell of this page shows into a script of its own."""
    if app.builder.format != "html":
        return
    speak_as(app, docname)
    for cell in doctree.findall(is_output):
        for raw in list(cell.findall(nodes.raw)):
            if raw.astext().startswith(BEGIN):
                name, script = as_script(raw.astext())
                path = Path(app.outdir, FOLDER, f"{name}.js")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(script, encoding="utf-8")
                page = app.builder.get_target_uri(docname)
                address = relative_uri(page, f"{FOLDER}/{path.name}")
                html = still(raw.astext(), name, address, len(script) / 1e6)
                raw.replace_self(nodes.raw("", html, format="html", classes=raw["classes"]))


def is_output(node):
    """Tell whether a node is what a cell of code leaves behind."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def as_script(html):
    """Turn HTML into a script that keeps it.

    Args:
        html: the page in the page.

    Returns:
        The name under which it is kept, and the script.
    """
    name = hashlib.sha256(html.encode()).hexdigest()[:16]
    return name, f"(window.pagesInPages ??= {{}})[{json.dumps(name)}] = {json.dumps(html)};\n"


def still(html, name, address, megabytes):
    """Return of a page in the page what is seen without a script, and a button for the rest."""
    seen, live, _ = html.partition(LIVE)
    if not live:
        raise ExtensionError(f"A page in the page has no {LIVE} where its live part begins.")
    # No script of another one may take it for its own.
    seen = seen.replace(BEGIN, f'<div data-running="no" {BEGIN[5:]}', 1)
    size = f"{megabytes:.1f}".replace(".", phrases("language")["decimal"])
    words = {
        word: escape(phrase("on_demand", word, megabytes=size))
        for word in ("open", "loading", "failed")
    }
    return seen + BUTTON.format(address=escape(address), name=name, **words)


def add_script(app, page, template, context, doctree):
    """Load what opens them on the pages that have one."""
    if doctree and any("data-page=" in raw.astext() for raw in doctree.findall(nodes.raw)):
        app.add_js_file("pages_on_demand.js", loading_method="defer")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", put_beside)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
