"""The stage on which a place is drawn: pixels from picture heights, and the simplest shapes."""

import colorsys

import cv2
import numpy as np

from .geometry import SHIFT, draw_line, fill_shape, to_fixed


def tint(rng, hue, saturation, value, spread=14):
    """Draw an RGB colour near a hue (degrees), saturation and value (0…1)."""
    hue = (hue + rng.uniform(-spread, spread)) % 360 / 360
    saturation = np.clip(saturation * rng.uniform(0.6, 1.25), 0, 1)
    value = np.clip(value * rng.uniform(0.8, 1.1), 0, 1)
    return tuple(round(255 * v) for v in colorsys.hsv_to_rgb(hue, saturation, value))


class Stage:
    """A picture seen as a place with a horizon.

    Args:
        picture: uint8 (height, width, 3), drawn on in place.
        horizon: fraction of the height at which the horizon lies.
        tilt: of the camera, in radians.
        rng: `numpy.random.Generator` for all that is drawn here.
    """

    def __init__(self, picture, horizon, tilt, rng):
        self.picture, self.horizon, self.tilt, self.rng = picture, horizon, tilt, rng
        self.height, self.width = picture.shape[:2]
        cosine, sine = np.cos(tilt), np.sin(tilt)
        self._turn = np.array([[cosine, -sine], [sine, cosine]])
        self._middle = np.array([self.width / 2, horizon * self.height])

    def at(self, points):
        """Turn stage points, shape (n, 2), into pixels."""
        return self._middle + self.height * (np.asarray(points, float) @ self._turn.T)

    def shape(self, points, colour):
        """Fill a polygon."""
        fill_shape(self.picture, self.at(points), colour)

    def box(self, x, y, wide, tall, colour):
        """Fill a rectangle about its middle."""
        a, b = wide / 2, tall / 2
        self.shape([(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)], colour)

    def ellipse(self, centre, radii, colour):
        """Fill an ellipse."""
        middle = tuple(int(v) for v in to_fixed(self.at([centre])[0]))
        size = tuple(max(4, int(v)) for v in to_fixed(np.multiply(radii, self.height)))
        angle = float(np.degrees(self.tilt))
        cv2.ellipse(self.picture, middle, size, angle, 0, 360, colour, -1, cv2.LINE_AA, SHIFT)

    def line(self, points, colour, width):
        """Draw a line; `width` in picture heights."""
        draw_line(self.picture, self.at(points), colour, width * self.height)

    def dots(self, pixels, radius, colour):
        """Fill small discs at pixels; `radius` in picture heights."""
        size = max(8, int(to_fixed(radius * self.height)))
        for x, y in to_fixed(pixels).tolist():
            cv2.circle(self.picture, (x, y), size, colour, -1, cv2.LINE_AA, SHIFT)

    def sky(self, top, bottom):
        """Fill the picture with a gradient down to the horizon."""
        stop = max(2, int(self.horizon * self.height))
        cv2.repeat(self._gradient(top, bottom, 0, stop), 1, self.width, self.picture)

    def ground(self, far, near):
        """Fill what lies below the horizon with a gradient."""
        start = int(self.horizon * self.height)
        colours = self._gradient(far, near, start, self.height)
        mask = np.zeros((self.height, self.width), np.uint8)
        fill_shape(mask, self.at([(-4, 0), (4, 0), (4, 4), (-4, 4)]), 255)
        cv2.copyTo(cv2.repeat(colours, 1, self.width), mask, self.picture)

    def _gradient(self, first, last, start, stop):
        rows = np.clip((np.arange(self.height) - start) / max(1, stop - start), 0, 1)
        ramp = np.asarray(first) + rows[:, None] * (np.asarray(last) - np.asarray(first))
        return ramp.astype(np.uint8)[:, None, :]

    def blades(self, colours, count, start=0.02, tall=0.05):
        """Draw blades of grass in two colours, taller where they are nearer."""
        for colour in colours:
            x = self.rng.uniform(-0.95, 0.95, count)
            y = start + self.rng.uniform(0, 1, count) ** 1.6 * (1.05 - self.horizon - start)
            size = tall * (0.5 + 1.6 * y) * self.rng.uniform(0.6, 1.3, count)
            lean = self.rng.uniform(-0.6, 0.6, count) * size
            wide = 0.004 + 0.055 * size
            rows = ((-1, 0, 0), (-0.8, 0.25, 0.55), (0, 1, 1), (0.8, 0.25, 0.55), (1, 0, 0))
            blades = np.stack(
                [np.stack([x + a * wide + b * lean, y - c * size], 1) for a, b, c in rows], axis=1
            )
            for blade in to_fixed(self.at(blades.reshape(-1, 2))).reshape(count, 5, 2):
                cv2.fillConvexPoly(self.picture, blade, colour, cv2.LINE_AA, SHIFT)

    def specks(self, colours, count, start):
        """Scatter small specks below a height, such as sand grains or snow flakes."""
        for colour in colours:
            x = self.rng.uniform(-0.9, 0.9, count // 2)
            y = self.rng.uniform(start, 1 - self.horizon, count // 2)
            self.dots(self.at(np.stack([x, y], 1)), 0.005, colour)
