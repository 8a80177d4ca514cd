"""The coat: which colour falls where on the trunk and the legs."""

from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import SHIFT, ball, fill_convex, fill_shape, spline, to_fixed, tube_hulls
from .painting import darker, lighter


@dataclass(frozen=True)
class Colours:
    """The colours of one animal, RGB; they vary a little about the breed's."""

    main: tuple
    second: tuple
    marking: tuple


def individual_colours(breed, rng):
    """Vary a breed's colours a little, as individuals do."""

    def vary(colour):
        tone = rng.normal(0, 8) + rng.normal(0, 4, 3)
        return tuple(int(v) for v in np.clip(np.asarray(colour) + tone, 12, 252))

    return Colours(vary(breed.colour), vary(breed.second_colour), vary(breed.marking_colour))


class Surface:
    """Points on a tube's skin, by fraction of its length and angle from its back.

    Args:
        view: the camera.
        body: the :class:`~.geometry.Tube`.
        up: array (3,), the direction of the back.
    """

    def __init__(self, view, body, up):
        self.view, self.body = view, body
        along = np.gradient(body.centres, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        self.side = np.array([0.0, 0.0, 1.0])
        self.up = np.cross(self.side, along)
        if self.up.mean(0) @ up < 0:
            self.up = -self.up

    def points(self, share, angle, lift=1.0):
        """Project skin points: `share` 0…1 along, `angle` in degrees (0 back, 90 near side).

        `lift` above 1 gives points off the skin, for patterns that must reach the outline.
        """
        share, angle = np.broadcast_arrays(np.asarray(share, float), np.radians(angle))
        at = np.clip(share, 0, 1) * (len(self.body.radii) - 1)
        index = np.arange(len(self.body.radii))

        def look_up(values):
            return np.stack([np.interp(at, index, column) for column in values.T], axis=1)

        radius = np.interp(at, index, self.body.radii)[:, None]
        out = np.cos(angle)[:, None] * look_up(self.up) + np.sin(angle)[:, None] * self.side
        return self.view.project(look_up(self.body.centres) + lift * radius * out)


def _area(*edges):
    """Join edges, arrays (n, 2) of pixels, to one smooth closed outline."""
    return spline(np.concatenate(edges), 4, closed=True)


def _blob(rng, share, angle, width, height, corners=9):
    """Give the outline of an irregular patch on the skin, in shares and degrees."""
    around = np.arange(corners) * 2 * np.pi / corners
    reach = rng.uniform(0.72, 1.2, corners)
    ring = np.stack(
        [share + width * reach * np.cos(around), angle + height * reach * np.sin(around)]
    )
    return spline(ring.T, 4, closed=True).T


def paint_trunk(layer, breed, colours, skeleton, view, rng):
    """Draw the breed's pattern and markings for the trunk onto a colour layer, in place.

    The layer serves torso, neck and the near legs, so that the pattern runs across them.
    """
    surface = Surface(view, skeleton.torso, skeleton.up)
    if breed.coat == "shaggy":
        _strands(layer, surface, breed, rng)
    _TRUNK[breed.pattern](layer, surface, colours.second, rng)
    if breed.pattern == "saddle":
        nape = skeleton.neck.part(0.0, 0.75)
        top = Surface(view, nape, skeleton.up)
        edge = np.linspace(0, 1, 6)
        outline = _area(top.points(edge, -5, 1.35)[0], top.points(edge[::-1], 62)[0])
        fill_shape(layer, outline, colours.second)
    if "bib" in breed.markings:
        _bib(layer, surface, skeleton, view, colours.marking)
    if breed.pattern == "tan_points":
        fill_convex(layer, tube_hulls(view, _chest(skeleton)[:1]), colours.second)


def _bib(layer, surface, skeleton, view, colour):
    """Lighten the chest, the throat and the belly."""
    fill_convex(layer, tube_hulls(view, _chest(skeleton)), colour)
    share = np.linspace(0.3, 1, 7)
    edge = 118 - 26 * share
    outline = _area(surface.points(share, edge)[0], surface.points(share[::-1], 180, 1.35)[0])
    fill_shape(layer, outline, colour)


def _chest(skeleton):
    """Cover the front of chest and throat with balls."""
    front = skeleton.torso.centres[-1]
    ahead = front - skeleton.torso.centres[-6]
    ahead /= np.linalg.norm(ahead)
    radius = skeleton.torso.radii[-1]
    throat = skeleton.neck.centres[5]
    low = ball(front + ahead * 0.72 * radius - skeleton.up * 0.3 * radius, 0.92 * radius)
    high = ball(
        throat + ahead * 0.75 * skeleton.neck.radii[5] - skeleton.up * 0.25 * radius,
        0.62 * skeleton.neck.radii[5],
    )
    return [low, high]


def _solid(layer, surface, colour, rng):
    pass


def _saddle(layer, surface, colour, rng):
    share = np.linspace(-0.02, 1.0, 9)
    edge = 84 + rng.uniform(-10, 10, 9) + 14 * np.sin(share * np.pi)
    outline = _area(surface.points(share, edge)[0], surface.points(share[::-1], -5, 1.35)[0])
    fill_shape(layer, outline, colour)


def _spots(layer, surface, colour, rng):
    # One spot in each cell of a grid, so that they never run together.
    share, angle = np.meshgrid((np.arange(9) + 0.5) / 9, np.arange(4) * 42.0)
    share = share.ravel() + rng.uniform(-0.042, 0.042, share.size)
    angle = angle.ravel() + rng.uniform(-15, 15, angle.size)
    where, size = surface.points(share, angle)
    radii = rng.uniform(0.014, 0.036, share.size) * size
    for centre, radius in zip(where, radii, strict=True):
        _dot(layer, centre, radius, colour)


def _dot(layer, centre, radius, colour):
    cv2.circle(
        layer,
        tuple(int(v) for v in to_fixed(centre)),
        int(to_fixed(max(radius, 0.6))),
        colour,
        -1,
        cv2.LINE_AA,
        SHIFT,
    )


def _patches(layer, surface, colour, rng):
    first = rng.uniform(0.0, 0.16)
    for share in (first, first + rng.uniform(0.4, 0.55), rng.uniform(0.85, 1.0)):
        blob = _blob(rng, share, rng.uniform(30, 95), rng.uniform(0.12, 0.2), rng.uniform(34, 52))
        fill_shape(layer, surface.points(*blob)[0], colour)


def _brindle(layer, surface, colour, rng):
    for share in np.linspace(-0.02, 1.02, 12) + rng.uniform(-0.02, 0.02, 12):
        angle = np.linspace(rng.uniform(-10, 25), rng.uniform(105, 150), 7)
        lean = share + 0.05 * np.sin(np.linspace(0, 3, 7) + rng.uniform(0, 6))
        thick = 0.022 * np.sin(np.linspace(0.25, np.pi, 7)) * rng.uniform(0.7, 1.3)
        outline = _area(
            surface.points(lean - thick, angle)[0],
            surface.points((lean + thick)[::-1], angle[::-1])[0],
        )
        fill_shape(layer, outline, colour)


def _belt(layer, surface, colour, rng):
    start, stop = 0.34 + rng.uniform(-0.05, 0.05), 0.78 + rng.uniform(-0.05, 0.05)
    angle = np.linspace(0, 180, 10)
    lift = np.where((angle == 0) | (angle == 180), 1.35, 1.0)[:, None]
    wave = 0.03 * np.sin(np.linspace(0, 9, 10) + rng.uniform(0, 6))
    outline = _area(
        surface.points(start + wave, angle, lift)[0],
        surface.points(stop - wave, angle[::-1], lift[::-1])[0],
    )
    fill_shape(layer, outline, colour)


#: What each pattern draws on the torso. A mask is on the head alone, tan points are at the ends.
_TRUNK = {
    "solid": _solid,
    "saddle": _saddle,
    "spots": _spots,
    "patches": _patches,
    "tan_points": _solid,
    "brindle": _brindle,
    "mask": _solid,
    "belt": _belt,
}


def _strands(layer, surface, breed, rng):
    """Draw locks of a long coat in tones a little lighter and darker than what lies below."""
    count = 46
    share = rng.uniform(0.02, 1, count)
    angle = rng.uniform(0, 140, count)
    start, size = surface.points(share, angle)
    middle, _ = surface.points(share - 0.04, angle + 9)
    stop, _ = surface.points(share - 0.06, angle + 21)
    locks = to_fixed(np.stack([start, middle, stop], axis=1))
    width = max(1, round(0.012 * float(size.mean())))
    for tone, chosen in ((darker, locks[::2]), (lighter, locks[1::2])):
        colour = tone(breed.colour, 0.16)
        cv2.polylines(layer, list(chosen), False, colour, width, cv2.LINE_AA, SHIFT)


def paint_leg(layer, breed, colours, leg, view, rng):
    """Draw the pattern and markings of one leg onto a colour layer, in place."""
    if breed.pattern == "tan_points":
        fill_convex(layer, tube_hulls(view, [leg.part(0.52, 1.0, 1.25)]), colours.second)
    if breed.pattern in ("spots", "brindle"):
        below = leg.part(0.3, 0.95)
        skin = Surface(view, below, np.array([1.0, 0.0, 0.0]))
        count = 7
        where, size = skin.points(np.linspace(0.05, 0.95, count), rng.uniform(20, 160, count))
        radii = below.radii[np.linspace(0, len(below.radii) - 1, count).astype(int)] * size
        for centre, radius in zip(where, radii, strict=True):
            if breed.pattern == "spots":
                _dot(layer, centre, radius * rng.uniform(0.22, 0.42), colours.second)
            else:
                bar = np.array([[-1.3, -0.16], [0.9, -0.3], [1.1, 0.1], [-1.1, 0.2]])
                fill_shape(layer, centre + bar * radius, colours.second)
    if "socks" in breed.markings:
        fill_convex(layer, tube_hulls(view, [leg.part(0.58, 1.0, 1.25)]), colours.marking)


def paint_tail(layer, breed, colours, tail, view):
    """Draw the pattern and markings of the tail onto a colour layer, in place."""
    if breed.pattern in ("saddle", "patches"):
        fill_convex(layer, tube_hulls(view, [tail.part(0, 0.6, 1.3)]), colours.second)
    if breed.pattern == "brindle":
        for start in (0.15, 0.4, 0.65):
            ring = tail.part(start, start + 0.09, 1.3)
            fill_convex(layer, tube_hulls(view, [ring]), colours.second)
    if breed.pattern == "spots":
        for start in (0.2, 0.5, 0.8):
            xy, size = view.project(tail.part(start, start + 0.02).centres)
            _dot(layer, xy[0], 0.02 * size[0], colours.second)
    if "tail_tip" in breed.markings:
        fill_convex(layer, tube_hulls(view, [tail.part(0.68, 1.0, 1.9)]), colours.marking)
