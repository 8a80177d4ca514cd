"""The gradient of a weighted output with respect to the input, on whichever backend runs."""

from contextlib import nullcontext

import keras
import numpy as np


def input_gradient(model, inputs, weights):
    """Differentiate the weighted sum of a model's output by its input.

    Args:
        model: a ``keras.Model`` with one input and one output; it runs in inference mode.
        inputs: array of the model's input shape, batch included.
        weights: array of the output's shape, or one that broadcasts to it.

    Returns:
        A NumPy array of the shape and dtype of ``inputs``.

    Raises:
        NotImplementedError: on a backend other than TensorFlow, JAX and PyTorch.
        ValueError: under JAX, if the inputs are float64 outside of :func:`float64`.

    Example:
        >>> import keras, numpy as np
        >>> double = keras.Sequential([keras.Input((3, 1)), keras.layers.Rescaling(2.0)])
        >>> input_gradient(double, np.ones((1, 3, 1), "float32"), np.ones((1, 3, 1))).ravel()
        array([2., 2., 2.], dtype=float32)
    """
    backend = keras.backend.backend()
    if backend not in _GRADIENT:
        raise NotImplementedError(
            f"The Keras backend {backend!r} has no gradients: set KERAS_BACKEND to "
            f"one of {sorted(_GRADIENT)} before Keras is imported."
        )
    inputs = np.asarray(inputs)
    gradient = np.asarray(_GRADIENT[backend](model, inputs, weights))
    if gradient.dtype != inputs.dtype:
        raise ValueError(
            f"The backend computed in {gradient.dtype} instead of {inputs.dtype}: "
            "under JAX, set JAX_ENABLE_X64=1 before it is imported."
        )
    return gradient


def float64():
    """Return a context in which the backend computes in float64.

    JAX alone needs one: it turns float64 into float32 by default. Outside the context, and in
    other threads, it goes on doing so. What is built inside stays inside.

    Returns:
        A context manager.

    Example:
        >>> import keras
        >>> with float64():
        ...     keras.backend.standardize_dtype(keras.ops.ones(1, "float64").dtype)
        'float64'
    """
    if keras.backend.backend() != "jax":
        return nullcontext()
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    # Before JAX 0.8 it stood here.
    from jax.experimental import enable_x64

    return enable_x64(True)


def _with_tensorflow(model, inputs, weights):
    import tensorflow as tf

    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = model(inputs, training=False)
    weights = tf.broadcast_to(tf.cast(weights, output.dtype), output.shape)
    return tape.gradient(
        output, inputs, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
    ).numpy()


def _with_jax(model, inputs, weights):
    import jax
    import jax.numpy as jnp

    output, backward = jax.vjp(lambda x: model(x, training=False), jnp.asarray(inputs))
    return backward(jnp.broadcast_to(jnp.asarray(weights, output.dtype), output.shape))[0]


def _with_torch(model, inputs, weights):
    import torch

    inputs = keras.ops.convert_to_tensor(inputs).requires_grad_()
    output = model(inputs, training=False)
    weights = keras.ops.convert_to_tensor(np.broadcast_to(weights, output.shape), output.dtype)
    (gradient,) = torch.autograd.grad(output, inputs, weights, allow_unused=True)
    return keras.ops.convert_to_numpy(torch.zeros_like(inputs) if gradient is None else gradient)


_GRADIENT = {"tensorflow": _with_tensorflow, "jax": _with_jax, "torch": _with_torch}
