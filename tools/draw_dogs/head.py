"""The head: skull, muzzle, ears, eyes, mouth and the hair on the face.

Points on the head are given as (forward, up, side) in units of the skull's radius; side is
positive towards the viewer when the dog is seen from its side.
"""

import numpy as np

from .geometry import (
    ball,
    bone,
    draw_ellipse,
    draw_line,
    fill_convex,
    fill_shape,
    spline,
    to_fixed,
    tube_hulls,
)
from .painting import darker, lighter, mixed

_TONGUE = (232, 112, 124)
_MOUTH = (112, 38, 46)
_NOSE = (38, 30, 36)
_IRIS = ((98, 58, 30), (74, 44, 28), (150, 98, 40), (122, 78, 36))


class Head:
    """A head in its frame, ready to be painted.

    Args:
        breed: the :class:`~.breeds.Breed`.
        colours: the animal's :class:`~.coat.Colours`.
        skeleton: the posed dog.
        build: the breed's lengths.
        pose: the :class:`~.skeleton.Pose`.
        view: the camera.
        rng: `numpy.random.Generator` for the animal's own details.
    """

    def __init__(self, breed, colours, skeleton, build, pose, view, rng):
        self.breed, self.colours, self.build = breed, colours, build
        self.pose, self.view, self.rng = pose, view, rng
        self.centre, self.axes, self.radius = skeleton.head, skeleton.head_axes, build.head
        self.pixel = self.view.project(self.centre[None])[1][0] * self.radius
        self.thick = build.snout_thickness
        self.tip = 0.66 + build.snout
        self.tip_radius = 0.37 * self.thick
        self.frontal = float(view.nearness(self.axes[0]))
        self.patch_side = 1 if rng.random() < 0.75 else -1
        self.ink = darker(colours.main, 0.62)
        self.iris = _IRIS[int(rng.integers(len(_IRIS)))]

    def at(self, forward, up, side):
        """Place a point of the head in space, array (3,)."""
        return self.centre + self.radius * (np.array([forward, up, side]) @ self.axes)

    def ats(self, points):
        """Place points of the head on the picture, pixels (n, 2)."""
        return self.view.project(self.centre + self.radius * (np.asarray(points) @ self.axes))[0]

    def bone(self, start, start_radius, stop, stop_radius):
        """Join two points of the head by a straight tube; radii in skull radii."""
        r = self.radius
        return bone(self.at(*start), start_radius * r, self.at(*stop), stop_radius * r)

    def ball(self, centre, radius):
        """Make a sphere on the head; its radius in skull radii."""
        return ball(self.at(*centre), radius * self.radius)

    def hulls(self, *tubes):
        """Outline tubes of the head."""
        return tube_hulls(self.view, tubes)

    def nearness(self, direction):
        """Tell how much a direction of the head faces the viewer, -1…1."""
        direction = np.asarray(direction, float) / np.linalg.norm(direction)
        return float(self.view.nearness(direction @ self.axes))


def paint_head(painter, head):
    """Paint a :class:`Head` on a :class:`~.painting.Painter`, from back to front."""
    upright = head.breed.ears in ("pointed", "rounded")
    behind_both = upright and head.frontal > 0.6
    _ear(painter, head, -1)
    if behind_both:
        _ear(painter, head, 1)
    skull, muzzle, jaw = _skull(head), _muzzle(head), _jaw(head)
    painter.outline(skull + muzzle + jaw, head.ink, _ink_width(head))
    painter.part(skull, _skull_layer(painter, head), head.pixel * 0.8, contact=0.6)
    _mouth_inside(painter, head, jaw)
    painter.part(muzzle, _muzzle_layer(painter, head), head.pixel * 0.42 * head.thick, contact=0.3)
    _mouth_line(painter, head)
    _nose(painter, head)
    for side in (-1, 1):
        _eye(painter, head, side)
    _FACE[head.breed.face](painter, head)
    if not behind_both:
        _ear(painter, head, 1)
    if not upright and head.frontal > 0.93:
        _ear(painter, head, -1)


def _ink_width(head):
    return max(1.0, 0.045 * head.pixel)


def _skull(head):
    # Long-nosed dogs have a flat forehead, short-nosed ones a round one.
    flat = 0.12 * head.build.snout
    cheek = 0.6 - 0.5 * flat
    tubes = [head.bone((-0.14, 0.04, 0), 0.97 - flat, (0.2, 0.14, 0), 0.86 - flat)]
    tubes += [head.ball((0.26, -0.34, side * 0.36), cheek) for side in (-1, 1)]
    polygons = head.hulls(*tubes)
    if head.breed.coat == "shaggy":
        polygons += _cheek_hair(head)
    return polygons


def _cheek_hair(head):
    """Outline the hair of a long coat at the cheeks."""
    locks = []
    for side in (-1, 1):
        for turn in (-0.15, 0.25, 0.65):
            start = (0.1 - 0.25 * turn, -0.35 - 0.3 * turn, side * 0.5)
            stop = (-0.15 - 0.25 * turn, -0.75 - 0.42 * turn, side * (1.1 - 0.55 * turn))
            locks.append(head.bone(start, 0.34, stop, 0.05))
    return head.hulls(*locks)


def _muzzle(head):
    return head.hulls(
        head.bone((0.42, -0.28, 0), 0.56 * head.thick, (head.tip, -0.36, 0), head.tip_radius)
    )


def _jaw_end(head):
    """Give the jaw's tip as (forward, up, side): it drops as the mouth opens."""
    drop = 0.42 * head.pose.mouth
    reach = 0.2 + 0.9 * (head.tip - 0.36)
    return (
        0.36 + reach * np.cos(drop),
        -0.5 - 0.24 * head.thick - reach * np.sin(drop),
        0.0,
    )


def _jaw(head):
    return head.hulls(
        head.bone((0.32, -0.52, 0), 0.36 * head.thick, _jaw_end(head), 0.2 * head.thick)
    )


def _skull_layer(painter, head):
    """Colour the skull with the breed's pattern and markings."""
    breed, colours = head.breed, head.colours
    layer = painter.sheet(colours.main)
    if breed.pattern == "patches":
        _fill(head, layer, [head.ball((0.45, 0.3, head.patch_side * 0.62), 0.5)], colours.second)
    if breed.pattern == "mask":
        eyes = [head.ball((0.62, 0.2, side * 0.5), 0.3) for side in (-1, 1)]
        _fill(head, layer, [*eyes, head.ball((0.7, -0.25, 0), 0.6 * head.thick)], colours.second)
    if breed.pattern == "tan_points":
        cheeks = [head.ball((0.5, -0.55, side * 0.5), 0.42) for side in (-1, 1)]
        brows = [head.ball((0.78, 0.56, side * 0.36), 0.13) for side in (-1, 1)]
        _fill(head, layer, cheeks + brows, colours.second)
    if breed.pattern == "saddle":
        _fill(head, layer, [head.bone((-0.5, 0.9, 0), 0.45, (0.1, 0.95, 0), 0.3)], colours.second)
    if breed.pattern == "spots":
        for forward, up, side in head.rng.uniform((-0.5, 0.0, 0.4), (0.4, 0.7, 0.9), (6, 3)):
            for sign in (-1, 1):
                _fill(head, layer, [head.ball((forward, up, sign * side), 0.09)], colours.second)
    if breed.pattern == "brindle":
        _stripes(head, layer)
    if breed.pattern == "belt":
        pass
    if "blaze" in breed.markings:
        blaze = head.bone((0.95, 0.0, 0), 0.26 * head.thick, (0.62, 0.78, 0), 0.1)
        _fill(head, layer, [blaze], colours.marking)
    return layer


def _fill(head, layer, tubes, colour):
    fill_convex(layer, head.hulls(*tubes), colour)


def _stripes(head, layer):
    for height in (0.45, 0.72):
        for side in (-1, 1):
            start = (0.36 - 0.5 * height, height + 0.1, side * 0.22)
            stop = (-0.3, height - 0.25, side * 0.95)
            _fill(head, layer, [head.bone(start, 0.03, stop, 0.075)], head.colours.second)


def _muzzle_colour(head):
    breed, colours = head.breed, head.colours
    if "blaze" in breed.markings:
        return colours.marking
    if breed.pattern in ("mask", "saddle"):
        return colours.second
    if breed.pattern == "tan_points":
        return colours.second
    return lighter(colours.main, 0.14)


def _muzzle_layer(painter, head):
    layer = painter.sheet(_muzzle_colour(head))
    if head.breed.pattern == "tan_points":
        # The bridge of the nose keeps the coat's colour.
        bridge = head.bone((0.4, 0.25, 0), 0.3, (head.tip, 0.0, 0), 0.2)
        _fill(head, layer, [bridge], head.colours.main)
    if head.breed.pattern == "saddle":
        low = head.bone((0.3, -0.72, 0), 0.42, (head.tip, -0.66, 0), 0.26)
        _fill(head, layer, [low], head.colours.main)
    for side in (-1, 1):
        if head.nearness((0, 0, side)) > 0.1:
            _whisker_spots(head, layer, side)
    return layer


def _whisker_spots(head, layer, side):
    colour = mixed(_muzzle_colour(head), _line_colour(head), 0.45)
    for forward, up in ((-0.06, -0.1), (-0.2, -0.02), (-0.2, -0.2)):
        spot = (head.tip + forward, -0.36 + up * head.thick, side * head.tip_radius * 0.95)
        _fill(head, layer, [head.ball(spot, 0.028)], colour)


def _mouth_inside(painter, head, jaw):
    """Paint the lower jaw and, where the mouth is open, its inside and the tongue."""
    colour = darker(_muzzle_colour(head), 0.1)
    painter.part(jaw, colour, head.pixel * 0.3)
    if head.pose.mouth < 0.25:
        return
    end = np.array(_jaw_end(head))
    up = np.array([0.0, 0.1 * head.thick, 0.0])
    inside = head.bone((0.4, -0.48, 0), 0.26 * head.thick, tuple(end + up), 0.14 * head.thick)
    painter.details(head.hulls(inside), _MOUTH)
    root = tuple(end * 0.7 + np.array([0.1, -0.14, 0]) + up)
    front = end + np.array([0.12, 0.08, 0.0])
    hang = front + np.array([0.08, -0.28 * head.pose.mouth - 0.1, 0.0])
    tongue = [
        head.bone(root, 0.15, tuple(front), 0.15),
        head.bone(tuple(front), 0.15, tuple(hang), 0.14),
    ]
    painter.details(head.hulls(*tongue), _TONGUE)
    crease = head.ats([front + [0.1, 0.08, 0], hang + [0.1, 0.08, 0]])
    draw_line(painter.colour, crease, darker(_TONGUE, 0.25), 0.035 * head.pixel)


def _line_colour(head):
    """Choose a colour for lines on the muzzle: dark on a light one, light on a dark one."""
    ground = _muzzle_colour(head)
    if sum(ground) < 300:
        return lighter(ground, 0.32)
    return mixed(darker(ground, 0.75), (30, 20, 24), 0.4)


def _mouth_line(painter, head):
    """Draw the cleft below the nose and the smile on each visible side."""
    radius, tip = head.tip_radius, head.tip
    colour = _line_colour(head)
    width = 0.05 * head.pixel
    low = (tip + 0.86 * radius, -0.36 - 0.62 * radius, 0)
    cleft = [(tip + 0.98 * radius, -0.4, 0), low]
    if head.nearness((1, 0, 0)) > -0.1:
        draw_line(painter.colour, head.ats(cleft), colour, width)
    base = 0.56 * head.thick
    for side in (-1, 1):
        if head.nearness((0.35, 0, side)) < -0.1:
            continue
        smile = [low, (tip + 0.35 * radius, -0.36 - 0.93 * radius, side * 0.5 * radius)]
        if head.frontal > 0.8:
            # From the front the lips turn up round the tip; their corners are out of sight.
            smile.append((tip + 0.2 * radius, -0.36 - 0.5 * radius, side * 0.93 * radius))
        else:
            smile.append((0.5 * tip + 0.3, -0.33 - 0.74 * (radius + base) / 2, side * 0.7 * base))
            smile.append((0.46, -0.4, side * 0.93 * base))
        draw_line(painter.colour, head.ats(spline(smile, 5)), colour, width)


def _nose(painter, head):
    """Paint the nose with its shine."""
    up = -0.36 + 0.5 * head.tip_radius
    place = (head.tip + 0.72 * head.tip_radius, up)
    size = 0.15 + 0.05 * head.thick
    wings = head.bone((*place, -0.09), size, (*place, 0.09), size)
    low = head.bone((*place, 0), size, (place[0], place[1] - 0.1, 0), size * 0.7)
    if sum(_muzzle_colour(head)) < 300:
        # A thin light rim keeps a dark nose apart from a dark muzzle.
        rim = [head.bone((*place, -0.09), size * 1.16, (*place, 0.09), size * 1.16)]
        painter.details(head.hulls(*rim), lighter(_muzzle_colour(head), 0.2))
    painter.details(head.hulls(wings, low), _NOSE)
    shine = (
        head.ats([(place[0] + 0.1, place[1] + 0.09, 0.0)])[0] + painter.light * 0.04 * head.pixel
    )
    draw_ellipse(
        painter.colour, shine, (0.075 * head.pixel, 0.042 * head.pixel), 0, (168, 160, 168)
    )


def _eye(painter, head, side):
    """Paint an eye: white, iris, pupil, two lights, and the lid's dark line."""
    facing = head.nearness((0.72, 0.18, side * 0.62))
    if facing < 0.12:
        return
    centre = head.ats([(0.66, 0.25, side * 0.47)])[0]
    tall = 0.19 * head.pixel
    wide = tall * min(1.0, 0.55 + 0.5 * facing)
    angle = np.degrees(np.arctan2(*(head.ats([(0, 0, 1)]) - head.ats([(0, 0, -1)]))[0][::-1]))
    angle = angle if abs(angle) < 90 else angle - 180
    picture = painter.colour
    rim = mixed(head.ink, (24, 16, 20), 0.5)
    draw_ellipse(picture, centre, (wide * 1.16, tall * 1.14), angle, rim)
    draw_ellipse(picture, centre, (wide, tall), angle, (250, 246, 240))
    look = centre + np.array(head.pose.gaze) * (0.14 * wide, 0.1 * tall)
    draw_ellipse(picture, look, (wide * 0.9, tall * 0.92), angle, head.iris)
    draw_ellipse(picture, look, (wide * 0.68, tall * 0.7), angle, (22, 16, 18))
    glint = look + painter.light * 0.36 * tall
    draw_ellipse(picture, glint, (0.27 * wide, 0.27 * tall), 0, (255, 255, 255))
    draw_ellipse(
        picture, look - painter.light * 0.42 * tall, (0.13 * wide, 0.13 * tall), 0, (216, 206, 200)
    )
    _lid(painter, head, side, rim)


def _lid(painter, head, side, colour):
    """Draw the upper lid and a brow: they give the look."""
    lid = [(0.74, 0.4, side * 0.28), (0.68, 0.48, side * 0.46), (0.52, 0.32, side * 0.68)]
    draw_line(painter.colour, head.ats(spline(lid, 5)), colour, 0.055 * head.pixel)
    brow = [(0.72, 0.66, side * 0.26), (0.62, 0.7, side * 0.46), (0.5, 0.62, side * 0.62)]
    tone = mixed(head.colours.main, head.ink, 0.42)
    draw_line(painter.colour, head.ats(spline(brow, 5)), tone, 0.05 * head.pixel)


def _plain_face(painter, head):
    pass


def _beard(painter, head):
    """Hang a beard from the muzzle and brows over the eyes."""
    tone = lighter(_muzzle_colour(head), 0.35)
    sides = sorted((-1, 1), key=lambda side: head.nearness((0, 0, side)))
    for side in sides:
        locks = [
            head.bone(
                (forward, -0.5, side * 0.26 * head.thick),
                0.17 * head.thick,
                (forward + lean, -0.66 - length * head.rng.uniform(0.9, 1.1), side * spread),
                0.03,
            )
            for forward, lean, length, spread in _beard_locks(head.tip)
        ]
        hulls = head.hulls(*locks)
        tips = head.hulls(*(lock.part(0.35, 1.0) for lock in locks))
        painter.outline(tips, darker(tone, 0.5), 0.6 * _ink_width(head))
        painter.part(hulls, tone, head.pixel * 0.25)
    _nose(painter, head)
    _brows(painter, head, tone)


def _beard_locks(tip):
    """List the locks of a beard from cheek to chin: where, lean, length, sideways reach."""
    return [
        (0.42, -0.22, 0.3, 0.62),
        (0.45 + 0.3 * (tip - 0.45), -0.1, 0.42, 0.5),
        (0.45 + 0.65 * (tip - 0.45), 0.0, 0.5, 0.34),
        (tip, 0.12, 0.44, 0.16),
    ]


def _brows(painter, head, tone):
    for side in (-1, 1):
        if head.nearness((0.72, 0.2, side * 0.62)) < 0.05:
            continue
        brow = [
            head.bone((0.64, 0.6, side * s), 0.12, (0.94, 0.56, side * (s + 0.1)), 0.04)
            for s in (0.24, 0.42, 0.58)
        ]
        painter.part(head.hulls(*brow), tone, head.pixel * 0.2)


def _fringe(painter, head):
    """Let long hair fall from the crown over the brow."""
    tone = lighter(head.colours.main, 0.3)
    locks = []
    for side in np.linspace(-0.72, 0.72, 7):
        fall = 0.36 + 0.1 * abs(side) + head.rng.uniform(-0.06, 0.06)
        start = (0.1, 0.86 - 0.25 * abs(side), side * 0.8)
        locks.append(head.bone(start, 0.28, (0.82 - 0.3 * abs(side), fall, side * 1.05), 0.06))
    hulls = head.hulls(*locks)
    painter.part(hulls, tone, head.pixel * 0.35, contact=0.4)
    colour = darker(tone, 0.22)
    for lock in locks[::2]:
        draw_line(painter.colour, head.view.project(lock.centres)[0], colour, 0.03 * head.pixel)


_FACE = {"plain": _plain_face, "beard": _beard, "fringe": _fringe}


def _ear_colour(head, side):
    breed, colours = head.breed, head.colours
    if breed.pattern in ("saddle", "spots", "mask"):
        return colours.second
    if breed.pattern == "patches":
        return colours.second if side == head.patch_side else colours.main
    return colours.main


def _ear(painter, head, side):
    _EARS[head.breed.ears](painter, head, side)


def _leaf(base, tip, width, shape):
    """Bend a leaf, given as (along, across) points, from a base to a tip in pixels."""
    along = tip - base
    across = np.array([-along[1], along[0]])
    across *= width / max(np.linalg.norm(across), 1e-6)
    return base + np.outer(shape[:, 0], along) + np.outer(shape[:, 1], across)


def _paint_leaf(painter, head, outline, colour, contact=0.0):
    """Paint an ear's outline, given as float pixels (n, 2)."""
    polygons = _triangles(outline)
    painter.outline(polygons, darker(colour, 0.6), _ink_width(head))
    painter.part(polygons, colour, head.pixel * 0.32, contact=contact)


def _triangles(outline):
    """Cut a star-shaped outline into convex triangles about its middle."""
    middle = np.broadcast_to(outline.mean(0), outline.shape)
    fan = np.stack([middle, outline, np.roll(outline, -1, axis=0)], axis=1)
    return [to_fixed(fan)]


_POINTED = spline(
    [
        (-0.2, -0.52),
        (0.3, -0.47),
        (0.72, -0.24),
        (0.99, -0.03),
        (0.99, 0.03),
        (0.72, 0.24),
        (0.3, 0.47),
        (-0.2, 0.52),
    ],
    4,
    closed=True,
)
_ROUNDED = spline(
    [(-0.2, -0.5), (0.3, -0.62), (0.78, -0.5), (1.0, 0), (0.78, 0.5), (0.3, 0.62), (-0.2, 0.5)],
    4,
    closed=True,
)
_FLOPPY = spline(
    [
        (-0.1, -0.3),
        (0.18, -0.42),
        (0.55, -0.5),
        (0.88, -0.36),
        (1.0, 0.0),
        (0.88, 0.34),
        (0.55, 0.46),
        (0.18, 0.4),
        (-0.1, 0.3),
    ],
    4,
    closed=True,
)


def _upright(painter, head, side, shape, length, width, lean):
    ear = head.build.ear
    base = (-0.12, 0.62, side * 0.5)
    tip = (-0.16, 0.62 + length * ear, side * (0.5 + lean * ear))
    base, tip = head.ats([base, tip])
    colour = _ear_colour(head, side)
    width *= head.pixel * (0.45 + 0.55 * ear)
    _paint_leaf(painter, head, _leaf(base, tip, width, shape), colour)
    inner = mixed(darker(colour, 0.25), (226, 150, 144), 0.45)
    if head.nearness((1, 0, side * 0.6)) > 0.1:
        shift = base + (tip - base) * 0.12
        end = base + (tip - base) * 0.84
        fill_shape(painter.colour, _leaf(shift, end, width * 0.58, shape), inner)


def _pointed_ear(painter, head, side):
    _upright(painter, head, side, _POINTED, 0.92, 0.74, 0.24)


def _rounded_ear(painter, head, side):
    _upright(painter, head, side, _ROUNDED, 0.62, 0.74, 0.34)


def _floppy_ear(painter, head, side):
    ear = head.build.ear
    base = head.at(-0.14, 0.5, side * 0.86)
    # The ear hangs straight down, however the head is tilted.
    down = 0.35 * -head.axes[1] + 0.65 * np.array([0.0, -1.0, 0.0])
    tip = base + head.radius * (1.22 * ear * down + 0.3 * side * head.axes[2])
    base, tip = head.view.project(np.array([base, tip]))[0]
    colour = _ear_colour(head, side)
    colour = darker(colour, 0.1)
    # Seen from the front the ears are narrow: they leave the face free.
    width = head.pixel * (0.5 + 0.36 * ear) * (1 - 0.38 * max(head.frontal, 0) ** 2)
    outline = _leaf(base, tip, width, _FLOPPY)
    if head.breed.coat == "shaggy":
        ragged = 1 + 0.1 * np.where(np.arange(len(outline)) % 3 == 0, 1, -0.4)[:, None]
        outline = outline.mean(0) + (outline - outline.mean(0)) * ragged
    _paint_leaf(painter, head, outline, colour, contact=0.5)


def _folded_ear(painter, head, side):
    """Paint an ear that rises a little and then falls forward in a flap."""
    ear = head.build.ear
    colour = _ear_colour(head, side)
    base = np.array([-0.06, 0.62, side * 0.5])
    top = base + np.array([-0.06, 0.42 * ear, side * 0.16])
    tip = top + ear * np.array([0.36, -0.6, side * 0.34])
    base, top, tip = head.ats([base, top, tip])
    width = head.pixel * (0.4 + 0.42 * ear)
    stalk = np.array(
        [(-0.25, -0.5), (0.5, -0.44), (1.0, -0.3), (1.0, 0.3), (0.5, 0.44), (-0.25, 0.5)]
    )
    _paint_leaf(painter, head, _leaf(base, top, width, stalk), darker(colour, 0.2))
    flap = spline(
        [
            (-0.12, -0.42),
            (0.3, -0.46),
            (0.72, -0.24),
            (1.0, 0.0),
            (0.72, 0.24),
            (0.3, 0.46),
            (-0.12, 0.42),
        ],
        4,
        closed=True,
    )
    _paint_leaf(painter, head, _leaf(top, tip, width * 1.04, flap), colour, contact=0.4)


_EARS = {
    "pointed": _pointed_ear,
    "floppy": _floppy_ear,
    "folded": _folded_ear,
    "rounded": _rounded_ear,
}
