"""How many pictures each breed has: in a folder, and in the archive of the photographs."""

from collections import Counter
from dataclasses import dataclass

from labkit.dog_breeds.folders import validation_size
from labkit.dog_breeds.packaged import packaged_rows
from labkit.dog_breeds.sources.layout import read_labels
from labkit.tables import as_html, as_text
from labkit.words import count

_COLUMNS = ("breed", "pictures", "training", "validation")


@dataclass(frozen=True)
class ClassSizes:
    """How many pictures each breed has, from the smallest class to the largest.

    Prints as a table; :meth:`rows` gives all of it.

    Args:
        breeds: Names (tuple of str), by size and then by name.
        sizes: Number of pictures of each (tuple of int), in the same order.
    """

    breeds: tuple[str, ...]
    sizes: tuple[int, ...]

    def __len__(self):
        return len(self.breeds)

    @property
    def total(self):
        """Number of pictures of all breeds."""
        return sum(self.sizes)

    def rows(self):
        """Return a tuple of rows (breed, pictures, training, validation)."""
        return tuple(
            (breed, size, size - validation_size(size), validation_size(size))
            for breed, size in zip(self.breeds, self.sizes, strict=True)
        )

    def __str__(self):
        return as_text(_COLUMNS, self._shown())

    __repr__ = __str__

    def _repr_html_(self):
        return as_html(_COLUMNS, self._shown())

    def _shown(self, ends=5):
        """Return the first and last rows as text, with the sum below."""
        rows = [(row[0], *(f"{n:,}" for n in row[1:])) for row in self.rows()]
        if len(rows) > 2 * ends + 1:
            rows = [*rows[:ends], ("…",) * len(_COLUMNS), *rows[-ends:]]
        sums = (sum(column) for column in list(zip(*self.rows(), strict=True))[1:])
        return [*rows, (count(len(self), "breed"), *(f"{n:,}" for n in sums))]


def class_sizes(directory):
    """Count the pictures of each breed.

    Args:
        directory: Folder that holds ``labels.csv`` and ``train/`` (str or path).

    Returns:
        A :class:`ClassSizes`, from the smallest class to the largest.

    Raises:
        FileNotFoundError: ``labels.csv`` or ``train/`` is not there.
        ValueError: Labels and pictures do not match.

    Example:
        >>> print(ClassSizes(("pug", "beagle"), (4, 6)))
        breed     pictures  training  validation
        pug              4         3           1
        beagle           6         4           2
        2 breeds        10         7           3
    """
    counts = Counter(read_labels(directory).values())
    return _from_the_smallest(counts.items())


def photograph_class_sizes():
    """Return how many photographs of each breed the Kaggle archive holds.

    Returns:
        A :class:`ClassSizes` of 120 breeds, as
        :func:`labkit.class_sizes` would count them in the archive.

    Source:
        Counted in ``labels.csv`` of Kaggle's competition "Dog Breed Identification".

    Example:
        >>> sizes = photograph_class_sizes()
        >>> len(sizes), sizes.total, sizes.sizes[:2], sizes.sizes[-1]
        (120, 10222, (66, 66), 126)
    """
    rows = packaged_rows("photograph_class_sizes.csv")
    return _from_the_smallest((row["breed"], int(row["pictures"])) for row in rows)


def _from_the_smallest(rows):
    """Make the sizes of pairs (breed, pictures)."""
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    return ClassSizes(tuple(breed for breed, _ in rows), tuple(size for _, size in rows))
