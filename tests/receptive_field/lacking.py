"""What Keras has not on every backend, with marks that skip it there."""

import keras
import pytest

_ON_TORCH = keras.backend.backend() == "torch"
_MISSING_ON_TORCH = {"NASNetMobile", "lanczos3", "lanczos5"}


def where_keras_has(*names):
    """Return names as parameters, marked to be skipped where Keras has no such thing."""
    skipped = pytest.mark.skipif(_ON_TORCH, reason="Keras has none on torch")
    return [
        pytest.param(name, marks=skipped) if name in _MISSING_ON_TORCH else name for name in names
    ]
