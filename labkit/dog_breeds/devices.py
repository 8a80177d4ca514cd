"""What computes: which GPUs, in which precision, several at once, and until memory is used up."""

from contextlib import contextmanager

import keras

from labkit.language import phrase
from labkit.machine import gpu_names
from labkit.words import is_whole, require_whole

#: How TensorFlow and torch name exhausted memory.
_NAMES = {"ResourceExhaustedError", "OutOfMemoryError"}
#: How XLA (JAX, and TensorFlow with jit_compile), CUDA and cuDNN word it.
_PHRASES = ("RESOURCE_EXHAUSTED", "CUDA_ERROR_OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED")
_MODULES = ("tensorflow", "jax", "torch")


def has_gpu():
    """Tell whether Keras' backend computes on a GPU.

    Returns:
        True or False.

    Example:
        >>> has_gpu() in (True, False)
        True
    """
    return bool(gpu_names())


def gpu_advice(settings):
    """Say whether the settings have the hardware they are made for.

    Settings that ask for mixed precision are made for a GPU. Without one nothing is refused:
    the cells run, only too slowly to wait for.

    Args:
        settings: :class:`labkit.Settings`.

    Returns:
        A sentence or a few, to be printed.

    Example:
        >>> from labkit import load_settings
        >>> print(gpu_advice(load_settings("drawn")))
        The settings 'drawn' need no GPU.
    """
    wanted = "GPU found" if has_gpu() else "no GPU found"
    name = wanted if settings.mixed_precision else "no GPU needed"
    return phrase("advice", name, settings=repr(settings.name))


def use_mixed_precision(wanted=True):
    """Compute in float16 with float32 weights, where there is a GPU that gains by it.

    On a processor float16 is several times slower, so nothing changes there. Call it
    before a network is built.

    Args:
        wanted: False leaves float32 also on a GPU.

    Returns:
        The name of the policy now in force.

    Source:
        P. Micikevicius and others, "Mixed Precision Training", 2018.

    Example:
        >>> use_mixed_precision(wanted=False)
        'float32'
    """
    policy = "mixed_float16" if wanted and has_gpu() else "float32"
    keras.config.set_dtype_policy(policy)
    return policy


def use_devices(number=1):
    """Spread every batch over several GPUs, or over several processors if there is no GPU.

    Each device holds all weights and computes on its part of a batch; the gradients are
    averaged, so that a step is the same as on one device, up to rounding. Call it before a
    network is built.

    Args:
        number: how many devices, a whole number, 1 or more; 1 undoes an earlier call.

    Returns:
        A list of the devices' names, as Keras' backend calls them.

    Raises:
        ValueError: it is no such number, there are fewer devices, or Keras' backend cannot
            distribute.

    Source:
        ``tf.distribute.MirroredStrategy`` and ``keras.distribution.DataParallel``.

    Example:
        >>> len(use_devices(1))
        1
    """
    number = require_whole("devices", number)
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
    """Name the GPUs, or where there is none the processors, as the backend calls them."""
    if backend == "tensorflow":
        import tensorflow as tf

        # Logical ones: a processor can be split into several, and so can a GPU.
        devices = tf.config.list_logical_devices("GPU" if has_gpu() else "CPU")
        return [device.name for device in devices]
    if backend == "jax":
        return keras.distribution.list_devices()
    return [f"cuda:{number}" for number, _ in enumerate(gpu_names())] or ["cpu"]


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
            give one of them nothing and fail. ``None``: there are none.

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
        if self.shares is None and validation_batches is not None:
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


@contextmanager
def scaled_on_device(model, *several):
    """Let pictures travel to a GPU as bytes and be scaled there, within a ``with`` block.

    What the model computes stays the same, for a uint8 batch is multiplied in float32 as it
    would have been before the journey, and all other batches pass as they are. On a processor
    nothing is gained, so nothing changes there.

    Args:
        model: a Keras model that is about to be trained or measured.
        *several: batches, or None. Those of ``flow_from_directory`` can travel as bytes; where
            one cannot, or they are scaled by different factors, none does.

    Yields:
        What to train or measure on instead: a list as long as ``several``.

    Example:
        >>> with scaled_on_device(None, None) as batches:
        ...     batches
        [None]
    """
    pairs = [getattr(batches, "in_bytes", lambda: None)() for batches in several if batches]
    if not has_gpu() or None in pairs or len({factor for _, factor in pairs}) != 1:
        yield list(several)
        return
    given = [batches for batches in several if batches]
    in_bytes = {id(batches): other for batches, (other, _) in zip(given, pairs, strict=True)}
    as_given, factor = model.call, pairs[0][1]

    def call(pictures, *arguments, **options):
        if keras.backend.standardize_dtype(pictures.dtype) == "uint8":
            pictures = keras.ops.cast(pictures, "float32") * factor
        return as_given(pictures, *arguments, **options)

    model.call = call
    _forget_compiled(model)
    try:
        yield [in_bytes.get(id(batches)) for batches in several]
    finally:
        del model.call
        _forget_compiled(model)
        for batches in given:
            batches.epoch = in_bytes[id(batches)].epoch


def _forget_compiled(model):
    """Have the model trace its steps anew."""
    model.train_function = model.test_function = None


@contextmanager
def batch_size_advice(batches):
    """Answer exhausted memory within a ``with`` block by the batch size to try.

    Args:
        batches: What is trained or measured on; ``batches.batch_size`` is read if it is there.

    Yields:
        None.

    Raises:
        MemoryError: In place of whatever the backend raised for want of memory. All other
            errors pass.

    Example:
        >>> from types import SimpleNamespace
        >>> with batch_size_advice(SimpleNamespace(batch_size=32)):
        ...     raise MemoryError
        Traceback (most recent call last):
        ...
        MemoryError: The ... ran out of memory with batches of 32: try batches of 16, ...
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        # The traceback holds the very arrays that fill the memory.
        error.__traceback__ = None
        raise MemoryError(_memory_used_up(getattr(batches, "batch_size", None))) from None


def is_out_of_memory(error):
    """Tell exhausted memory from other errors, whatever the backend.

    Args:
        error: An exception.

    Returns:
        True or False.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("out of memory"))
        (True, False)
    """
    if isinstance(error, MemoryError) or type(error).__name__ in _NAMES:
        return True
    # XlaRuntimeError and JaxRuntimeError are RuntimeErrors; TensorFlow's InternalError is not.
    of_backend = type(error).__module__.split(".")[0].startswith(_MODULES)
    of_backend = of_backend or isinstance(error, RuntimeError)
    return of_backend and any(phrase in str(error) for phrase in _PHRASES)


def _memory_used_up(batch_size):
    device = "GPU" if has_gpu() else "computer"
    if batch_size == 1:
        return (
            f"The {device} ran out of memory with batches of a single picture: try a smaller "
            f"target_size or fewer filters, for instance with settings.replace, and run the cells "
            f"from the batches on again."
        )
    if not is_whole(batch_size):
        return (
            f"The {device} ran out of memory: halve the batch size, and build the batches and the "
            f"network again."
        )
    smaller = batch_size // 2
    return (
        f"The {device} ran out of memory with batches of {batch_size}: try batches of {smaller}, "
        f"with settings.replace(batch_size={smaller}), and run the cells from the batches on "
        f"again; finished epochs that were kept in checkpoints are not lost."
    )


_DISTRIBUTE = {"tensorflow": _mirror, "jax": _share}
