"""What pages that show networks have in common: a style, a script, the networks' weights."""

import base64
import gzip
from dataclasses import dataclass
from html import escape

from labkit.page import in_script, write_page


@dataclass(frozen=True, repr=False)
class NetworkPage:
    """Hold what a page about networks carries; a notebook shows each kind as a page in the page.

    Args:
        data: what the page's script reads: plain data without weights.
        weights: the networks' weights, packed as ``plain_networks.pack`` writes them.
        still: WebP, shown where no script runs.
        summary: the same in words.
    """

    data: dict
    weights: bytes
    still: bytes
    summary: str

    def write(self, package, name, scripts=()):
        """Join the page's markup, style and script with those that all pages share.

        Args:
            package: the package of the page's sources, ``__package__``.
            name: what these are called: ``name.html``, ``name.css`` and ``name.js``.
            scripts: names of further scripts of the package, which come before its own.

        Returns:
            HTML, one str.
        """
        shared = [(__package__, file) for file in ("page.css", "network.js", "page.js")]
        zipped = gzip.compress(self.weights, 9, mtime=0)
        return write_page(
            package,
            name,
            before=[("labkit", "page.js"), *shared, *((package, script) for script in scripts)],
            sections=["networks"],
            data=in_script(self.data),
            # A tenth shorter than base64. The script reads a comma for what might end the element.
            weights=base64.b85encode(zipped).decode().replace("<", ","),
            still=as_base64(self.still),
            summary=escape(self.summary),
        )


def as_base64(data):
    """Write bytes as text.

    Example:
        >>> as_base64(b"dog")
        'ZG9n'
    """
    return base64.b64encode(data).decode("ascii")


def named_output(name):
    """Give what a cell shows a name by which other pages of a book can show it too.

    Args:
        name: the name, for ``glue`` of MyST-NB, which finds it in the output's metadata.

    Returns:
        What ``_repr_mimebundle_`` returns of an object that has its ``_repr_html_`` besides.

    Example:
        >>> named_output("look_inside")[1]
        {'scrapbook': {'name': 'look_inside', 'mime_prefix': ''}}
    """
    return {}, {"scrapbook": {"name": name, "mime_prefix": ""}}
