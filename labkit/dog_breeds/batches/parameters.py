"""Draw the parameters of random transformations, for one picture or for many at once.

Every picture needs :data:`DRAWS` uniform numbers, whatever is switched on. So a table of
them, one row a picture, fixes an epoch: switching one transformation on or off leaves the
draws of the others as they were.
"""

import numpy as np

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
DRAWS = len(COLUMNS)


def uniform_table(seed, epoch, pictures):
    """Draw one row of uniform numbers for each picture of an epoch.

    Args:
        seed: Non-negative int.
        epoch: Non-negative int; each epoch has a table of its own.
        pictures: Number of rows.

    Returns:
        Array `(pictures, DRAWS)`, float64, in [0, 1).

    Example:
        >>> uniform_table(seed=1, epoch=0, pictures=5).shape
        (5, 12)
        >>> bool((uniform_table(1, 0, 5) == uniform_table(1, 1, 5)).any())
        False
    """
    return np.random.default_rng([seed, epoch]).random((pictures, DRAWS))


def epoch_order(seed, epoch, pictures):
    """Shuffle the pictures for one epoch.

    Args:
        seed: Non-negative int.
        epoch: Non-negative int; each epoch has an order of its own.
        pictures: How many there are.

    Returns:
        Array `(pictures,)`, int64: a permutation of the rows.

    Example:
        >>> sorted(epoch_order(seed=1, epoch=0, pictures=3).tolist())
        [0, 1, 2]
    """
    return np.random.default_rng([seed, epoch, 1]).permutation(pictures)


def transformations(generator, uniforms, height, width):
    """Turn uniform numbers into the parameters that Keras' generator names.

    The distributions are those of Keras' `ImageDataGenerator.get_random_transform`, with
    one difference. Keras 3 draws `tx`, which moves along the width, from the *height* shift
    range, and `ty` the other way round. Here each follows the range that bears its name.

    Args:
        generator: An object with Keras' attributes (`rotation_range`, `zoom_range`, ...).
        uniforms: Array `(n, DRAWS)` in [0, 1).
        height: Height of the pictures in pixels; scales shifts given as fractions.
        width: Width of the pictures in pixels; likewise.

    Returns:
        A dict of Keras' names to arrays of length n: `theta` and `shear` in degrees, `tx`
        and `ty` in pixels, `zx` and `zy` as factors (above 1 shows more of the scene),
        `flip_horizontal` and `flip_vertical` as bools, `channel_shift_intensity` in grey
        levels and `brightness` as a factor; the last two are None where switched off.
    """
    u = dict(zip(COLUMNS, np.asarray(uniforms).T, strict=True))
    zoom = generator.zoom_range
    return {
        "theta": _between(u["theta"], -generator.rotation_range, generator.rotation_range),
        "tx": _shift(generator.width_shift_range, u["tx"], u["tx_sign"], width),
        "ty": _shift(generator.height_shift_range, u["ty"], u["ty_sign"], height),
        "shear": _between(u["shear"], -generator.shear_range, generator.shear_range),
        "zx": _between(u["zx"], *zoom),
        "zy": _between(u["zy"], *zoom),
        "flip_horizontal": (u["flip_horizontal"] < 0.5) & bool(generator.horizontal_flip),
        "flip_vertical": (u["flip_vertical"] < 0.5) & bool(generator.vertical_flip),
        "channel_shift_intensity": _channel_shift(
            generator.channel_shift_range, u["channel_shift_intensity"]
        ),
        "brightness": _brightness(generator.brightness_range, u["brightness"]),
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
    return low + (high - low) * u


def _shift(shift_range, u, sign, size):
    """Draw shifts as Keras does: evenly from (-range, range), or ± one of a list.

    Keras takes an int n for the list 0, 1, ..., n - 1. What stays below 1 is a fraction.
    """
    if not np.any(shift_range):
        return np.zeros(len(u))
    if _is_choice(shift_range):
        choices = np.arange(shift_range) if np.ndim(shift_range) == 0 else np.array(shift_range)
        pixels = choices[(u * len(choices)).astype(int)] * np.where(sign < 0.5, -1, 1)
    else:
        pixels = _between(u, -shift_range, shift_range)
    return pixels * float(size if np.max(shift_range) < 1 else 1)


def _is_choice(shift_range):
    return np.ndim(shift_range) == 1 or isinstance(shift_range, int | np.integer)


def _channel_shift(channel_shift_range, u):
    if not channel_shift_range:
        return None
    return _between(u, -channel_shift_range, channel_shift_range)


def _brightness(brightness_range, u):
    return None if brightness_range is None else _between(u, *brightness_range)
