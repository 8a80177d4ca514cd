"""The third room: from folders of pictures to augmented batches, fast.

A picture passes through four small modules: it is read, decoded and resized
(:mod:`~labkit.dog_breeds.pictures`), kept if there is room
(:mod:`~labkit.dog_breeds.batches.cache`), moved by one fused 2 × 3 matrix
(:mod:`~labkit.dog_breeds.batches.geometry`) and toned by one table of 256 entries
(:mod:`~labkit.dog_breeds.batches.tones`). What is drawn for it follows from the seed, the
epoch and its place in the list alone (:mod:`~labkit.dog_breeds.batches.augmentation`,
:mod:`~labkit.dog_breeds.batches.epochs`), so the number of threads
(:mod:`~labkit.dog_breeds.batches.ahead`) changes no batch.

The batches of lab 1 are three flows: one to learn from, one to be examined on, one to compare.
"""

from typing import TYPE_CHECKING, NamedTuple

from labkit.dog_breeds.batches.generator import ImageDataGenerator

if TYPE_CHECKING:  # It loads Keras, which a generator by itself does not need.
    from labkit.dog_breeds.batches.directory_iterator import DirectoryIterator

__all__ = ["ImageDataGenerator", "flow_lab"]


class LabBatches(NamedTuple):
    """Hold the flows of lab 1, each what ``flow_from_directory`` returns.

    Args:
        training: shuffled, augmented as the settings say, full batches only.
        validation: as they are, in the files' order, every picture.
        training_plain: the training pictures likewise.
    """

    training: "DirectoryIterator"
    validation: "DirectoryIterator"
    training_plain: "DirectoryIterator"


def flow_lab(folders, settings, seed=None):
    """Make the lab's batches from the sorted folders.

    Args:
        folders: what :func:`labkit.reorganise` returns.
        settings: :class:`labkit.Settings`; its sizes and its augmentation count.
        seed: what the order and the augmentation of training follow from, a whole number;
            ``None``: the settings' own.

    Returns:
        :class:`LabBatches`: ``training``, ``validation``, ``training_plain``.

    Raises:
        FileNotFoundError: one of the folders is not there.
        ValueError: a folder holds no pictures in folders of their classes.

    Example:
        >>> from types import SimpleNamespace
        >>> from labkit import load_settings
        >>> nowhere = SimpleNamespace(train_sorted="no_such_folder", val_sorted="no_such_folder")
        >>> flow_lab(nowhere, load_settings("drawn"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...
    """
    sizes = {"target_size": settings.target_size, "batch_size": settings.batch_size}
    augmented = ImageDataGenerator(rescale=1 / 255, **settings.augmentation)
    plain = ImageDataGenerator(rescale=1 / 255)
    return LabBatches(
        training=augmented.flow_from_directory(
            folders.train_sorted,
            seed=settings.seed if seed is None else seed,
            drop_remainder=True,
            **sizes,
        ),
        validation=plain.flow_from_directory(folders.val_sorted, shuffle=False, **sizes),
        training_plain=plain.flow_from_directory(folders.train_sorted, shuffle=False, **sizes),
    )
