"""The picture that stands for a page where no script runs: pictures alone, for light and dark."""

import cv2
import numpy as np

from labkit.figure_style import VERMILION

#: Pixels of a picture's side and between two pictures, two for each pixel of the page.
_SIDE, _GAP = 256, 16
#: Maps shown: rows and columns. Two of them and the gap are as high as a picture.
_ROWS, _COLUMNS = 2, 8
_MAP_SIDE = (_SIDE - _GAP) // _ROWS
_LINE = 6


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


def as_webp(sheet):
    """Write a picture as WebP, with some loss.

    Args:
        sheet: uint8 ``(height, width, 4)``, red, green, blue and opacity.

    Returns:
        The bytes.
    """
    colours = cv2.cvtColor(sheet, cv2.COLOR_RGBA2BGRA)
    return cv2.imencode(".webp", colours, [cv2.IMWRITE_WEBP_QUALITY, 40])[1].tobytes()


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
