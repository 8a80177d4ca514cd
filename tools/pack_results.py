"""Put the curves of all recorded runs into the package, for lab 1: python tools/pack_results.py.

Run it after a record has come into ``book/results``, or has left it.
"""

from pathlib import Path

from draw_dogs.package_data import ROOT, publish

from labkit.dog_breeds.recorded import RECORDED, pack
from labkit.dog_breeds.run.records import FACTS, read_record

RESULTS = ROOT / "book" / "results"


def packed(results: Path = RESULTS) -> bytes:
    """Return what the package's file should hold: the curves of every record of a folder."""
    folders = sorted(path.parent for path in results.rglob(FACTS))
    return pack({f.relative_to(results).as_posix(): read_record(f) for f in folders})


if __name__ == "__main__":
    print(publish(RECORDED, packed()))
