"""What differs between the drawn dogs and the photographs, and nothing else."""

import dataclasses
import os
from dataclasses import dataclass, field
from functools import partial

from labkit.tables import as_text
from labkit.words import did_you_mean, is_number, require, require_whole, require_whole_numbers

VARIABLE = "LABKIT_SETTINGS"


def _text(name, value):
    require(isinstance(value, str | os.PathLike), name, value, "text or a path")
    return os.fspath(value)


def _text_or_none(name, value):
    return None if value is None else _text(name, value)


def _flag(name, value):
    require(isinstance(value, bool), name, value, "True or False")
    return value


def _options(name, value, of_the_lab=()):
    """Check a dict of options, among which those are not that the lab itself gives."""
    fits = isinstance(value, dict) and all(isinstance(option, str) for option in value)
    require(fits, name, value, "a dict from an option's name to its value")
    if taken := sorted(set(of_the_lab) & set(value)):
        raise ValueError(f"{name} must not have {taken[0]!r}, which the lab gives itself.")
    return value


def _augmentation(name, value):
    """Check what only the generator knows: the names of its options and their values."""
    from labkit.dog_breeds.batches.generator import ImageDataGenerator

    options = [option.name for option in dataclasses.fields(ImageDataGenerator)]
    if unknown := sorted(map(str, set(_options(name, value, ("rescale",))) - set(options))):
        raise ValueError(
            f"{name} has no option {unknown[0]!r}{did_you_mean(unknown[0], options)}; see "
            f"labkit.ImageDataGenerator for those that there are."
        )
    ImageDataGenerator(**value)
    return value


def _above_zero(name, value):
    require(is_number(value) and value > 0, name, value, "a number above 0")
    return float(value)


def _zero_or_more(name, value):
    require(is_number(value, 0), name, value, "a number, 0 or more")
    return float(value)


#: One check for each type of a setting; each returns the value.
_CHECKS = {
    str: _text,
    str | None: _text_or_none,
    bool: _flag,
    dict: _options,
    float: _above_zero,
    int: require_whole,
    tuple[int, int]: partial(require_whole_numbers, number=2),
    tuple[int, ...]: require_whole_numbers,
}
#: What the lab tells labkit.pretrained beside the base's own options.
_OF_PRETRAINED = ("base", "weights", "classes", "input_shape", "dense", "preprocessing")
#: Settings that want another check than their type's.
_CHECKS_BY_NAME = {
    "augmentation": _augmentation,
    "base_options": partial(_options, of_the_lab=_OF_PRETRAINED),
    "seed": partial(require_whole, least=0),
    "dropout": _zero_or_more,
    "weight_decay": _zero_or_more,
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Hold all that lab 1 reads: the pictures, the networks and how long to train.

    Args:
        name: what the settings are called.
        source: where :func:`labkit.fetch` gets the pictures.
        directory: folder that receives them.
        sorted_directory: folder that receives ``train_sorted`` and ``val_sorted``, where the
            pictures' own cannot be written to; ``None`` puts them beside the pictures.
        target_size: ``(height, width)`` of a picture in a batch, in pixels.
        augmentation: how training pictures are changed at random, as
            :class:`labkit.ImageDataGenerator` takes it.
        batch_size: pictures in a batch.
        filters: filters of each block of :func:`labkit.small_vgg`.
        dense: units of each dense layer, in both networks.
        dropout: as :func:`labkit.small_vgg` takes it.
        weight_decay: as :func:`labkit.compile_lab` takes it, from scratch.
        batch_normalization: as :func:`labkit.small_vgg` takes it.
        scratch_epochs: epochs of the small VGG from scratch.
        head_epochs: epochs of the new head on the frozen base.
        fine_tuning_epochs: epochs of all layers after unfreezing.
        scratch_learning_rate: Adam's step size from scratch.
        head_learning_rate: Adam's step size on the frozen base.
        fine_tuning_learning_rate: Adam's step size after unfreezing.
        base: the pre-trained base, as :func:`labkit.pretrained` takes it.
        weights: its weights, as :func:`labkit.pretrained` takes them.
        base_options: further options of the base.
        checkpoints: folder that keeps every epoch, so that a killed run goes on; ``None``
            keeps nothing and begins anew each time.
        mixed_precision: compute in float16 where there is a GPU.
        devices: GPUs that share each batch; see :func:`labkit.use_devices`.
        seed: what everything random starts from.

    Raises:
        ValueError: a value is not of its setting's type, or a number is too small.

    Example:
        >>> load_settings("photographs").target_size
        (224, 224)
    """

    name: str
    source: str
    directory: str
    sorted_directory: str | None = None
    target_size: tuple[int, int]
    augmentation: dict
    filters: tuple[int, ...]
    dense: tuple[int, ...]
    scratch_epochs: int
    head_epochs: int = 10
    fine_tuning_epochs: int
    scratch_learning_rate: float
    head_learning_rate: float = 1e-3
    fine_tuning_learning_rate: float
    base: str
    weights: str | None
    base_options: dict = field(default_factory=dict)
    dropout: float = 0.0
    weight_decay: float = 0.0
    batch_normalization: bool = False
    batch_size: int = 32
    checkpoints: str | None = None
    mixed_precision: bool = False
    devices: int = 1
    seed: int = 2021

    def __post_init__(self):
        """Refuse what is not of a setting's type; keep plain numbers of what NumPy gives."""
        for setting in dataclasses.fields(self):
            check = _CHECKS_BY_NAME.get(setting.name, _CHECKS[setting.type])
            value = check(setting.name, getattr(self, setting.name))
            # Plain, because JSON takes none of NumPy's numbers.
            object.__setattr__(self, setting.name, value)

    def __str__(self):
        """Return a table with a line for each setting."""
        rows = [(each.name, repr(getattr(self, each.name))) for each in dataclasses.fields(self)]
        return as_text(("setting", "value"), rows, words=2)

    @property
    def input_shape(self):
        """Return ``(height, width, 3)``, the shape of one picture."""
        return (*self.target_size, 3)

    def checkpoints_for(self, stage):
        """Name the folder that keeps one stage of training.

        Args:
            stage: for instance ``"scratch"``; stages must not share a folder.

        Returns:
            A path as a string, or ``None`` where nothing is kept.

        Example:
            >>> load_settings("photographs").checkpoints_for("head")
            'data/checkpoints/head'
        """
        return None if self.checkpoints is None else f"{self.checkpoints}/{stage}"

    def claim(self, holds, sentence):
        """Print a claim of the lab with whether it holds; insist on it where the lab promises it.

        The lab promises what it says of the drawn dogs, with every setting as shipped. Of other
        pictures, sizes and numbers of epochs it tells what came out.

        Args:
            holds: whether the claim is true of what was measured.
            sentence: the claim, one sentence.

        Raises:
            AssertionError: it does not hold, and the settings are those of the drawn dogs.

        Example:
            >>> load_settings("drawn").replace(scratch_epochs=9).claim(2 > 3, "It overfits.")
            Not so with these settings: It overfits.
        """
        if self == DRAWN and not holds:
            raise AssertionError(f"This should hold with the settings as shipped: {sentence}")
        print(sentence if holds else f"Not so with these settings: {sentence}")

    def replace(self, **changes):
        """Return a copy with some values changed.

        Args:
            **changes: names of settings and their new values.

        Returns:
            New :class:`Settings`; these stay as they are.

        Raises:
            ValueError: no such setting, or a value that is not allowed.

        Example:
            >>> load_settings("drawn").replace(batch_size=16).batch_size
            16
        """
        names = [setting.name for setting in dataclasses.fields(self)]
        unknown = sorted(set(changes) - set(names))
        if unknown:
            raise ValueError(
                f"There is no setting {unknown[0]!r}{did_you_mean(unknown[0], names)}; there are "
                f"{', '.join(names)}."
            )
        return dataclasses.replace(self, **changes)


DRAWN = Settings(
    name="drawn",
    source="drawn",
    directory="data/drawn_dogs",
    target_size=(64, 64),
    # None: augmented pictures would take many more epochs than a minute has room for.
    augmentation={},
    filters=(16, 32, 64, 96),
    dense=(128, 128),
    scratch_epochs=55,
    fine_tuning_epochs=5,
    scratch_learning_rate=1e-3,
    fine_tuning_learning_rate=5e-5,
    base="small_vgg",
    weights="drawn",
    batch_size=16,
)

PHOTOGRAPHS = Settings(
    name="photographs",
    source="kaggle",
    directory="data/dog_breeds",
    target_size=(224, 224),
    # That of the original lab.
    augmentation={
        "horizontal_flip": True,
        "rotation_range": 30,
        "brightness_range": (0.5, 1.5),
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "zoom_range": 0.2,
        "fill_mode": "reflect",
    },
    filters=(64, 128, 256, 512),
    dense=(512, 512),
    scratch_epochs=100,
    fine_tuning_epochs=10,
    # Eight plain convolutions without batch normalisation stay at chance at Adam's 1e-3.
    scratch_learning_rate=1e-4,
    fine_tuning_learning_rate=1e-5,
    base="vgg16",
    weights="imagenet",
    checkpoints="data/checkpoints",
    mixed_precision=True,
)

_KNOWN = {settings.name: settings for settings in (DRAWN, PHOTOGRAPHS)}


def load_settings(name=None):
    """Choose the lab's settings by name.

    Args:
        name: ``"drawn"`` for the drawn dogs that come with labkit, or ``"photographs"``
            for the real ones at full size. ``None`` reads the environment variable
            ``LABKIT_SETTINGS`` and takes ``"drawn"`` where it is not set.

    Returns:
        The chosen :class:`Settings`.

    Raises:
        ValueError: there are no settings of that name.

    Example:
        >>> load_settings("drawn").weights
        'drawn'
    """
    origin = "name" if name is not None else f"the environment variable {VARIABLE}"
    name = os.environ.get(VARIABLE) or "drawn" if name is None else name
    if name not in _KNOWN:
        raise ValueError(
            f"{origin} is {name!r}, and there are no such settings{did_you_mean(name, _KNOWN)}; "
            f"choose one of {', '.join(map(repr, _KNOWN))}."
        )
    return _KNOWN[name]
