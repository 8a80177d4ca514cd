"""A Sphinx extension: lines break where a reader expects it.

What a cell prints wraps on the page as prose does, unless it is a table whose columns stand under
each other. A number stays in one line with its sign: 3 × 3, 93.6 %. So do the hyphens of an option.
"""

import re

from docutils import nodes

#: Columns: a line drawn, or a gap within a line.
COLUMNS = re.compile(r"[─━│┃]|\S {2,}\S")
#: A space between a number and its sign; the number may stand in a node of its own beside it.
INSEPARABLE = re.compile(r"(?:(?<=\d)|^) (?=[×%])|(?<=×) (?=\d|$)")
#: Words in these are left as they are.
CLOSED = (nodes.literal, nodes.math, nodes.FixedTextElement)


def set_lines(app, doctree, docname):
    """Mark printed tables and options of a page, and keep numbers with their signs."""
    for output in doctree.findall(is_output):
        for block in output.findall(nodes.literal_block):
            if COLUMNS.search(block.astext()):
                block["classes"].append("aligned")
    for literal in doctree.findall(nodes.literal):
        if literal.astext().startswith("-"):
            literal["classes"].append("whole")
    for text in list(doctree.findall(nodes.Text)):
        if INSEPARABLE.search(text) and not isinstance(text.parent, CLOSED):
            kept = INSEPARABLE.sub("\N{NO-BREAK SPACE}", text)
            text.parent.replace(text, nodes.Text(kept))


def is_output(node):
    """Tell whether a node is what a cell of code leaves behind."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def setup(app):
    """Register the extension with Sphinx; after the glossary's, which reads words as written."""
    app.connect("doctree-resolved", set_lines, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
