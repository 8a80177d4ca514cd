"""A Sphinx extension: a lab's *your turn* cells can be answered in the built page.

Under each of these cells it puts a field for what the cell leaves blank. The page runs the cell
with the answer in it, by labkit itself; :mod:`live_bundle` packs what that takes. A cell that needs
more than can run in a page says so. The notebooks know nothing of all this.
"""

import ast
import builtins
import io
import json
import sys
import tokenize
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from docutils import nodes
from live_bundle import FOLDER, build, write
from page_language import speak_as
from sphinx.errors import ExtensionError
from sphinx.util import logging

from labkit.language import phrase, phrases
from labkit.page import speaking

#: Packages whose names a cell may use in the page.
IN_THE_PAGE = ("labkit.receptive_field", "labkit.questions", *sys.stdlib_module_names)

#: What a blank of each kind looks like in a cell, by the value that stands in it.
KINDS = {None: "number", "": "formula"}

#: The function that a formula may be written as instead.
STUBS = {
    "check_recurrence": "def {name}(r, k, s):\n    return ",
    "check_closed_form": "def {name}(k, s):\n    return ",
}

EXPLORER = "book/explorer"


@dataclass(frozen=True)
class Blank:
    """What a cell leaves to the reader.

    Args:
        name: the variable or function.
        kind: ``"formula"``, ``"number"`` or ``"function"``.
        hint: the comment behind it.
        source: the cell without it, after the imports that it needs.
        stub: the beginning of a function in its place.
    """

    name: str
    kind: str
    hint: str
    source: str
    stub: str


def blank_of(cell, earlier):
    """Find what a cell leaves to the reader.

    Args:
        cell: its code.
        earlier: the code of the cells before it.

    Returns:
        A :class:`Blank`, or ``None`` where nothing is blank that a page can judge.
    """
    tree = ast.parse(cell)
    node = next((node for node in tree.body if is_blank(node)), None)
    needed = imports_for(tree, [*earlier, cell])
    if node is None or needed is None:
        return None
    name = node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id
    lines = cell.splitlines()
    own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    rest = "\n".join([*lines[: node.lineno - 1], *lines[node.end_lineno :]])
    kind = "function" if isinstance(node, ast.FunctionDef) else KINDS[node.value.value]
    return Blank(name, kind, comment(own), "\n".join([*needed, rest]), stub(tree, own, name))


def is_blank(node):
    """Tell whether a statement is a variable without a value, or a function without a body."""
    if isinstance(node, ast.FunctionDef):
        return ast.unparse(node.body[-1]) in ("...", "pass", "raise NotImplementedError")
    simple = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    return simple and node.value.value in KINDS and isinstance(node.targets[0], ast.Name)


def comment(source):
    """Return the words of the first comment, or nothing."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = (token.string for token in tokens if token.type == tokenize.COMMENT)
    return next(found, "").lstrip("# ")


def stub(tree, own, name):
    """Return how a function begins that answers instead of a formula, or the cell's own."""
    if own.startswith("def"):
        return own
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in (call for call in calls if ast.unparse(call.func) in STUBS):
        dilated = any(k.arg == "dilation" and ast.unparse(k.value) == "True" for k in call.keywords)
        text = STUBS[ast.unparse(call.func)].format(name=name)
        return text.replace("s)", "s, d)") if dilated else text
    return ""


def imports_for(tree, earlier):
    """Return the imports that a cell needs, its own included; ``None`` if it needs more."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    wanted = sorted({node.id for node in found} - bound - set(dir(builtins)) - {"display"})
    known = {}
    for cell in earlier:
        known |= imports(ast.parse(cell))
    allowed = {n: line for n, (package, line) in known.items() if package.startswith(IN_THE_PAGE)}
    return [allowed[name] for name in wanted] if set(wanted) <= set(allowed) else None


def imports(tree):
    """Map each name that a cell imports to the package and to the line that imports it alone."""
    found = {}
    for node in (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)):
        for alias in node.names:
            package = getattr(node, "module", None) or alias.name
            begin = f"from {package} " if isinstance(node, ast.ImportFrom) else ""
            found[alias.asname or alias.name] = package, f"{begin}import {ast.unparse(alias)}"
    return found


def add_fields(app, doctree, docname):
    """Put a field under each cell of a page that leaves something to the reader.

    Behind the last of them comes a button that clears the answers of all pages.
    """
    speak_as(app, docname)
    earlier, fields = [], []
    for cell in list(doctree.findall(is_cell)):
        code = next(iter(cell.findall(nodes.literal_block)), None)
        source = code.astext() if code else ""
        if "tag_your-turn" in cell["classes"]:
            blank = blank_of(source, earlier)
            html = (
                field(app, docname, blank)
                if blank
                else f'<p class="live-answer">{escape(phrase("live", "elsewhere"))}</p>'
            )
            put_behind(cell, html)
            cell["classes"] += ["live-cell"] if blank else []
            fields += [cell] if blank else []
        earlier.append(source)
    if fields:
        put_behind(fields[-1].next_node(descend=False, siblings=True), filled("clear_all.html"))


def put_behind(node, html):
    """Put HTML behind a node of a page."""
    node.parent.insert(node.parent.index(node) + 1, nodes.raw("", html, format="html"))


def is_cell(node):
    """Tell whether a node is a cell of code."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def field(app, docname, blank):
    """Write the field for one blank."""
    if EXPLORER not in app.env.found_docs:
        raise ExtensionError(f"{EXPLORER}, to which live answers link, is no page of the book.")
    cell = {
        "source": blank.source,
        "name": blank.name,
        "explorer": app.builder.get_relative_uri(docname, EXPLORER),
    }
    return filled(
        "field.html",
        cell=escape(json.dumps(cell)),
        place=escape(f"{docname}#{blank.name}"),
        controls="\n".join(controls(blank)),
        first_check=escape(phrase("live", "first_check", megabytes=app.live_bundle.megabytes)),
    )


def filled(name, **fields):
    """Fill the gaps of a piece of markup with words, and with what else stands in it."""
    words = {key: escape(text) for key, text in phrases("live").items() if isinstance(text, str)}
    template = Template((FOLDER / name).read_text(encoding="utf-8"))
    return template.substitute(words, **fields)


def controls(blank):
    """Yield the inputs for a blank, and the button that chooses between two."""
    words = phrases("live")
    if blank.kind != "function":
        hint = f" <small>{escape(blank.hint)}</small>" if blank.hint else ""
        mode = ' inputmode="decimal"' if blank.kind == "number" else ""
        yield (
            f"<label><span><code>{escape(blank.name)}</code> ={hint}</span>"
            f'<input type="text" data-kind="{blank.kind}" spellcheck="false" '
            f'autocapitalize="off"{mode}></label>'
        )
    if blank.stub:
        rows = blank.stub.count("\n") + 4
        hidden = "" if blank.kind == "function" else " hidden"
        label = f"<code>{escape(blank.name)}</code> {escape(words['as_function'])}"
        yield (
            f"<label{hidden}><span>{label}</span>"
            f'<textarea data-kind="function" rows="{rows}" spellcheck="false" '
            f'autocapitalize="off">{escape(blank.stub)}</textarea></label>'
        )
    yield f'<div class="live-buttons"><button>{escape(phrase("questions", "check"))}</button>'
    if blank.stub and blank.kind == "formula":
        other = {
            kind: escape(phrase("live", f"instead_of_{kind}")) for kind in ("formula", "function")
        }
        each = " ".join(f'data-{kind}="{text}"' for kind, text in other.items())
        yield f'<button type="button" data-live="other" {each}>{other["formula"]}</button>'
    yield f'<button type="button" data-live="clear">{escape(words["clear"])}</button></div>'


def pack(app):
    """Pack what the page loads; what it weighs stands in the pages."""
    app.live_bundle = build()
    if "python_memory" not in app.live_bundle.lengths:
        slower = "Without Node.js 20.11 or later, a page starts Python itself, which takes longer."
        logging.getLogger(__name__).info(slower)


def add_assets(app, page, template, context, doctree):
    """Load script and style on the pages that need them."""
    if doctree and any("live-answer" in raw.astext() for raw in doctree.findall(nodes.raw)):
        speak_as(app, page)
        app.add_js_file(None, body=speaking("live"))
        app.add_js_file("live.js", loading_method="defer")
        app.add_css_file("live.css")


def write_bundle(app, exception):
    """Write what the pages load beside them."""
    if not exception and app.builder.format == "html":
        write(app.live_bundle, Path(app.outdir) / "_static")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", pack)
    app.connect("doctree-resolved", add_fields)
    app.connect("html-page-context", add_assets)
    app.connect("build-finished", write_bundle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
