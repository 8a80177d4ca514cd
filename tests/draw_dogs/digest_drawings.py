"""Draw one dog of each breed and print the SHA-256 of the pixels.

Usage: python digest_drawings.py THREADS_OF_OPENCV
"""

import hashlib
import sys

import cv2
from draw_dogs import LAB_BREEDS, draw_dog


def main(threads):
    """Draw, and print."""
    cv2.setNumThreads(int(threads))
    total = hashlib.sha256()
    for number, breed in enumerate(LAB_BREEDS):
        total.update(draw_dog(breed, number, (96, 128)).tobytes())
    print(total.hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
