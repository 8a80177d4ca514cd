"""A look inside trained networks: one piece of HTML that needs no kernel and no network.

The package holds the page's sources: ``inside.html``, ``inside.css``, ``network.js``, which
computes what Keras computes, and ``inside.js``, which shows it. They are joined here with the
weights of the networks (:mod:`~labkit.dog_breeds.inside.plain_networks`).
"""

import numpy as np

from labkit import language
from labkit.dog_breeds.errors import take_pictures
from labkit.dog_breeds.figures import readable
from labkit.dog_breeds.inside.page import (
    NetworkPage,
    as_base64,
    as_webp,
    draw_still,
    named_output,
)
from labkit.words import count, listed, require

_LOSSLESS = 101
_COLUMNS = 11

#: What a page carries at most: weights of all its networks, dogs to choose from (of each breed so
#: many), and pixels of all its pictures.
_MOST_WEIGHTS, _MOST_DOGS, _OF_EACH_BREED, _MOST_PIXELS = 2_000_000, 60, 2, 1_000_000


class LookInside(NetworkPage):
    """Hold networks and pictures to look into; a notebook shows them as a page in the page.

    :func:`look_inside` makes it.

    Its fields are those of ``NetworkPage``: plain ``data`` for the script, the packed ``weights``,
    a ``still`` picture as WebP, and its ``summary`` in words.

    Example:
        >>> LookInside({"networks": [{"name": "tiny"}], "dogs": [{}]}, b"", b"", "")
        <a look inside tiny, with 1 picture>
    """

    def __repr__(self):
        names = listed([network["name"] for network in self.data["networks"]])
        return f"<a look inside {names}, with {count(len(self.data['dogs']), 'picture')}>"

    def _repr_html_(self):
        return self.write(__package__, "inside")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return named_output("look_inside")


def look_inside(networks, fields, pictures, truth=None, breeds=None, others=None):
    """Show what trained networks make of pictures, down to every unit, in a notebook or the book.

    It is one piece of HTML with its script, the weights and the pictures: it needs no kernel and
    no network. The script computes what Keras computes with the same weights. These are rounded to
    twelve bits, and the page says how far that moves a score.

    Args:
        networks: dict from names to trained networks, such as :func:`labkit.small_vgg` and
            :func:`labkit.pretrained` build them, all for pictures and breeds of the same shape.
        fields: dict from the same names to what ``labkit.receptive_field.analyse`` says of each.
        pictures: validation batches, as ``flow_from_directory(..., shuffle=False)`` makes them:
            the first two dogs of each breed can be chosen, up to 60, and the rest are the
            ``others``, up to a million pixels in all. Or float ``(count, height, width, 3)`` in
            [0, 1], at least one, with what follows.
        truth: index of each picture's breed.
        breeds: the breeds' names, in the order of the networks' scores.
        others: more pictures among which to look for what each unit answers most to, and the
            indices of their breeds; they are packed with some loss and cannot be chosen.

    Returns:
        A :class:`LookInside`; as the last line of a cell it shows itself.

    Raises:
        ValueError: names, shapes or numbers that do not belong together, a layer that the script
            cannot compute, more than two million weights together, or batches that are shuffled.

    Example:
        >>> from labkit.dog_breeds.networks import small_vgg
        >>> from types import SimpleNamespace
        >>> network = small_vgg((4, 4, 3), classes=2, filters=(2,), dense=(3,))
        >>> whole = dict.fromkeys((l.name for l in network.layers), SimpleNamespace(is_global=True))
        >>> look_inside({"tiny": network}, {"tiny": whole}, np.zeros((1, 4, 4, 3)), [0], ["a", "b"])
        <a look inside tiny, with 1 picture>
    """
    # Keras takes seconds to load, and pages that use what stands beside this need none.
    from labkit.dog_breeds.inside.plain_networks import (
        describe_layers,
        layer_values,
        pack,
        scores_of,
    )

    _require_few_weights(networks)
    if truth is None:
        pictures, truth, breeds, others = _dogs_of(pictures)
    _require_matching(networks, fields, pictures, truth, breeds)
    others = (np.empty((0, *np.shape(pictures)[1:])), []) if others is None else others
    if len(others[0]):
        _require_matching(networks, fields, *others, breeds)
    every = np.round(np.concatenate([pictures, others[0]]) * 255).astype(np.uint8)
    pixels, rest = np.split(every, [len(pictures)])
    exact = (pixels / 255).astype(np.float32)
    weights, scales, rounded = pack(networks)
    read = (every / 255).astype(np.float32)
    answers = {name: layer_values(model, read) for name, model in rounded.items()}
    scores = {name: layers[-1][: len(pixels)] for name, layers in answers.items()}
    trained = {name: scores_of(model, exact) for name, model in networks.items()}
    data = {
        "rounding": max(float(np.abs(trained[name] - scores[name]).max()) for name in networks),
        "breeds": [readable(breed) for breed in breeds],
        "dogs": [_dog(*each) for each in zip(truth, pixels, strict=True)],
        "others": _side_by_side(rest, others[1]),
        "networks": [
            {
                "name": name,
                "input_shape": list(model.input_shape[1:]),
                **scales[name],
                "layers": describe_layers(model, fields[name]),
                **_seen(answers[name], scores[name]),
            }
            for name, model in networks.items()
        ],
    }
    summary = _summary(data)
    return LookInside(data, weights, draw_still(data, pixels[0], answers), summary)


def _dog(breed, picture):
    return {"breed": int(breed), "picture": as_base64(as_webp(picture, _LOSSLESS))}


def _seen(layers, scores):
    """Return what a network makes of the pictures: scores, and where each unit is largest."""
    return {
        "scores": np.round(scores.astype(float), 4).tolist(),
        "favourites": [favourites(values) for values in layers],
    }


def _dogs_of(batches):
    """Choose from batches: pictures, their breeds, the breeds' names, and the other pictures."""
    known = hasattr(batches, "class_indices")
    require(known, "truth", None, "the breeds of the pictures, where these are no batches")
    of_breed = [np.flatnonzero(batches.classes == breed) for breed in range(batches.num_classes)]
    most = max(1, _MOST_PIXELS // int(np.prod(batches.image_shape[:2])))
    rows = np.concatenate([found[:_OF_EACH_BREED] for found in of_breed])[: min(_MOST_DOGS, most)]
    rest = np.setdiff1d(np.arange(batches.samples), rows)[: most - len(rows)]
    pictures = take_pictures(batches, [*rows, *rest])
    others = (pictures[len(rows) :], batches.classes[rest])
    return pictures[: len(rows)], batches.classes[rows], list(batches.class_indices), others


def favourites(values):
    """Find the picture and the place where each unit, or each map, of a layer is largest.

    Args:
        values: float ``(count, height, width, maps)`` or ``(count, units)``.

    Returns:
        A list with ``[picture, row, column]`` for each map, the first of equals; ``None`` for one
        that is 0 or below everywhere.

    Example:
        >>> favourites(np.array([[0.0, 1.0], [0.0, 3.0]]))
        [None, [1, 0, 0]]
    """
    values = values.reshape(len(values), *(values.shape[1:-1] or (1, 1)), values.shape[-1])
    maps = values.reshape(-1, values.shape[-1])
    places = np.unravel_index(maps.argmax(axis=0), values.shape[:-1])
    found = np.stack(places, axis=1).tolist()
    return [
        place if most > 0 else None for place, most in zip(found, maps.max(axis=0), strict=True)
    ]


def _side_by_side(pictures, truth):
    """Pack pictures into one, with some loss, in rows from left to right."""
    number, height, width, colours = pictures.shape
    rows = -(-number // _COLUMNS)
    tiles = np.zeros((rows * _COLUMNS, height, width, colours), np.uint8)
    tiles[:number] = pictures
    tiles = tiles.reshape(rows, _COLUMNS, height, width, colours).swapaxes(1, 2)
    sheet = tiles.reshape(rows * height, _COLUMNS * width, colours)
    packed = as_base64(as_webp(sheet)) if number else ""
    return {"breeds": [int(breed) for breed in truth], "columns": _COLUMNS, "picture": packed}


def _require_few_weights(networks):
    weights = sum(model.count_params() for model in networks.values())
    if weights > _MOST_WEIGHTS:
        raise ValueError(
            f"These networks have {weights:,} weights together, and a page to look inside carries "
            f"{_MOST_WEIGHTS:,} at most: look into smaller ones, as those of the drawn dogs are."
        )


def _require_matching(networks, fields, pictures, truth, breeds):
    require(len(networks) > 0, "networks", networks, "at least one")
    same_names = list(networks) == list(fields)
    require(same_names, "fields", list(fields), "of the same names as the networks")
    shape = np.shape(pictures)
    fits = len(shape) == 4 and shape[0] > 0 and shape[3] == 3
    require(fits, "the shape of pictures", shape, "(count, height, width, 3)")
    fits = np.min(pictures) >= 0 and np.max(pictures) <= 1
    require(fits, "pictures", "an array with other numbers", "in [0, 1]")
    right = len(truth) == shape[0] and all(0 <= breed < len(breeds) for breed in truth)
    require(right, "truth", truth, f"an index from 0 to {len(breeds) - 1} for each picture")
    for name, model in networks.items():
        shapes = (model.input_shape[1:], model.output_shape[1:])
        allowed = f"{shape[1:]} and {(len(breeds),)}, as pictures and breeds are"
        require(shapes == (shape[1:], (len(breeds),)), f"the shapes of {name!r}", shapes, allowed)


def _summary(data):
    """Say once in words what the networks answer, for a page whose script does not run."""
    dog = data["dogs"][0]
    shares = [network["scores"][0][dog["breed"]] for network in data["networks"]]
    names = [network["name"] for network in data["networks"]]
    sure = [
        language.phrase("inside", "sure", network=name, percent=f"{100 * share:.0f}")
        for name, share in zip(names, shares, strict=True)
    ]
    breed = data["breeds"][dog["breed"]]
    return language.phrase("inside", "summary", breed=breed, networks=language.listed(sure))
