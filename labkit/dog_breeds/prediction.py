"""Ask a trained network: for one picture, or for all that a competition wants named."""

import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from labkit.dog_breeds import pictures
from labkit.dog_breeds.damage import require_undamaged
from labkit.dog_breeds.saving import provenance_of
from labkit.dog_breeds.sources.layout import file_names
from labkit.files import errors_in_a_sentence, replacing
from labkit.tables import as_csv, as_text
from labkit.words import require_whole, some

_TEST = "test"
_SAMPLE = "sample_submission.csv"
_BATCH = 32
#: Digits that a probability is written with: as many as a float32 has, and one.
_DIGITS = 8


@dataclass(frozen=True, eq=False)
class Prediction:
    """Hold what a network says of one picture. ``print`` writes it as a table.

    Args:
        breeds: names of the likeliest breeds, the likeliest first.
        probabilities: theirs, floats between 0 and 1.
        picture: uint8 ``(height, width, channels)``, as the network saw it.

    Example:
        >>> print(Prediction(("pug", "boxer"), (0.75, 0.25), None))
        breed  probability
        pug          75.0%
        boxer        25.0%
    """

    breeds: tuple[str, ...]
    probabilities: tuple[float, ...]
    picture: np.ndarray

    def __str__(self):
        """Return a table with a line for each breed."""
        percentages = [f"{probability:.1%}" for probability in self.probabilities]
        return as_text(("breed", "probability"), list(zip(self.breeds, percentages, strict=True)))


def predict(model, picture, k=5, breeds=None):
    """Name the breeds that a network finds likeliest for one picture.

    The picture is brought to the network's size and range as those were that it was trained on.

    Args:
        model: a trained network.
        picture: path of a picture; or uint8 ``(height, width, 3)``, 0 to 255; or float of that
            shape, in [0, 1].
        k: how many breeds to name, 1 or more.
        breeds: the breeds' names in the order of the network's outputs; ``None``: as
            :func:`labkit.train` or :func:`labkit.load` has noted them.

    Returns:
        A :class:`Prediction`; :func:`labkit.plot_prediction` draws it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no picture, the array is none or in another range, or the breeds
            are not known.

    Example:
        >>> from labkit import small_vgg
        >>> network = small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(4,))
        >>> grey = np.full((20, 30, 3), 128, np.uint8)
        >>> sorted(predict(network, grey, breeds=["boxer", "pug"]).breeds)
        ['boxer', 'pug']
    """
    k = require_whole("k", k)
    provenance = provenance_of(model, breeds)
    seen = _seen(model, picture, provenance.interpolation)
    [probabilities] = _answers(model, [seen], provenance)
    likeliest = np.argsort(probabilities)[::-1][:k]
    return Prediction(
        tuple(provenance.breeds[index] for index in likeliest),
        tuple(float(probabilities[index]) for index in likeliest),
        seen,
    )


def submission(model, data, path="submission.csv", progress=True):
    """Write the file that Kaggle's competition wants: a probability for each breed and picture.

    The competition judges by the **log loss**: the mean, over the test pictures, of minus the
    natural logarithm of the probability that was given to the true breed. Saying 1 costs
    nothing, saying 1/2 costs 0.69, and to guess evenly among 120 breeds costs ln 120 = 4.79. A
    network that is sure and wrong pays most: 0.001 for the true breed costs 6.9. So it can pay to
    be less sure, which accuracy never shows. The labels of ``test/`` are not public; for pictures
    whose labels you have, :func:`labkit.log_losses` computes it, as below.

    Args:
        model: a network that :func:`labkit.train` or :func:`labkit.load` has told its breeds.
        data: the folder with ``test/`` (str or path), as the competition's archive has it. If its
            ``sample_submission.csv`` is there too, that gives the order of rows and columns; else
            both are alphabetical.
        path: the file to write, in one step (str or path).
        progress: show a bar.

    Returns:
        The file's path.

    Raises:
        FileNotFoundError: there is no ``test/``.
        ValueError: a picture is missing or cannot be decoded, or the sample has other breeds.
        OSError: the file cannot be written.

    Source:
        https://www.kaggle.com/c/dog-breed-identification, "Evaluation".

    Example:
        >>> from labkit.dog_breeds.errors import log_losses
        >>> print(log_losses(np.array([[0.5, 0.5], [0.001, 0.999]]), [0, 0]).mean().round(2))
        3.8
        >>> submission(None, "no_such_folder")
        Traceback (most recent call last):
        ...
        FileNotFoundError: 'no_such_folder' has no folder test/: unpack it from the ...
    """
    folder = Path(data).expanduser() / _TEST
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{str(data)!r} has no folder {_TEST}/: unpack it from the competition's archive, and "
            f"{_SAMPLE} beside it; labkit.fetch leaves them out, for no label belongs to them."
        )
    provenance = provenance_of(model)
    ids, breeds = _order(folder, provenance.breeds)
    columns = [provenance.breeds.index(breed) for breed in breeds]
    rows = [
        [name, *(f"{probability:.{_DIGITS}g}" for probability in probabilities[columns])]
        for name, probabilities in _predictions(model, folder, ids, provenance, progress)
    ]
    return _write(Path(path).expanduser(), [["id", *breeds], *rows])


def _order(folder, known):
    """Return the files' names by id, and the breeds, both in the order of the file to write."""
    names = sorted(filter(pictures.is_picture, file_names(folder)))
    files = {Path(name).stem: name for name in names}
    sample = folder.with_name(_SAMPLE)
    if not sample.is_file():
        return files, sorted(known)
    with open(sample, newline="", encoding="utf-8-sig") as file:
        (_, *breeds), *rows = csv.reader(file)
    if set(breeds) != set(known):
        strange = sorted(set(breeds) ^ set(known))
        raise ValueError(
            f"{sample} and the network do not have the same breeds: {some(strange)} stand in one "
            "alone. Train on the competition's breeds, or take the sample away."
        )
    if missing := [row[0] for row in rows if row[0] not in files]:
        raise ValueError(
            f"{folder} lacks {some(missing)}, which {_SAMPLE} asks for: unpack the archive again."
        )
    return {row[0]: files[row[0]] for row in rows}, breeds


def _predictions(model, folder, ids, provenance, progress):
    """Yield each picture's id with the probabilities of its breeds."""
    names = list(ids)

    def seen(name):
        return _seen(model, folder / ids[name], provenance.interpolation)

    with (
        ThreadPoolExecutor() as pool,
        tqdm(total=len(names), desc="Predicting", disable=not progress) as bar,
    ):
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            probabilities = _answers(model, list(pool.map(seen, batch)), provenance)
            yield from zip(batch, probabilities, strict=True)
            bar.update(len(batch))


def _write(path, rows):
    text = as_csv(rows)
    advice = "make room there or choose another place"
    with errors_in_a_sentence(f"The submission cannot be written to {path}", advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(text, "utf-8", newline="")
    return path


def _seen(model, picture, interpolation):
    """Return a picture as uint8 in the size that the network takes."""
    *size, channels = model.input_shape[1:]
    if None in size:
        raise ValueError(
            f"The network {model.name!r} takes pictures of any size, so labkit cannot tell which: "
            "give its Input a height and a width."
        )
    mode = "rgb" if channels == 3 else "grayscale"
    if not isinstance(picture, np.ndarray):
        path = Path(picture).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"There is no picture {str(path)!r}.")
        try:
            require_undamaged(path)
        except pictures.UndecodableError as error:
            advice = "give another picture."
            raise pictures.UndecodableError(path, error.reason, error.was_read, advice) from None
        return pictures.load(path, size, mode, interpolation).reshape(*size, channels)
    return pictures.resize(_as_bytes(picture, channels), size, interpolation).reshape(
        *size, channels
    )


def _as_bytes(picture, channels):
    """Return an array as a uint8 picture, or refuse it."""
    if picture.ndim != 3 or picture.shape[2] != channels:
        raise ValueError(
            f"A picture must have the shape (height, width, {channels}), and this one has "
            f"{picture.shape}; of a batch, give one at a time."
        )
    if picture.dtype == np.uint8:
        return picture
    low, high = float(np.min(picture)), float(np.max(picture))
    if not 0 <= low <= high <= 1:
        raise ValueError(
            f"The picture's values go from {low:.4g} to {high:.4g}: give floats from 0 to 1, or "
            "uint8 from 0 to 255."
        )
    return np.round(picture * 255.0).astype(np.uint8)


def _answers(model, seen, provenance):
    """Return what the network says of uint8 pictures, an array ``(pictures, breeds)``."""
    if provenance.rescale is None:
        raise ValueError(
            "It is not known how the pictures were prepared that the network was trained on, as by "
            "a preprocessing_function, which labkit does not keep: prepare these likewise and give "
            "them to model.predict, or begin the network with layers that do it."
        )
    inputs = np.stack(seen).astype(np.float32) * np.float32(provenance.rescale)
    # Not model.predict: where devices share batches, each wants a picture, and one may be all.
    return keras.ops.convert_to_numpy(model(inputs, training=False))
