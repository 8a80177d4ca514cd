"""What pages that show networks have in common: a style, a script, the networks' weights.

And the picture that stands for a page where no script runs: pictures alone, for light and dark.
"""

import base64
import gzip
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np

from labkit.figure_style import VERMILION
from labkit.page import SHARED, in_script, write_page

#: Pixels of a picture's side and between two pictures, two for each pixel of the page.
_SIDE, _GAP = 256, 16
#: Maps shown: rows and columns. Two of them and the gap are as high as a picture.
_ROWS, _COLUMNS = 2, 8
_MAP_SIDE = (_SIDE - _GAP) // _ROWS
_LINE = 6


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
            before=[*SHARED, *shared, *((package, script) for script in scripts)],
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


def draw_still(data, picture, answers):
    """Draw one dog with the field of one unit, and the first maps of that unit's layer.

    Args:
        data: the networks as :func:`labkit.look_inside` describes them.
        picture: uint8 ``(height, width, 3)``.
        answers: dict from the networks' names to the values behind each layer, for all pictures,
            this one first.

    Returns:
        The bytes of a WebP.
    """
    network = data["networks"][-1]
    number = _shown_layer(network["layers"])
    layer, values = network["layers"][number], answers[network["name"]][number][0]
    maps = np.moveaxis(values, -1, 0)[: _ROWS * _COLUMNS]
    seen = _with_field(picture, layer["field"], values.shape)
    between = np.zeros((_SIDE, _GAP, 4), np.uint8)
    tiles = tiled(map(_as_grey, maps), _ROWS, _COLUMNS, _MAP_SIDE)
    return as_webp(np.concatenate([_opaque(seen), between, tiles], axis=1))


def tiled(pictures, rows, columns, side=_SIDE):
    """Put pictures beside and below each other, with nothing between them.

    Args:
        pictures: uint8 ``(height, width, 3)`` each, no more than there are places.
        rows: how many below each other.
        columns: how many beside each other.
        side: pixels of each picture's side.

    Returns:
        uint8 ``(height, width, 4)``, the last channel the opacity.

    Example:
        >>> tiled([np.zeros((8, 8, 3), np.uint8)] * 2, 1, 3, side=32).shape
        (32, 128, 4)
    """
    step = side + _GAP
    sheet = np.zeros((rows * step - _GAP, columns * step - _GAP, 4), np.uint8)
    for n, picture in enumerate(pictures):
        top, left = step * (n // columns), step * (n % columns)
        sheet[top : top + side, left : left + side] = _opaque(_enlarged(picture, side))
    return sheet


def as_webp(picture, quality=40):
    """Write a picture as WebP.

    Args:
        picture: uint8 ``(height, width, 3)``, red, green and blue, or 4 with opacity besides.
        quality: 1 to 100, with some loss; above 100 nothing is lost.

    Returns:
        The bytes.

    Example:
        >>> as_webp(np.zeros((8, 8, 3), np.uint8))[8:12]
        b'WEBP'
    """
    order = cv2.COLOR_RGB2BGR if picture.shape[-1] == 3 else cv2.COLOR_RGBA2BGRA
    options = [cv2.IMWRITE_WEBP_QUALITY, quality]
    return cv2.imencode(".webp", cv2.cvtColor(picture, order), options)[1].tobytes()


def _shown_layer(layers):
    """Choose the middle one of the layers that still have maps with a field."""
    spatial = [n for n, layer in enumerate(layers) if len(layer["shape"]) == 3]
    return spatial[len(spatial) // 2]


def _with_field(picture, field, shape):
    """Enlarge a dog, and draw the field of the unit in the middle of a layer's maps as a box."""
    seen = _enlarged(picture, _SIDE)
    if field is not None:
        scale = _SIDE / np.array(picture.shape[1::-1])
        middle = np.array(shape[1::-1]) // 2
        corner = scale * (field["stride"] * middle - field["padding"])
        ends = np.round([corner, corner + scale * field["size"]]).astype(int).tolist()
        cv2.rectangle(seen, *ends, tuple(bytes.fromhex(VERMILION[1:])), _LINE)
    return seen


def _enlarged(picture, side):
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_NEAREST)


def _opaque(picture):
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def _as_grey(values):
    """Draw a map as bright as its own largest value."""
    span = np.ptp(values) or 1
    return np.dstack([np.round(255 * (values - values.min()) / span).astype(np.uint8)] * 3)
