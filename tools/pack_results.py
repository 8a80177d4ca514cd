"""Put the curves of all recorded runs into the package, for lab 1: python tools/pack_results.py.

Run it after a record has come into ``book/results``, or has left it.
"""

from pathlib import Path

from draw_dogs.package_data import ROOT, publish

from labkit.dog_breeds.history import CURVES
from labkit.dog_breeds.packaged import REACHED, RECORDED
from labkit.dog_breeds.run.records import FACTS, read_record
from labkit.tables import as_csv

RESULTS = ROOT / "book" / "results"
_COLUMNS = ("run", "stage", "seed", "epoch", *CURVES, *REACHED, "validation_pictures")
_DIGITS = 4


def packed(results: Path = RESULTS) -> bytes:
    """Return what the package's file should hold: the curves of every record of a folder."""
    folders = sorted(path.parent for path in results.rglob(FACTS))
    return pack({f.relative_to(results).as_posix(): read_record(f) for f in folders})


def pack(records):
    """Write what :func:`labkit.recorded` reads.

    Args:
        records: dict from the run's name to its :class:`labkit.dog_breeds.run.Record`.

    Returns:
        The bytes of a CSV file: a row for each epoch, with four digits.

    Example:
        >>> pack({}).decode().split(",")[:4]
        ['run', 'stage', 'seed', 'epoch']
    """
    rows = [_COLUMNS]
    for name, record in records.items():
        pictures = record.facts["data"]["validation"]
        for row in record.rows:
            result = record.result(row["stage"], row["seed"])
            figures = [*(row[key] for key in CURVES), *(result[key] for key in REACHED)]
            shown = [f"{figure:.{_DIGITS}f}" for figure in figures]
            begin = (name, row["stage"], row["seed"], row["epoch"])
            rows.append([*begin, *shown, pictures])
    return as_csv(rows).encode("ascii")


if __name__ == "__main__":
    print(publish(RECORDED, packed()))
