"""Paint parts of a dog over one another, each with its outline, coat and soft shading."""

import cv2
import numpy as np

from .geometry import SHIFT, fill_convex

#: The shade that leaves a colour as it is; above is lighter, below darker.
_NEUTRAL = 200


def _shading_table(shadow=0.66, highlight=0.07):
    """Tabulate the light on a part: shadow far from the light, a little shine near it."""

    def step(t, start, stop):
        t = np.clip((t - start) / (stop - start), 0, 1)
        return t * t * (3 - 2 * t)

    t = np.arange(256) / 255
    light = shadow + (1 - shadow) * step(t, 0.22, 0.66) + highlight * step(t, 0.86, 1.0)
    return np.rint(_NEUTRAL * light).astype(np.uint8)


_SHADING = _shading_table()


def mixed(first, second, share):
    """Mix two RGB colours; `share` of the second."""
    keep = 1 - share
    return tuple(round(keep * a + share * b) for a, b in zip(first, second, strict=True))


def darker(colour, share):
    """Darken an RGB colour towards a warm black."""
    return mixed(colour, (34, 22, 26), share)


def lighter(colour, share):
    """Lighten an RGB colour towards a warm white."""
    return mixed(colour, (255, 248, 236), share)


def plain(shape, colour):
    """Make a picture, uint8 (height, width, 3), of one colour."""
    picture = np.empty((*shape, 3), np.uint8)
    # OpenCV fills thrice as fast as NumPy's broadcast of three channels.
    cv2.rectangle(picture, (0, 0), (shape[1], shape[0]), colour, -1)
    return picture


class Painter:
    """A transparent sheet on which the parts of a dog are painted from back to front.

    Args:
        shape: (height, width) in pixels.
        light: float array (2,), the pixel direction towards the light, of length 1.

    Attributes:
        colour: uint8 (height, width, 3), the dog's colours.
        shade: uint8 (height, width), how light falls on them.
        cover: uint8 (height, width), 255 where there is dog.
    """

    def __init__(self, shape, light):
        self.colour = np.zeros((*shape, 3), np.uint8)
        self.shade = np.full(shape, _NEUTRAL, np.uint8)
        self.cover = np.zeros(shape, np.uint8)
        self.light = np.asarray(light, float)

    def sheet(self, colour):
        """Make a colour layer, uint8 (height, width, 3), of one colour."""
        return plain(self.cover.shape, colour)

    def outline(self, polygons, colour, width):
        """Paint what lies within `width` pixels of the polygons in one colour."""
        region, mask = self._mask(polygons, width + 1)
        if mask is None:
            return
        size = 2 * max(1, round(width)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        mask = cv2.dilate(mask, kernel)
        neutral = np.full(mask.shape, _NEUTRAL, np.uint8)
        self._put(region, mask, plain(mask.shape, colour), neutral)

    def part(self, polygons, layer, depth, contact=0.0):
        """Paint the union of convex polygons from a colour layer, rounded by shading.

        Args:
            polygons: list of int32 arrays (n, corners, 2), fixed-point convex polygons.
            layer: uint8 (height, width, 3), or one RGB colour.
            depth: pixels over which the form turns away from the light (about its radius).
            contact: how dark a shadow it throws on what lies below, 0…1.
        """
        region, mask = self._mask(polygons, 2 * depth if contact else 1)
        if mask is None:
            return
        if contact:
            self._cast(region, mask, depth, contact)
        if isinstance(layer, np.ndarray):
            colours = np.ascontiguousarray(layer[region])
        else:
            colours = plain(mask.shape, layer)
        self._put(region, mask, colours, self._round(mask, depth))

    def _mask(self, polygons, margin):
        """Fill the polygons: the region of the sheet that they touch, and their mask in it."""
        corners = np.concatenate([batch.reshape(-1, 2) for batch in polygons])
        height, width = self.cover.shape
        left, top = (corners.min(0) >> SHIFT) - int(margin) - 1
        right, bottom = (corners.max(0) >> SHIFT) + int(margin) + 2
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            return None, None
        mask = np.zeros((bottom - top, right - left), np.uint8)
        offset = np.array([left, top], np.int32) << SHIFT
        for batch in polygons:
            for polygon in batch - offset:
                cv2.fillConvexPoly(mask, polygon, 255, cv2.LINE_8, SHIFT)
        return (slice(top, bottom), slice(left, right)), mask

    def _put(self, region, mask, colours, shade):
        cv2.copyTo(colours, mask, self.colour[region])
        cv2.copyTo(shade, mask, self.shade[region])
        cv2.bitwise_or(self.cover[region], mask, self.cover[region])

    def _round(self, mask, depth):
        """Shade a mask as if it were a round body under the light."""
        height, width = mask.shape
        # Shrunk until a small blur is enough, and enlarged again with the light's shift.
        small = min(1.0, 5.3 / depth)
        size = max(1, round(width * small)), max(1, round(height * small))
        # Replicated at its border: a form that the picture cuts off is not rounded there.
        blurred = cv2.GaussianBlur(
            cv2.resize(mask, size, interpolation=cv2.INTER_AREA),
            (0, 0),
            max(0.5, 0.34 * depth * small),
            borderType=cv2.BORDER_REPLICATE,
        )
        shift = -0.5 * depth * self.light * small
        scale = np.array([size[0] / width, size[1] / height])
        # Pixel centres: (x + 1/2) · scale - 1/2.
        shift += 0.5 * scale - 0.5
        lit = _resampled(blurred, shift, scale, (height, width))
        return cv2.LUT(lit, _SHADING)

    def _cast(self, region, mask, depth, strength):
        """Darken what lies around a mask, on the side away from the light."""
        soft = cv2.boxFilter(mask, -1, (int(depth) | 1, int(depth) | 1))
        # One pixel of nothing around it: beyond the mask nothing throws a shadow.
        soft = cv2.copyMakeBorder(soft, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        soft = _resampled(soft, 1 + 0.35 * depth * self.light, (1, 1), mask.shape)
        lost = cv2.convertScaleAbs(soft, alpha=strength * 0.45)
        cv2.subtract(self.shade[region], lost, self.shade[region])

    def details(self, polygons, colour):
        """Fill convex polygons with smooth edges over what is already painted."""
        fill_convex(self.colour, polygons, colour)

    def over(self, background):
        """Lay the shaded dog over a background, uint8 (height, width, 3), in place."""
        shade = cv2.cvtColor(self.shade, cv2.COLOR_GRAY2RGB)
        shaded = cv2.multiply(self.colour, shade, scale=1 / _NEUTRAL)
        cv2.copyTo(shaded, self.cover, background)


def _resampled(image, first, step, shape):
    """Sample a grey picture along a grid, between its pixels too; the border repeats outside.

    In whole numbers, so that every machine gets the same bytes: cv2.warpAffine rounds in another
    way since OpenCV 5.

    Args:
        image: uint8 array (height, width).
        first: the place (x, y) in it of the first sample, in pixels.
        step: how far (x, y) the samples are apart.
        shape: how many samples, (height, width).

    Returns:
        A uint8 array of that shape.
    """
    top, bottom, share = _neighbours(first[1], step[1], shape[0], image.shape[0] - 1)
    tall = image[top] * (16 - share[:, None]) + image[bottom] * share[:, None]
    left, right, share = _neighbours(first[0], step[0], shape[1], image.shape[1] - 1)
    # At most 255 · 16 · 16, and so within 16 bits.
    wide = tall.take(left, 1) * (16 - share) + tall.take(right, 1) * share
    return ((wide + 128) >> 8).astype(np.uint8)


def _neighbours(first, step, count, last):
    """Give the pixels on both sides of each sample, and its sixteenths of the way between."""
    places = np.rint(16 * (first + step * np.arange(count))).astype(np.intp)
    before = places >> 4
    return before.clip(0, last), (before + 1).clip(0, last), (places & 15).astype(np.uint16)
