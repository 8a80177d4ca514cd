"""Train one stage after the other, measure the network that each leaves, and record it all."""

import datetime
import hashlib
import json
import math
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

import labkit
from labkit.dog_breeds.features import FeatureBatches, compute_features, split_at_head
from labkit.dog_breeds.run.epoch_clock import EpochClock
from labkit.dog_breeds.run.facts import describe_data, describe_predictions, describe_settings
from labkit.dog_breeds.run.machine import describe_machine, describe_versions, peak_memory_gb
from labkit.dog_breeds.run.plan import Plan
from labkit.dog_breeds.run.records import Record, refuse_existing, write_record
from labkit.dog_breeds.training import CURVES, History


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
    on after a kill. Another call, with other settings or pictures, begins anew; so does the same
    one once its record is written.

    Args:
        data: where the pictures are, as :func:`labkit.fetch` takes it.
        settings: :class:`labkit.Settings`.
        out: the folder to write; its name is that of the run.
        plan: :class:`Plan`; by default the whole lab, once, from the settings' seed.
        command: what the record shall name as the way to repeat it.
        progress: show bars.

    Returns:
        The :class:`labkit.dog_breeds.run.Record`.

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
    name = Path(out).name
    kept = _checkpoints(name, data, settings, plan)
    rows, stages, features = [], [], None
    for seed in plan.seeds:
        keras.utils.set_random_seed(seed)
        lab = _make_lab(folders, settings, seed)
        for trained in _train(lab, settings, plan, seed, kept, features, progress):
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
        "data": describe_data(data, pictures, lab.training, lab.validation, predicted),
        "settings": describe_settings(settings),
        "preprocessing": plan.preprocessing,
        "cached_features": plan.cached_features,
        "peak_memory_gb": peak_memory_gb(),
        "stages": stages,
        **describe_predictions(lab.breeds, lab.validation.classes, predicted),
    }
    record = Record(name, json.loads(json.dumps(facts)), tuple(rows))
    write_record(record, out)
    if kept is not None:
        # Kept on, they would pass for a repetition.
        shutil.rmtree(kept)
    return record


def _checkpoints(name, data, settings, plan):
    """Name the folder for all epochs of one run, and of no run that differs from it in anything."""
    facts = [str(data), asdict(settings), asdict(plan), describe_versions()]
    which = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8]
    return settings.checkpoints_for(f"{name}-{which}")


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
    history: History
    times: list
    #: The model to measure, and the batches of training and validation, without augmentation.
    measuring: tuple
    features: list | None = None


def _train(lab, settings, plan, seed, kept, features, progress):
    """Train stage after stage; yield the network as each one leaves it."""
    whole = (lab.training_plain, lab.validation)

    def fit(model, stage, epochs, batches=(lab.training, lab.validation)):
        folder = None if kept is None else f"{kept}/seed_{seed}/{stage}"
        clock = EpochClock(None if kept is None else f"{folder}.csv")
        if progress:
            print(f"Training {stage}, seed {seed}", file=sys.stderr)
        history = labkit.train(
            model, *batches, epochs, folder, progress=progress, callbacks=[clock]
        )
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
