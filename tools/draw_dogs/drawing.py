"""Draw whole pictures: a dog of a breed in a place, under a light, through a camera."""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral

import cv2
import numpy as np

from .breeds import Breed
from .dog import paint_dog, random_accessories
from .geometry import View, rotation_about
from .painting import Painter
from .scene import paint_contact_shadow, paint_foreground, paint_place, random_place
from .skeleton import build_of, pose_dog, random_pose

#: Drawn so many times larger and averaged down, which smooths all edges.
_SUPERSAMPLING = 2
_FRAMINGS = ("whole", "bust", "portrait")
_FRAMING_ODDS = (0.66, 0.2, 0.14)

# How hard the pictures are lies here (and in the odds of poses, places and clutter): wide enough
# that a network trained on thirty pictures a breed learns them by heart instead of the breeds.
#: The dog's share of the frame; above 1 the frame cuts it.
_FILL = (0.66, 1.12)
#: Greatest shift off the middle, in shares of the frame.
_SHIFT = 0.16
#: Spread of the camera's tilt, radians.
_TILT = 0.1
#: Logarithms of the weakest and the strongest light.
_LIGHT = (-0.5, 0.25)
#: How far the light may lean from blue to yellow, and from magenta to green.
_WARMTH, _TINT = 0.26, 0.13
#: Least and greatest standard deviation of the noise, of 255.
_NOISE = (1, 7)


@dataclass(frozen=True)
class Camera:
    """How the photographer holds the camera.

    Args:
        framing: one of "whole", "bust", "portrait".
        fill: how much of the frame the dog fills.
        shift: array (2,), the dog's place off the middle, in shares of the frame.
        tilt: of the camera, in radians.
        height: how far the camera looks down, in radians.
        mirrored: whether the dog faces left.
    """

    framing: str
    fill: float
    shift: tuple
    tilt: float
    height: float
    mirrored: bool


def _random_camera(rng):
    return Camera(
        framing=str(rng.choice(_FRAMINGS, p=_FRAMING_ODDS)),
        fill=rng.uniform(*_FILL),
        shift=tuple(rng.uniform(-_SHIFT, _SHIFT, 2)),
        tilt=float(np.clip(rng.normal(0, _TILT), -0.25, 0.25)),
        height=rng.uniform(0.02, 0.28),
        mirrored=bool(rng.random() < 0.5),
    )


def check_seed(seed):
    """Refuse a seed that is not an integer of at least 0."""
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be an integer of at least 0; got {seed!r}.")


def check_size(size):
    """Refuse a size that is not (height, width) of 32 to 2048 pixels each."""
    sides = tuple(size) if isinstance(size, Iterable) else ()
    if len(sides) != 2 or not all(isinstance(s, Integral) and 32 <= s <= 2048 for s in sides):
        raise ValueError(
            f"size must be (height, width), integers from 32 to 2048 pixels each; got {size!r}."
        )


def check_breeds(breeds):
    """Refuse anything that is not a non-empty sequence of breeds with different names."""
    if not breeds:
        raise ValueError("There are no breeds to draw; give at least one Breed.")
    for breed in breeds:
        if not isinstance(breed, Breed):
            raise TypeError(f"A breed must be a Breed, such as LAB_BREEDS[0]; got {breed!r}.")
    twice = [name for name, n in Counter(breed.name for breed in breeds).items() if n > 1]
    if twice:
        raise ValueError(f"Two breeds are named {twice[0]!r}; give each breed its own name.")


def draw_dog(breed, seed, size=(128, 128)):
    """Draw one picture of a dog.

    The seed fixes pose, place, light and camera whatever the breed, so the same seed shows
    different breeds in the same situation.

    Args:
        breed: a :class:`Breed`.
        seed: integer ≥ 0; the same seed gives the same picture, byte for byte.
        size: (height, width) in pixels, 32 to 2048 each.

    Returns:
        A uint8 array (height, width, 3), RGB.

    Raises:
        TypeError: `breed` is not a Breed.
        ValueError: the seed or the size is outside its range.

    Example:
        >>> from draw_dogs import LAB_BREEDS
        >>> draw_dog(LAB_BREEDS[0], seed=1, size=(96, 128)).shape
        (96, 128, 3)
    """
    return draw_dog_and_mask(breed, seed, size)[0]


def draw_dog_and_mask(breed, seed, size=(128, 128)):
    """Draw one picture of a dog, and where in it the dog is.

    Args:
        breed: a :class:`Breed`.
        seed: integer ≥ 0.
        size: (height, width) in pixels, 32 to 2048 each.

    Returns:
        The picture of :func:`draw_dog`, and a uint8 array (height, width): 255 where the dog is,
        0 where it is not, between the two at its edge. What stands before the dog counts as dog.

    Raises:
        TypeError: `breed` is not a Breed.
        ValueError: the seed or the size is outside its range.
    """
    check_breeds([breed])
    check_seed(seed)
    check_size(size)
    streams = np.random.SeedSequence(int(seed)).spawn(6)
    pose_rng, camera_rng, place_rng, wear_rng, animal_rng, light_rng = map(
        np.random.default_rng, streams
    )
    pose, camera = random_pose(pose_rng), _random_camera(camera_rng)
    canvas = np.empty((size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING, 3), np.uint8)
    skeleton, build = pose_dog(breed, pose), build_of(breed)
    view, ground = _aim(skeleton, build, pose, camera, canvas.shape[:2])
    horizon = _horizon(ground, canvas.shape[0], place_rng)
    place = random_place(place_rng, horizon, camera.tilt)
    stage = paint_place(canvas, place)
    painter = Painter(canvas.shape[:2], _light_direction(light_rng))
    paint_contact_shadow(canvas, _footprints(skeleton, build, view), light_rng.uniform(0.3, 0.6))
    paint_dog(painter, breed, pose, skeleton, view, random_accessories(wear_rng), animal_rng)
    painter.over(canvas)
    paint_foreground(stage, place.kind)
    shrunk = tuple(reversed(size))
    picture = cv2.resize(canvas, shrunk, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(painter.cover, shrunk, interpolation=cv2.INTER_AREA)
    return _expose(picture, light_rng), mask


def _light_direction(rng):
    angle = rng.uniform(-1.0, 1.0)
    return np.array([np.sin(angle), -np.cos(angle)])


def _aim(skeleton, build, pose, camera, shape):
    """Point the camera so that the dog fills the frame; also give the ground's pixel row."""
    height, width = shape
    turn = rotation_about(0, camera.height) @ rotation_about(1, -pose.yaw)
    flip = np.diag([-1.0 if camera.mirrored else 1.0, -1.0, 1.0])
    turn = rotation_about(2, camera.tilt) @ flip @ turn
    pivot = np.array([0.0, float(skeleton.torso.centres[:, 1].mean()), 0.0])
    view = View(turn, 1.0, np.zeros(2), pivot)
    points, radii = _subject(skeleton, build, camera.framing)
    xy, size = view.project(points)
    low = (xy - (radii * size)[:, None]).min(0)
    high = (xy + (radii * size)[:, None]).max(0)
    scale = camera.fill * min(np.array([width, height]) / (high - low))
    frame = np.array([width, height])
    origin = frame * (0.5 + np.array(camera.shift)) - scale * (low + high) / 2
    origin += _keep_inside(xy[:3] * scale + origin, (radii * size)[:3] * scale, frame)
    view = View(turn, scale, origin, pivot)
    feet = view.project(np.array(list(skeleton.paws.values())))[0][:, 1]
    return view, float(feet.min())


def _keep_inside(xy, radii, frame):
    """Shift the picture so that most of the head stays in it; the rump may leave it."""
    low = (xy - 0.85 * radii[:, None]).min(0)
    high = (xy + 0.85 * radii[:, None]).max(0)
    return np.maximum(-low, 0) - np.maximum(high - frame, 0)


def _subject(skeleton, build, framing):
    """List the spheres (centres, radii) that the frame has to hold. The tail may leave it."""
    muzzle = skeleton.head + build.head * (0.7 + build.snout) * skeleton.head_axes[0]
    crown = skeleton.head + 0.75 * build.head * skeleton.head_axes[1]
    points = [skeleton.head, muzzle, crown]
    radii = [build.head * 1.1, build.head * 0.45, build.head * 0.8]
    if framing == "portrait":
        return np.array([*points, skeleton.neck.centres[2]]), np.array([*radii, build.head])
    chest = list(skeleton.torso.centres[10:])
    points += chest
    radii += list(skeleton.torso.radii[10:])
    if framing == "whole":
        points += [*skeleton.torso.centres[:10], *skeleton.paws.values()]
        radii += [*skeleton.torso.radii[:10], *[build.leg_radius] * 4]
    return np.array(points), np.array(radii)


def _horizon(ground, height, rng):
    """Choose the horizon's share of the height: always above the dog's feet."""
    highest = min(0.8, ground / height - 0.08)
    return float(np.clip(rng.uniform(0.25, 0.68), 0.12, max(0.12, highest)))


def _footprints(skeleton, build, view):
    """Place soft shadows under the paws and the trunk."""
    ends = skeleton.torso.centres[[0, -1]] * [1, 0, 1]
    (left, right), size = view.project(ends)
    depth = size[0] * build.depth
    middle = (left + right) / 2
    places = [(*middle, np.abs(right - left)[0] * 0.62 + 0.3 * depth, 0.22 * depth)]
    for paw in skeleton.paws.values():
        (x, y), unit = (item[0] for item in view.project((paw * [1, 0, 1])[None]))
        places.append((x, y, 0.13 * unit, 0.05 * unit))
    return places


def _expose(picture, rng):
    """Take the photograph: strength and colour of the light, haze, blur and noise."""
    gain = np.exp(rng.uniform(*_LIGHT))
    warmth, tint = rng.uniform(-_WARMTH, _WARMTH), rng.uniform(-_TINT, _TINT)
    cast = 1 + warmth * np.array([1.0, 0.1, -1.0]) + tint * np.array([-0.5, 1.0, -0.5])
    gamma = np.exp(rng.uniform(-0.25, 0.25))
    haze = rng.uniform(0, 24)
    ramp = (np.arange(256)[:, None] / 255) ** gamma * (255 - haze) * gain * cast + haze * gain
    table = np.clip(ramp, 0, 255).astype(np.uint8)[None]
    picture = _fall_off(cv2.LUT(picture, table), rng)
    if rng.random() < 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.0) * picture.shape[0] / 140)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(*_NOISE))
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _fall_off(picture, rng):
    """Let the light be uneven over the picture."""
    height, width = picture.shape[:2]
    corners = rng.uniform(175, 255, (2, 2)).astype(np.uint8)
    light = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return cv2.multiply(picture, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), scale=1 / 226)


def picture_seed(breed, index, seed):
    """Mix a breed's name, a picture's number and a seed to the seed of one picture.

    Example:
        >>> from draw_dogs import LAB_BREEDS
        >>> picture_seed(LAB_BREEDS[0], 0, 1) != picture_seed(LAB_BREEDS[0], 1, 1)
        True
    """
    key = zlib.crc32(breed.name.encode())
    return int(np.random.SeedSequence([int(seed), key, int(index)]).generate_state(1)[0])
