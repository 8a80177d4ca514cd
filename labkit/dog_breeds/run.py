"""Run the lab's training without a notebook, and record what came out and what it cost.

python -m labkit.dog_breeds.run --data kaggle --setting photographs --out results/mine
"""

import argparse
import ast
import datetime
import hashlib
import json
import math
import os
import shlex
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import labkit
from labkit.dog_breeds.epoch_clock import EpochClock
from labkit.dog_breeds.features import FeatureBatches, compute_features, split_at_head
from labkit.dog_breeds.machine import describe_machine, describe_versions, peak_memory_gb
from labkit.dog_breeds.records import (
    CURVES,
    STAGES,
    Record,
    read_record,
    refuse_existing,
    write_record,
)

_EXAMPLES = """examples:
  python -m labkit.dog_breeds.run --out results/drawn
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/vgg16
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/mobilenet \\
      --stages head fine_tuning --set base=mobilenet --set "base_options={'alpha': 0.75}" \\
      --set weights=mobilenet_0.75_224_notop.weights.h5
  python -m labkit.dog_breeds.run --data dogs.zip --setting photographs --out results/plain \\
      --stages head --set base=mobilenet --set "augmentation={}" --cached-features --seeds 1 2 3
"""
_CONFUSIONS = 20


@dataclass(frozen=True)
class Plan:
    """What to run, beyond the lab's settings.

    Args:
        stages: some of ``"scratch"``, ``"head"`` and ``"fine_tuning"``.
        seeds: what each repetition starts from.
        preprocessing: as :func:`labkit.pretrained` takes it.
        cached_features: train the head on features of the frozen base that are computed once.

    Raises:
        ValueError: no or unknown stages, fine-tuning of a head that was not trained, or no seed.

    Example:
        >>> Plan(("fine_tuning",), (1,))
        Traceback (most recent call last):
        ...
        ValueError: The stage fine_tuning goes on from head: name both.
    """

    stages: tuple[str, ...] = STAGES
    seeds: tuple[int, ...] = (2021,)
    preprocessing: str = "own"
    cached_features: bool = False

    def __post_init__(self):
        """Refuse a plan that cannot be carried out."""
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown or not self.stages:
            raise ValueError(f"stages={self.stages!r}: name some of {', '.join(STAGES)}.")
        if "fine_tuning" in self.stages and "head" not in self.stages:
            raise ValueError("The stage fine_tuning goes on from head: name both.")
        if not self.seeds:
            raise ValueError("seeds=() is empty: name at least one.")
        if self.cached_features and "head" not in self.stages:
            raise ValueError("Only the stage head has features to cache: name it, or cache none.")


@dataclass(frozen=True)
class _Lab:
    """The pictures, as training and measuring take them."""

    training: keras.utils.PyDataset
    training_plain: keras.utils.PyDataset
    validation: keras.utils.PyDataset

    @property
    def breeds(self):
        return list(self.training.class_indices)


def run(data, settings, out, plan=None, command="", progress=True):
    """Train what a plan says, measure it, and write the record.

    Training keeps its epochs in ``settings.checkpoints``, if that is a folder: the same call goes
    on after a kill.

    Args:
        data: where the pictures are, as :func:`labkit.fetch` takes it.
        settings: :class:`labkit.Settings`.
        out: the folder to write; its name is that of the run.
        plan: :class:`Plan`; by default the whole lab, once, from the settings' seed.
        command: what the record shall name as the way to repeat it.
        progress: show bars.

    Returns:
        The :class:`labkit.dog_breeds.records.Record`.

    Raises:
        FileExistsError: ``out`` exists already.
        ValueError: features are to be cached of pictures that change; and what
            :func:`labkit.fetch`, :func:`labkit.pretrained` and :func:`labkit.train` raise.

    Example:
        >>> run("drawn", labkit.load_settings("drawn"), ".")
        Traceback (most recent call last):
        ...
        FileExistsError: '.' exists already: give another folder, or remove this one first.
    """
    plan = Plan(seeds=(settings.seed,)) if plan is None else plan
    refuse_existing(out)
    if plan.cached_features and settings.augmentation:
        raise ValueError(
            "Features can only be cached of pictures that never change, and these are augmented: "
            "add --set augmentation={}, or leave --cached-features out."
        )
    labkit.use_devices(settings.devices)
    labkit.use_mixed_precision(settings.mixed_precision)
    pictures = labkit.fetch(data, settings.directory, progress=progress)
    folders = labkit.reorganise(pictures, progress=progress)
    rows, stages, features = [], [], None
    for seed in plan.seeds:
        keras.utils.set_random_seed(seed)
        lab = _make_lab(folders, settings, seed)
        name = Path(out).name
        for trained in _train(lab, settings, plan, seed, name, features, progress):
            if progress:
                print(f"Measuring {trained.stage}, seed {seed}", file=sys.stderr)
            measured, predicted = _measure(trained, lab.validation.classes)
            features = trained.features
            rows += _rows(seed, trained)
            stages.append(
                {"seed": seed, "stage": trained.stage}
                | _sizes(trained.network)
                | measured
                | _cost(trained.times, lab)
            )
    facts = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "labkit": labkit.__version__,
        "machine": describe_machine(),
        "versions": describe_versions(),
        "data": _describe_data(data, pictures, lab, predicted),
        "settings": _describe_settings(settings),
        "preprocessing": plan.preprocessing,
        "cached_features": plan.cached_features,
        "peak_memory_gb": peak_memory_gb(),
        "stages": stages,
        **_describe_predictions(lab, predicted),
    }
    record = Record(Path(out).name, json.loads(json.dumps(facts)), tuple(rows))
    write_record(record, out)
    return record


def _make_lab(folders, settings, seed):
    """Make the batches as the notebook does."""
    flow = {"target_size": settings.target_size, "batch_size": settings.batch_size}
    plain = labkit.ImageDataGenerator(rescale=1 / 255)
    augmented = labkit.ImageDataGenerator(rescale=1 / 255, **settings.augmentation)
    return _Lab(
        augmented.flow_from_directory(folders.train_sorted, seed=seed, drop_remainder=True, **flow),
        plain.flow_from_directory(folders.train_sorted, shuffle=False, **flow),
        plain.flow_from_directory(folders.val_sorted, shuffle=False, **flow),
    )


@dataclass(frozen=True)
class _Trained:
    """A network as one stage has left it, and what measures it."""

    stage: str
    network: keras.Model
    history: labkit.dog_breeds.training.History
    times: list
    #: The model to measure, and the batches of training and validation, without augmentation.
    measuring: tuple
    features: list | None = None


def _train(lab, settings, plan, seed, name, features, progress):
    """Train stage after stage; yield the network as each one leaves it."""
    whole = (lab.training_plain, lab.validation)

    def fit(model, stage, epochs, batches=(lab.training, lab.validation)):
        kept = settings.checkpoints_for(f"{name}/seed_{seed}/{stage}")
        clock = EpochClock(None if kept is None else f"{kept}.csv")
        if progress:
            print(f"Training {stage}, seed {seed}", file=sys.stderr)
        history = labkit.train(model, *batches, epochs, kept, progress=progress, callbacks=[clock])
        return history, [clock.times.get(number, (math.nan,) * 2) for number in range(epochs)]

    if "scratch" in plan.stages:
        network = labkit.small_vgg(
            settings.input_shape, len(lab.breeds), settings.filters, settings.dense
        )
        labkit.compile_lab(network, settings.scratch_learning_rate)
        fitted = fit(network, "scratch", settings.scratch_epochs)
        yield _Trained("scratch", network, *fitted, (network, *whole))
    if "head" not in plan.stages:
        return
    network = labkit.pretrained(
        settings.base,
        settings.weights,
        len(lab.breeds),
        settings.input_shape,
        settings.dense,
        plan.preprocessing,
        **settings.base_options,
    )
    labkit.freeze(network, settings.head_learning_rate)
    if plan.cached_features:
        body, head = split_at_head(network)
        features = features or [compute_features(body, batches, progress) for batches in whole]
        labkit.compile_lab(head, settings.head_learning_rate)
        shuffled = FeatureBatches(*features[0], settings.batch_size, seed=seed)
        plain = [FeatureBatches(*each, settings.batch_size, shuffle=False) for each in features]
        fitted = fit(head, "head", settings.head_epochs, (shuffled, plain[1]))
        yield _Trained("head", network, *fitted, (head, *plain), features)
    else:
        fitted = fit(network, "head", settings.head_epochs)
        yield _Trained("head", network, *fitted, (network, *whole))
    if "fine_tuning" in plan.stages:
        labkit.unfreeze(network, settings.fine_tuning_learning_rate)
        fitted = fit(network, "fine_tuning", settings.fine_tuning_epochs)
        yield _Trained("fine_tuning", network, *fitted, (network, *whole), features)


def _measure(trained, truth):
    """Measure the finished network on all pictures as they are; also return what it predicts."""
    model, training, validation = trained.measuring
    training_loss, training_accuracy = labkit.evaluate(model, training)
    validation_loss, validation_accuracy = labkit.evaluate(model, validation)
    predicted = model.predict(validation, verbose=0)
    return {
        "training_loss": training_loss,
        "training_accuracy": training_accuracy,
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "validation_top5_accuracy": top_accuracy(predicted, truth, 5),
    }, predicted.argmax(axis=1)


def top_accuracy(probabilities, truth, k):
    """Measure how often the true breed is among the k likeliest.

    Args:
        probabilities: float ``(pictures, breeds)``.
        truth: int ``(pictures,)``, the index of each picture's breed.
        k: how many guesses count, a positive integer.

    Returns:
        A float between 0 and 1.

    Example:
        >>> top_accuracy(np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), np.array([2, 1]), 2)
        0.5
    """
    likeliest = np.argsort(probabilities, axis=1)[:, -k:]
    return float((likeliest == truth[:, None]).any(axis=1).mean())


def _rows(seed, trained):
    """Return a row of the history for each epoch."""
    curves = zip(*(getattr(trained.history, name) for name in CURVES), strict=True)
    return [
        {"seed": seed, "stage": trained.stage, "epoch": number}
        | dict(zip(CURVES, (round(figure, 6) for figure in figures), strict=True))
        | {"seconds": round(seconds, 2), "core_seconds": round(core_seconds, 2)}
        for number, (figures, (seconds, core_seconds)) in enumerate(
            zip(curves, trained.times, strict=True), start=1
        )
    ]


def _sizes(network):
    """Say what the network is and how much of it trains."""
    return {
        "network": network.name,
        "parameters": network.count_params(),
        "trained_parameters": sum(math.prod(w.shape) for w in network.trainable_weights),
    }


def _cost(times, lab):
    """Return what a stage took: time by the wall and of all cores, and its usual speed."""
    seconds, core_seconds = (np.array(column) for column in zip(*times, strict=True))
    shown = len(lab.training) * lab.training.batch_size
    return {
        "seconds": round(float(seconds.sum()), 1),
        "core_seconds": round(float(core_seconds.sum()), 1),
        "pictures_per_second": round(shown / float(np.median(seconds)), 1),
    }


def _describe_settings(settings):
    """Return the settings as they were, folders left out: those are the machine's own."""
    kept = asdict(settings)
    for name in ("source", "directory", "checkpoints"):
        del kept[name]
    return kept | {"weights": settings.weights and _without_folders(settings.weights)}


def _describe_data(data, pictures, lab, predicted):
    """Say which pictures these are, and what is wrong with them."""
    path = Path(data).expanduser()
    labels = labkit.dog_breeds.sources.read_labels(pictures)
    return {
        "archive": _without_folders(str(data)),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        "pictures": len(labels),
        "breeds": len(lab.breeds),
        "training": lab.training.samples,
        "validation": lab.validation.samples,
        "flaws": _describe_flaws(pictures, lab, predicted),
    }


def _describe_flaws(pictures, lab, predicted):
    """Count pictures that are there twice, and list those that validate and train."""
    found = labkit.duplicates(pictures, by="appearance")
    validating = {Path(name).stem: row for row, name in enumerate(lab.validation.filenames)}
    across = []
    for copies in found:
        labelled = dict(zip(copies.ids, copies.breeds, strict=True))
        trained = {breed for name, breed in labelled.items() if name not in validating}
        across += [
            {
                "validation": name,
                "breed": breed,
                "breeds_in_training": sorted(trained),
                "predicted": lab.breeds[predicted[validating[name]]],
            }
            for name, breed in labelled.items()
            if trained and name in validating
        ]
    return {
        "copies": len(found),
        "contradictory": len(found.contradictions),
        "across_the_split": across,
    }


def _describe_predictions(lab, predicted):
    """Return what the last network confuses most, and how well it knows each breed."""
    truth = lab.validation.classes
    breeds = np.array(lab.breeds)
    wrong = predicted != truth
    pairs = Counter(zip(breeds[truth[wrong]], breeds[predicted[wrong]], strict=True))
    return {
        "confusions": [
            {"breed": str(breed), "taken_for": str(other), "pictures": number}
            for (breed, other), number in pairs.most_common(_CONFUSIONS)
        ],
        "breed_accuracies": {
            str(breed): round(float((predicted[truth == index] == index).mean()), 4)
            for index, breed in enumerate(breeds)
        },
    }


def _without_folders(word):
    """Strip the folders from a path, also behind ``name=``; leave other words and addresses."""
    name, equals, value = word.rpartition("=")
    if "://" in value or not any(separator in value for separator in ("/", os.sep)):
        return word
    return f"{name}{equals}{Path(value).name}"


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of words after the command's name; default: those of the process.

    Returns:
        The exit code: 0, or 2 if the request cannot be met.

    Example:
        >>> main(["--out", "."])
        2
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(words)
    command = f"python -m labkit.dog_breeds.run {shlex.join(map(_without_folders, words))}"
    try:
        settings = _settings_of(options)
        plan = Plan(
            tuple(options.stages),
            tuple(options.seeds or [settings.seed]),
            options.preprocessing,
            options.cached_features,
        )
        data = settings.source if options.data is None else options.data
        before = None if options.compare is None else read_record(options.compare)
        record = run(data, settings, options.out, plan, command)
    except (ValueError, OSError, MemoryError, ImportError) as problem:
        print(f"run: {problem}", file=sys.stderr)
        return 2
    print(summary(record, before))
    print(f"Recorded in {options.out}.")
    return 0


def summary(record, before=None):
    """Write what a run reached as a table, beside an earlier run if there is one.

    Args:
        record: a :class:`labkit.dog_breeds.records.Record`.
        before: another to compare with, or ``None``.

    Returns:
        Lines of text: accuracies of the finished networks, and minutes.
    """
    columns = ["stage", "seed", "training", "validation", "top 5", "minutes"]
    lines = ["".join(f"{name:>13}" for name in columns + ["before"] * (before is not None))]
    for stage in record.facts["stages"]:
        figures = [f"{stage[f'{n}_accuracy']:.3f}" for n in ("training", "validation")]
        figures += [f"{stage['validation_top5_accuracy']:.3f}", f"{stage['seconds'] / 60:.1f}"]
        if before is not None:
            same = [
                s["validation_accuracy"]
                for s in before.facts["stages"]
                if (s["stage"], s["seed"]) == (stage["stage"], stage["seed"])
            ]
            figures.append(f"{same[0]:.3f}" if same else "–")
        cells = [stage["stage"], str(stage["seed"]), *figures]
        lines.append("".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


def _settings_of(options):
    """Return the lab's settings with the changes that the command line asks for."""
    changes = dict(map(_parse_change, options.set))
    if options.directory is not None:
        changes["directory"] = options.directory
    return labkit.load_settings(options.setting).replace(**changes)


def _parse_change(text):
    """Turn ``NAME=VALUE`` into a pair; the value is a Python literal or else text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text} has no '=': write --set NAME=VALUE, e.g. batch_size=16.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m labkit.dog_breeds.run",
        description="Run the training of lab 1 and record what came out and what it cost. A run "
        "that was interrupted goes on when it is called again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="folder to write the record into; a new one")
    parser.add_argument(
        "--data", help="archive, folder or source of the pictures, as fetch takes it"
    )
    parser.add_argument(
        "--setting", help="drawn or photographs (default: LABKIT_SETTINGS, or drawn)"
    )
    parser.add_argument("--stages", nargs="+", default=STAGES, metavar="STAGE", choices=STAGES)
    parser.add_argument("--seeds", nargs="+", type=int, metavar="N", help="one repetition for each")
    parser.add_argument("--preprocessing", default="own", choices=("own", "none"))
    parser.add_argument(
        "--cached-features",
        action="store_true",
        help="compute the frozen base's features once; for pictures without augmentation",
    )
    parser.add_argument("--directory", help="folder that receives the pictures")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one of the settings; may be repeated",
    )
    parser.add_argument("--compare", metavar="RECORD", help="an earlier record to print beside")
    return parser


if __name__ == "__main__":
    sys.exit(main())
