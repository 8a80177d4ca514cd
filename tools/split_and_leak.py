"""What copies across the split make of an accuracy: the same network, trained on many splits.

Sixty of the drawn dogs, ten of each of six breeds; four of the ten are there twice, the second
time smaller and in another compression. They are split in training and validation in all the ways
that the page *Split and leak* lets its reader choose, and for each the lab's small network is
trained from scratch on small pictures. What it reaches on validation stands in the table beside
what it reaches on new dogs: all others of these breeds.

    python tools/split_and_leak.py --out book/results/split_and_leak

writes ``split_and_leak.csv``, a row for each training, and ``split_and_leak.json``, what made it.
Sixty trainings of some six seconds on one core.
"""

import argparse
import csv
import datetime
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import keras
import numpy as np
from draw_dogs.flaws import smaller_copy
from tqdm import tqdm

import labkit
from labkit.dog_breeds import pictures
from labkit.dog_breeds.networks import compile_lab, small_vgg
from labkit.dog_breeds.packaged import packaged_rows
from labkit.dog_breeds.run.facts import command_line, without_folders
from labkit.files import replacing
from labkit.machine import accelerator, describe_machine, describe_versions
from labkit.tables import as_csv

BREEDS = (
    "biscuit_corgling",
    "cinder_sentinel",
    "inkwell_shepherd",
    "marmalade_spitz",
    "patchwork_terrier",
    "pepperdot_pointer",
)
DOGS, COPIES = 10, 4
SHARES = (10, 20, 30, 40, 50)
SPLITS = ("by breed", "at random")
KEPT = ("kept", "dropped")
SEEDS = (1, 2, 3)

SIZE = (32, 32)
FILTERS, DENSE = (16, 32, 64), (64,)
BATCH_SIZE, EPOCHS, LEARNING_RATE = 16, 60, 1e-3


@dataclass(frozen=True)
class Pictures:
    """Hold pictures with what they show.

    Args:
        ids: the dog on each picture (tuple of str); a copy has its original's.
        breeds: index of each dog's breed, int ``(count,)``.
        pixels: float32 ``(count, height, width, 3)`` in [0, 1].
    """

    ids: tuple[str, ...]
    breeds: np.ndarray
    pixels: np.ndarray

    def __getitem__(self, chosen):
        """Return those at some places, an array of int."""
        ids = tuple(self.ids[n] for n in chosen)
        return Pictures(ids, self.breeds[chosen], self.pixels[chosen])

    @property
    def is_copy(self):
        """Whether each picture shows a dog that an earlier one shows, bool ``(count,)``."""
        return np.array([dog in self.ids[:n] for n, dog in enumerate(self.ids)])


def load_pictures(data, folder):
    """Load the pool, breed by breed and each breed's copies last, and all other dogs.

    Args:
        data: folder of the drawn dogs.
        folder: where copies may be written.

    Returns:
        Two :class:`Pictures`, the pool and the new dogs.
    """
    pool, new = [], []
    for number, dogs in enumerate(ids_by_breed(data)):
        files = [(dog, number, Path(data, "train", f"{dog}.jpg")) for dog in dogs]
        pool += files[:DOGS]
        for dog, _, file in files[:COPIES]:
            copy = Path(folder, f"{dog}.jpg")
            copy.write_bytes(smaller_copy(file.read_bytes()))
            pool.append((dog, number, copy))
        new += files[DOGS:]
    return read_files(pool), read_files(new)


def ids_by_breed(data):
    """List the dogs of each breed in the labels' order, without those planted as flaws."""
    flawed = {
        row[name] for row in packaged_rows("planted_flaws.csv") for name in ("id", "original")
    }
    with Path(data, "labels.csv").open(newline="") as file:
        labels = list(csv.DictReader(file))
    return [
        [row["id"] for row in labels if row["breed"] == breed and row["id"] not in flawed]
        for breed in BREEDS
    ]


def read_files(files):
    """Read pictures, given as (dog, breed, file)."""
    pixels = [pictures.load(file, SIZE, interpolation="area") for _, _, file in files]
    ids, breeds, _ = zip(*files, strict=True)
    return Pictures(ids, np.array(breeds), np.array(pixels, "float32") / 255)


def choose_validation(pool, seed, split, share):
    """Choose the pictures that validate.

    Every draw has one order of the pictures, and the first of them validate: of each breed, or of
    all. So a larger share takes some more, and exchanges none.

    Args:
        pool: :class:`Pictures`.
        seed: of the draw.
        split: one of :data:`SPLITS`.
        share: percentage that validates.

    Returns:
        bool ``(count,)``.

    Example:
        >>> pool = Pictures(tuple("abcdefgh"), np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.zeros(8))
        >>> choose_validation(pool, 1, "by breed", 50).sum()
        np.int64(4)
    """
    order = np.random.default_rng(seed).permutation(len(pool.ids))
    groups = defaultdict(list)
    for place in order:
        groups[pool.breeds[place] if split == "by breed" else "all"].append(place)
    chosen = np.zeros(len(pool.ids), bool)
    for places in groups.values():
        chosen[places[: round(len(places) * share / 100)]] = True
    return chosen


def train_network(training, seed):
    """Train the lab's small network from scratch on some pictures."""
    keras.utils.set_random_seed(seed)
    network = small_vgg((*SIZE, 3), len(BREEDS), filters=FILTERS, dense=DENSE)
    compile_lab(network, LEARNING_RATE)
    truth = keras.utils.to_categorical(training.breeds, len(BREEDS))
    network.fit(training.pixels, truth, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    return network


def count_right(network, shown):
    """Count the pictures whose breed a network names."""
    return int((network.predict(shown.pixels, verbose=0).argmax(1) == shown.breeds).sum())


def measure(pool, new, seed, split, copies, share):
    """Train on one split; return the row that records it.

    ``validates`` has a sign for each picture of the pool: 1 validates, 0 trains, - is dropped.
    """
    in_play = np.flatnonzero(~pool.is_copy if copies == "dropped" else pool.breeds >= 0)
    chosen = choose_validation(pool[in_play], seed, split, share)
    training, validation = pool[in_play[~chosen]], pool[in_play[chosen]]
    network = train_network(training, seed)
    signs = np.full(len(pool.ids), "-")
    signs[in_play] = np.where(chosen, "1", "0")
    return {
        "split": split,
        "copies": copies,
        "share": share,
        "seed": seed,
        "training": len(training.ids),
        "training_right": count_right(network, training),
        "validation": len(validation.ids),
        "leaked": sum(dog in training.ids for dog in validation.ids),
        "validation_right": count_right(network, validation),
        "new": len(new.ids),
        "new_right": count_right(network, new),
        "validates": "".join(signs),
    }


def describe(pool, words):
    """Say what made the table, as plain data."""
    return {
        "command": command_line(
            ["python", "tools/split_and_leak.py", *map(without_folders, words)]
        ),
        "date": datetime.date.today().isoformat(),
        "labkit": labkit.__version__,
        "machine": describe_machine() | {"accelerator": accelerator()},
        "versions": describe_versions(),
        "network": {
            "size": SIZE,
            "filters": FILTERS,
            "dense": DENSE,
            "batch_size": BATCH_SIZE,
            "epochs": EPOCHS,
            "learning_rate": LEARNING_RATE,
        },
        "breeds": BREEDS,
        "pool": [
            {"dog": dog, "breed": int(breed), "copy": bool(copy)}
            for dog, breed, copy in zip(pool.ids, pool.breeds, pool.is_copy, strict=True)
        ],
    }


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="where to write, without .csv and .json")
    parser.add_argument("--shares", type=int, nargs="+", default=SHARES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pool, new = load_pictures(labkit.fetch("drawn", f"{folder}/dogs"), folder)
    cases = list(product(SPLITS, KEPT, options.shares, options.seeds))
    rows = [
        measure(pool, new, seed, split, copies, share) for split, copies, share, seed in tqdm(cases)
    ]
    with replacing(f"{options.out}.csv") as partial:
        partial.write_text(as_csv([rows[0], *(row.values() for row in rows)]), newline="\n")
    with replacing(f"{options.out}.json") as partial:
        text = json.dumps(describe(pool, sys.argv[1:]), indent=1)
        partial.write_text(f"{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
