"""A Sphinx extension: a link that works in Colab stays inside the book on its pages.

In Colab a notebook stands alone: a relative link leads nowhere there. So the labs, once published,
link to a page of the book at its address in the repository, and to a paper at its own address. On
the built pages, which are read without a network, the first leads to the page, and the second to
the paper's entry in the bibliography. A link into the repository that leads to no page of the book
stays as it is. Before it is published the book has no repository, and links to its pages by path.
"""

from docutils import nodes


def shorten(app, doctree, docname):
    """Point each link of a page that has a target inside the book to that target."""
    pages, works = pages_of(app), works_of(app)
    for link in doctree.findall(nodes.reference):
        address, _, anchor = link.get("refuri", "").partition("#")
        if (
            pages
            and address.startswith(pages)
            and (page := page_at(app, address.removeprefix(pages)))
        ):
            point(app, link, docname, page, anchor)
        elif works.get(address, (docname,))[0] != docname:
            point(app, link, docname, *works[address])


def pages_of(app):
    """Return where the repository shows its files; empty while the book has no address."""
    options = app.config.html_theme_options
    address = options["repository_url"]
    return address and f"{address}/blob/{options['repository_branch']}/"


def page_at(app, path):
    """Return the name of the page that a file of the repository becomes, or ``None``."""
    stem = path.rpartition(".")[0]
    return stem if stem in app.env.found_docs and path == app.env.doc2path(stem, False) else None


def works_of(app):
    """Map the address of each work to ``(page, anchor)`` of its entry in the bibliography."""
    return {
        citation.entry.fields["url"]: (citation.bibliography_key.docname, citation.citation_id)
        for citation in app.env.get_domain("cite").citations
        if "url" in citation.entry.fields
    }


def point(app, link, docname, page, anchor):
    """Make a link lead to a place inside the book."""
    link["refuri"] = app.builder.get_relative_uri(docname, page) + (anchor and f"#{anchor}")
    link["internal"] = True
    link["classes"] = [name for name in link["classes"] if name != "external"]


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
