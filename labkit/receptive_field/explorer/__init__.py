"""The receptive-field explorer: one piece of HTML that needs no kernel and no network.

The package holds the page's three sources, ``explorer.html``, ``explorer.css`` and
``explorer.js``; :mod:`~labkit.receptive_field.explorer.component` joins them.
"""

from labkit.receptive_field.explorer.component import Explorer, explorer

__all__ = ["Explorer", "explorer"]
