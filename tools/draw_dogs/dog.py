"""Paint a whole dog from its parts, back to front."""

from dataclasses import dataclass

import numpy as np

from .coat import Colours, individual_colours, paint_leg, paint_tail, paint_trunk
from .geometry import bone, draw_line, to_fixed, tube_hulls, tufts
from .head import Head, paint_head
from .painting import darker
from .skeleton import build_of

_COLLARS = ((206, 56, 52), (44, 96, 168), (52, 132, 84), (232, 176, 44), (140, 70, 150))


@dataclass(frozen=True)
class Accessories:
    """What the dog wears, whatever its breed.

    Args:
        collar: RGB, or None.
        tag: whether a round tag hangs from the collar.
    """

    collar: tuple | None
    tag: bool


def random_accessories(rng):
    """Draw a collar, or none."""
    choice = int(rng.integers(0, 2 * len(_COLLARS)))
    return Accessories(_COLLARS[choice] if choice < len(_COLLARS) else None, rng.random() < 0.6)


def paint_dog(painter, breed, pose, skeleton, view, accessories, rng):
    """Paint a dog.

    Args:
        painter: a :class:`~.painting.Painter` of the picture's size.
        breed: the :class:`~.breeds.Breed`.
        pose: a :class:`~.skeleton.Pose`.
        skeleton: the :class:`~.skeleton.Skeleton` in that pose.
        view: the :class:`~.geometry.View`.
        accessories: :class:`Accessories`.
        rng: `numpy.random.Generator` for the animal's own colours and spots.
    """
    colours = individual_colours(breed, rng)
    brush = _Brush(painter, breed, colours, skeleton, view, rng)
    if pose.yaw > -0.1:
        brush.tail()
    for name in ("far_hind", "far_fore"):
        brush.far_leg(name)
    brush.trunk()
    if pose.yaw <= -0.1:
        brush.tail()
    brush.collar(accessories)
    paint_head(painter, Head(breed, colours, skeleton, build_of(breed), pose, view, rng))


class _Brush:
    """What the parts of one dog's body share while they are painted."""

    def __init__(self, painter, breed, colours, skeleton, view, rng):
        self.painter, self.breed, self.colours = painter, breed, colours
        self.skeleton, self.view, self.rng = skeleton, view, rng
        self.shadowed = Colours(*(darker(colour, 0.28) for colour in vars(colours).values()))
        self.ink = darker(colours.main, 0.6)
        self.pixel = float(view.project(skeleton.head[None])[1][0])
        self.width = max(1.0, 0.011 * self.pixel)
        self.wind = view.rotation[:2] @ np.array([-0.5, -0.86, 0.0])

    def hulls(self, item, hair):
        """Outline a tube, with locks of hair where the coat is long."""
        polygons = tube_hulls(self.view, [item])
        if self.breed.coat == "shaggy" and hair:
            polygons += tufts(self.view, item, hair, self.rng, self.wind)
        return polygons

    def leg_hulls(self, name):
        leg, paw = self.skeleton.legs[name], self.skeleton.paws[name]
        radius = leg.radii[-1]
        toes = bone(paw, radius, paw + [0.75 * radius, -0.06 * radius, 0], radius * 0.92)
        below = leg.part(0.3, 0.85)
        return tube_hulls(self.view, [leg, toes]) + self.hulls(below, 0.05)

    def tail(self):
        item = self.skeleton.tail
        plume = 0.11 if self.breed.tail == "plume" else 0.06
        polygons = self.hulls(item, plume)
        layer = self.painter.sheet(self.colours.main)
        paint_tail(layer, self.breed, self.colours, item, self.view)
        self.painter.outline(polygons, self.ink, self.width)
        self.painter.part(polygons, layer, self.pixel * float(item.radii.mean()))

    def far_leg(self, name):
        """Paint a leg of the far side, in its own shadow."""
        polygons = self.leg_hulls(name)
        layer = self.painter.sheet(self.shadowed.main)
        self._leg_coat(layer, name, self.shadowed)
        self.painter.outline(polygons, darker(self.ink, 0.3), self.width)
        self.painter.part(polygons, layer, self.pixel * 0.07)
        self._toes(name, 0.5)

    def _leg_coat(self, layer, name, colours):
        leg = self.skeleton.legs[name]
        paint_leg(layer, self.breed, colours, leg, self.view, self.rng)

    def trunk(self):
        """Paint torso, neck and near legs inside one common outline."""
        skeleton, painter = self.skeleton, self.painter
        torso, neck = self.hulls(skeleton.torso, 0.085), self.hulls(skeleton.neck, 0.08)
        legs = {name: self.leg_hulls(name) for name in ("near_hind", "near_fore")}
        painter.outline(torso + neck + legs["near_hind"] + legs["near_fore"], self.ink, self.width)
        layer = painter.sheet(self.colours.main)
        paint_trunk(layer, self.breed, self.colours, skeleton, self.view, self.rng)
        depth = self.pixel * float(skeleton.torso.radii.max())
        painter.part(torso, layer, depth)
        painter.part(neck, layer, depth * 0.75)
        for name, polygons in legs.items():
            own = layer.copy()
            self._leg_coat(own, name, self.colours)
            painter.part(polygons, own, depth * 0.42, contact=0.3)
            self._toes(name, 0.34)

    def _toes(self, name, strength):
        """Draw two short lines on a paw."""
        paw, leg = self.skeleton.paws[name], self.skeleton.legs[name]
        radius = leg.radii[-1]
        colour = darker(self._paw_colour(), strength)
        for side in (-0.35, 0.35):
            ahead = paw + [1.35 * radius, 0.15 * radius, side * radius]
            below = paw + [1.5 * radius, -0.62 * radius, side * radius]
            xy = self.view.project(np.array([ahead, below]))[0]
            draw_line(self.painter.colour, xy, colour, 0.011 * self.pixel)

    def _paw_colour(self):
        if "socks" in self.breed.markings:
            return self.colours.marking
        tan = self.breed.pattern == "tan_points"
        return self.colours.second if tan else self.colours.main

    def collar(self, accessories):
        """Put a collar round the neck, with a tag at its lowest point."""
        if accessories.collar is None:
            return
        low, high = self._collar_edges()
        strip = [to_fixed(np.stack([low[:-1], low[1:], high[1:], high[:-1]], axis=1))]
        self.painter.outline(strip, darker(accessories.collar, 0.5), 0.6 * self.width)
        self.painter.part(strip, accessories.collar, self.pixel * 0.07)
        if accessories.tag:
            self._tag(low[low[:, 1].argmax()])

    def _collar_edges(self):
        """Give the lower and the upper edge of the collar, pixels (n, 2) each."""
        neck = self.skeleton.neck.part(0.4, 0.65)
        xy, size = self.view.project(neck.centres)
        radius = float((neck.radii * size).mean()) * 1.04
        along = xy[-1] - xy[0]
        along /= max(np.linalg.norm(along), 1e-6)
        across = np.array([-along[1], along[0]])
        turn = np.linspace(0, np.pi, 11)[:, None]
        # The near half of a ring about the neck, seen a little from above.
        ring = xy.mean(0) + radius * (np.cos(turn) * across - 0.24 * np.sin(turn) * along)
        half = 0.034 * self.pixel * along
        return ring - half, ring + half

    def _tag(self, place):
        radius = 0.034 * self.pixel
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        middle = place + [0, 0.7 * radius]
        disc = middle + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        polygons = [to_fixed(disc)[None]]
        self.painter.outline(polygons, (120, 84, 30), 0.5 * self.width)
        self.painter.part(polygons, (244, 206, 96), radius)
