"""Folders of small pictures with soft shapes, as photographs have them."""

import cv2
import numpy as np
import pytest


def _soft_picture(height, width, channels=3, seed=0):
    """Draw smooth noise over the full range of values, so that interpolation has work to do."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(-40, 295, (height // 6 + 2, width // 6 + 2, channels))
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8).reshape(height, width, channels)


def _write_picture(path, picture, quality=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = picture if picture.shape[-1] == 1 else picture[..., ::-1]
    assert cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])


@pytest.fixture
def soft_picture():
    return _soft_picture


@pytest.fixture
def write_picture():
    return _write_picture


@pytest.fixture
def breeds(tmp_path):
    """Three classes of 5, 3 and 2 pictures, 50 × 40, written in no particular order."""
    folder = tmp_path / "breeds"
    seed = 0
    for breed, count in (("pug", 2), ("beagle", 5), ("collie", 3)):
        for number in reversed(range(count)):
            _write_picture(folder / breed / f"{number}.jpg", _soft_picture(40, 50, seed=seed))
            seed += 1
    return folder


@pytest.fixture(scope="module")
def eagerly():
    """Let networks compute step by step: a few small steps are not worth compiling."""
    import keras

    always = property(lambda model: True, lambda model, value: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "run_eagerly", always)
        yield
