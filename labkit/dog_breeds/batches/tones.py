"""Change the values of a picture by one table of 256 entries.

Channel shift, brightness and rescaling all depend on a pixel's value alone. So they become
one table, and a picture is toned, rescaled and converted to float32 in a single pass.
"""

import cv2
import numpy as np

GREYS = np.arange(256, dtype=np.float32)


def brightened(greys, brightness):
    """Multiply by a factor, clip to 0...255 and drop the fraction, as Keras does.

    `keras.layers.RandomBrightness` *adds* instead; this is another thing.

    Args:
        greys: Array in 0...255.
        brightness: Factor, 0 or more; 1 changes nothing.

    Returns:
        Array of whole numbers in 0...255, float32.

    Example:
        >>> brightened([0, 3, 200], 1.5).tolist()
        [0.0, 4.0, 255.0]
    """
    factor = np.float32(brightness)
    return np.floor(np.clip(np.asarray(greys, np.float32) * factor, 0, 255))


def channel_shifted(greys, intensity, darkest, brightest):
    """Add a constant and clip to the range that the picture had, as Keras does.

    Args:
        greys: Array in 0...255.
        intensity: Grey levels to add; may be negative.
        darkest: Smallest value of the picture.
        brightest: Largest value of the picture.

    Returns:
        Array in darkest...brightest, float32.
    """
    return np.clip(np.asarray(greys, np.float32) + np.float32(intensity), darkest, brightest)


def tables(brightness, rescale, dtype, greys=GREYS):
    """Make one table for each brightness.

    Args:
        brightness: Array `(n,)` of factors, or None for n = 1 and no change.
        rescale: Factor, or None.
        dtype: `"uint8"` (fractions are dropped) or `"float32"`.
        greys: Array `(256,)`: what each value is to begin with, in 0...255.

    Returns:
        Array `(n, 256)` of the dtype.

    Example:
        >>> tables([0.5, 2.0], rescale=None, dtype="uint8")[:, 100].tolist()
        [50, 200]
    """
    toned = greys[None]
    if brightness is not None:
        toned = brightened(np.floor(greys), np.asarray(brightness)[:, None])
    if rescale is not None:
        toned = toned * np.float32(rescale)
    return toned.astype(dtype)


def tone(picture, table, out):
    """Look every value of a uint8 picture up in a table.

    Args:
        picture: Array `(height, width[, channels])`, uint8.
        table: Array `(256,)`, uint8 or float32.
        out: Array of the picture's shape and the table's dtype; written.

    Returns:
        `out`.
    """
    return cv2.LUT(picture, table, out)
