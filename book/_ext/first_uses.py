"""A Sphinx extension: where a page first uses a term of the glossary, it links to it.

Authors write plain words. So the labs read well in Colab, and no link is forgotten when a sentence
moves. The definition also shows when the pointer rests on the word.
"""

import re

from docutils import nodes
from sphinx import addnodes

#: Words that stand in these are left alone: they are headings, code, or links already.
CLOSED = (
    nodes.title,
    nodes.rubric,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.reference,
    nodes.pending,
    nodes.raw,
    nodes.term,
    nodes.table,
    nodes.container,
    nodes.citation,
    addnodes.desc,
    addnodes.toctree,
)


def link_first_uses(app, doctree, docname):
    """Turn the first use of each term on a page into a link to its definition."""
    terms = terms_of(app.env)
    if docname in {home for home, *_ in terms.values()}:
        return
    for text in list(doctree.findall(nodes.Text)):
        if terms and not enclosed(text):
            link_terms(app, docname, text, terms)


def terms_of(env):
    """Map each term, in small letters, to ``(page, anchor, definition)``, longest terms first."""
    objects = env.get_domain("std").objects.items()
    places = {name.lower(): place for (kind, name), place in objects if kind == "term"}
    glossaries = {page for page, _ in places.values()}
    meanings = {page: definitions(env.get_doctree(page)) for page in glossaries}
    longest_first = sorted(places.items(), key=lambda item: len(item[0]), reverse=True)
    return {
        term: (page, anchor, meanings[page].get(anchor, ""))
        for term, (page, anchor) in longest_first
    }


def definitions(doctree):
    """Map the anchor of each term of a glossary to the first sentence that explains it."""
    return {
        anchor: first_sentence(words(item.next_node(nodes.definition)))
        for item in doctree.findall(nodes.definition_list_item)
        for term in item.findall(nodes.term)
        for anchor in term["ids"]
    }


def words(node):
    """Return the text of a node without its citations, which are still unresolved there."""
    texts = node.findall(lambda part: isinstance(part, nodes.Text) and not cited(part))
    return "".join(texts)


def cited(text):
    """Tell whether a text is the key of a citation."""
    xref = next((n for n in ancestors(text) if isinstance(n, addnodes.pending_xref)), None)
    return xref is not None and xref["refdomain"] == "cite"


def ancestors(node):
    """Yield the nodes around a node, the nearest first."""
    while node := node.parent:
        yield node


def first_sentence(text):
    """Return what stands before the first full stop that ends a sentence, in one line."""
    line = re.sub(r"\s+([.,;])", r"\1", " ".join(text.split()))
    return re.split(r"(?<=[.?!])\s", line, maxsplit=1)[0]


def enclosed(node):
    """Tell whether a text stands where no link should."""
    return any(isinstance(parent, CLOSED) for parent in ancestors(node))


def link_terms(app, docname, text, terms):
    """Replace a text by itself with links, and take the linked terms out of ``terms``."""
    pieces, rest = [], str(text)
    while match := earliest(rest, terms):
        page, anchor, definition = terms.pop(" ".join(match["term"].lower().split()))
        target = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
        pieces += [nodes.Text(rest[: match.start()]), link(match[0], target, definition)]
        rest = rest[match.end() :]
    if pieces:
        text.parent.replace(
            text, [piece for piece in [*pieces, nodes.Text(rest)] if piece.astext()]
        )


def earliest(text, terms):
    """Return the first match of any term, singular or plural, or ``None``."""
    if not terms:
        return None
    either = "|".join(re.escape(term).replace(r"\ ", r"\s+") for term in terms)
    return re.search(rf"(?<![\w-])(?P<term>{either})(?:s|es)?(?![\w-])", text, re.IGNORECASE)


def link(words, target, definition):
    """Return a link that looks like the words around it."""
    return nodes.reference(
        "", words, internal=True, refuri=target, reftitle=definition, classes=["glossary-term"]
    )


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", link_first_uses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
