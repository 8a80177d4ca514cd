"""Draw one dog of each of lab 1's breeds into book/_static/drawn_dogs.jpg."""

from pathlib import Path

import cv2
import numpy as np

from labkit.dog_breeds.sources.drawn_dogs import LAB_BREEDS, draw_dog

PICTURE = Path(__file__).parents[1] / "_static" / "drawn_dogs.jpg"
SIZE = (180, 240)
COLUMNS = 4
SEED = 21


def main():
    """Draw the dogs side by side, in rows."""
    dogs = [draw_dog(breed, SEED + number, SIZE) for number, breed in enumerate(LAB_BREEDS)]
    rows = [np.hstack(dogs[i : i + COLUMNS]) for i in range(0, len(dogs), COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(PICTURE), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85]):
        raise OSError(f"{PICTURE} could not be written.")


if __name__ == "__main__":
    main()
