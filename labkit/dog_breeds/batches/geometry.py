"""Compose flip, rotation, shift, shear and zoom into one 2 × 3 matrix, and apply it once.

The matrix sends a pixel (x, y) of the *new* picture to the place in the *old* picture that
it shows. In homogeneous coordinates it is

    C · R(theta) · S(tx, ty) · H(shear) · Z(zx, zy) · C⁻¹ · F

which is Keras' order: the flip F first, then about the point C a zoom Z, a shear H, a shift
S and a rotation R. One interpolation instead of five keeps the picture sharp.
"""

import cv2
import numpy as np

from labkit.dog_breeds.batches.memory import scratch

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
}
_SAMPLING = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def matrices(parameters, height, width):
    """Compose the matrices of many transformations.

    Keras puts the fixed point at x = (height - 1) / 2, y = (width - 1) / 2. On square
    pictures that is the centre; on others it is not, and it is kept all the same, so that
    equal parameters give equal pictures.

    Args:
        parameters: Keras' names (`theta`, `tx`, `ty`, `shear`, `zx`, `zy`,
            `flip_horizontal`, `flip_vertical`) to arrays of length n, or to numbers.
            What is missing is the identity.
        height: Height of the pictures in pixels.
        width: Width of the pictures in pixels.

    Returns:
        Array `(n, 2, 3)`, float64, from new pixels (x, y) to old ones.

    Example:
        >>> matrices({"tx": 5.0, "flip_horizontal": True}, height=100, width=100)
        array([[[ -1.,   0., 104.],
                [  0.,   1.,   0.]]])
    """

    def value(name, default):
        return np.atleast_1d(np.asarray(parameters.get(name, default), float))

    theta, shear = np.deg2rad(value("theta", 0)), np.deg2rad(value("shear", 0))
    tx, ty = value("tx", 0), value("ty", 0)
    zx, zy = value("zx", 1), value("zy", 1)
    cos, sin = np.cos(theta), np.sin(theta)
    lean, stretch = -np.sin(shear), np.cos(shear)
    # The columns of R · H · Z, then the offset that keeps the centre in place.
    a, b = cos * zx, (cos * lean - sin * stretch) * zy
    c, d = sin * zx, (sin * lean + cos * stretch) * zy
    centre_x, centre_y = (height - 1) / 2, (width - 1) / 2
    x0 = cos * tx - sin * ty + centre_x - a * centre_x - b * centre_y
    y0 = sin * tx + cos * ty + centre_y - c * centre_x - d * centre_y
    a, c, x0, y0 = _flipped(value("flip_horizontal", 0), width, a, c, x0, y0)
    b, d, x0, y0 = _flipped(value("flip_vertical", 0), height, b, d, x0, y0)
    entries = np.stack(np.broadcast_arrays(a, b, x0, c, d, y0), axis=-1)
    return entries.reshape(-1, 2, 3) + 0.0  # which makes 0.0 of -0.0


def _flipped(flip, size, column_x, column_y, x0, y0):
    """Compose with p → size - 1 - p along the axis of this column, where flip is 1."""
    sign, far = 1 - 2 * flip, flip * (size - 1)
    return sign * column_x, sign * column_y, x0 + far * column_x, y0 + far * column_y


def views(composed, height, width, fill_mode="nearest"):
    """Prepare each matrix for :func:`warp`, with the margin that it asks for.

    OpenCV is quick while it stays inside a picture and slow beyond its edges. So the edges
    are first widened by as much as a matrix looks beyond them, which costs little. That is
    exact as long as no margin is larger than the picture; further out, and for `"constant"`,
    OpenCV is left to do it.

    Args:
        composed: Array `(n, 2, 3)` from :func:`matrices`.
        height: Height of the pictures in pixels.
        width: Width of the pictures in pixels.
        fill_mode: As for :func:`warp`.

    Returns:
        A list of n pairs: an array `(2, 3)` from new pixels to those of the widened picture,
        and four ints, the pixels to add above, below, left and right.

    Example:
        >>> views(matrices({"tx": [0.0, 5.0]}, 8, 8), 8, 8)[1]
        (array([[1., 0., 5.],
                [0., 1., 0.]]), [0, 0, 0, 6])
    """
    right, bottom = width - 1, height - 1
    corners = np.array([[0, right, 0, right], [0, 0, bottom, bottom], [1, 1, 1, 1]])
    x, y = np.moveaxis(composed @ corners, 1, 0)
    beyond = np.stack([-y.min(-1), y.max(-1) - bottom, -x.min(-1), x.max(-1) - right], -1)
    # A hair beyond the edge is rounding; a real step needs one pixel more, to interpolate.
    margins = np.where(beyond > 1e-6, np.ceil(beyond).astype(int) + 1, 0)
    fits = (margins <= (height, height, width, width)).all(-1) & (fill_mode != "constant")
    margins *= fits[:, None]
    shifted = composed.copy()
    shifted[:, :, 2] += margins[:, [2, 0]]
    return list(zip(shifted, margins.tolist(), strict=True))


def warp(picture, view, out, fill_mode="nearest", cval=0.0):
    """Show a picture through one matrix, with linear interpolation.

    Colour pictures get a fourth channel on the way: OpenCV moves four twice as fast as three.

    Args:
        picture: Array `(height, width)` or `(height, width, channels)`, uint8 or float32,
            1 to 4 channels.
        view: One pair from :func:`views`.
        out: Array of the picture's shape and dtype; written.
        fill_mode: What lies beyond the edges: `"constant"` (blends into `cval` over one
            pixel), `"nearest"`, `"reflect"` (the edge pixel is repeated) or `"wrap"`.
        cval: The value beyond the edges for `"constant"`.

    Returns:
        `out`.
    """
    if picture.shape[2:] != (3,):
        return _warp(picture, view, out, fill_mode, cval)
    shape = (*picture.shape[:2], 4)
    four = scratch("four channels", shape, picture.dtype)
    cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA, four)
    moved = _warp(four, view, scratch("moved", shape, picture.dtype), fill_mode, cval)
    return cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB, out)


def _warp(picture, view, out, fill_mode, cval):
    matrix, (top, bottom, left, right) = view
    height, width = picture.shape[:2]
    border, colour = BORDERS[fill_mode], (float(cval),) * 4
    if top or bottom or left or right:
        shape = (height + top + bottom, width + left + right, *picture.shape[2:])
        wide = scratch("widened", shape, picture.dtype)
        picture = cv2.copyMakeBorder(picture, top, bottom, left, right, border, wide)
    return cv2.warpAffine(picture, matrix, (width, height), out, _SAMPLING, border, colour)
