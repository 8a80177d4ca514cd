"""Pictures to measure with: JPEGs with the statistics of photographs, and the probe."""

from pathlib import Path

import cv2
import numpy as np
from pipeline_candidate import make_probe

CLASSES = 8
HEIGHT, WIDTH = 375, 500
QUALITY = 75  # Gives 40 to 60 kB, as photographs of this size have.
PROBES = 512
_SCENES = 24


def natural_scene(random, height, width):
    """Return noise whose amplitude falls as 1/f, as in photographs, with related colours.

    Source: D. J. Field, "Relations between the statistics of natural images and the response
    properties of cortical cells", 1987.
    """
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    f[0, 0] = np.inf
    planes = []
    for _ in range(3):
        noise = random.normal(size=f.shape) + 1j * random.normal(size=f.shape)
        plane = np.fft.irfft2(noise / f**1.15, s=(height, width))
        planes.append(plane / plane.std())
    grey = planes[0]
    colours = [0.8 * grey + 0.35 * plane for plane in planes]
    return np.clip(np.stack(colours, -1) * 50 + 120, 0, 255).astype(np.uint8)


def write_jpeg(path, rgb, quality=QUALITY):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality]):
        raise SystemExit(f"{path} cannot be written; choose another --directory.")


def make_photographs(folder, count, seed):
    """Write so many JPEGs of 500 × 375 into class folders: windows of a few large scenes."""
    random = np.random.default_rng(seed)
    scenes = [natural_scene(random, 2 * HEIGHT, 2 * WIDTH) for _ in range(_SCENES)]
    for number in range(count):
        top, left = random.integers(HEIGHT), random.integers(WIDTH)
        window = scenes[number % _SCENES][top : top + HEIGHT, left : left + WIDTH]
        mirrored = window[:, :: 1 - 2 * int(random.integers(2))]
        write_jpeg(Path(folder, f"class_{number % CLASSES}", f"{number:06d}.jpg"), mirrored)


def make_probes(folder):
    """Write copies of the probe, in two class folders."""
    probe = make_probe(HEIGHT, WIDTH)
    for number in range(PROBES):
        write_jpeg(Path(folder, f"class_{number % 2}", f"{number}.jpg"), probe, quality=95)
