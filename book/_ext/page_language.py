"""A Sphinx extension: a page says in which language it is written, and the book speaks it there.

``lang: de`` in the page's front matter, or in a notebook's metadata, is the code of one of
:func:`labkit.language.languages`; without it a page is English.
"""

import json
import re
from pathlib import Path

from sphinx.errors import ExtensionError

from labkit.language import ENGLISH, languages, phrase, use_language

#: A figure's number in its caption, and where the text refers to it.
NUMBERED = re.compile(r'(<span class="(?:caption-number|std std-numref)">)Figure ')


def speak_as(app, docname):
    """Let labkit speak the language of a page from now on.

    Args:
        app: the Sphinx application.
        docname: the page's name.

    Returns:
        The language's code.

    Raises:
        ExtensionError: there is no catalogue for it.
    """
    code = metadata(app, docname).get("lang", ENGLISH)
    if code not in languages():
        allowed = ", ".join(languages())
        raise ExtensionError(f"{docname} has lang: {code}, which is none of {allowed}.")
    use_language(code)
    return code


def metadata(app, docname):
    """Return what a page says of itself; pages that the book adds by itself say nothing."""
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".ipynb":
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]
    return app.env.metadata.get(docname, {})


def mark(app, page, template, context, doctree):
    """Tell browsers the language of a page's text, and count its figures in it."""
    code = speak_as(app, page)
    if code != ENGLISH and "body" in context:
        body = NUMBERED.sub(rf"\1{phrase('book', 'figure')} ", context["body"])
        context["body"] = body.replace("<section ", f'<section lang="{code}" ', 1)


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("html-page-context", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
