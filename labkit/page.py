"""A page in a page: one piece of HTML with its style, its script and its words."""

import json
from html import escape
from string import Template

from labkit.files import page_asset
from labkit.language import language, phrases

#: What is shared by the pages that look alike.
SHARED = (("labkit", "page.css"), ("labkit", "page.js"))


def write_page(package, name, before=SHARED, sections=(), **fields):
    """Join a page's markup, style and script, and what it says in the language in use.

    Args:
        package: the package of its sources, ``__package__``.
        name: what these are called: ``name.html``, ``name.css`` and ``name.js``; the section of
            the catalogues with its words, too. Those with the name of a gap stand in the markup.
        before: the styles and scripts before its own, each as its package and its file's name.
        sections: further sections of words.
        fields: what fills the other gaps of the markup, HTML.

    Returns:
        HTML, one str.
    """
    sources = [*before, (package, f"{name}.css"), (package, f"{name}.js")]
    words = phrases("page", *sections, name)
    texts = {key: escape(text) for key, text in words.items() if isinstance(text, str)}
    return Template(page_asset(package, f"{name}.html")).substitute(
        texts,
        language=language(),
        style=_joined(sources, ".css"),
        script=f"{speaking('page', *sections, name)}\n{_joined(sources, '.js')}",
        **fields,
    )


def speaking(*sections):
    """Write the beginning of a script that says phrases in the language in use.

    Args:
        sections: the sections of the catalogues that it says them from.

    Returns:
        JavaScript that defines what ``labkit/language.js`` tells.

    Example:
        >>> speaking("questions").split(";")[0]
        'const LANGUAGE = "en"'
    """
    words = in_script(phrases("language", *sections))
    start = f"const LANGUAGE = {in_script(language())};\nconst PHRASES = {words};\n"
    return start + page_asset("labkit", "language.js")


def in_script(data):
    """Write plain data as JSON that no text in it can end the element around.

    Example:
        >>> in_script(["</script>"])
        '["\\\\u003c/script>"]'
    """
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _joined(sources, ending):
    return "\n".join(page_asset(*source) for source in sources if source[1].endswith(ending))
