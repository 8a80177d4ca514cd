"""Records of whole runs: what was trained on what, how it went, and what it cost.

A record is a folder with two small text files, written together or not at all:
``history.csv``, a row for each epoch, and ``facts.json``, all the rest. Both carry a checksum, so
that a figure that was changed by hand does not pass for one that was measured.
"""

import csv
import hashlib
import io
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from labkit.dog_breeds.history import CURVES, History
from labkit.files import errors_in_a_sentence
from labkit.tables import as_csv

HISTORY = "history.csv"
FACTS = "facts.json"
STAGES = ("scratch", "head", "fine_tuning")

# What a record must say, and of which kind. A figure that is added later is ``float | None``:
# records of before lack it, and stay valid.
COLUMNS = {
    "seed": int,
    "stage": str,
    "epoch": int,
    "loss": float,
    "accuracy": float,
    "val_loss": float,
    "val_accuracy": float,
    "seconds": float,
    "core_seconds": float,
}
#: A dict asks for these keys inside.
_FACTS = {
    "command": str,
    "date": str,
    "labkit": str,
    "machine": {
        "cores": int,
        "processor": str,
        "memory_gb": int | float,
        "system": str,
        "accelerator": str,
    },
    "versions": {"python": str, "keras": str, "backend": str, "numpy": str, "opencv": str},
    "data": {
        "archive": str,
        "sha256": str,
        "pictures": int,
        "breeds": int,
        "training": int,
        "validation": int,
        "flaws": {"copies": int, "contradictory": int, "across_the_split": list},
    },
    "settings": {"name": str, "target_size": list, "augmentation": dict, "batch_size": int},
    "preprocessing": str,
    "cached_features": bool,
    "peak_memory_gb": int | float,
    "stages": list,
    "confusions": list,
    "breed_accuracies": dict,
}
_STAGE = {
    "seed": int,
    "stage": str,
    "network": str,
    "parameters": int,
    "trained_parameters": int,
    "training_loss": float,
    "training_accuracy": float,
    "validation_loss": float,
    "validation_accuracy": float,
    "validation_top5_accuracy": float,
    "seconds": float,
    "core_seconds": float,
    "pictures_per_second": float,
}


@dataclass(frozen=True)
class Record:
    """One run as it was recorded.

    Args:
        name: what the run is called: the name of its folder.
        facts: dict of what ``facts.json`` says, its checksum left out.
        rows: tuple of dicts with the :data:`COLUMNS`, one for each epoch.

    Raises:
        ValueError: a fact is missing or of another kind, or the rows do not fit the stages.
    """

    name: str
    facts: dict
    rows: tuple[dict, ...]

    def __post_init__(self):
        """Refuse a record that is not complete."""
        _require(self.facts, _FACTS, self.name)
        trained = {(row["seed"], row["stage"]) for row in self.rows}
        for stage in self.facts["stages"]:
            _require(stage, _STAGE, f"{self.name}, a stage")
            if stage["stage"] not in STAGES:
                raise ValueError(
                    f"The record {self.name!r} has a stage {stage['stage']!r}; there are "
                    f"{', '.join(STAGES)}."
                )
        told = {(stage["seed"], stage["stage"]) for stage in self.facts["stages"]}
        if not told or told != trained:
            raise ValueError(
                f"The record {self.name!r} has facts of the stages {sorted(told)} and epochs of "
                f"{sorted(trained)}: run it again."
            )

    @property
    def seeds(self):
        """Seeds of the run, as a tuple."""
        return tuple(dict.fromkeys(stage["seed"] for stage in self.facts["stages"]))

    def history(self, stage, seed=None):
        """Return the curves of one stage.

        Args:
            stage: ``"scratch"``, ``"head"`` or ``"fine_tuning"``.
            seed: which repetition; ``None``: the first.

        Returns:
            A :class:`labkit.dog_breeds.training.History`.

        Raises:
            ValueError: the run has no such stage or seed.
        """
        rows = self._rows(stage, seed)
        return History.from_curves({name: [row[name] for row in rows] for name in CURVES})

    def seconds(self, stage, seed=None):
        """Return the seconds that each epoch of a stage took, validation included, as a tuple."""
        return tuple(row["seconds"] for row in self._rows(stage, seed))

    def result(self, stage, seed=None):
        """Return what the finished stage reached and cost: a dict of ``facts["stages"]``."""
        wanted = (self._rows(stage, seed)[0]["seed"], stage)
        return next(s for s in self.facts["stages"] if (s["seed"], s["stage"]) == wanted)

    def _rows(self, stage, seed):
        wanted = (self.seeds[0] if seed is None else seed, stage)
        rows = [row for row in self.rows if (row["seed"], row["stage"]) == wanted]
        if not rows:
            there = sorted({(row["seed"], row["stage"]) for row in self.rows})
            raise ValueError(
                f"The record {self.name!r} has no stage {stage!r} with seed {wanted[0]}; it has "
                f"{', '.join(f'{name} with {number}' for number, name in there)}."
            )
        return rows


def write_record(record, folder, networks=None):
    """Write a record into a new folder, whole or not at all.

    Args:
        record: the :class:`Record`.
        folder: the folder to make (str or path).
        networks: a folder on the same disk whose files are to lie beside the record; it goes.
            ``None``: none.

    Returns:
        The folder's path.

    Raises:
        FileExistsError: there is something of that name already; it is left alone.
        OSError: the folder cannot be written.

    Example:
        >>> write_record(None, ".")
        Traceback (most recent call last):
        ...
        FileExistsError: '.' exists already: give another folder, or remove this one first.
    """
    folder = Path(folder).expanduser()
    refuse_existing(folder)
    history = _as_csv(record.rows)
    facts = record.facts | {"sha256": _checksum(record.facts, history)}
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    advice = "make room there and run again, which trains no epoch again that was kept"
    with errors_in_a_sentence(f"The record {folder} cannot be written", advice):
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / HISTORY).write_text(history, newline="")
        (partial / FACTS).write_text(text, "utf-8")
        if networks is not None:
            for file in list(networks.iterdir()):
                os.rename(file, partial / file.name)
            networks.rmdir()
        os.rename(partial, folder)
    return folder


def refuse_existing(folder):
    """Raise FileExistsError if there is something where a record is to be written."""
    if Path(folder).expanduser().exists():
        raise FileExistsError(
            f"{str(folder)!r} exists already: give another folder, or remove this one first."
        )


def read_record(folder):
    """Read a record, and refuse one that is incomplete or was changed by hand.

    Args:
        folder: the folder of the record (str or path).

    Returns:
        A :class:`Record`.

    Raises:
        FileNotFoundError: one of the two files is not there.
        ValueError: a fact is missing, a row is damaged, or the checksum does not fit.

    Example:
        >>> read_record("no_such_run")
        Traceback (most recent call last):
        ...
        FileNotFoundError: 'no_such_run' holds no facts.json and history.csv, so it is no record...
    """
    folder = Path(folder).expanduser()
    if not all((folder / name).is_file() for name in (FACTS, HISTORY)):
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {FACTS} and {HISTORY}, so it is no record; "
            "python -m labkit.dog_breeds.run writes one."
        )
    history = (folder / HISTORY).read_bytes().decode("utf-8")
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        rows = tuple(map(_parse, csv.DictReader(io.StringIO(history, newline=""))))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The record {folder.name!r} is damaged ({error}); run it again."
        ) from None
    _require(facts, {"sha256": str}, folder.name)
    told = facts.pop("sha256")
    record = Record(folder.name, facts, rows)
    if told != _checksum(facts, history):
        raise ValueError(
            f"The record {folder.name!r} was changed after it was written: its checksum does not "
            "fit. Run it again."
        )
    return record


def _checksum(facts, history):
    """Return the SHA-256 of both files' contents as 64 hexadecimal digits."""
    text = json.dumps(facts, sort_keys=True) + history
    return hashlib.sha256(text.encode()).hexdigest()


def _as_csv(rows):
    return as_csv([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)])


def _parse(row):
    """Turn a row of text into numbers; raise KeyError, TypeError or ValueError if it is none."""
    return {name: _parse_figure(kind, row.get(name)) for name, kind in COLUMNS.items()}


def _parse_figure(kind, text):
    if not text:
        if isinstance(None, kind):
            return None
        raise ValueError("a figure is missing")
    # Of a kind such as ``float | None``, the part that is not None.
    plain, *_ = get_args(kind) or (kind,)
    return plain(text)


def _require(found, wanted, where):
    """Raise ValueError unless ``found`` has all that ``wanted`` names, each of its kind."""
    for name, kind in wanted.items():
        group = isinstance(kind, dict)
        optional = not group and isinstance(None, kind)
        if not isinstance(found, dict) or not (name in found or optional):
            raise ValueError(f"The record {where!r} lacks {name!r}; run it again.")
        value = found.get(name)
        if group:
            _require(value, kind, f"{where}, {name}")
        elif not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(
                f"The record {where!r} has {name}={value!r}, which is no "
                f"{getattr(kind, '__name__', 'number')}; run it again."
            )
