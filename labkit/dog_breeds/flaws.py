"""What is wrong with the drawn dogs: flaws of the photographs' kinds, planted on purpose."""

from dataclasses import dataclass

from labkit.dog_breeds.packaged import packaged_rows
from labkit.tables import as_html, as_text

_COLUMNS = ("flaw", "picture", "labelled", "shows", "copy of")
#: Digits of an id that are shown.
_DIGITS = 8


@dataclass(frozen=True)
class PlantedFlaw:
    """One picture that does not belong where it lies.

    Args:
        flaw: What is wrong, in words.
        id: The picture's id.
        breed: The breed that it is labelled with.
        shows: The breed that it shows.
        original: The id of the picture that it is a copy of; empty if it is none.
    """

    flaw: str
    id: str
    breed: str
    shows: str
    original: str


class PlantedFlaws(tuple):
    """A tuple of :class:`PlantedFlaw` that prints as a table, with the first digits of ids."""

    def __str__(self):
        return as_text(_COLUMNS, self._shown(), words=len(_COLUMNS))

    __repr__ = __str__

    def _repr_html_(self):
        return as_html(_COLUMNS, self._shown())

    def _shown(self):
        return [
            (each.flaw, each.id[:_DIGITS], each.breed, each.shows, each.original[:_DIGITS] or "–")
            for each in self
        ]


def planted_flaws():
    """Tell which flaws were planted among the drawn dogs: the answer to looking for them.

    Returns:
        :class:`PlantedFlaws`, a tuple of :class:`PlantedFlaw`.

    Source:
        The program that drew the dogs, ``tools/draw_dogs``, which planted them.

    Example:
        >>> for flaw in planted_flaws():
        ...     print(flaw.flaw, flaw.breed, flaw.shows)
        copy across the split marmalade_spitz marmalade_spitz
        copy across the split inkwell_shepherd inkwell_shepherd
        copy under two breeds pepperdot_pointer patchwork_terrier
        wrong label biscuit_corgling mossy_shagling
    """
    return PlantedFlaws(PlantedFlaw(**row) for row in packaged_rows("planted_flaws.csv"))
