"""The oracle of trial: change one entry of the input, and see which entries of a tensor change.

The program is run by Keras itself, with weights above 0 and an average wherever the model has a
maximum, so that no change can cancel out or be hidden by a larger value. What is found is no theory
of layers: it is what the layers do. Nothing of labkit is imported here.
"""

import keras
import numpy as np
from keras import layers, ops
from random_models import masked

#: A change below this share of a value is noise of floating point. Noise stays below 1e-14, and the
#: weakest real change in some hundred models was 1e-8.
NOISE = 1e-13

#: What a mask adds to what it hides from a softmax.
_MASKED = -1e4

_SMOOTH_LAYERS = {
    **{f"MaxPooling{n}D": f"AveragePooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": f"GlobalAveragePooling{n}D" for n in (1, 2, 3)},
    "Maximum": "Add",
    **dict.fromkeys(("ReLU", "PReLU"), "Identity"),
}

#: These are deaf to what is beside a much larger value, and some make constants of equal values.
_SATURATING = (
    layers.AdditiveAttention,
    layers.Attention,
    layers.Bidirectional,
    layers.ConvLSTM1D,
    layers.GroupNormalization,
    layers.GroupQueryAttention,
    layers.LayerNormalization,
    layers.MultiHeadAttention,
    layers.RNN,
    layers.Softmax,
    layers.UnitNormalization,
)


def reach_by_trial(program, seed=0):
    """Find which entries of the input reach which entries of every tensor.

    Args:
        program: a :class:`~random_models.Program`; whether its sizes are open does not matter.
        seed: what input and weights are drawn from.

    Returns:
        For the name of each tensor, a boolean array of the input's shape followed by the
        tensor's, both without the batch.
    """
    dice = np.random.default_rng(seed)
    start = dice.uniform(1, 2, program.shape)
    count = start.size
    batch = np.broadcast_to(start.ravel(), (1 + count, count)).copy()
    batch[1 + np.arange(count), np.arange(count)] += dice.uniform(0.5, 1, count)
    names = {"L": _Smooth(dice), "ops": _SmoothOperations(dice), "keras": _SmoothModels}
    names |= {"np": _Doubled(), "masked": names["L"].masked}
    names["x0"] = ops.convert_to_tensor(batch.reshape(1 + count, *program.shape))
    exec("\n".join(map(str, program.statements)), names)
    made = ("x0", *(statement.target for statement in program.statements))
    return {name: _changed(ops.convert_to_numpy(names[name]), program.shape) for name in made}


def _changed(values, shape):
    plain, tried = values[:1], values[1:]
    differs = np.abs(tried - plain) > NOISE * np.maximum(np.abs(plain), 1e-3)
    return differs.reshape(*shape, *values.shape[1:])


def _roughened(tensor, dice):
    """Make equal values different and all of them moderate, each by itself.

    What is zero in all trials stays so, and what a mask has put far below the others stays there.
    """
    shape = tensor.shape[1:]
    below = _MASKED * ops.cast(tensor < _MASKED / 2, "float64")
    plain = tensor - below
    largest = float(ops.max(ops.abs(plain[0]))) or 1
    rough = plain * dice.uniform(0.5, 1.5, shape) / largest + dice.uniform(0.1, 0.5, shape)
    rough = ops.where(ops.all(plain == 0, axis=0, keepdims=True), plain, rough) + below
    rough._keras_mask = getattr(tensor, "_keras_mask", None)
    return rough


def _near_one(tensor):
    """Bring what is not zero near 1, so that a product of many is neither tiny nor huge."""
    return ops.where(tensor == 0, tensor, 1 + tensor / (8 * float(ops.max(tensor[0]) or 1)))


class _Smooth:
    """Stands for ``keras.layers``: what it makes computes in float64 and hides nothing."""

    def __init__(self, dice):
        self.dice = dice

    def __getattr__(self, name):
        def make(*arguments, **options):
            if name in ("Bidirectional", "TimeDistributed"):
                arguments = [arguments[0].layer]
            if name.endswith("Pooling3D") and "Global" not in name:
                return _Pooling3D(*arguments, **options)
            if "bilinear" in (*arguments, *options.values()):
                return _Interpolation(getattr(layers, name)(*arguments, **options))
            if arguments == ("relu",):
                arguments = ("linear",)
            kind = getattr(layers, _SMOOTH_LAYERS.get(name, name))
            first = options.pop("data_format", None) == "channels_first"
            if name in ("ReLU", "PReLU"):
                options = {}
            return _Positive(kind(*arguments, **options, dtype="float64"), self.dice, first)

        return make

    def masked(self, *arguments, **options):
        return _Positive(masked(*arguments, **options, dtype="float64"), self.dice)


class _Positive:
    """Calls a layer with positive weights; channels are moved behind and back if they are first."""

    def __init__(self, layer, dice, channels_first=False):
        self.layer, self.dice, self.channels_first = layer, dice, channels_first

    def __call__(self, *tensors, **options):
        if self.channels_first:
            (tensor,) = tensors
            made = self._call(ops.moveaxis(tensor, 1, -1), **options)
            return ops.moveaxis(made, -1, 1) if len(made.shape) == len(tensor.shape) else made
        return self._call(*tensors, **options)

    def _call(self, *tensors, **options):
        if not isinstance(self.layer, _SATURATING):
            return self._with_weights(tensors, options)
        rough = keras.tree.map_structure(self._roughened, tensors)
        made = self._with_weights(rough, options)
        # What was normalised together may have a constant sum.
        return keras.tree.map_structure(lambda x: _roughened(x, self.dice), made)

    def _roughened(self, tensor):
        rough = _roughened(tensor, self.dice)
        if not isinstance(self.layer, layers.Attention):
            return rough
        # Its scores are sums over the features, which would be as large as they are many.
        smaller = rough / np.sqrt(tensor.shape[-1])
        smaller._keras_mask = rough._keras_mask
        return smaller

    def _with_weights(self, tensors, options):
        # The first call makes the weights.
        self.layer(*tensors, **options)
        for weight in self.layer.weights:
            if "seed" in weight.path:
                continue
            weight.assign(self.dice.uniform(0.5, 1.5, weight.shape) * self._scale(weight))
        return self.layer(*tensors, **options)

    def _scale(self, weight):
        """Keep values near 1, and what is recurrent far from where it saturates."""
        if len(weight.shape) < 2:
            return 0.1
        share = 1 / np.prod(weight.shape[:-1])
        if isinstance(self.layer, (layers.RNN, layers.Bidirectional, layers.ConvLSTM1D)):
            share *= 0.5 if "recurrent" in weight.path else 0.1
        return share


class _Pooling3D:
    """Average pooling along three axes, which TensorFlow has not in float64, axis by axis."""

    def __init__(self, size, strides, padding="valid", data_format="channels_last"):
        self.size, self.strides, self.padding = size, strides, padding
        self.first = data_format == "channels_first"

    def __call__(self, tensor):
        for place, (size, stride) in enumerate(zip(self.size, self.strides, strict=True)):
            dim = place + (2 if self.first else 1)
            moved = ops.moveaxis(tensor, dim, -1)
            line = ops.reshape(moved, (-1, moved.shape[-1], 1))
            line = ops.average_pool(line, size, stride, self.padding, "channels_last")
            made = ops.reshape(line, (*moved.shape[:-1], line.shape[1]))
            tensor = ops.moveaxis(made, -1, dim)
        return tensor


class _Interpolation:
    """Interpolates axis by axis in float64, as TensorFlow does in float32 alone."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, tensor):
        for dim in (1, 2):
            size = tensor.shape[dim]
            # What becomes of each position by itself.
            alone = np.eye(size)[:, :, None, None] if dim == 1 else np.eye(size)[:, None, :, None]
            weights = np.take(ops.convert_to_numpy(self.layer(alone)), 0, axis=3 - dim)[..., 0]
            moved = ops.matmul(ops.moveaxis(tensor, dim, -1), weights.astype("float64"))
            tensor = ops.moveaxis(moved, -1, dim)
        return tensor


class _Doubled:
    """Stands for ``numpy``: its numbers are those of the trial."""

    float32 = np.float64

    def __getattr__(self, name):
        return getattr(np, name)


class _SmoothOperations:
    """Stands for ``keras.ops``, with a mean in place of a maximum, or a sum."""

    def __init__(self, dice):
        self.dice = dice

    def __getattr__(self, name):
        return getattr(ops, {"max": "mean", "maximum": "add"}.get(name, name))

    def prod(self, tensor, axis):
        return ops.prod(_near_one(tensor), axis)

    def cumprod(self, tensor, axis):
        return ops.cumprod(_near_one(tensor), axis)

    def sqrt(self, tensor):
        return ops.sqrt(ops.abs(tensor) + 1)

    def softmax(self, tensor, axis):
        return _roughened(ops.softmax(_roughened(tensor, self.dice), axis), self.dice)


class _SmoothModels:
    """Stands for ``keras``, of which programs use the models."""

    @staticmethod
    def Sequential(parts):
        def call(tensor):
            for part in parts:
                tensor = part(tensor)
            return tensor

        return call
