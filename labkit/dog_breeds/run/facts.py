"""What a record says of the settings, of the pictures and of what a network made of them."""

import math
import os
import shlex
from dataclasses import asdict
from pathlib import Path

import numpy as np

import labkit
from labkit.dog_breeds import errors
from labkit.dog_breeds.sources import read_labels
from labkit.files import sha256_of

#: So many of the commonest confusions are recorded.
_CONFUSIONS = 20


def describe_settings(settings):
    """Return the settings as they were, folders left out: those are the machine's own.

    Args:
        settings: :class:`labkit.Settings`.

    Returns:
        A dict of their names and values; of the paths of base and weights the last part.

    Example:
        >>> describe_settings(labkit.load_settings("drawn"))["batch_size"]
        16
    """
    kept = asdict(settings)
    for name in ("source", "directory", "sorted_directory", "checkpoints"):
        del kept[name]
    files = {"base": settings.base, "weights": settings.weights}
    return kept | {name: path and without_folders(path) for name, path in files.items()}


def describe_data(data, pictures, training, validation, predicted):
    """Say which pictures these are, and what is wrong with them.

    Args:
        data: where they came from, as :func:`labkit.fetch` takes it.
        pictures: the folder with ``labels.csv`` and ``train/`` (path).
        training: the training batches, what ``flow_from_directory`` returns.
        validation: likewise; not shuffled.
        predicted: int ``(validation pictures,)``, the breeds' indices that a network answers.

    Returns:
        A dict of numbers of pictures, the archive's name and hash, and ``flaws``: photographs
        that are there twice, those under two breeds among them, and those on both sides of
        the split, with what the network answers.
    """
    path = Path(data).expanduser()
    labels = read_labels(pictures)
    return {
        "archive": without_folders(str(data)),
        "sha256": sha256_of(path) if path.is_file() else "",
        "pictures": len(labels),
        "breeds": training.num_classes,
        "training": training.samples,
        "validation": validation.samples,
        "flaws": _describe_flaws(pictures, validation, predicted),
    }


def _describe_flaws(pictures, validation, predicted):
    """Count pictures that are there twice, and list those that validate and train."""
    breeds = list(validation.class_indices)
    found = labkit.duplicates(pictures)
    validating = {Path(name).stem: row for row, name in enumerate(validation.filenames)}
    across = []
    for copies in found:
        labelled = dict(zip(copies.ids, copies.breeds, strict=True))
        trained = {breed for name, breed in labelled.items() if name not in validating}
        across += [
            {
                "validation": name,
                "breed": breed,
                "breeds_in_training": sorted(trained),
                "predicted": breeds[predicted[validating[name]]],
            }
            for name, breed in labelled.items()
            if trained and name in validating
        ]
    return {
        "copies": len(found),
        "contradictory": len(found.contradictions),
        "across_the_split": across,
    }


def describe_predictions(breeds, truth, predicted):
    """Tell what a network confuses most, and how well it knows each breed.

    Args:
        breeds: names of the breeds, in the order of their indices.
        truth: int ``(pictures,)``, the index of each picture's breed.
        predicted: int ``(pictures,)``, what the network answers.

    Returns:
        A dict of ``confusions``, at most twenty, the commonest first, and
        ``breed_accuracies``, each between 0 and 1.

    Example:
        >>> told = describe_predictions(["boxer", "pug"], np.array([0, 0, 1]), np.array([0, 1, 1]))
        >>> told["confusions"], told["breed_accuracies"]
        ([{'breed': 'boxer', 'taken_for': 'pug', 'pictures': 1}], {'boxer': 0.5, 'pug': 1.0})
    """
    matrix = errors.confusion_matrix(truth, predicted, len(breeds))
    accuracies = errors.breed_accuracies(matrix, breeds)
    return {
        "confusions": [
            {"breed": breed, "taken_for": other, "pictures": number}
            for breed, other, number in errors.most_confused(matrix, breeds, _CONFUSIONS)
        ],
        "breed_accuracies": {
            breed: round(accuracies[breed], 4) for breed in breeds if breed in accuracies
        },
    }


def describe_network(network):
    """Say what a network is and how much of it trains.

    Args:
        network: a Keras model.

    Returns:
        A dict of its name and its numbers of parameters.

    Example:
        >>> describe_network(labkit.small_vgg((8, 8, 3), classes=2, filters=(4,), dense=()))
        {'network': 'small_vgg', 'parameters': 270, 'trained_parameters': 270}
    """
    return {
        "network": network.name,
        "parameters": network.count_params(),
        "trained_parameters": sum(math.prod(w.shape) for w in network.trainable_weights),
    }


def measure(model, training, validation, truth):
    """Measure a finished network on all pictures as they are.

    Args:
        model: a compiled Keras model with the metric accuracy.
        training: the training batches, not augmented.
        validation: likewise; not shuffled.
        truth: int ``(validation pictures,)``, the index of each picture's breed.

    Returns:
        ``(measured, predicted)``: a dict of losses and accuracies, and int ``(validation
        pictures,)``, the indices of the breeds that the network answers.
    """
    training_loss, training_accuracy = labkit.evaluate(model, training)
    validation_loss, validation_accuracy = labkit.evaluate(model, validation)
    probabilities = model.predict(validation, verbose=0)
    return {
        "training_loss": training_loss,
        "training_accuracy": training_accuracy,
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "validation_top5_accuracy": errors.top_accuracy(probabilities, truth, 5),
    }, probabilities.argmax(axis=1)


def describe_cost(times, pictures):
    """Say what a stage took, and its usual speed.

    Args:
        times: a pair ``(seconds, core_seconds)`` for each epoch: by the clock on the wall, and
            as all cores worked them.
        pictures: how many an epoch shows.

    Returns:
        A dict of the stage's two sums, and of the pictures per second of its median epoch.

    Example:
        >>> describe_cost([(2.0, 3.0), (4.0, 5.0)], 60)
        {'seconds': 6.0, 'core_seconds': 8.0, 'pictures_per_second': 20.0}
    """
    seconds, core_seconds = (np.array(column) for column in zip(*times, strict=True))
    return {
        "seconds": round(float(seconds.sum()), 1),
        "core_seconds": round(float(core_seconds.sum()), 1),
        "pictures_per_second": round(pictures / float(np.median(seconds)), 1),
    }


def command_line(words):
    """Join words to a command as a person would type it: in double quotes where single ones occur.

    Args:
        words: the command's words (list of str).

    Returns:
        A line that a shell splits into these words.

    Example:
        >>> print(command_line(["run", "--set", "base_options={'alpha': 0.75}"]))
        run --set "base_options={'alpha': 0.75}"
    """
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
        for word in words
    )


def without_folders(word):
    """Strip the folders from a path, also behind ``name=``; leave other words and addresses.

    Args:
        word: a word of a command line (str).

    Returns:
        The word as anybody may read it.

    Example:
        >>> without_folders("weights=/home/me/base.h5")
        'weights=base.h5'
    """
    name, equals, value = word.rpartition("=")
    if "://" in value or not any(separator in value for separator in ("/", os.sep)):
        return word
    return f"{name}{equals}{Path(value).name}"
