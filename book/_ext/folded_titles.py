"""A Sphinx extension: a folded cell's title stands on its fold, and not in its code once more.

Colab and JupyterLab read the title from the code's first line, `# @title …`, which stays in the
notebook. On the page the fold bears it already.
"""

from docutils import nodes

TITLE = "# @title "


def drop_titles(app, doctree):
    """Take the title from the code of each cell that begins with one."""
    for block in doctree.findall(nodes.literal_block):
        title, _, code = block.astext().partition("\n")
        if title.startswith(TITLE) and code:
            block.rawsource = code
            block.children = []
            block += nodes.Text(code)


def setup(app):
    """Register the extension with Sphinx; codeautolink, which reads the code, comes at 490."""
    app.connect("doctree-read", drop_titles, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
