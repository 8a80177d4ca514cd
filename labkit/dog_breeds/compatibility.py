"""Whether a model and what it is to be trained or measured on fit together."""

import keras
import numpy as np

from labkit.dog_breeds.saving import known_provenance
from labkit.words import count, is_number, is_whole, some

#: How labkit's networks call their input, and how far pictures in [0, 1] may go for rounding.
_PICTURES, _MOST = "pictures", 1.01


def require_compatible(model, batches, validation_batches=None):
    """Refuse what would train or measure something else than was meant.

    Args:
        model: a Keras model.
        batches: what ``flow_from_directory`` returns, or other batches, of which less is known.
        validation_batches: likewise, or ``None``.

    Raises:
        ValueError: the model is not compiled; training and validation, or the model and its
            labels, do not have the same classes; or pictures are in 0…255 where the network takes
            them in [0, 1].
    """
    _require_compiled(model)
    _require_same_classes(batches, validation_batches)
    given = [each for each in (batches, validation_batches) if each is not None]
    for each in given:
        _require_as_many_classes(model, each)
        _require_range(model, each)


def require_as_trained(model, batches):
    """Refuse to measure a network on other breeds, or other values, than it was trained on.

    Args:
        model: a Keras model.
        batches: as in :func:`require_compatible`.

    Raises:
        ValueError: its breeds are others or in another order, or pictures are scaled otherwise.
    """
    known = known_provenance(model)
    breeds = getattr(batches, "class_indices", None)
    if known is None or breeds is None:
        return
    if tuple(breeds) != known.breeds:
        raise ValueError(
            f"The network {model.name!r} was trained on other breeds than these batches have, "
            f"{_difference(known.breeds, tuple(breeds))}: give flow_from_directory "
            "classes= as the training had them."
        )
    scaled = known.from_batches(batches).rescale
    if scaled is not None and known.rescale is not None and not np.isclose(scaled, known.rescale):
        raise ValueError(
            f"The network {model.name!r} was trained on pictures × {known.rescale:.4g}, and these "
            f"are × {scaled:.4g}: give ImageDataGenerator the same rescale."
        )


def require_class_weight(class_weight, batches):
    """Refuse weights of classes that there are not, which Keras would pass over.

    Args:
        class_weight: dict from a class's index to a number, or ``None``.
        batches: the training batches.

    Raises:
        ValueError: it is no such dict.
    """
    if class_weight is None:
        return
    classes = len(getattr(batches, "class_indices", None) or ()) or float("inf")
    fits = isinstance(class_weight, dict) and all(
        is_whole(index, 0) and index < classes and is_number(weight, 0)
        for index, weight in class_weight.items()
    )
    if not fits:
        raise ValueError(
            f"class_weight={class_weight!r} must be a dict from the index of a class, as in "
            "batches.class_indices, to its weight, a number, 0 or more."
        )


def _require_compiled(model):
    if not model.compiled:
        raise ValueError(
            f"The model {model.name!r} is not compiled; compile it first, with model.compile or "
            "with labkit's freeze, unfreeze or compile_lab."
        )


def _require_same_classes(batches, validation_batches):
    training, validation = (
        getattr(each, "class_indices", None) for each in (batches, validation_batches)
    )
    if None not in (training, validation) and tuple(training) != tuple(validation):
        raise ValueError(
            "Training and validation do not have the same classes, "
            f"{_difference(tuple(training), tuple(validation))}: sort the pictures anew with "
            "labkit.reorganise, or give both flow_from_directory the same classes=."
        )


def _difference(first, second):
    only_first = [name for name in first if name not in second]
    only_second = [name for name in second if name not in first]
    told = [
        f"{some(names)} only in the {which}"
        for names, which in ((only_first, "former"), (only_second, "latter"))
        if names
    ]
    return " and ".join(told) or "but in another order"


def _require_as_many_classes(model, batches):
    labels = getattr(batches, "class_indices", None)
    counted = getattr(batches, "class_mode", None) in ("categorical", "sparse")
    outputs = model.output_shape
    if labels is None or not counted or not isinstance(outputs, tuple):
        return
    if len(labels) != outputs[-1]:
        raise ValueError(
            f"The network {model.name!r} has {count(outputs[-1], 'output')} and the batches have "
            f"{count(len(labels), 'breed')}: build it with classes={len(labels)}."
        )


def _require_range(model, batches):
    takes_pictures = [tensor.name for tensor in getattr(model, "inputs", None) or ()] == [_PICTURES]
    if not takes_pictures or not hasattr(batches, "__getitem__"):
        return
    first = batches[0]
    pictures = first[0] if isinstance(first, tuple) else first
    highest = float(np.max(keras.ops.convert_to_numpy(pictures)))
    if highest > _MOST:
        raise ValueError(
            f"The pictures' values go up to {highest:.4g}, and the network {model.name!r} takes "
            "pictures in [0, 1]: give ImageDataGenerator rescale=1/255."
        )
