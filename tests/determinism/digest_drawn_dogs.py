"""Draw the lab's dogs and print what identifies them: of the pixels, and of the files.

Usage: python digest_drawn_dogs.py [few] [THREADS_OF_OPENCV]

With ``few`` there are 2 files of each breed, else as many as the lab has.

It prints three lines: the version of OpenCV, the SHA-256 of all pixels as they are drawn, and that
of all files with their names. Folder and files are temporary.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import cv2

from labkit.dog_breeds.sources.drawn_dogs import LAB_BREEDS, draw_many, write_drawn_dogs


def digest_of_pixels(per_breed=3, size=(96, 128)):
    """Return the SHA-256 of some pictures of each of the lab's breeds, never encoded."""
    pictures, _ = draw_many(LAB_BREEDS, per_breed, seed=2021, size=size)
    return hashlib.sha256(pictures.tobytes()).hexdigest()


def digest_of_files(folder):
    """Return the SHA-256 over the names and bytes of all files in a folder."""
    total = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            total.update(path.relative_to(folder).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def main(*options):
    """Draw, and print."""
    threads = [int(option) for option in options if option != "few"]
    if threads:
        cv2.setNumThreads(threads[0])
    counts = {breed.name: 2 for breed in LAB_BREEDS} if "few" in options else None
    with tempfile.TemporaryDirectory() as folder:
        written = write_drawn_dogs(Path(folder) / "dogs", counts=counts, progress=False)
        print(cv2.__version__, digest_of_pixels(), digest_of_files(written), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
