"""What makes a training the one it is, so that no other is taken for it.

A training is told from another by its network with the preprocessing inside, by what frozen layers
hold, by its data, its batches with augmentation and seed, its optimizer and its loss, and by the
trainings that the network went through before. How long it trains, its learning rate, its
metrics and its callbacks may change in between.
"""

import functools
import hashlib
import json
import os
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType

import keras
import numpy as np
from keras.src.utils import rng_utils

from labkit.files import sha256_of

#: Of these packages' own functions the name says enough; of others the code is looked at.
_LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy")
#: What says how pictures become batches.
_BATCHES = (
    *("target_size", "color_mode", "interpolation", "class_mode", "batch_size", "shuffle"),
    *("drop_remainder", "image_data_generator"),
)


@dataclass(frozen=True)
class Experiment:
    """Tell one training from another.

    Args:
        parts: dict from the name of what counts, such as ``"the data"``, to a digest of it.
    """

    parts: dict

    @property
    def name(self):
        """Sixteen hexadecimal digits."""
        return digest(self.parts)

    def after(self, stages):
        """Return the same training of a network that went through others before.

        Args:
            stages: sequence of digests; see :func:`outcome`.
        """
        earlier = {"what the network was trained on before": digest(list(stages))}
        return Experiment(self.parts | earlier)

    def differs_in(self, parts):
        """List what tells this training from another (list of str).

        Args:
            parts: those of the other.
        """
        return [name for name in self.parts | parts if parts.get(name) != self.parts.get(name)]


def describe_experiment(model, batches, validation_batches=None, class_weight=None):
    """Describe a training.

    Args:
        model: the compiled Keras model about to be trained.
        batches: the training batches. Of others than those of ``flow_from_directory`` only kind
            and length are known.
        validation_batches: likewise, or ``None``.
        class_weight: as :func:`labkit.train` takes it.

    Returns:
        An :class:`Experiment`.
    """
    compiled = model._compile_config.config
    loss = [compiled["loss"], compiled["loss_weights"], class_weight]
    both = batches, validation_batches
    seed = getattr(rng_utils, "get_random_seed", lambda: None)()
    parts = {
        "the network": _describe_network(model),
        "the weights of its frozen layers": _digest_frozen(model),
        "the data": [_describe_data(each) for each in both],
        "the batches": [_describe_batches(each) for each in both],
        "the optimizer": _describe_optimizer(model.optimizer),
        "the loss": loss,
        "the random seed": seed,
    }
    return Experiment({name: digest(part) for name, part in parts.items()})


def outcome(experiment, history):
    """Return a digest of a training and its curves, which tell its learning rates and epochs.

    Args:
        experiment: :class:`Experiment`.
        history: :class:`labkit.dog_breeds.history.History`.
    """
    return digest([experiment.name, history.curves])


def digest(value):
    """Return sixteen hexadecimal digits that tell a value from others (str).

    Args:
        value: whatever settings are made of: numbers, text, arrays, containers, functions,
            data classes, Keras' objects. Of other objects only the class counts.

    Example:
        >>> digest({"b": 1, "a": (2, 3)}) == digest({"a": [2, 3], "b": 1})
        True
    """
    text = json.dumps(_plain(value), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value):
    """Return a value as JSON takes it, without what differs from run to run."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, os.PathLike | bytes):
        return str(value)
    return [_name_of(value), *_plain(_made_of(value))]


def _made_of(value):
    """Return what tells an object from another of its kind, as a list."""
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, FunctionType):
        cells = [_contents(cell) for cell in value.__closure__ or ()]
        made_of = [value.__code__, value.__defaults__, value.__kwdefaults__, cells]
        return made_of if _is_own(value) else []
    if isinstance(value, CodeType):
        return [value.co_code.hex(), value.co_consts, value.co_names]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, entry.name) for entry in fields(value)]
    if isinstance(value, type):
        return []
    return [value.get_config()] if hasattr(value, "get_config") else []


def _contents(cell):
    """Return what a function's outer variable holds; of functions, such as itself, the code."""
    try:
        held = cell.cell_contents
    except ValueError:  # not yet anything
        return None
    return held.__code__ if isinstance(held, FunctionType) else held


def _is_own(value):
    """Say whether a function or a class is the user's own, rather than a library's."""
    return value.__module__.split(".")[0] not in _LIBRARIES


def _name_of(value):
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _describe_network(model):
    layers = [model, *_leaves(model)]
    # What the user's own layers compute no configuration says, so their code is looked at.
    own = [[_name_of(type(each)), type(each).call] for each in layers if _is_own(type(each))]
    try:
        config = _plain(model.get_config())
    except NotImplementedError:
        return [own, [[_name_of(type(each)), _shapes(each.weights)] for each in layers]]
    config.pop("name", None)
    # Keras numbers names anew in each process, as conv2d_3.
    numbers = {name: f"#{number}" for number, name in enumerate(dict.fromkeys(_names(config)))}
    return [own, _renamed(config, numbers), _shapes(model.trainable_weights)]


def _shapes(weights):
    return [list(weight.shape) for weight in weights]


def _names(config):
    """Yield the names of layers, wherever they stand in a network's configuration."""
    if isinstance(config, list):
        for entry in config:
            yield from _names(entry)
    elif isinstance(config, dict):
        inner = config.get("config")
        is_layer = isinstance(inner, dict) and "DTypePolicy" not in str(config.get("class_name"))
        if is_layer and "name" in inner:
            yield inner["name"]
        for entry in config.values():
            yield from _names(entry)


def _renamed(config, names):
    if isinstance(config, list):
        return [_renamed(entry, names) for entry in config]
    if isinstance(config, dict):
        return {key: _renamed(entry, names) for key, entry in config.items()}
    return names.get(config, config) if isinstance(config, str) else config


def _leaves(model):
    """Yield the layers that have no layers inside."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer


def _digest_frozen(model):
    """Return a digest of the weights that training does not change."""
    found = hashlib.sha256()
    for layer in _leaves(model):
        averages = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        if not (layer.trainable_weights or averages):
            for weight in layer.weights:
                found.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)))
    return found.hexdigest()


def _describe_optimizer(optimizer):
    return [_name_of(optimizer), _without_rate(_plain(optimizer.get_config()))]


def _without_rate(config):
    """Leave out a learning rate that is a number; a schedule counts."""
    if not isinstance(config, dict):
        return config
    return {
        key: _without_rate(value)
        for key, value in config.items()
        if key != "name" and not (key == "learning_rate" and not isinstance(value, dict))
    }


def _describe_data(batches):
    if not hasattr(batches, "filepaths"):
        return _kind(batches)
    sizes = [Path(path).stat().st_size for path in batches.filepaths]
    # Of each class one picture whole: uncompressed ones are all of one size.
    samples = dict(zip(batches.classes.tolist(), batches.filepaths, strict=True))
    contents = {label: sha256_of(path) for label, path in samples.items()}
    return [batches.class_indices, batches.filenames, sizes, contents]


def _kind(batches):
    try:
        return [_name_of(batches), len(batches)]
    except TypeError:  # such as a generator, or nothing
        return [_name_of(batches)]


def _describe_batches(batches):
    facts = [getattr(batches, name, None) for name in _BATCHES]
    # A seed that nobody gave is another each time, and means that none is as good as the other.
    return [facts, batches.seed if getattr(batches, "seeded", False) else None]
