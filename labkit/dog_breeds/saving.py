"""Keep a trained network in a file, with its breeds' names, and take it up again anywhere.

A ``.keras`` file is an archive of Keras' own. What it knows nothing of, the breeds' names, goes in
as one of its *assets*, ``assets/labkit.json``: Keras itself passes over it, so that the file also
loads where there is no labkit. For serving, Keras' own ``model.export(folder)`` needs nothing
from here, because the preprocessing is a part of the network.
"""

import json
import warnings
import zipfile
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import keras

from labkit.files import errors_in_a_sentence, reason, replacing
from labkit.words import require

#: How the name of a file with a whole network ends.
KERAS_SUFFIX = ".keras"
_ASSET = "labkit.json"


@dataclass(frozen=True)
class Provenance:
    """Say what a network was trained on.

    Args:
        breeds: their names, in the order of the network's outputs; none: not known.
        rescale: what pictures in 0…255 are multiplied by before the network gets them; ``None``:
            they are prepared otherwise, as by a function of the user's own, which no file keeps.
        interpolation: how they are brought to its size; see :func:`flow_from_directory`.
        stages: the trainings that it went through, each as ``(place, outcome)``; see
            :mod:`labkit.dog_breeds.checkpoints`.
    """

    breeds: tuple[str, ...] = ()
    rescale: float | None = 1 / 255
    interpolation: str = "bilinear"
    stages: tuple[tuple[str, str], ...] = ()

    def from_batches(self, batches):
        """Return what holds of a network that goes on with other batches.

        Args:
            batches: what ``flow_from_directory`` returns; of other batches nothing is known.

        Returns:
            A :class:`Provenance`.
        """
        if not hasattr(batches, "class_indices"):
            return self
        breeds = tuple(batches.class_indices)
        generator = getattr(batches, "image_data_generator", None)
        if generator is None or generator.preprocessing_function is not None:
            return replace(self, breeds=breeds, rescale=None)
        return replace(
            self,
            breeds=breeds,
            rescale=1.0 if generator.rescale is None else float(generator.rescale),
            interpolation=batches.interpolation,
        )


def known_provenance(model):
    """Return the :class:`Provenance` that a network was told of, or ``None``."""
    return getattr(model, "labkit_provenance", None)


def provenance_of(model, breeds=None):
    """Return what is known of a network's training.

    Args:
        model: a Keras model.
        breeds: the breeds' names as the user has them, or ``None``.

    Returns:
        A :class:`Provenance`.

    Raises:
        ValueError: nothing is known and nothing given, or there are too few or too many names.
    """
    known = known_provenance(model)
    if breeds is not None:
        names = tuple(breeds)
        outputs = model.output_shape[-1]
        fits = not isinstance(breeds, str) and len(names) == outputs
        require(fits, "breeds", breeds, f"the names of the network's {outputs} breeds, in order")
        return replace(known or Provenance(), breeds=names)
    if known is None or not known.breeds:
        raise ValueError(
            f"The network {model.name!r} does not know its breeds' names, which labkit.train "
            "teaches it: give breeds=list(batches.class_indices)."
        )
    return known


def remember(model, provenance):
    """Let a network know what it was trained on, also once it is saved, however that is done.

    Args:
        model: a Keras model; its ``save`` writes the provenance from now on.
        provenance: :class:`Provenance`.
    """
    model.labkit_provenance = provenance
    # The hook that Keras offers layers for what is neither weight nor setting.
    model.save_assets = partial(_write_asset, provenance)


def _write_asset(provenance, folder):
    Path(folder, _ASSET).write_text(json.dumps(asdict(provenance)), "utf-8")


def save(model, path, breeds=None):
    """Keep a network in a file, whole or not at all.

    ``model.save`` writes the same file; this one replaces an older file of that name only once
    the new one is whole, and sees to it that the breeds' names are in it.

    Args:
        model: a Keras model.
        path: the file, whose name ends in ``.keras`` (str or path).
        breeds: the breeds' names in the order of the outputs; ``None``: as :func:`labkit.train`
            has noted them.

    Returns:
        The file's path.

    Raises:
        ValueError: another suffix, or the breeds are not known.
        OSError: the file cannot be written; an older one is left alone.

    Example:
        >>> import tempfile
        >>> from labkit import small_vgg
        >>> network = small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(4,))
        >>> path = save(network, f"{tempfile.mkdtemp()}/dogs.keras", breeds=["boxer", "pug"])
        >>> provenance_of(load(path)).breeds
        ('boxer', 'pug')
    """
    path = Path(path).expanduser()
    require(
        path.suffix == KERAS_SUFFIX, "path", str(path), f"a file name that ends in {KERAS_SUFFIX}"
    )
    remember(model, provenance_of(model, breeds))
    advice = "make room there or choose another place"
    with errors_in_a_sentence(f"The network cannot be written to {path}", advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, path.with_name(f".{path.stem}.part{KERAS_SUFFIX}")) as partial_file:
            model.save(partial_file)
    return path


def load(path):
    """Read a network from a file of :func:`save` or of ``model.save``.

    Args:
        path: the ``.keras`` file (str or path).

    Returns:
        The Keras model, compiled as it was, which knows its breeds if the file does.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no network, or one with parts that only its author's code has.

    Example:
        >>> load("no_such.keras")
        Traceback (most recent call last):
        ...
        FileNotFoundError: There is no network 'no_such.keras'; labkit.save writes one.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no network {str(path)!r}; labkit.save writes one.")
    try:
        with warnings.catch_warnings():
            # A network that was saved before its first step has no state of an optimizer.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model = keras.saving.load_model(path)
        provenance = _read_asset(path)
    except Exception as error:  # what Keras raises depends on where it first stumbles
        raise ValueError(
            f"{str(path)!r} cannot be loaded ({reason(error)[:300]}): if it is a whole file of "
            "model.save, import the code that its own layers, losses and metrics come from first."
        ) from None
    if provenance is not None:
        remember(model, provenance)
    return model


def _read_asset(path):
    """Return the :class:`Provenance` in a file, or None."""
    with zipfile.ZipFile(path) as archive:
        name = f"assets/{_ASSET}"
        if name not in archive.namelist():
            return None
        facts = json.loads(archive.read(name))
    facts["breeds"] = tuple(facts["breeds"])
    facts["stages"] = tuple(map(tuple, facts["stages"]))
    return Provenance(**facts)
