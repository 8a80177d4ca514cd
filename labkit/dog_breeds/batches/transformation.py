"""Carry out drawn transformations, on the pictures of a batch or on a single array."""

import cv2
import numpy as np

from labkit.dog_breeds.batches import geometry, tones
from labkit.dog_breeds.batches.scratch import scratch

_NEUTRAL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
_FLIP_CODES = {(False, False): None, (True, False): 1, (False, True): 0, (True, True): -1}


def transform_batch(pictures, parameters, out, fill_mode="nearest", cval=0.0, rescale=None):
    """Move and tone the pictures of a batch, each in two passes over its pixels.

    Args:
        pictures: Iterable of n arrays `(height, width[, 3])`, uint8.
        parameters: What `parameters.transformations` returned for them.
        out: Array `(n, height, width[, 3])`, uint8 or float32; written.
        fill_mode: See :func:`~labkit.dog_breeds.batches.geometry.warp`.
        cval: Likewise.
        rescale: Factor applied last, or None.

    Returns:
        `out`.
    """
    n, height, width = out.shape[:3]
    movements = _movements(parameters, n, height, width, fill_mode)
    shifts = parameters.get("channel_shift_intensity")
    brightness = parameters.get("brightness")
    toned = not (shifts is None and brightness is None and out.dtype == np.uint8)
    tables = np.broadcast_to(tones.tables(brightness, rescale, out.dtype), (n, 256))
    for i, (picture, movement, cell) in enumerate(zip(pictures, movements, out, strict=True)):
        target = scratch("before toning", picture.shape, np.uint8) if toned else cell
        moved = move(picture, movement, target, fill_mode, cval)
        table = tables[i]
        if shifts is not None:
            greys = tones.channel_shifted(tones.GREYS, shifts[i], moved.min(), moved.max())
            factor = None if brightness is None else brightness[i : i + 1]
            table = tones.tables(factor, rescale, out.dtype, greys)[0]
        if toned:
            tones.tone(moved, table, cell)
        elif moved is not cell:
            cell[...] = moved
    return out


def transform_floats(picture, parameters, fill_mode="nearest", cval=0.0):
    """Move and tone one picture without rounding, where Keras does not round either.

    Args:
        picture: Array `(height, width[, channels])`, float32, 1 to 4 channels.
        parameters: Keras' names to numbers.
        fill_mode: See :func:`~labkit.dog_breeds.batches.geometry.warp`.
        cval: Likewise.

    Returns:
        A new array of the picture's shape, float32.

    Raises:
        ValueError: If brightness is to change values outside 0...255.
    """
    height, width = picture.shape[:2]
    movement = _movements(parameters, 1, height, width, fill_mode)[0]
    result = move(picture, movement, np.empty_like(picture), fill_mode, cval)
    intensity, brightness = (
        parameters.get(name) for name in ("channel_shift_intensity", "brightness")
    )
    if intensity is not None:
        result = tones.channel_shifted(result, intensity, result.min(), result.max())
    if brightness is not None:
        _require_greys(result)
        result = tones.brightened(np.floor(result), brightness)
    return result.copy() if result is picture else result


def _require_greys(picture):
    if picture.min() < 0 or picture.max() > 255:
        raise ValueError(
            f"Brightness changes pictures with values from 0 to 255, and this one has "
            f"{picture.min():g} to {picture.max():g}; transform it before it is rescaled."
        )


def move(picture, movement, out, fill_mode, cval):
    """Warp, flip or leave one picture.

    Args:
        picture: Array `(height, width[, channels])`.
        movement: A pair from :func:`~labkit.dog_breeds.batches.geometry.views`, OpenCV's
            code of a flip, or None.
        out: Array of the picture's shape and dtype; written, unless there is no movement.
        fill_mode: See :func:`~labkit.dog_breeds.batches.geometry.warp`.
        cval: Likewise.

    Returns:
        `out`, or the picture itself where nothing moves.
    """
    if movement is None:
        return picture
    if isinstance(movement, int):
        return cv2.flip(picture, movement, out)
    return geometry.warp(picture, movement, out, fill_mode, cval)


def _movements(parameters, n, height, width, fill_mode):
    """Choose for each picture: a warp if anything is affine, else a flip, else nothing."""
    if any(np.any(parameters.get(name, same) != same) for name, same in _NEUTRAL.items()):
        composed = geometry.matrices(parameters, height, width)
        return geometry.views(composed, height, width, fill_mode)
    flips = (
        np.broadcast_to(parameters.get(name, False), n).astype(bool).tolist()
        for name in ("flip_horizontal", "flip_vertical")
    )
    return [_FLIP_CODES[pair] for pair in zip(*flips, strict=True)]
