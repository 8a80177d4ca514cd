"""Things that stand about, on a :class:`~.stage.Stage`: x and y are where they touch the ground."""

import numpy as np

from .painting import darker, lighter
from .stage import tint


def _size(y):
    """Tell how large a thing looks at a depth: 1 in the middle ground."""
    return 0.55 + 1.5 * max(y, 0)


def tree(stage, x, y, colour=None):
    """Draw a broad-leaved tree."""
    rng = stage.rng
    size = rng.uniform(0.8, 1.3) * _size(y)
    leaf = colour or tint(rng, 115, 0.5, 0.5, spread=30)
    stage.box(x, y - 0.13 * size, 0.05 * size, 0.26 * size, tint(rng, 28, 0.45, 0.42))
    for u, v, r in ((-0.1, -0.3, 0.13), (0.1, -0.32, 0.13), (0, -0.44, 0.15), (0, -0.3, 0.14)):
        stage.ellipse((x + u * size, y + v * size), (r * size, r * size), leaf)
    stage.ellipse(
        (x - 0.04 * size, y - 0.44 * size), (0.08 * size, 0.07 * size), lighter(leaf, 0.2)
    )


def pine(stage, x, y):
    """Draw a fir."""
    rng = stage.rng
    size = rng.uniform(0.7, 1.4) * _size(y)
    leaf = tint(rng, 150, 0.4, 0.42)
    stage.box(x, y - 0.04 * size, 0.04 * size, 0.09 * size, (96, 70, 52))
    for k, base in enumerate((-0.06, -0.19, -0.31)):
        wide, tip = (0.16 - 0.04 * k) * size, y + (base - 0.2) * size
        foot = y + base * size
        stage.shape([(x - wide, foot), (x, tip), (x + wide, foot)], lighter(leaf, 0.1 * k))


def palm(stage, x, y):
    """Draw a palm."""
    size = stage.rng.uniform(1.0, 1.5)
    trunk = [(x, y), (x + 0.03 * size, y - 0.25 * size), (x + 0.09 * size, y - 0.45 * size)]
    stage.line(trunk, (150, 112, 74), 0.035 * size)
    top = np.array(trunk[-1])
    for angle in np.linspace(-0.5, np.pi + 0.5, 6):
        tip = top + 0.24 * size * np.array([np.cos(angle), -0.55 * np.sin(angle) + 0.25])
        bend = (top + tip) / 2 + [0, -0.07 * size]
        stage.shape([top, bend, tip, (top + tip) / 2 + [0, -0.02 * size]], (64, 140, 78))


def bush(stage, x, y, size=0.13):
    """Draw a round bush."""
    rng = stage.rng
    leaf = tint(rng, 110, 0.5, 0.48, spread=35)
    size = size * rng.uniform(0.8, 1.3)
    for u, v, r in ((-0.7, -0.35, 0.6), (0.7, -0.35, 0.6), (0, -0.6, 0.85), (0.1, -0.25, 0.7)):
        stage.ellipse((x + u * size, y + v * size), (r * size, r * size), leaf)
    stage.ellipse(
        (x - 0.25 * size, y - 0.85 * size), (0.35 * size, 0.25 * size), lighter(leaf, 0.2)
    )


def cloud(stage, x, y):
    """Draw a cloud."""
    size = stage.rng.uniform(0.6, 1.5)
    for u, v, r in ((-0.1, 0.01, 0.06), (0, -0.03, 0.085), (0.1, 0.0, 0.065), (0.0, 0.03, 0.06)):
        stage.ellipse((x + u * size, y + v * size), (1.3 * r * size, r * size), (250, 250, 252))


def sun(stage, x, y):
    """Draw the sun."""
    stage.ellipse((x, y), (0.12, 0.12), (255, 240, 190))
    stage.ellipse((x, y), (0.085, 0.085), (255, 214, 96))


def flower(stage, x, y, scale=1.0):
    """Draw a flower."""
    rng = stage.rng
    size = 0.03 * scale * _size(y)
    petal = tint(rng, rng.uniform(0, 360), 0.6, 0.98)
    stage.line([(x, y), (x, y - 2.2 * size)], (70, 130, 60), 0.3 * size)
    for angle in np.arange(5) * 2 * np.pi / 5:
        centre = (x + 0.6 * size * np.cos(angle), y - 2.4 * size + 0.6 * size * np.sin(angle))
        stage.ellipse(centre, (0.48 * size, 0.48 * size), petal)
    stage.ellipse((x, y - 2.4 * size), (0.4 * size, 0.4 * size), (250, 214, 84))


def ball(stage, x, y):
    """Draw a ball with a stripe."""
    rng = stage.rng
    r = 0.062 * _size(y) * rng.uniform(0.8, 1.2)
    colour = tint(rng, rng.uniform(0, 360), 0.75, 0.9)
    stage.ellipse((x, y - 0.1 * r), (1.1 * r, 0.3 * r), (60, 56, 60))
    stage.ellipse((x, y - r), (r, r), colour)
    stage.ellipse((x, y - r), (0.98 * r, 0.32 * r), lighter(colour, 0.7))
    stage.ellipse((x - 0.35 * r, y - 1.45 * r), (0.25 * r, 0.18 * r), (255, 255, 255))


def bowl(stage, x, y):
    """Draw a bowl of food."""
    r = 0.09 * _size(y)
    colour = tint(stage.rng, stage.rng.uniform(0, 360), 0.6, 0.85)
    stage.shape(
        [(x - r, y), (x + r, y), (x + 0.8 * r, y - 0.55 * r), (x - 0.8 * r, y - 0.55 * r)], colour
    )
    stage.ellipse((x, y - 0.55 * r), (0.8 * r, 0.22 * r), darker(colour, 0.3))
    stage.ellipse((x, y - 0.62 * r), (0.6 * r, 0.2 * r), (150, 96, 60))


def crate(stage, x, y):
    """Draw a wooden box."""
    s = 0.2 * _size(y) * stage.rng.uniform(0.8, 1.3)
    wood = tint(stage.rng, 32, 0.5, 0.7)
    stage.box(x, y - s / 2, s, s, wood)
    for v in (0.08, 0.5, 0.92):
        stage.line([(x - s / 2, y - v * s), (x + s / 2, y - v * s)], darker(wood, 0.3), 0.012)


def lamp(stage, x, y):
    """Draw a standing lamp."""
    s = _size(y)
    stage.line([(x, y), (x, y - 0.5 * s)], (70, 66, 72), 0.018 * s)
    shade = tint(stage.rng, 45, 0.45, 0.97, spread=20)
    top = y - 0.5 * s
    stage.shape(
        [
            (x - 0.1 * s, top),
            (x + 0.1 * s, top),
            (x + 0.06 * s, top - 0.13 * s),
            (x - 0.06 * s, top - 0.13 * s),
        ],
        shade,
    )


def fence(stage, x, y):
    """Draw a picket fence along the whole picture."""
    colour = tint(stage.rng, 35, 0.12, 0.93, spread=180)
    for v in (0.06, 0.16):
        stage.line([(-1.6, y - v), (1.6, y - v)], darker(colour, 0.1), 0.025)
    for u in np.arange(-1.2, 1.2, 0.085):
        stage.shape(
            [(u, y), (u + 0.045, y), (u + 0.045, y - 0.2), (u + 0.022, y - 0.24), (u, y - 0.2)],
            colour,
        )


def rock(stage, x, y):
    """Draw a stone."""
    r = 0.09 * _size(y) * stage.rng.uniform(0.7, 1.4)
    stone = tint(stage.rng, 220, 0.08, 0.6)
    stage.shape(
        [
            (x - r, y),
            (x - 0.8 * r, y - 0.5 * r),
            (x - 0.1 * r, y - 0.8 * r),
            (x + 0.7 * r, y - 0.5 * r),
            (x + r, y),
        ],
        stone,
    )
    stage.shape(
        [(x - 0.7 * r, y - 0.45 * r), (x - 0.1 * r, y - 0.75 * r), (x, y - 0.4 * r)],
        lighter(stone, 0.3),
    )


def pot(stage, x, y):
    """Draw a potted plant."""
    s = 0.16 * _size(y)
    clay = tint(stage.rng, 18, 0.55, 0.75)
    leaf = tint(stage.rng, 125, 0.5, 0.5, spread=25)
    for u in (-0.6, -0.3, 0.0, 0.3, 0.6):
        stage.shape(
            [
                (x - 0.1 * s, y - 0.8 * s),
                (x + u * s, y - (2.1 - abs(u)) * s),
                (x + 0.1 * s, y - 0.8 * s),
            ],
            lighter(leaf, 0.2 * abs(u)),
        )
    stage.shape(
        [
            (x - 0.3 * s, y),
            (x + 0.3 * s, y),
            (x + 0.45 * s, y - 0.85 * s),
            (x - 0.45 * s, y - 0.85 * s),
        ],
        clay,
    )


def mushroom(stage, x, y):
    """Draw a toadstool."""
    s = 0.1 * _size(y)
    stage.box(x, y - 0.35 * s, 0.35 * s, 0.75 * s, (244, 232, 210))
    cap = tint(stage.rng, 5, 0.8, 0.85)
    stage.ellipse((x, y - 0.85 * s), (0.75 * s, 0.45 * s), cap)
    for u, v in ((-0.3, -0.9), (0.15, -1.05), (0.4, -0.8)):
        stage.ellipse((x + u * s, y + v * s), (0.12 * s, 0.09 * s), (255, 250, 244))


def hydrant(stage, x, y):
    """Draw a hydrant."""
    s = 0.2 * _size(y)
    colour = tint(stage.rng, stage.rng.choice([5, 45, 210]), 0.75, 0.85)
    stage.box(x, y - 0.45 * s, 0.42 * s, 0.9 * s, colour)
    stage.box(x, y - 0.62 * s, 0.72 * s, 0.18 * s, darker(colour, 0.15))
    stage.ellipse((x, y - 0.92 * s), (0.26 * s, 0.2 * s), lighter(colour, 0.15))
    stage.box(x, y - 0.05 * s, 0.58 * s, 0.12 * s, darker(colour, 0.25))


def cat(stage, x, y):
    """Draw a cat that looks on."""
    s = 0.11 * _size(y)
    colour = tint(stage.rng, 30, 0.35, 0.55, spread=25)
    stage.ellipse((x, y - 0.75 * s), (0.55 * s, 0.8 * s), colour)
    stage.ellipse((x, y - 1.7 * s), (0.5 * s, 0.42 * s), colour)
    for side in (-1, 1):
        ear = [
            (x + side * 0.5 * s, y - 2.35 * s),
            (x + side * 0.08 * s, y - 2.0 * s),
            (x + side * 0.48 * s, y - 1.75 * s),
        ]
        stage.shape(ear, colour)
        stage.ellipse((x + side * 0.2 * s, y - 1.72 * s), (0.1 * s, 0.12 * s), (206, 224, 110))
    stage.line(
        [(x + 0.4 * s, y - 0.1 * s), (x + 1.0 * s, y - 0.4 * s), (x + 0.95 * s, y - 1.1 * s)],
        colour,
        0.2 * s,
    )


def house(stage, x, wide):
    """Draw a house front that stands on the horizon."""
    rng = stage.rng
    wall = tint(rng, rng.uniform(0, 360), 0.35, 0.85)
    tall = rng.uniform(0.35, 0.75)
    stage.box(x, -tall / 2 + 0.02, wide, tall, wall)
    roof = tint(rng, 12, 0.5, 0.6, spread=20)
    stage.shape(
        [
            (x - wide / 2 - 0.02, -tall + 0.02),
            (x + wide / 2 + 0.02, -tall + 0.02),
            (x, -tall - 0.16),
        ],
        roof,
    )
    pane = tint(rng, 205, 0.25, 0.9)
    for u in (-0.25, 0.25):
        for v in np.arange(0.14, tall, 0.2):
            stage.box(x + u * wide, -tall + v, 0.26 * wide, 0.12, (246, 242, 234))
            stage.box(x + u * wide, -tall + v, 0.2 * wide, 0.095, pane)
    stage.box(x, -0.07, 0.2 * wide, 0.16, darker(roof, 0.2))


#: What may stand about in any place.
CLUTTER = {
    "ball": ball,
    "bowl": bowl,
    "bush": bush,
    "cat": cat,
    "crate": crate,
    "hydrant": hydrant,
    "lamp": lamp,
    "mushroom": mushroom,
    "pot": pot,
    "rock": rock,
}

#: What may stand about in a room.
INDOORS = ("ball", "bowl", "cat", "crate", "lamp", "pot")
