"""Train one stage after the other, measure the network that each leaves, and record it all."""

import datetime
import hashlib
import json
import math
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

import labkit
from labkit.dog_breeds.features import FeatureBatches, compute_features, split_at_head
from labkit.dog_breeds.history import CURVES, History
from labkit.dog_breeds.networks import is_base_file
from labkit.dog_breeds.run.facts import (
    describe_cost,
    describe_data,
    describe_network,
    describe_predictions,
    describe_settings,
    measure,
)
from labkit.dog_breeds.run.records import STAGES, Record, refuse_existing, write_record
from labkit.files import replacing, sha256_of
from labkit.machine import accelerator, describe_machine, describe_versions, peak_memory_gb
from labkit.words import require_whole_numbers


@dataclass(frozen=True)
class Plan:
    """What to run, beyond the lab's settings.

    Args:
        stages: some of ``"scratch"``, ``"head"`` and ``"fine_tuning"``.
        seeds: what each repetition starts from, whole numbers, 0 or more.
        preprocessing: as :func:`labkit.pretrained` takes it.
        cached_features: train the head on features of the frozen base that are computed once.
        unfrozen: train the base together with the head from the start, to see why one freezes.

    Raises:
        ValueError: no or unknown stages, fine-tuning of a head that was not trained, no seed, or
            features to cache of a base that is to change.

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
    unfrozen: bool = False

    def __post_init__(self):
        """Refuse a plan that cannot be carried out."""
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown or not self.stages:
            raise ValueError(f"stages={self.stages!r}: name some of {', '.join(STAGES)}.")
        if "fine_tuning" in self.stages and "head" not in self.stages:
            raise ValueError("The stage fine_tuning goes on from head: name both.")
        object.__setattr__(self, "seeds", require_whole_numbers("seeds", self.seeds, least=0))
        if not self.seeds:
            raise ValueError("seeds=() is empty: name at least one.")
        if self.cached_features and "head" not in self.stages:
            raise ValueError("Only the stage head has features to cache: name it, or cache none.")
        if self.cached_features and self.unfrozen:
            raise ValueError("Features of a base that trains change: cache none, or freeze it.")


def run(data, settings, out, plan=None, command="", progress=True, keep=False):
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
        keep: put each trained network beside the record too, a file for each stage and seed that
            :func:`labkit.load` reads.

    Returns:
        The :class:`labkit.dog_breeds.run.Record`.

    Raises:
        FileExistsError: ``out`` exists already.
        ValueError: features are to be cached of pictures that change, or a record cannot hold
            what the settings say; and what :func:`labkit.fetch`, :func:`labkit.pretrained` and
            :func:`labkit.train` raise.

    Example:
        >>> run("drawn", labkit.load_settings("drawn"), ".")
        Traceback (most recent call last):
        ...
        FileExistsError: '.' exists already: give another folder, or remove this one first.
    """
    plan = Plan(seeds=(settings.seed,)) if plan is None else plan
    refuse_existing(out)
    _require_constant_pictures(settings, plan)
    kept = _checkpoints(Path(out).name, data, settings, plan)
    labkit.use_devices(settings.devices)
    labkit.use_mixed_precision(settings.mixed_precision)
    pictures = labkit.fetch(data, settings.directory, progress=progress)
    folders = labkit.reorganise(pictures, settings.sorted_directory, progress=progress)
    if "head" in plan.stages:
        # What it refuses is refused now, and not after the hours that the stage before may take.
        _base(settings, plan)
    networks = _new_folder_beside(Path(out).expanduser()) if keep else None
    rows, stages, features = [], [], []
    for seed in plan.seeds:
        keras.utils.set_random_seed(seed)
        batches = labkit.flow_lab(folders, settings, seed)
        lab = _Lab(settings, plan, seed, kept, progress, *batches)
        for trained in _train(lab, features):
            lab.say("Measuring", trained.stage)
            measured, predicted = measure(*trained.measuring, lab.validation.classes)
            rows += _rows(lab, trained)
            stages.append(_describe_stage(lab, trained) | measured)
            if keep:
                name = f"{trained.stage}_seed_{seed}.keras"
                labkit.save(trained.network, networks / name, lab.breeds)
    facts = {
        "command": command,
        **_describe_run(settings, plan),
        "data": describe_data(data, pictures, lab.training, lab.validation, predicted),
        "stages": stages,
        **describe_predictions(lab.breeds, lab.validation.classes, predicted),
    }
    record = Record(Path(out).name, json.loads(_as_json(facts)), tuple(rows))
    write_record(record, out, networks)
    if kept is not None:
        # Kept on, they would pass for a repetition.
        shutil.rmtree(kept)
    return record


def _new_folder_beside(out):
    """Make an empty folder for networks, under a passing name that a killed run may have left."""
    folder = out.with_name(f".{out.name}.networks")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _require_constant_pictures(settings, plan):
    if plan.cached_features and settings.augmentation:
        raise ValueError(
            "Features can only be cached of pictures that never change, and these are augmented: "
            "add --set augmentation={}, or leave --cached-features out."
        )


def _checkpoints(name, data, settings, plan):
    """Name the folder for all epochs of one run, and of no run that differs from it in anything."""
    facts = [str(data), asdict(settings), asdict(plan), describe_versions(), labkit.__version__]
    # A file may hold another network than when its epochs were kept.
    named = (Path(each or "").expanduser() for each in (settings.base, settings.weights))
    facts += [sha256_of(path) for path in named if path.is_file()]
    which = hashlib.sha256(_as_json(facts).encode()).hexdigest()[:8]
    return settings.checkpoints_for(f"{name}-{which}")


def _as_json(facts):
    return json.dumps(facts, default=_plain)


def _plain(value):
    """Return what NumPy has for numbers as plain ones; refuse what is no data."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ValueError(f"A record cannot hold {value!r}: give the settings numbers and text alone.")


@dataclass(frozen=True)
class _Lab:
    """What every stage from one seed has in common."""

    settings: labkit.Settings
    plan: Plan
    seed: int
    #: The folder of all epochs, or None.
    kept: str | None
    progress: bool
    training: keras.utils.PyDataset
    validation: keras.utils.PyDataset
    training_plain: keras.utils.PyDataset

    @property
    def breeds(self):
        return list(self.training.class_indices)

    @property
    def plain(self):
        """The pictures of training and validation as they are, without augmentation."""
        return self.training_plain, self.validation

    def say(self, what, stage):
        if self.progress:
            print(f"{what} {stage}, seed {self.seed}", file=sys.stderr)

    def train(self, stage, network, model=None, batches=None, measuring=None):
        """Train a network, or the part of it that is given as the model, for one stage."""
        self.say("Training", stage)
        model = network if model is None else model
        epochs = getattr(self.settings, f"{stage}_epochs")
        folder = None if self.kept is None else f"{self.kept}/seed_{self.seed}/{stage}"
        clock = EpochClock(None if folder is None else f"{folder}.json")
        history = labkit.train(
            model,
            *(batches or (self.training, self.validation)),
            epochs,
            folder,
            progress=self.progress,
            callbacks=[clock],
        )
        times = [clock.times.get(epoch, (math.nan, math.nan)) for epoch in range(epochs)]
        return _Trained(stage, network, history, times, (model, *(measuring or self.plain)))


@dataclass(frozen=True)
class _Trained:
    """A network as one stage has left it, and what measures it."""

    stage: str
    network: keras.Model
    history: History
    times: list
    #: The model to measure, and the batches of training and validation, without augmentation.
    measuring: tuple


def _train(lab, features):
    """Train stage after stage; yield the network as each one leaves it."""
    settings, stages = lab.settings, lab.plan.stages
    if "scratch" in stages:
        network = labkit.small_vgg(
            settings.input_shape,
            len(lab.breeds),
            settings.filters,
            settings.dense,
            dropout=settings.dropout,
            batch_normalization=settings.batch_normalization,
        )
        labkit.compile_lab(network, settings.scratch_learning_rate, settings.weight_decay)
        yield lab.train("scratch", network)
    if "head" in stages:
        prepare = labkit.unfreeze if lab.plan.unfrozen else labkit.freeze
        body = _base(settings, lab.plan)
        network = labkit.add_head(body, len(lab.breeds), settings.dense)
        prepare(network, settings.head_learning_rate)
        cached = lab.plan.cached_features
        yield _train_on_features(lab, network, features) if cached else lab.train("head", network)
    if "fine_tuning" in stages:
        labkit.unfreeze(network, settings.fine_tuning_learning_rate)
        yield lab.train("fine_tuning", network)


def _base(settings, plan):
    """Return the base without a head that settings and plan name."""
    return labkit.headless(
        settings.base,
        settings.weights,
        settings.input_shape,
        plan.preprocessing,
        **settings.base_options,
    )


def _train_on_features(lab, network, features):
    """Train the head alone, on features that are computed once and put into the list."""
    settings = lab.settings
    body, head = split_at_head(network)
    # Without weights the base is another one for each seed.
    random = settings.weights is None and not is_base_file(settings.base)
    if not features or random:
        features[:] = [compute_features(body, batches, lab.progress) for batches in lab.plain]
    labkit.compile_lab(head, settings.head_learning_rate)
    shuffled = FeatureBatches(*features[0], settings.batch_size, seed=lab.seed)
    plain = [FeatureBatches(*each, settings.batch_size, shuffle=False) for each in features]
    return lab.train("head", network, head, (shuffled, plain[1]), plain)


def _rows(lab, trained):
    """Return a row of the history for each epoch."""
    curves = {name: trained.history[name] for name in CURVES}
    return [
        {"seed": lab.seed, "stage": trained.stage, "epoch": epoch + 1}
        | {name: round(figures[epoch], 6) for name, figures in curves.items()}
        | {"seconds": round(seconds, 2), "core_seconds": round(core_seconds, 2)}
        for epoch, (seconds, core_seconds) in enumerate(trained.times)
    ]


def _describe_stage(lab, trained):
    return {
        "seed": lab.seed,
        "stage": trained.stage,
        **describe_network(trained.network),
        **describe_cost(trained.times, len(lab.training) * lab.training.batch_size),
    }


def _describe_run(settings, plan):
    return {
        "date": datetime.date.today().isoformat(),
        "labkit": labkit.__version__,
        "machine": describe_machine() | {"accelerator": accelerator()},
        "versions": describe_versions(),
        "settings": describe_settings(settings),
        "preprocessing": plan.preprocessing,
        "cached_features": plan.cached_features,
        "peak_memory_gb": peak_memory_gb(),
    }


class EpochClock(keras.callbacks.Callback):
    """Time every epoch, its validation included, also of a training that is taken up again.

    Args:
        path: JSON file that keeps the times as they come; ``None`` keeps them in memory only.

    Attributes:
        times: dict of the epoch's number, from 0, to ``(seconds, core_seconds)``: by the clock
            on the wall, and as all cores of this process worked them.

    Example:
        >>> clock = EpochClock()
        >>> clock.on_epoch_begin(0); clock.on_epoch_end(0)
        >>> clock.times[0][0] >= 0
        True
    """

    def __init__(self, path=None):
        super().__init__()
        self.path = None if path is None else Path(path).expanduser()
        self.times = {}
        if self.path is not None and self.path.is_file():
            self.times = {epoch: tuple(times) for epoch, times in json.loads(self.path.read_text())}

    def on_epoch_begin(self, epoch, logs=None):
        """Note when the epoch began."""
        self._began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        """Note what the epoch took, on disk too."""
        began, worked = self._began
        self.times[epoch] = (time.perf_counter() - began, time.process_time() - worked)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as partial:
                partial.write_text(json.dumps(list(self.times.items())))
