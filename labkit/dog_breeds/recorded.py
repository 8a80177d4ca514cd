"""Trainings that are too long for a lab: their curves, which come with the package."""

from dataclasses import dataclass

from labkit.dog_breeds.history import CURVES, History
from labkit.dog_breeds.packaged import packaged_rows
from labkit.words import did_you_mean, listed

RECORDED = "recorded_runs.csv"
#: What a row says of the network that a whole stage has left.
REACHED = ("training_accuracy", "validation_accuracy")


@dataclass(frozen=True)
class Recorded:
    """Hold one stage of a recorded run, which was repeated from several seeds.

    Args:
        seeds: what each repetition started from (tuple of int), and so the others.
        histories: tuple of :class:`labkit.dog_breeds.history.History`.
        training: accuracies of the finished networks on training pictures as they are.
        validation: likewise on validation pictures.
        pictures: how many pictures validated.

    Example:
        >>> from labkit import recorded
        >>> recorded("fine_tuned", "head").seeds
        (2021,)
    """

    seeds: tuple[int, ...]
    histories: tuple[History, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    pictures: int


def recorded(run, stage):
    """Look up a training that ``python -m labkit.dog_breeds.run`` has recorded.

    Args:
        run: its name: a folder of ``book/results``.
        stage: ``"scratch"``, ``"head"`` or ``"fine_tuning"``.

    Returns:
        :class:`Recorded`.

    Raises:
        ValueError: there is no such run, or it has no such stage.

    Example:
        >>> found = recorded("fine_tuned", "head")
        >>> found.pictures, len(found.histories[0])
        (2095, 10)
    """
    rows = packaged_rows(RECORDED)
    runs = dict.fromkeys(row["run"] for row in rows)
    if run not in runs:
        raise ValueError(f"No run {run!r} is recorded{did_you_mean(run, runs)}: {', '.join(runs)}.")
    rows = [row for row in rows if row["run"] == run]
    stages = dict.fromkeys(row["stage"] for row in rows)
    if stage not in stages:
        raise ValueError(f"The run {run!r} has no stage {stage!r}, but {listed(list(stages))}.")
    by_seed = {}
    for row in rows:
        if row["stage"] == stage:
            by_seed.setdefault(int(row["seed"]), []).append(row)
    last = [each[-1] for each in by_seed.values()]
    return Recorded(
        tuple(by_seed),
        tuple(map(_history, by_seed.values())),
        *(tuple(float(row[name]) for row in last) for name in REACHED),
        int(last[0]["validation_pictures"]),
    )


def _history(rows):
    return History(*(tuple(float(row[name]) for row in rows) for name in CURVES))
