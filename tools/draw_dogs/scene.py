"""Where the dog is: ten kinds of place, each drawn anew for every picture.

A place knows nothing of the breed. Coordinates on a :class:`Stage` are in picture heights from the
middle of the horizon: x to the right, y downward; y > 0 is ground and larger is nearer.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from .clutter import (
    CLUTTER,
    INDOORS,
    bush,
    cloud,
    fence,
    flower,
    house,
    palm,
    pine,
    rock,
    sun,
    tree,
)
from .geometry import SHIFT, to_fixed
from .painting import darker, lighter, mixed
from .stage import Stage, tint


@dataclass(frozen=True)
class Place:
    """A place to be drawn: its kind and where its horizon lies.

    Args:
        kind: a key of `PLACES`.
        horizon: fraction of the picture's height.
        tilt: of the camera, in radians.
        seed: integers that fix all else in it.
    """

    kind: str
    horizon: float
    tilt: float
    seed: tuple


def random_place(rng, horizon, tilt):
    """Draw a kind of place with a `numpy.random.Generator`."""
    seed = tuple(int(v) for v in rng.integers(0, 2**31, 2))
    return Place(str(rng.choice(list(PLACES))), horizon, tilt, seed)


def paint_place(picture, place):
    """Paint a place over a picture, uint8 (height, width, 3), in place; return its stage."""
    stage = Stage(picture, place.horizon, place.tilt, np.random.default_rng(place.seed))
    PLACES[place.kind](stage)
    _litter(stage, place.kind)
    _mottle(stage)
    return stage


def _litter(stage, kind):
    """Scatter a few things on the ground behind and beside the dog."""
    rng = stage.rng
    names = INDOORS if kind in _ROOMS else list(CLUTTER)
    for y in np.sort(rng.uniform(0.06, 0.5, rng.integers(1, 6))):
        CLUTTER[names[int(rng.integers(len(names)))]](stage, rng.uniform(-0.8, 0.8), y)


def _mottle(stage):
    """Lay a soft unevenness over the whole background, as weather and wear do."""
    height, width = stage.picture.shape[:2]
    coarse = stage.rng.integers(0, 34, (5, 7, 1), np.uint8)
    soft = _enlarged(coarse[..., 0], height, width)
    cv2.subtract(stage.picture, cv2.cvtColor(soft, cv2.COLOR_GRAY2RGB), stage.picture)


def _enlarged(coarse, height, width):
    """Enlarge a few grey cells smoothly, to a uint8 array (height, width).

    In whole numbers, so that every machine gets the same bytes: OpenCV's cubic interpolation rounds
    in one way with Intel's library and in another without.
    """
    rows, columns = _cubic_weights(height, len(coarse)), _cubic_weights(width, coarse.shape[1])
    total = rows @ coarse.astype(np.int32) @ columns.T
    return ((total + 2**21) >> 22).clip(0, 255).astype(np.uint8)


def _cubic_weights(count, cells):
    """Give each of `count` places its share, of 2048, in the cells: an int32 array.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with
    a = -3/4. Beyond the border the outermost cell repeats.
    """
    places = (np.arange(count) + 0.5) * cells / count - 0.5
    lower = np.floor(places).astype(int)
    weights = np.zeros((count, cells), np.int32)
    for cell in (lower - 1, lower, lower + 1, lower + 2):
        t = np.abs(places - cell)
        near = (1.25 * t - 2.25) * t * t + 1
        far = ((-0.75 * t + 3.75) * t - 6) * t + 3
        share = np.rint(2048 * np.where(t <= 1, near, far)).astype(np.int32)
        weights[np.arange(count), cell.clip(0, cells - 1)] += share
    return weights


def _meadow(stage):
    rng = stage.rng
    stage.sky(tint(rng, 205, 0.45, 0.95), tint(rng, 200, 0.15, 1.0))
    _clouds(stage)
    _hills(stage, tint(rng, 110, 0.35, 0.7))
    grass = tint(rng, 95, 0.55, 0.68, spread=25)
    stage.ground(lighter(grass, 0.2), darker(grass, 0.15))
    stage.blades((darker(grass, 0.25), lighter(grass, 0.22)), 60)
    _row(stage, tree, rng.integers(0, 3), 0.02)
    for _ in range(int(rng.integers(0, 9))):
        flower(stage, rng.uniform(-0.8, 0.8), rng.uniform(0.05, 0.6))


def _clouds(stage):
    for _ in range(int(stage.rng.integers(0, 4))):
        cloud(stage, stage.rng.uniform(-0.8, 0.8), stage.rng.uniform(-0.6, -0.12))
    if stage.rng.random() < 0.35:
        sun(stage, stage.rng.uniform(-0.7, 0.7), stage.rng.uniform(-0.6, -0.2))


def _hills(stage, colour):
    for back in (0.35, 0.0):
        x = np.linspace(-1.6, 1.6, 24)
        phase, pitch = stage.rng.uniform(0, 6, 2)
        y = -0.07 - 0.06 * back - 0.06 * np.sin(2.2 * x + phase) - 0.03 * np.sin(5 * x + pitch)
        ridge = np.stack([x, y], axis=1)
        stage.shape(np.concatenate([ridge, [(1.6, 0.1), (-1.6, 0.1)]]), lighter(colour, back))


def _row(stage, thing, count, y):
    for _ in range(int(count)):
        thing(stage, stage.rng.uniform(-0.85, 0.85), y)


def _beach(stage):
    rng = stage.rng
    stage.sky(tint(rng, 205, 0.5, 0.95), tint(rng, 40, 0.18, 1.0, spread=30))
    _clouds(stage)
    sea = tint(rng, 195, 0.55, 0.75)
    stage.ground(darker(sea, 0.12), sea)
    for y in (0.02, 0.045, 0.075):
        x = np.linspace(-1.3, 1.3, 30)
        wave = np.stack([x, y + 0.006 * np.sin(9 * x + rng.uniform(0, 6))], axis=1)
        stage.line(wave, lighter(sea, 0.5), 0.008)
    sand = tint(rng, 40, 0.36, 0.92, spread=12)
    shore = np.linspace(-1.6, 1.6, 20)
    edge = np.stack([shore, 0.11 + 0.02 * np.sin(3 * shore + rng.uniform(0, 6))], axis=1)
    stage.shape(np.concatenate([edge, [(1.6, 2), (-1.6, 2)]]), sand)
    stage.specks((darker(sand, 0.18), lighter(sand, 0.4)), 90, 0.14)
    _row(stage, palm, rng.integers(0, 2), 0.16)


def _snow(stage):
    rng = stage.rng
    stage.sky(tint(rng, 215, 0.28, 0.85), tint(rng, 210, 0.1, 0.97))
    _hills(stage, tint(rng, 210, 0.18, 0.85))
    snow = tint(rng, 210, 0.05, 0.97)
    stage.ground(darker(snow, 0.06), snow)
    _row(stage, pine, rng.integers(1, 6), 0.03)
    stage.specks(((255, 255, 255), darker(snow, 0.12)), 80, -0.6)


def _street(stage):
    rng = stage.rng
    stage.sky(tint(rng, 210, 0.3, 0.9), tint(rng, 200, 0.12, 0.97))
    x = -1.1
    while x < 1.1:
        wide = rng.uniform(0.28, 0.5)
        house(stage, x + wide / 2, wide * 0.98)
        x += wide
    path = tint(rng, 30, 0.1, 0.7, spread=180)
    stage.ground(darker(path, 0.15), path)
    for y in (0.06, 0.15, 0.3, 0.55):
        stage.line([(-1.6, y), (1.6, y)], darker(path, 0.25), 0.007)
    for x in np.arange(-3, 3.1, 0.5) + rng.uniform(0, 0.5):
        stage.line([(x * 0.55, 0.06), (x * 1.6, 1.0)], darker(path, 0.25), 0.006)


def _room(stage):
    """Paint a living room: papered wall, floor boards, window, pictures, sofa."""
    rng = stage.rng
    wall = tint(rng, rng.uniform(0, 360), 0.28, 0.85)
    stage.sky(wall, darker(wall, 0.08))
    for x in np.arange(-1.2, 1.2, rng.uniform(0.09, 0.2)):
        stage.line([(x, -1.2), (x, 0.02)], lighter(wall, 0.25), rng.uniform(0.01, 0.04))
    _window(stage, rng.uniform(-0.6, 0.6))
    _frames(stage)
    floor = tint(rng, 26, 0.5, 0.62, spread=10)
    stage.ground(darker(floor, 0.2), floor)
    stage.shape([(-1.6, -0.045), (1.6, -0.045), (1.6, 0.0), (-1.6, 0.0)], (244, 238, 228))
    for y in 0.03 * 1.55 ** np.arange(8):
        stage.line([(-1.6, y), (1.6, y)], darker(floor, 0.28), 0.006)
    if rng.random() < 0.6:
        _sofa(stage, rng.uniform(-0.7, 0.7))
    if rng.random() < 0.7:
        rug = tint(rng, rng.uniform(0, 360), 0.5, 0.75)
        stage.ellipse((rng.uniform(-0.2, 0.2), 0.32), (0.75, 0.2), rug)
        stage.ellipse((rng.uniform(-0.2, 0.2), 0.32), (0.6, 0.15), lighter(rug, 0.3))


def _window(stage, x):
    sky = tint(stage.rng, 205, 0.35, 0.95)
    stage.box(x, -0.42, 0.36, 0.46, (250, 246, 238))
    stage.box(x, -0.42, 0.31, 0.41, sky)
    stage.line([(x, -0.63), (x, -0.21)], (250, 246, 238), 0.02)
    stage.line([(x - 0.16, -0.42), (x + 0.16, -0.42)], (250, 246, 238), 0.02)


def _frames(stage):
    rng = stage.rng
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-0.8, 0.8), rng.uniform(-0.6, -0.25)
        wide, tall = rng.uniform(0.1, 0.24, 2)
        stage.box(x, y, wide + 0.03, tall + 0.03, tint(rng, 30, 0.5, 0.4))
        stage.box(x, y, wide, tall, tint(rng, rng.uniform(0, 360), 0.4, 0.9))
        stage.ellipse((x, y + tall * 0.2), (wide * 0.3, tall * 0.2), tint(rng, 120, 0.4, 0.5, 180))


def _sofa(stage, x):
    colour = tint(stage.rng, stage.rng.uniform(0, 360), 0.5, 0.7)
    stage.box(x, -0.1, 0.75, 0.34, darker(colour, 0.1))
    stage.box(x, 0.02, 0.72, 0.16, colour)
    for side in (-1, 1):
        stage.box(x + side * 0.38, -0.02, 0.11, 0.26, lighter(colour, 0.12))
    stage.box(x + 0.15, -0.1, 0.16, 0.15, tint(stage.rng, stage.rng.uniform(0, 360), 0.6, 0.9))


def _forest(stage):
    rng = stage.rng
    green = tint(rng, 120, 0.4, 0.42, spread=25)
    stage.sky(lighter(green, 0.35), lighter(green, 0.6))
    for depth in (0.6, 0.3):
        for x in rng.uniform(-0.9, 0.9, 6):
            wide = 0.04 + 0.05 * (1 - depth)
            bark = lighter(tint(rng, 28, 0.35, 0.35), depth * 0.6)
            stage.box(x, -0.45, wide, 1.1, bark)
            stage.line([(x - wide * 0.2, -1), (x - wide * 0.2, 0.08)], lighter(bark, 0.15), 0.01)
    stage.ground(lighter(green, 0.1), darker(green, 0.2))
    for _ in range(6):
        bush(stage, rng.uniform(-0.9, 0.9), rng.uniform(0.0, 0.06))
    stage.blades((darker(green, 0.35), lighter(green, 0.3)), 50)


def _night(stage):
    """Paint a garden at night: moon, stars, a fence, fireflies."""
    rng = stage.rng
    night = tint(rng, 235, 0.6, 0.34, spread=25)
    stage.sky(darker(night, 0.3), lighter(night, 0.2))
    stars = stage.at(np.column_stack([rng.uniform(-0.9, 0.9, 40), rng.uniform(-0.9, -0.1, 40)]))
    stage.dots(stars, 0.004, (240, 236, 210))
    moon = (rng.uniform(-0.6, 0.6), rng.uniform(-0.6, -0.3))
    stage.ellipse(moon, (0.09, 0.09), (250, 242, 206))
    stage.ellipse((moon[0] + 0.035, moon[1] - 0.02), (0.075, 0.075), mixed(night, (0, 0, 0), 0.2))
    lawn = tint(rng, 150, 0.5, 0.36, spread=20)
    stage.ground(darker(lawn, 0.2), lawn)
    if rng.random() < 0.7:
        fence(stage, 0.0, 0.02)
    _row(stage, bush, 3, 0.03)
    stage.blades((darker(lawn, 0.3), lighter(lawn, 0.2)), 50)
    glow = stage.at(np.column_stack([rng.uniform(-0.8, 0.8, 9), rng.uniform(-0.4, 0.3, 9)]))
    stage.dots(glow, 0.012, (252, 236, 120))


def _autumn(stage):
    rng = stage.rng
    stage.sky(tint(rng, 35, 0.3, 0.95), tint(rng, 45, 0.15, 1.0))
    _hills(stage, tint(rng, 30, 0.5, 0.7, spread=15))
    earth = tint(rng, 38, 0.5, 0.68, spread=12)
    stage.ground(lighter(earth, 0.15), darker(earth, 0.15))
    for _ in range(int(rng.integers(1, 4))):
        tree(stage, rng.uniform(-0.8, 0.8), 0.02, tint(rng, 22, 0.75, 0.85, spread=22))
    for hue in (8, 25, 45):
        leaf = tint(rng, hue, 0.8, 0.85)
        spots = np.column_stack([rng.uniform(-0.9, 0.9, 22), 0.03 + rng.uniform(0, 1, 22) ** 1.5])
        stage.dots(stage.at(spots), 0.013, leaf)


def _lake(stage):
    """Paint a lake before mountains."""
    rng = stage.rng
    stage.sky(tint(rng, 215, 0.4, 0.92), tint(rng, 20, 0.2, 0.98, spread=40))
    stone = tint(rng, 225, 0.2, 0.6)
    for x in rng.uniform(-0.9, 0.9, 4):
        tall, wide = rng.uniform(0.25, 0.5), rng.uniform(0.3, 0.5)
        stage.shape([(x - wide, 0.02), (x, -tall), (x + wide, 0.02)], stone)
        cap = [
            (x - wide * 0.3, -tall * 0.7),
            (x, -tall),
            (x + wide * 0.3, -tall * 0.7),
            (x, -tall * 0.76),
        ]
        stage.shape(cap, (248, 248, 250))
    water = tint(rng, 200, 0.45, 0.7)
    stage.ground(water, water)
    for _ in range(9):
        x, y = rng.uniform(-0.9, 0.9), rng.uniform(0.015, 0.12)
        stage.line([(x, y), (x + rng.uniform(0.1, 0.3), y)], lighter(water, 0.45), 0.007)
    grass = tint(rng, 90, 0.45, 0.62, spread=20)
    x = np.linspace(-1.6, 1.6, 20)
    bank = np.stack([x, 0.14 + 0.02 * np.sin(4 * x)], axis=1)
    stage.shape(np.concatenate([bank, [(1.6, 2), (-1.6, 2)]]), grass)
    stage.blades((darker(grass, 0.25), lighter(grass, 0.25)), 40, 0.16)
    _row(stage, rock, 2, 0.16)


def _kitchen(stage):
    """Paint a kitchen: tiles on the wall, a checkered floor, cupboards."""
    rng = stage.rng
    wall = tint(rng, rng.uniform(0, 360), 0.16, 0.95)
    stage.sky(wall, darker(wall, 0.05))
    for y in np.arange(-1.1, 0.0, 0.11):
        stage.line([(-1.6, y), (1.6, y)], darker(wall, 0.14), 0.006)
    for x in np.arange(-1.6, 1.6, 0.16):
        stage.line([(x, -1.2), (x, 0)], darker(wall, 0.14), 0.006)
    wood = tint(rng, rng.uniform(0, 360), 0.4, 0.75)
    for x in np.arange(-1.2, 1.2, 0.34) + rng.uniform(0, 0.3):
        if rng.random() < 0.7:
            stage.box(x, -0.14, 0.32, 0.3, wood)
            stage.box(x, -0.14, 0.24, 0.21, lighter(wood, 0.15))
            stage.ellipse((x + 0.08, -0.16), (0.014, 0.014), (238, 214, 130))
    light = tint(rng, 40, 0.08, 0.93)
    stage.ground(light, light)
    _checks(stage, tint(rng, rng.uniform(0, 360), 0.45, 0.6))


def _checks(stage, colour):
    """Paint every second tile of a floor that recedes."""
    rows = np.array([0.0, 0.03, 0.075, 0.14, 0.24, 0.39, 0.62, 1.0])
    for row, (far, near) in enumerate(itertools.pairwise(rows)):
        for column in range(-8 + row % 2, 8, 2):
            edges = np.array([column, column + 1]) * 0.22
            wide, narrow = 0.45 + 1.9 * near, 0.45 + 1.9 * far
            stage.shape(
                [
                    (edges[0] * narrow, far),
                    (edges[1] * narrow, far),
                    (edges[1] * wide, near),
                    (edges[0] * wide, near),
                ],
                colour,
            )


PLACES = {
    "meadow": _meadow,
    "beach": _beach,
    "snow": _snow,
    "street": _street,
    "living_room": _room,
    "forest": _forest,
    "night_garden": _night,
    "autumn_park": _autumn,
    "lake": _lake,
    "kitchen": _kitchen,
}


_ROOMS = ("living_room", "kitchen")
_PAVED = (*_ROOMS, "street")


def paint_foreground(stage, kind):
    """Paint, now and then, something in front of the dog that hides a little of it."""
    rng = stage.rng
    choice = rng.random()
    bottom = 1 - stage.horizon
    if choice < 0.18 and kind not in _PAVED:
        green = tint(rng, 100, 0.55, 0.55, spread=30)
        stage.blades((darker(green, 0.2), lighter(green, 0.2)), 34, bottom - 0.06, tall=0.16)
    elif choice < 0.28 and kind not in _ROOMS:
        bush(stage, rng.choice([-0.55, 0.55]) + rng.uniform(-0.1, 0.1), bottom + 0.04, 0.3)
    elif choice < 0.38 and kind not in _PAVED:
        for _ in range(3):
            flower(stage, rng.uniform(-0.7, 0.7), bottom - rng.uniform(0, 0.08), 2.2)
    elif choice < 0.46 and kind not in _ROOMS:
        _branch(stage, rng)
    elif choice < 0.54:
        names = ("ball", "bowl", "mushroom", "pot", "rock", "hydrant")
        CLUTTER[names[int(rng.integers(len(names)))]](stage, rng.uniform(-0.6, 0.6), bottom - 0.04)


def _branch(stage, rng):
    """Hang a leafy branch into an upper corner."""
    side = rng.choice([-1, 1])
    green = tint(rng, 100, 0.5, 0.5, spread=40)
    top = -stage.horizon
    x = side * np.linspace(0.85, 0.22, 8)
    y = top + np.linspace(-0.06, 0.12, 8)
    stage.line(np.stack([x, y], 1), (92, 66, 46), 0.016)
    for step, (u, v) in enumerate(zip(x, y, strict=True)):
        for turn in (-1, 1):
            tip = np.array([u - side * 0.07, v + turn * 0.085])
            bulge = np.array([0.02 * turn, 0.022 * side * turn])
            middle = (tip + [u, v]) / 2
            leaf = [(u, v), middle + bulge, tip, middle - bulge]
            stage.shape(leaf, lighter(green, 0.1 * (step % 3)))


def paint_contact_shadow(picture, places, strength):
    """Darken the ground under the dog.

    Args:
        picture: uint8 (height, width, 3), changed in place.
        places: sequence of (x, y, half width, half height) of soft ellipses, pixels.
        strength: 0…1, how dark.
    """
    height, width = picture.shape[:2]
    mask = np.zeros((height // 4 + 1, width // 4 + 1), np.uint8)
    for x, y, wide, tall in places:
        centre = tuple(int(v) for v in to_fixed(np.array([x, y]) / 4))
        radii = tuple(max(8, int(v)) for v in to_fixed(np.array([wide, tall]) / 4))
        cv2.ellipse(mask, centre, radii, 0, 0, 360, 255, -1, cv2.LINE_AA, SHIFT)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.8, width / 4 / 70))
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    keep = cv2.convertScaleAbs(mask, alpha=-strength, beta=0)
    keep = cv2.bitwise_not(keep)
    cv2.multiply(picture, cv2.cvtColor(keep, cv2.COLOR_GRAY2RGB), picture, 1 / 255)
