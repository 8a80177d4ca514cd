"""Round forms in space and their outlines on the picture.

A dog is a handful of *tubes*: smooth curves in space with a radius that varies along them. The
outline of a tube is the union of the hulls of neighbouring circles, so it is smooth from every
side and never has holes, however the tube bends.
"""

from dataclasses import dataclass

import cv2
import numpy as np

#: Fractional bits of the coordinates handed to OpenCV: a sixteenth of a pixel.
SHIFT = 4

# Points on each end of a hull: many where the ends show, few along a long tube.
_FINE, _COARSE = 15, 8
_SWEEPS = {count: np.linspace(0, 1, count) for count in (_FINE, _COARSE)}


@dataclass(frozen=True)
class View:
    """A camera: where points in space fall on the picture.

    Args:
        rotation: float array (3, 3); its rows give screen x, screen y (down) and nearness.
        scale: pixels a unit of length.
        origin: float array (2,), the pixel at which `pivot` falls.
        pivot: float array (3,), the point in space about which the dog is turned.
        perspective: how much larger a thing looks that is one unit nearer.
    """

    rotation: np.ndarray
    scale: float = 1.0
    origin: np.ndarray = (0.0, 0.0)
    pivot: np.ndarray = (0.0, 0.0, 0.0)
    perspective: float = 0.12

    def project(self, points):
        """Project points, shape (n, 3), to pixels, shape (n, 2), and local scales, shape (n,)."""
        turned = (np.asarray(points, float) - self.pivot) @ self.rotation.T
        size = self.scale * (1 + self.perspective * turned[:, 2])
        return self.origin + turned[:, :2] * size[:, None], size

    def nearness(self, directions):
        """Give the component of a direction, shape (..., 3), that points to the viewer."""
        return np.asarray(directions) @ self.rotation[2]


@dataclass(frozen=True)
class Tube:
    """Circles along a curve: centres, shape (n, 3), and radii, shape (n,)."""

    centres: np.ndarray
    radii: np.ndarray

    def part(self, start, stop, swell=1.0):
        """Cut the piece between two fractions of the length; `swell` multiplies the radii."""
        last = len(self.radii) - 1
        at = np.linspace(start * last, stop * last, max(3, int((stop - start) * last) + 2))
        whole = np.arange(last + 1)
        centres = np.stack([np.interp(at, whole, axis) for axis in self.centres.T], axis=1)
        return Tube(centres, np.interp(at, whole, self.radii) * swell)


def rotation_about(axis, angle):
    """Build the rotation matrix, shape (3, 3), about the x, y or z axis (0, 1, 2) in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.eye(3)
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def spline(points, samples, closed=False):
    """Run a Catmull-Rom spline through points, shape (n, d), with `samples` points a segment."""
    points = np.asarray(points, float)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate(
            [2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]
        )
    t = np.arange(samples)[:, None] / samples
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    curve = np.einsum("sk,nkd->nsd", weights, windows).reshape(-1, points.shape[1])
    return curve if closed else np.concatenate([curve, points[-1:]])


def tube(joints, radii, samples=5):
    """Make a smooth tube through joints, shape (n, 3), with a radius at each."""
    joints = np.asarray(joints, float)
    curve = spline(np.column_stack([joints, radii]), samples)
    return Tube(curve[:, :3], np.maximum(curve[:, 3], 0.004))


def ball(centre, radius):
    """Make a sphere, as the shortest of tubes."""
    centre = np.asarray(centre, float)
    return Tube(np.stack([centre, centre + 1e-4]), np.full(2, float(radius)))


def bone(start, start_radius, stop, stop_radius):
    """Make a straight tube between two spheres."""
    return Tube(np.array([start, stop], float), np.array([start_radius, stop_radius], float))


def to_fixed(points):
    """Round pixels to the fixed-point int32 that OpenCV's drawing functions take with SHIFT."""
    return np.rint(np.asarray(points) * (1 << SHIFT)).astype(np.int32)


def circle_hulls(start, stop, small, large, corners):
    """Outline the hulls of pairs of circles, as int32 fixed-point convex polygons.

    Args:
        start, stop: float arrays (n, 2), the centres of each pair, pixels.
        small, large: float arrays (n,), their radii (either may be the larger), pixels.
        corners: of each of a polygon's two arcs, `_FINE` or `_COARSE`.

    Returns:
        An int32 array (n, 2 · corners, 2), one convex polygon for each pair.
    """
    step = stop - start
    distance = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)
    heading = np.arctan2(step[:, 1], step[:, 0])
    # Where one circle lies inside the other there is no common tangent: the larger one is the hull.
    lean = np.arccos(np.clip((small - large) / distance, -1, 1))
    sweep = _SWEEPS[corners]
    angles = np.empty((len(start), 2 * corners))
    angles[:, :corners] = (heading + lean)[:, None] + (2 * np.pi - 2 * lean)[:, None] * sweep
    angles[:, corners:] = (heading - lean)[:, None] + (2 * lean)[:, None] * sweep
    outline = np.empty((*angles.shape, 2))
    np.cos(angles, out=outline[..., 0])
    np.sin(angles, out=outline[..., 1])
    for arc, centre, radius in (
        (slice(None, corners), start, small),
        (slice(corners, None), stop, large),
    ):
        outline[:, arc] *= radius[:, None, None]
        outline[:, arc] += centre[:, None]
    return to_fixed(outline)


def tube_hulls(view, tubes):
    """Outline tubes on the picture, as a list of int32 arrays (n, corners, 2) of convex polygons.

    All tubes go through NumPy together: a dog has many, and each call costs more than its work.
    """
    xy, size = view.project(np.concatenate([item.centres for item in tubes]))
    radii = np.concatenate([item.radii for item in tubes]) * size
    lengths = np.array([len(item.radii) for item in tubes])
    first = np.delete(np.arange(len(radii)), np.cumsum(lengths) - 1)
    short = np.repeat(lengths, lengths - 1) <= 4
    return [
        circle_hulls(xy[pairs], xy[pairs + 1], radii[pairs], radii[pairs + 1], corners)
        for pairs, corners in ((first[short], _FINE), (first[~short], _COARSE))
        if len(pairs)
    ]


def tufts(view, item, length, rng, wind, spacing=1):
    """Outline locks of hair along both edges of a tube.

    Args:
        view: the camera.
        item: the tube that carries the hair.
        length: of a lock, in units of length.
        rng: `numpy.random.Generator`, for uneven locks.
        wind: array (2,), the pixel direction in which the hair falls.
        spacing: one lock for so many samples of the tube.

    Returns:
        A list of one int32 array (n, 3, 2) of triangles.
    """
    xy, size = view.project(item.centres)
    radii = item.radii * size
    along = np.gradient(xy, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    locks = []
    for side in (1, -1):
        outward = side * across
        pull = outward + 0.75 * np.asarray(wind)
        pull /= np.maximum(np.linalg.norm(pull, axis=1, keepdims=True), 1e-6)
        reach = (length * size * rng.uniform(0.45, 1.3, len(xy)))[:, None]
        edge = xy + outward * (radii * 0.8)[:, None]
        half = np.clip(radii * 0.7, 0.03 * size, 0.075 * size)[:, None] * along
        tip = edge + pull * (reach + 0.2 * radii[:, None])
        locks.append(np.stack([edge - half, tip, edge + half], axis=1))
    return [to_fixed(np.concatenate(locks)[::spacing])]


def fill_convex(picture, polygons, colour):
    """Fill convex polygons, a list of int32 arrays (n, corners, 2), with smooth edges."""
    for batch in polygons:
        for polygon in batch:
            cv2.fillConvexPoly(picture, polygon, colour, cv2.LINE_AA, SHIFT)


def fill_shape(picture, points, colour):
    """Fill one polygon of any shape, float pixels (n, 2), with smooth edges."""
    cv2.fillPoly(picture, [to_fixed(points)], colour, cv2.LINE_AA, SHIFT)


def draw_line(picture, points, colour, width):
    """Draw a line through float pixels (n, 2); `width` in pixels."""
    cv2.polylines(
        picture, [to_fixed(points)], False, colour, max(1, round(width)), cv2.LINE_AA, SHIFT
    )


def draw_ellipse(picture, centre, radii, angle, colour):
    """Fill an ellipse: centre and radii in float pixels, angle in degrees."""
    cv2.ellipse(
        picture,
        tuple(int(v) for v in to_fixed(centre)),
        tuple(max(1, int(v)) for v in to_fixed(radii)),
        float(angle),
        0,
        360,
        colour,
        -1,
        cv2.LINE_AA,
        SHIFT,
    )
