"""Gradients on whichever backend runs, in the precision that was asked for."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

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


UNDER_JAX = """
import keras, numpy as np
from labkit.receptive_field.input_gradients import float64, input_gradient
from labkit.receptive_field.oracle import gradient_map

wide = keras.Sequential([keras.Input((9, 1)), *(keras.layers.Conv1D(1, 3) for _ in range(2))])
narrow = keras.Sequential([keras.Input((3, 1)), keras.layers.Rescaling(2.0)])
with float64():
    print(keras.backend.standardize_dtype(keras.ops.ones(1, "float64").dtype))
share = gradient_map(wide)
print(share.dtype, np.abs(share[2:7] - np.array([1, 2, 3, 2, 1]) / 9).max() < 1e-15)
print(input_gradient(narrow, np.ones((1, 3, 1), "float32"), 1.0).dtype)
print(keras.backend.standardize_dtype(keras.ops.convert_to_tensor([1.0]).dtype))
try:
    input_gradient(narrow, np.ones((1, 3, 1)), 1.0)
except ValueError as error:
    print(error)
"""


def test_under_jax_the_oracle_has_float64_and_nothing_else_has():
    pytest.importorskip("jax", reason="jax is not installed")
    kept = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    done = subprocess.run(
        [sys.executable, "-W", "error:Explicitly requested dtype", "-c", UNDER_JAX],
        env=kept | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *lines, refusal = done.stdout.splitlines()
    assert lines == ["float64", "float64 True", "float32", "float32"]
    assert "float32 instead of float64" in refusal and "JAX_ENABLE_X64=1" in refusal
