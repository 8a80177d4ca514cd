"""Gradients on whichever backend runs, in the precision that was asked for."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from labkit.receptive_field import input_gradients
from labkit.receptive_field.input_gradients import input_gradient


def test_gradient_of_a_weighted_sum():
    line = keras.Sequential([keras.Input((3, 1)), keras.layers.Rescaling(2.0)])
    weights = np.array([1.0, 0.0, 3.0]).reshape(1, 3, 1)
    assert input_gradient(line, np.ones((1, 3, 1), "float32"), weights).ravel().tolist() == [
        2,
        0,
        6,
    ]


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(
        NotImplementedError, match=r"'openvino' has no gradients: set KERAS_BACKEND"
    ):
        input_gradient(None, np.ones(1), np.ones(1))


@pytest.mark.parametrize(("wide", "said"), [("1", "fine"), ("0", "set JAX_ENABLE_X64=1")])
def test_jax_is_told_apart_by_its_precision(wide, said):
    pytest.importorskip("jax", reason="jax is not installed")
    code = (
        f"from {input_gradients.__name__} import require_float64\n"
        "try:\n    require_float64()\n    print('fine')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": wide}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert said in done.stdout
