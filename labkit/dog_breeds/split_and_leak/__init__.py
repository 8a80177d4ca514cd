"""Split and leak: what copies across the split make of an accuracy, from recorded trainings.

The page's sources are ``split_and_leak.html``, ``split_and_leak.css`` and ``split_and_leak.js``.
:mod:`labkit.page` joins them with what all pages in a page share, with the pictures and with what
``tools/split_and_leak.py`` has recorded. No number is made up between two that were measured.
"""

import csv
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from labkit.dog_breeds import pictures
from labkit.dog_breeds.errors import wilson_interval
from labkit.dog_breeds.figures import readable
from labkit.dog_breeds.inside.page import as_base64, as_webp
from labkit.language import phrase
from labkit.page import in_script, write_page

#: Pixels of a small picture; a copy is saved with fewer, as the tool does it.
_SIDE, _COPY_SIDE = 40, 32
_QUALITY = 70
#: What a row of the record counts.
_NUMBERS = (
    "share",
    "seed",
    "training",
    "validation",
    "leaked",
    "validation_right",
    "new",
    "new_right",
)


@dataclass(frozen=True, repr=False)
class SplitAndLeak:
    """Hold recorded trainings and the pictures that they split; a notebook shows them as a page.

    :func:`split_and_leak` makes it.

    Args:
        breeds: the breeds' names (tuple of str).
        dogs: the breed of each picture, as an index (tuple of int).
        twins: the number of the other picture of the same dog, or None for each picture.
        images: each picture as WebP (tuple of bytes).
        trainings: plain data, a dict for each training.

    Example:
        >>> SplitAndLeak(("pug",), (0, 0), (None, None), (b"", b""), ({}, {}))
        <split and leak: 2 pictures, 2 trainings>
    """

    breeds: tuple[str, ...]
    dogs: tuple[int, ...]
    twins: tuple[int | None, ...]
    images: tuple[bytes, ...]
    trainings: tuple[dict, ...]

    def __repr__(self):
        return f"<split and leak: {len(self.dogs)} pictures, {len(self.trainings)} trainings>"

    def _repr_html_(self):
        data = {"dogs": self.dogs, "twins": self.twins, "trainings": self.trainings}
        first = self.trainings[0]
        return write_page(
            __package__,
            "split_and_leak",
            data=in_script(data),
            rows="\n".join(self._row(breed, first) for breed in range(len(self.breeds))),
            summary=escape(_summary(first)),
        )

    def _row(self, breed, training):
        """Write a breed's pictures: those that train, the line, those that validate."""
        numbers = [n for n, shown in enumerate(self.dogs) if shown == breed]
        kept = {sign: [n for n in numbers if training["validates"][n] == sign] for sign in "01"}
        line = '<span class="sl-line"></span>'
        shown = line.join("".join(map(self._image, kept[sign])) for sign in "01")
        counts = phrase(
            "split_and_leak", "counts", training=len(kept["0"]), validating=len(kept["1"])
        )
        return (
            f'<li><span class="lk-small"><b>{escape(readable(self.breeds[breed]))}</b> '
            f'<span data-sl="counts">{counts}</span></span>'
            f'<div class="sl-row" aria-hidden="true">{shown}</div></li>'
        )

    def _image(self, number):
        text = as_base64(self.images[number])
        return f'<img src="data:image/webp;base64,{text}" alt="" data-n="{number}">'


def split_and_leak(record, directory):
    """Show recorded trainings on splits of the same pictures, with copies and without.

    Args:
        record: path of what ``tools/split_and_leak.py`` wrote, without ``.csv`` and ``.json``.
        directory: folder of the drawn dogs, with ``train/`` in it.

    Returns:
        A :class:`SplitAndLeak`; as the last line of a cell it shows itself.

    Raises:
        FileNotFoundError: the record is not there.
        labkit.dog_breeds.pictures.UndecodableError: a picture is missing, or is none.
    """
    made = json.loads(Path(f"{record}.json").read_text(encoding="utf-8"))
    with open(f"{record}.csv", newline="", encoding="utf-8") as file:
        trainings = tuple(_training(row) for row in csv.DictReader(file))
    images = tuple(
        _small(Path(directory, "train", f"{each['dog']}.jpg"), each["copy"])
        for each in made["pool"]
    )
    breeds = tuple(each["breed"] for each in made["pool"])
    twins = _twins([each["dog"] for each in made["pool"]])
    return SplitAndLeak(tuple(made["breeds"]), breeds, twins, images, trainings)


def _twins(dogs):
    """Find for each picture the other one of its dog."""
    others = (
        [m for m, other in enumerate(dogs) if other == dog and m != n] for n, dog in enumerate(dogs)
    )
    return tuple(next(iter(found), None) for found in others)


def _training(row):
    numbers = {name: int(row[name]) for name in _NUMBERS}
    words = {name: row[name] for name in ("split", "copies", "validates")}
    intervals = {
        "interval": wilson_interval(numbers["validation_right"], numbers["validation"]),
        "new_interval": wilson_interval(numbers["new_right"], numbers["new"]),
    }
    return words | numbers | intervals


def _small(path, is_copy):
    side = _COPY_SIDE if is_copy else _SIDE
    picture = pictures.load(path, (side, side), interpolation="area")
    return as_webp(picture, _QUALITY)


def _summary(training):
    """Say once in words what the first training reached, for a page whose script does not run."""
    words = {name: phrase("split_and_leak", training[name]) for name in ("split", "copies")}
    shares = {
        f"{name}_share": f"{100 * training[f'{name}_right'] / training[name]:.0f}"
        for name in ("validation", "new")
    }
    return phrase("split_and_leak", "summary", **training | words | shares)
