"""What a breed looks like: the twelve breeds of the lab and any number for pre-training.

A breed decides the traits in :class:`Breed` and nothing else; everything that a photograph adds
(pose, light, place) is drawn apart from it, in :mod:`.scene` and :mod:`.skeleton`.
"""

import re
from dataclasses import dataclass, fields

import numpy as np

EARS = ("pointed", "floppy", "folded", "rounded")
TAILS = ("curled", "straight", "plume", "short", "whip")
PATTERNS = (
    "solid",
    "saddle",
    "spots",
    "patches",
    "tan_points",
    "brindle",
    "mask",
    "belt",
)
COATS = ("smooth", "shaggy")
MARKINGS = ("blaze", "bib", "socks", "tail_tip")
FACES = ("plain", "beard", "fringe")

#: Numeric traits, each from 0 (the least among breeds) to 1 (the most).
PROPORTIONS = (
    "ear_size",
    "snout_length",
    "snout_thickness",
    "head_size",
    "leg_length",
    "leg_thickness",
    "body_length",
    "body_depth",
    "slenderness",
)
_CHOICES = {"ears": EARS, "tail": TAILS, "pattern": PATTERNS, "coat": COATS, "face": FACES}
_COLOURS = ("colour", "second_colour", "marking_colour")


@dataclass(frozen=True)
class Breed:
    """How a breed looks.

    Args:
        name: lower-case words joined by underscores, as in Kaggle's labels.
        ears: one of `EARS`.
        tail: one of `TAILS`.
        pattern: one of `PATTERNS`, drawn in `second_colour` on `colour`.
        coat: "smooth" or "shaggy".
        face: one of `FACES`: hair on the face.
        markings: any of `MARKINGS`, drawn in `marking_colour`.
        colour, second_colour, marking_colour: RGB, three integers 0…255 each.
        ear_size, snout_length, snout_thickness, head_size, leg_length, leg_thickness,
            body_length, body_depth, slenderness: numbers 0…1, from the least among breeds
            to the most.

    Raises:
        ValueError: a trait is outside its legal set; the message names both.

    Example:
        >>> Breed("teacup_wolf", ears="pointed", tail="short", leg_length=0.1).ears
        'pointed'
        >>> Breed("teacup_wolf", ears="square")
        Traceback (most recent call last):
        ...
        ValueError: Breed 'teacup_wolf' has ears='square'; choose one of pointed, floppy, ...
    """

    name: str
    ears: str = "folded"
    tail: str = "straight"
    pattern: str = "solid"
    coat: str = "smooth"
    face: str = "plain"
    markings: tuple = ()
    colour: tuple = (196, 148, 96)
    second_colour: tuple = (92, 62, 44)
    marking_colour: tuple = (246, 240, 228)
    ear_size: float = 0.5
    snout_length: float = 0.5
    snout_thickness: float = 0.5
    head_size: float = 0.5
    leg_length: float = 0.5
    leg_thickness: float = 0.5
    body_length: float = 0.5
    body_depth: float = 0.5
    slenderness: float = 0.5

    def __post_init__(self):
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*", self.name):
            raise ValueError(
                f"A breed's name is lower-case words joined by underscores, such as "
                f"'patchwork_terrier'; got {self.name!r}."
            )
        for trait, allowed in _CHOICES.items():
            if getattr(self, trait) not in allowed:
                self._refuse(trait, f"choose one of {', '.join(allowed)}")
        if not set(self.markings) <= set(MARKINGS):
            self._refuse("markings", f"choose any of {', '.join(MARKINGS)}")
        for trait in PROPORTIONS:
            if not 0 <= getattr(self, trait) <= 1:
                self._refuse(trait, "give a number from 0 to 1")
        for trait in _COLOURS:
            colour = getattr(self, trait)
            if len(colour) != 3 or not all(0 <= channel <= 255 for channel in colour):
                self._refuse(trait, "give red, green and blue from 0 to 255")

    def _refuse(self, trait, advice):
        raise ValueError(f"Breed {self.name!r} has {trait}={getattr(self, trait)!r}; {advice}.")


_WHITE = (247, 242, 233)
_CREAM = (243, 226, 192)
_BLACK = (52, 48, 54)

#: The twelve breeds of the lab.
LAB_BREEDS = (
    Breed(
        "biscuit_corgling",
        ears="pointed",
        tail="short",
        markings=("blaze", "bib", "socks"),
        colour=(222, 150, 78),
        ear_size=0.8,
        snout_length=0.42,
        snout_thickness=0.35,
        head_size=0.6,
        leg_length=0.02,
        leg_thickness=0.55,
        body_length=0.85,
        body_depth=0.5,
        slenderness=0.15,
    ),
    Breed(
        "buttercup_hound",
        ears="floppy",
        tail="whip",
        markings=("bib", "tail_tip"),
        colour=(228, 166, 88),
        ear_size=1.0,
        snout_length=0.75,
        snout_thickness=0.65,
        head_size=0.5,
        leg_length=0.35,
        leg_thickness=0.6,
        body_length=0.7,
        body_depth=0.6,
        slenderness=0.3,
    ),
    Breed(
        "cinder_sentinel",
        ears="pointed",
        tail="short",
        pattern="tan_points",
        colour=(56, 50, 56),
        second_colour=(196, 122, 62),
        ear_size=0.6,
        snout_length=0.8,
        snout_thickness=0.35,
        head_size=0.3,
        leg_length=0.75,
        leg_thickness=0.4,
        body_length=0.5,
        body_depth=0.6,
        slenderness=0.75,
    ),
    Breed(
        "cocoa_curlpaw",
        ears="floppy",
        tail="plume",
        coat="shaggy",
        colour=(122, 76, 50),
        second_colour=(92, 56, 38),
        ear_size=0.75,
        snout_length=0.5,
        snout_thickness=0.45,
        head_size=0.5,
        leg_length=0.45,
        leg_thickness=0.5,
        body_length=0.45,
        body_depth=0.45,
        slenderness=0.4,
    ),
    Breed(
        "inkwell_shepherd",
        ears="pointed",
        tail="straight",
        pattern="saddle",
        colour=(208, 152, 92),
        second_colour=(66, 56, 54),
        ear_size=0.65,
        snout_length=0.8,
        snout_thickness=0.5,
        head_size=0.45,
        leg_length=0.55,
        leg_thickness=0.55,
        body_length=0.75,
        body_depth=0.6,
        slenderness=0.5,
    ),
    Breed(
        "marmalade_spitz",
        ears="pointed",
        tail="plume",
        coat="shaggy",
        markings=("bib", "tail_tip"),
        colour=(230, 142, 68),
        marking_colour=_CREAM,
        ear_size=0.15,
        snout_length=0.3,
        snout_thickness=0.2,
        head_size=0.65,
        leg_length=0.2,
        leg_thickness=0.3,
        body_length=0.2,
        body_depth=0.6,
        slenderness=0.1,
    ),
    Breed(
        "moonbeam_racer",
        ears="folded",
        tail="whip",
        markings=("bib",),
        colour=(142, 150, 166),
        ear_size=0.15,
        snout_length=0.95,
        snout_thickness=0.1,
        head_size=0.15,
        leg_length=1.0,
        leg_thickness=0.1,
        body_length=0.7,
        body_depth=0.5,
        slenderness=1.0,
    ),
    Breed(
        "mossy_shagling",
        ears="floppy",
        tail="short",
        pattern="belt",
        coat="shaggy",
        face="fringe",
        colour=(132, 136, 140),
        second_colour=_WHITE,
        markings=("socks",),
        ear_size=0.4,
        snout_length=0.45,
        snout_thickness=0.75,
        head_size=0.8,
        leg_length=0.4,
        leg_thickness=0.9,
        body_length=0.5,
        body_depth=0.8,
        slenderness=0.1,
    ),
    Breed(
        "patchwork_terrier",
        ears="folded",
        tail="straight",
        pattern="patches",
        face="beard",
        colour=_WHITE,
        second_colour=(158, 92, 52),
        ear_size=0.55,
        snout_length=0.6,
        snout_thickness=0.6,
        head_size=0.5,
        leg_length=0.4,
        leg_thickness=0.3,
        body_length=0.3,
        body_depth=0.35,
        slenderness=0.4,
    ),
    Breed(
        "pepperdot_pointer",
        ears="floppy",
        tail="whip",
        pattern="spots",
        colour=_WHITE,
        second_colour=_BLACK,
        ear_size=0.4,
        snout_length=0.7,
        snout_thickness=0.5,
        head_size=0.35,
        leg_length=0.8,
        leg_thickness=0.4,
        body_length=0.55,
        body_depth=0.5,
        slenderness=0.65,
    ),
    Breed(
        "thimble_mops",
        ears="folded",
        tail="curled",
        pattern="mask",
        colour=(226, 190, 140),
        second_colour=(62, 50, 48),
        ear_size=0.35,
        snout_length=0.0,
        snout_thickness=0.9,
        head_size=1.0,
        leg_length=0.2,
        leg_thickness=0.5,
        body_length=0.25,
        body_depth=0.7,
        slenderness=0.1,
    ),
    Breed(
        "tigereye_mastling",
        ears="rounded",
        tail="straight",
        pattern="brindle",
        markings=("bib", "socks"),
        colour=(154, 108, 76),
        second_colour=(70, 50, 44),
        ear_size=0.3,
        snout_length=0.3,
        snout_thickness=1.0,
        head_size=0.85,
        leg_length=0.45,
        leg_thickness=1.0,
        body_length=0.55,
        body_depth=0.9,
        slenderness=0.35,
    ),
)

#: How many pictures each of the lab's breeds has: unequal, as in the real data.
LAB_COUNTS = {
    "biscuit_corgling": 44,
    "buttercup_hound": 38,
    "cinder_sentinel": 41,
    "cocoa_curlpaw": 35,
    "inkwell_shepherd": 48,
    "marmalade_spitz": 52,
    "moonbeam_racer": 37,
    "mossy_shagling": 33,
    "patchwork_terrier": 46,
    "pepperdot_pointer": 42,
    "thimble_mops": 34,
    "tigereye_mastling": 30,
}

_FIRST = (
    "acorn amber apricot barley blizzard bramble candle caramel cedar chestnut clover cobble "
    "copper coral cricket dapple dewdrop drizzle ember fennel fiddle flint foxglove frost ginger "
    "granite harbour hazel heather honey indigo ivory juniper lantern lemon linen maple marble "
    "meadow midnight mustard nettle nutmeg oatmeal onyx orchard pebble pepper pewter plum quartz "
    "raisin rowan rust saffron sandy scarlet sesame shadow silver sorrel storm sugar tansy thistle "
    "timber toffee treacle truffle velvet walnut willow"
).split()
_LAST = (
    "barker bounder chaser courser digger drover fetcher howler hunter jumper loper napper nosling "
    "pawling prancer ranger retrievling rover ruffler setterling snoozer sniffer snuffler sprinter "
    "tracker trotter tumbler wagger wanderer watcher woofling yapper"
).split()
_NATURAL_COLOURS = (
    (247, 242, 233),
    (243, 226, 192),
    (233, 184, 92),
    (222, 150, 78),
    (232, 132, 58),
    (196, 148, 96),
    (158, 92, 52),
    (122, 76, 50),
    (92, 62, 44),
    (52, 48, 54),
    (96, 100, 108),
    (142, 150, 166),
    (190, 186, 180),
    (172, 116, 70),
    (150, 62, 40),
)


def difference(first, second):
    """Measure how unlike two breeds look: 0 for the same looks, about 1 for a mean pair.

    Categorical traits count 1 when they differ, proportions and colours by their distance.

    Example:
        >>> difference(LAB_BREEDS[0], LAB_BREEDS[0])
        0.0
    """
    kinds = sum(getattr(first, trait) != getattr(second, trait) for trait in _CHOICES)
    kinds += len(set(first.markings) ^ set(second.markings)) / len(MARKINGS)
    shape = sum(abs(getattr(first, t) - getattr(second, t)) for t in PROPORTIONS)
    hue = np.abs(np.subtract(first.colour, second.colour)).sum() / 255
    hue += 0.5 * np.abs(np.subtract(first.second_colour, second.second_colour)).sum() / 255
    return float(kinds + shape + hue) / 7.5


def _random_breed(name, rng):
    """Draw a breed from the whole space of traits."""
    colour, second = rng.choice(_NATURAL_COLOURS, 2, replace=False) + rng.integers(-14, 15, (2, 3))
    pattern = str(rng.choice(PATTERNS, p=_PATTERN_ODDS))
    while np.abs(colour - second).sum() < 190:
        second = rng.choice(_NATURAL_COLOURS) + rng.integers(-14, 15, 3)
    return Breed(
        name,
        ears=str(rng.choice(EARS)),
        tail=str(rng.choice(TAILS)),
        pattern=pattern,
        coat=str(rng.choice(COATS, p=(0.68, 0.32))),
        face=str(rng.choice(FACES, p=(0.64, 0.2, 0.16))),
        markings=tuple(mark for mark in MARKINGS if rng.random() < 0.3),
        colour=tuple(int(v) for v in np.clip(colour, 30, 250)),
        second_colour=tuple(int(v) for v in np.clip(second, 30, 250)),
        **{trait: round(float(rng.random()), 3) for trait in PROPORTIONS},
    )


_PATTERN_ODDS = (0.23, 0.11, 0.11, 0.13, 0.11, 0.1, 0.12, 0.09)


def pretraining_breeds(count=60, seed=2021):
    """Draw breeds at random from the space of traits, none of them too like one of the lab's.

    Args:
        count: how many, from 1 to 500.
        seed: integer ≥ 0; the same seed gives the same breeds.

    Returns:
        A tuple of `count` :class:`Breed` with different names, none in `LAB_BREEDS`, and each
        at a :func:`difference` of at least 0.5 from each of the lab's and 0.35 from each other.

    Raises:
        ValueError: `count` is not from 1 to 500.

    Example:
        >>> [breed.name for breed in pretraining_breeds(2)]
        [...]
    """
    if not 1 <= count <= 500:
        raise ValueError(f"count={count} breeds cannot be drawn; give a number from 1 to 500.")
    rng = np.random.default_rng([seed, 60])
    names = [f"{first}_{last}" for first in _FIRST for last in _LAST]
    chosen = []
    for name in rng.permutation(names)[:count]:
        chosen.append(_distinct_breed(str(name), rng, chosen))
    return tuple(chosen)


def _distinct_breed(name, rng, others):
    """Draw until a breed is unlike the lab's and unlike the `others`."""
    while True:
        breed = _random_breed(name, rng)
        apart = all(difference(breed, other) >= 0.5 for other in LAB_BREEDS)
        if apart and all(difference(breed, other) >= 0.35 for other in others):
            return breed


def trait_names():
    """List the traits that decide how a breed looks (all fields but the name)."""
    return tuple(field.name for field in fields(Breed) if field.name != "name")
