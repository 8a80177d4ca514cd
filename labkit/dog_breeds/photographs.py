"""What is known of the photographs without having them: how many there are of each breed."""

import csv

from labkit.dog_breeds.folders import ClassSizes
from labkit.dog_breeds.packaged import packaged_file


def photograph_class_sizes():
    """Return how many photographs of each breed the Kaggle archive holds.

    Returns:
        A :class:`labkit.dog_breeds.folders.ClassSizes` of 120 breeds, as
        :func:`labkit.class_sizes` would count them in the archive.

    Source:
        Counted in ``labels.csv`` of Kaggle's competition "Dog Breed Identification".

    Example:
        >>> sizes = photograph_class_sizes()
        >>> len(sizes), sizes.total, sizes.sizes[:2], sizes.sizes[-1]
        (120, 10222, (66, 66), 126)
    """
    with packaged_file("photograph_class_sizes.csv") as path:
        text = path.read_text(encoding="utf-8")
    rows = [(row["breed"], int(row["pictures"])) for row in csv.DictReader(text.splitlines())]
    rows.sort(key=lambda row: (row[1], row[0]))
    return ClassSizes(tuple(breed for breed, _ in rows), tuple(size for _, size in rows))
