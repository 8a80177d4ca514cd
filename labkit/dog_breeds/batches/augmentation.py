"""Draw random augmentations, for one picture or for many, and carry them out.

Every picture needs one uniform number for each of :data:`COLUMNS`, whatever is switched on.
So a table of them, one row a picture, fixes an epoch: switching one augmentation on or off
leaves the draws of the others as they were, and so does adding one.
"""

import cv2
import numpy as np

from labkit.dog_breeds.batches import geometry, tones
from labkit.dog_breeds.batches.memory import scratch

#: What the numbers are for. A new augmentation adds its own at the end.
COLUMNS = (
    "theta",
    "tx",
    "tx_sign",
    "ty",
    "ty_sign",
    "shear",
    "zx",
    "zy",
    "flip_horizontal",
    "flip_vertical",
    "channel_shift_intensity",
    "brightness",
)
_BY_PICTURE = 12  # So many columns are drawn picture by picture, those after them one by one.
_NEUTRAL = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
_FLIP_CODES = {(False, False): None, (True, False): 1, (False, True): 0, (True, True): -1}


def uniform_table(seed, epoch, pictures):
    """Draw one row of uniform numbers for each picture of an epoch.

    Args:
        seed: Non-negative int.
        epoch: Non-negative int; each epoch has a table of its own.
        pictures: Number of rows.

    Returns:
        Array `(pictures, len(COLUMNS))`, float64, in [0, 1).

    Example:
        >>> uniform_table(seed=1, epoch=0, pictures=5).shape
        (5, 12)
        >>> bool((uniform_table(1, 0, 5) == uniform_table(1, 1, 5)).any())
        False
    """
    return uniform_rows(np.random.default_rng([seed, epoch]), pictures)


def uniform_rows(random, pictures):
    """Draw one row of uniform numbers for each picture.

    Args:
        random: A `numpy.random.Generator`.
        pictures: Number of rows.

    Returns:
        Array `(pictures, len(COLUMNS))`, float64, in [0, 1). A column added to
        :data:`COLUMNS` is drawn after all others, and changes none of them.
    """
    first = random.random((pictures, _BY_PICTURE))
    later = random.random((len(COLUMNS) - _BY_PICTURE, pictures))
    return np.hstack([first, later.T])


def transformations(generator, uniforms, height, width):
    """Turn uniform numbers into the parameters that Keras' generator names.

    The distributions are those of Keras' `ImageDataGenerator.get_random_transform`, with
    one difference. Keras 3 draws `tx`, which moves along the width, from the *height* shift
    range, and `ty` the other way round. Here each follows the range that bears its name.

    Args:
        generator: An object with Keras' attributes (`rotation_range`, `zoom_range`, ...).
        uniforms: Array `(n, len(COLUMNS))` in [0, 1).
        height: Height of the pictures in pixels; scales shifts given as fractions.
        width: Width of the pictures in pixels; likewise.

    Returns:
        A dict of Keras' names to arrays of length n: `theta` and `shear` in degrees, `tx`
        and `ty` in pixels, `zx` and `zy` as factors (above 1 shows more of the scene),
        `flip_horizontal` and `flip_vertical` as bools, `channel_shift_intensity` in grey
        levels and `brightness` as a factor; the last two are None where switched off.
    """
    u = dict(zip(COLUMNS, np.asarray(uniforms).T, strict=True))
    zoom, channel_shift = generator.zoom_range, generator.channel_shift_range
    brightness = generator.brightness_range
    return {
        "theta": _between(u["theta"], -generator.rotation_range, generator.rotation_range),
        "tx": _shift(generator.width_shift_range, u["tx"], u["tx_sign"], width),
        "ty": _shift(generator.height_shift_range, u["ty"], u["ty_sign"], height),
        "shear": _between(u["shear"], -generator.shear_range, generator.shear_range),
        "zx": _between(u["zx"], *zoom),
        "zy": _between(u["zy"], *zoom),
        "flip_horizontal": (u["flip_horizontal"] < 0.5) & bool(generator.horizontal_flip),
        "flip_vertical": (u["flip_vertical"] < 0.5) & bool(generator.vertical_flip),
        "channel_shift_intensity": (
            _between(u["channel_shift_intensity"], -channel_shift, channel_shift)
            if channel_shift
            else None
        ),
        "brightness": None if brightness is None else _between(u["brightness"], *brightness),
    }


def one_transformation(parameters, index):
    """Return the parameters of one picture as plain Python numbers.

    Args:
        parameters: What :func:`transformations` returned.
        index: Which picture.

    Returns:
        A dict with the same keys; each value a float, a bool or None.
    """
    return {
        name: None if values is None else values[index].item()
        for name, values in parameters.items()
    }


def _between(u, low, high):
    return np.asarray(low + (high - low) * u, float)


def _shift(shift_range, u, sign, size):
    """Draw shifts as Keras does: evenly from (-range, range), or ± one of a list.

    Keras takes an int n for the list 0, 1, ..., n - 1. What stays below 1 is a fraction.
    """
    if not np.any(shift_range):
        return np.zeros(len(u))
    several = np.ndim(shift_range) == 1
    if several or isinstance(shift_range, int | np.integer):
        choices = np.array(shift_range, float) if several else np.arange(shift_range)
        pixels = choices[(u * len(choices)).astype(int)] * np.where(sign < 0.5, -1, 1)
    else:
        pixels = _between(u, -shift_range, shift_range)
    return pixels * float(size if np.max(shift_range) < 1 else 1)


def transform_batch(pictures, parameters, out, fill_mode="nearest", cval=0.0, rescale=None):
    """Move and tone the pictures of a batch, each in two passes over its pixels.

    Args:
        pictures: Iterable of n arrays `(height, width[, 3])`, uint8.
        parameters: What :func:`transformations` returned for them.
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
    intensity = parameters.get("channel_shift_intensity")
    brightness = parameters.get("brightness")
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
