"""A playground for augmentation: one piece of HTML that needs no kernel and no network.

The package holds the page's sources: ``playground.html``, ``playground.css``, ``augment.js``, which
computes what :class:`labkit.ImageDataGenerator` does, and ``playground.js``, which shows it. The
networks that are asked, and what the script shares with :mod:`~labkit.dog_breeds.inside`, come from
there.
"""

import base64

import cv2
import numpy as np

from labkit.dog_breeds.batches.augmentation import COLUMNS, transformations
from labkit.dog_breeds.inside.page import NetworkPage, as_webp, named_output, tiled
from labkit.language import phrase
from labkit.words import count, is_number, listed, require

#: What stands for "switched off" in a generator, where it draws no number.
_OFF = {"channel_shift_intensity": 0.0, "brightness": 1.0}
_CHANGED = 5


class Playground(NetworkPage):
    """Hold dogs, networks and a generator's ranges; a notebook shows them as a page in the page.

    :func:`playground` makes it.

    Its fields are those of ``NetworkPage``: plain ``data`` for the script, the packed ``weights``,
    a ``still`` picture as WebP, and its ``summary`` in words.

    Example:
        >>> Playground({"networks": [{"name": "tiny"}], "dogs": [{}]}, b"", b"", "")
        <an augmentation playground with 1 picture, which asks tiny>
    """

    def __repr__(self):
        names = listed([network["name"] for network in self.data["networks"]])
        pictures = count(len(self.data["dogs"]), "picture")
        return f"<an augmentation playground with {pictures}, which asks {names}>"

    def _repr_html_(self):
        return self.write(__package__, "playground", ["augment.js"])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return named_output("playground")


def playground(inside, generator):
    """Show what a generator does to dogs and what networks then say, in a notebook or the book.

    It is one piece of HTML with its script, the weights and the pictures: it needs no kernel and
    no network. The script draws what the generator draws for a seed and changes a picture as
    :meth:`labkit.ImageDataGenerator.apply_transform` does, within two grey levels.

    Args:
        inside: what :func:`labkit.look_inside` returned: the networks to ask and
            the pictures to choose from.
        generator: a :class:`labkit.ImageDataGenerator` whose shifts are single numbers; its ranges
            are marked, and its ``fill_mode`` and ``cval`` are chosen to begin with.

    Returns:
        A :class:`Playground`; as the last line of a cell it shows itself.

    Raises:
        ValueError: a shift that is drawn from a list.

    Example:
        >>> from labkit.dog_breeds.batches import ImageDataGenerator
        >>> ranges_of(ImageDataGenerator(zoom_range=0.2), 64, 64)["zx"]
        [0.8, 1.2]
    """
    height, width = inside.data["networks"][0]["input_shape"][:2]
    data = {
        **{name: inside.data[name] for name in ("rounding", "breeds", "dogs")},
        "networks": [_without_favourites(network) for network in inside.data["networks"]],
        "columns": list(COLUMNS),
        "ranges": ranges_of(generator, height, width),
        "fill_mode": generator.fill_mode,
        "cval": generator.cval,
    }
    breed = data["breeds"][data["dogs"][0]["breed"]]
    summary = phrase("playground", "summary", breed=breed)
    return Playground(data, inside.weights, _draw_still(inside.data, generator), summary)


def ranges_of(generator, height, width):
    """Return from where to where a generator draws each parameter.

    Args:
        generator: a :class:`labkit.ImageDataGenerator`.
        height: height of the pictures in pixels.
        width: width of the pictures in pixels.

    Returns:
        A dict from Keras' names to ``[lowest, highest]``, in the units of
        ``get_random_transform``; ``[0.0, 1.0]`` for a flip that is drawn.

    Raises:
        ValueError: a shift that is drawn from a list.

    Example:
        >>> from labkit.dog_breeds.batches import ImageDataGenerator
        >>> ranges_of(ImageDataGenerator(width_shift_range=0.25), 64, 64)["tx"]
        [-16.0, 16.0]
    """
    for name in ("width_shift_range", "height_shift_range"):
        shift = getattr(generator, name)
        drawn_evenly = is_number(shift, 0) and (isinstance(shift, float) or shift == 0)
        allowed = "one number with a point, such as 0.2 or 5.0, for this page"
        require(drawn_evenly, name, shift, allowed)
    # Every distribution is even, so what is drawn at either end of [0, 1) says all.
    ends = transformations(generator, [[0.0] * len(COLUMNS), [1.0] * len(COLUMNS)], height, width)
    return {
        name: [_OFF[name]] * 2 if values is None else sorted(map(float, values))
        for name, values in ends.items()
    }


def _without_favourites(network):
    return {name: value for name, value in network.items() if name != "favourites"}


def _draw_still(data, generator):
    packed = np.frombuffer(base64.b64decode(data["dogs"][0]["picture"]), np.uint8)
    picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]
    seeds = range(1, _CHANGED + 1)
    changed = [generator.random_transform(picture, seed) for seed in seeds]
    return as_webp(tiled([picture, *changed], rows=2, columns=3))
