"""What pages that show networks have in common: a style, a script, the networks' weights."""

import base64
import gzip
import json
from dataclasses import dataclass
from html import escape
from string import Template

from labkit.files import page_asset


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
        own = [page_asset(package, script) for script in (*scripts, f"{name}.js")]
        of_networks = [page_asset(__package__, script) for script in ("network.js", "page.js")]
        styles = [page_asset(__package__, "page.css"), page_asset(package, f"{name}.css")]
        zipped = gzip.compress(self.weights, 9, mtime=0)
        return Template(page_asset(package, f"{name}.html")).substitute(
            style="\n".join(styles),
            script="\n".join([page_asset("labkit", "page.js"), *of_networks, *own]),
            # Written so, no text in it can end the element that holds it.
            data=json.dumps(self.data, separators=(",", ":")).replace("<", "\\u003c"),
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
