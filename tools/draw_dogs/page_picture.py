"""The picture of the pages: one dog of each of lab 1's breeds, side by side."""

import cv2
import numpy as np

from .breeds import LAB_BREEDS
from .data_set import encode_jpeg
from .drawing import draw_dog
from .package_data import ROOT

PICTURE = ROOT / "book" / "_static" / "drawn_dogs.jpg"
SIZE = (180, 240)
COLUMNS = 4
SEED = 21


def draw_sheet(breeds=LAB_BREEDS):
    """Draw a dog of each breed, in rows of four; what is left of the last row stays white.

    Args:
        breeds: sequence of :class:`Breed`.

    Returns:
        The bytes of a JPEG.

    Example:
        >>> draw_sheet(LAB_BREEDS[:2])[:2]
        b'\\xff\\xd8'
    """
    dogs = [draw_dog(breed, SEED + number, SIZE) for number, breed in enumerate(breeds)]
    dogs += [np.full_like(dogs[0], 255)] * (-len(dogs) % COLUMNS)
    rows = [np.hstack(dogs[i : i + COLUMNS]) for i in range(0, len(dogs), COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    return encode_jpeg(sheet, 85)
