"""Train on several devices at once: each takes an equal part of every batch."""

import keras


def use_devices(number=1):
    """Spread every batch over several GPUs, or over several processors if there is no GPU.

    Each device holds all weights and computes on its part of a batch; the gradients are
    averaged, so that a step is the same as on one device, up to rounding. Call it before a
    network is built.

    Args:
        number: how many devices, a positive integer; 1 undoes an earlier call.

    Returns:
        A list of the devices' names, as Keras' backend calls them.

    Raises:
        ValueError: there are fewer devices, or Keras' backend cannot distribute.

    Source:
        ``tf.distribute.MirroredStrategy`` and ``keras.distribution.DataParallel``.

    Example:
        >>> len(use_devices(1))
        1
    """
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"devices={number!r} must be a positive integer.")
    backend = keras.backend.backend()
    found = _list_devices(backend)
    if number > 1 and backend not in _DISTRIBUTE:
        raise ValueError(
            f"devices={number}: Keras distributes training on TensorFlow and on JAX, and this is "
            f"{backend}; take one device, or set KERAS_BACKEND to tensorflow or jax."
        )
    if number > len(found):
        raise ValueError(
            f"devices={number}, but {backend} has {len(found)} ({', '.join(found)}): take at "
            f"most {len(found)}."
        )
    if backend in _DISTRIBUTE:
        _DISTRIBUTE[backend](found[:number])
    return found[:number]


def _list_devices(backend):
    """Name the GPUs, or where there is none the processors."""
    if backend == "tensorflow":
        import tensorflow as tf

        # Logical ones: a processor can be split into several, and so can a GPU.
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return [device.name for device in devices]
    if backend == "jax":
        return keras.distribution.list_devices()
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


def _mirror(devices):
    """Let TensorFlow mirror the weights on several devices."""
    import tensorflow as tf

    if len(devices) > 1:
        tf.distribute.experimental_set_strategy(tf.distribute.MirroredStrategy(devices))
    elif tf.distribute.has_strategy():
        tf.distribute.experimental_set_strategy(None)


def _share(devices):
    """Let JAX share each batch among several devices."""
    keras.distribution.set_distribution(_Shares(devices=devices) if len(devices) > 1 else None)


class _Shares(keras.distribution.DataParallel):
    """Share the batches of a training; each device computes the whole of any other batch.

    JAX refuses to split a batch unevenly, and Keras takes every batch of a loop to be split as its
    first one. The last batch of a validation or a prediction is smaller, so these are not split.
    """

    training = False

    def get_data_layout(self, data_shape):
        if self.training:
            return super().get_data_layout(data_shape)
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)


class SharedTraining(keras.callbacks.Callback):
    """Have several devices share the batches of a training, if there are several.

    Args:
        batches: the training batches, all of which must be shared evenly.
        validation_batches: each must have a picture for every device on TensorFlow, which would
            give one of them nothing and fail.

    Raises:
        ValueError: the devices cannot share the first or the last batch.
    """

    def __init__(self, batches, validation_batches):
        super().__init__()
        distribution = keras.distribution.distribution()
        self.shares = distribution if isinstance(distribution, _Shares) else None
        devices = _sharing_devices(self.shares)
        if devices == 1:
            return
        for index in {0, len(batches) - 1}:
            _require_sharing(len(batches[index][0]) % devices == 0, batches, index, devices)
        if self.shares is None:
            last = len(validation_batches) - 1
            enough = len(validation_batches[last][0]) >= devices
            _require_sharing(enough, validation_batches, last, devices)

    def on_epoch_begin(self, epoch, logs=None):
        """Share what comes now."""
        self._share(True)

    def on_test_begin(self, logs=None):
        """Leave validation whole."""
        self._share(False)

    def on_train_end(self, logs=None):
        """Leave whole what comes after the training."""
        self._share(False)

    def _share(self, training):
        if self.shares is not None:
            self.shares.training = training


def _sharing_devices(shares):
    """Count the devices that share each batch."""
    if shares is not None:
        return shares.device_mesh.devices.size
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def _require_sharing(shared, batches, index, devices):
    if not shared:
        pictures = len(batches[index][0])
        raise ValueError(
            f"{devices} devices cannot share a batch of {pictures} pictures: choose a batch_size "
            f"that {devices} divides, drop_remainder=True for training, and for validation a "
            "batch_size that leaves each device a picture of the last batch."
        )


_DISTRIBUTE = {"tensorflow": _mirror, "jax": _share}
