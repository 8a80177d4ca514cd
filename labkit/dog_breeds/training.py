"""Training that can be watched, interrupted and taken up again."""

import sys
import threading
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields

import keras
from tqdm import tqdm

from labkit.dog_breeds.checkpoints import keep_checkpoints
from labkit.dog_breeds.devices import SharedTraining, batch_size_advice, scaled_on_device
from labkit.words import require_whole


@dataclass(frozen=True)
class History:
    """Hold the curves of a training: one figure per epoch each.

    A metric that is added later gets two fields here, below those there are, with ``None`` for
    default: then a training of before has ``None`` for each of its figures.

    Args:
        loss: cross-entropy on the training batches, as they were augmented.
        accuracy: share of training pictures classified rightly, 0 to 1.
        val_loss: cross-entropy on the validation pictures.
        val_accuracy: share of validation pictures classified rightly, 0 to 1.

    Raises:
        ValueError: the curves differ in length.

    Example:
        >>> first = History((1.0,), (0.5,), (2.0,), (0.25,))
        >>> (first + History((0.5,), (0.75,), (1.0,), (0.5,))).loss
        (1.0, 0.5)
    """

    loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()

    def __post_init__(self):
        """Refuse curves of different length; fill those that were not measured."""
        for name in CURVES:
            if getattr(self, name) is None:
                object.__setattr__(self, name, (None,) * len(self.loss))
        if len({len(getattr(self, name)) for name in CURVES}) != 1:
            raise ValueError("The curves of a History must have one figure per epoch each.")

    @classmethod
    def from_curves(cls, curves):
        """Make one of a dict from a curve's name to its figures (any sequence)."""
        return cls(**{name: tuple(figures) for name, figures in curves.items()})

    @property
    def metrics(self):
        """Names of what was measured in every epoch, the loss first (tuple of str)."""
        return tuple(
            name for name in CURVES if f"val_{name}" in CURVES and None not in getattr(self, name)
        )

    def __len__(self):
        """Return the number of epochs."""
        return len(self.loss)

    def __add__(self, other):
        """Join the epochs of a later training to these."""
        return History(*(getattr(self, name) + getattr(other, name) for name in CURVES))


#: The curves' names.
CURVES = tuple(field.name for field in fields(History))


def train(
    model,
    batches,
    validation_batches,
    epochs,
    checkpoints=None,
    resume=True,
    progress=True,
    callbacks=(),
):
    """Train a compiled model, with a bar that shows the time left.

    Args:
        model: a compiled Keras model with the metric accuracy.
        batches: the training batches: what ``flow_from_directory`` returns. An epoch is
            ``len(batches)`` steps, derived from the pictures and the batch size.
        validation_batches: likewise, not augmented and not shuffled.
        epochs: how often all pictures are shown, a whole number, 1 or more.
        checkpoints: a folder for this training alone, which keeps its state after every
            epoch: weights, optimizer, curves, and what random numbers go on from (those of
            layers such as dropout, of NumPy and of Python). ``None`` keeps nothing.
        resume: go on from the last finished epoch in ``checkpoints``, so that a killed
            run, or a Colab session that ended, loses one epoch at most and ends as if nothing
            had happened. A learning rate that you change in between counts from then on.
            False begins anew.
        progress: show the bar.
        callbacks: further Keras callbacks. They see the epochs that are left, before these
            are kept.

    Returns:
        The :class:`History` of all epochs, those before an interruption included.

    Raises:
        ValueError: the model is not compiled, ``epochs`` is no such number, or the
            checkpoints are damaged or belong to another model, to another stage of its
            training or to another optimizer; or several devices cannot share a batch.
        MemoryError: the GPU's memory is used up; the sentence has the batch size to try.
        OSError: the checkpoints cannot be written; noticed before the first epoch where the
            folder is at fault.

    Example:
        >>> from labkit import small_vgg
        >>> from labkit.dog_breeds.networks import compile_lab
        >>> class Batches(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 1
        ...     def __getitem__(self, index):
        ...         return keras.ops.ones((2, 8, 8, 3)), keras.ops.eye(2)
        >>> model = compile_lab(small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(4,)))
        >>> len(train(model, Batches(), Batches(), epochs=2, progress=False))
        2
    """
    _require_compiled(model)
    epochs = require_whole("epochs", epochs)
    kept = nullcontext() if checkpoints is None else keep_checkpoints(checkpoints, model)
    with kept as keeper:
        before = History.from_curves(keeper.restore(model, epochs) if keeper and resume else {})
        recorder = _Recorder(before, keeper)
        both = batches, validation_batches
        callbacks = [SharedTraining(*both), *callbacks, recorder]
        if progress:
            callbacks.append(_Progress(len(before), epochs, len(batches)))
        if len(before) < epochs:
            with batch_size_advice(batches), scaled_on_device(model, *both) as fed:
                model.fit(
                    fed[0],
                    validation_data=fed[1],
                    initial_epoch=len(before),
                    epochs=epochs,
                    # The batches shuffle pictures themselves, from their own seed.
                    shuffle=False,
                    verbose=0,
                    callbacks=[_EpochNumbers(*both, *fed), *callbacks],
                )
        return recorder.history


def evaluate(model, batches):
    """Measure a model on all pictures of some batches, without training.

    Args:
        model: a compiled Keras model with the metric accuracy.
        batches: what ``flow_from_directory`` returns.

    Returns:
        ``(loss, accuracy)``, floats; the accuracy is between 0 and 1.

    Raises:
        ValueError: the model is not compiled.
        MemoryError: the GPU's memory is used up; the sentence has the batch size to try.

    Example:
        >>> from labkit import small_vgg
        >>> from labkit.dog_breeds.networks import compile_lab
        >>> class Batches(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 1
        ...     def __getitem__(self, index):
        ...         return keras.ops.ones((2, 8, 8, 3)), keras.ops.eye(2)
        >>> model = compile_lab(small_vgg((8, 8, 3), classes=2, filters=(4,), dense=(4,)))
        >>> evaluate(model, Batches())[1]
        0.5
    """
    _require_compiled(model)
    with batch_size_advice(batches), scaled_on_device(model, batches) as fed:
        measured = model.evaluate(*fed, verbose=0, return_dict=True)
    return measured["loss"], measured["accuracy"]


def _require_compiled(model):
    if not model.compiled:
        raise ValueError(
            f"The model {model.name!r} is not compiled; compile it first, with model.compile or "
            "with labkit's freeze, unfreeze or compile_lab."
        )


class _EpochNumbers(keras.callbacks.Callback):
    """Tell batches that are drawn epoch by epoch which epoch begins, also after a resumption.

    Keras also takes batches that it does not train on, to see their shape or ahead of an epoch,
    and how many depends on the backend and on the number of devices. So they do not count.
    """

    def __init__(self, *drawn):
        super().__init__()
        self.drawn = [batches for batches in drawn if hasattr(batches, "epoch")]

    def on_epoch_begin(self, epoch, logs=None):
        for batches in self.drawn:
            batches.epoch = epoch


class _Recorder(keras.callbacks.Callback):
    """Collect the curves and hand them to the checkpoints after every epoch."""

    def __init__(self, history, keeper):
        super().__init__()
        self.history = history
        self.keeper = keeper

    def on_train_begin(self, logs=None):
        if self.keeper:
            self.keeper.restore_random_state(self.model)

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: [float(logs[name])] for name in CURVES if name in logs}
        self.history = self.history + History.from_curves(figures)
        if self.keeper:
            self.keeper.save(self.model, asdict(self.history))


class _Progress(keras.callbacks.Callback):
    """Draw one bar over all epochs, with the time left and the last figures."""

    #: So that Keras does not wait for the loss of every step, during which a GPU would idle.
    async_safe = True

    def __init__(self, done, epochs, steps):
        super().__init__()
        self.bar_settings = {"total": epochs * steps, "initial": done * steps}
        self.epochs, self.steps = epochs, steps
        self.lock = threading.Lock()

    def on_train_begin(self, logs=None):
        self.bar = tqdm(**self.bar_settings, unit="step", desc="Training", file=sys.stderr)

    def on_epoch_begin(self, epoch, logs=None):
        self.before = epoch * self.steps

    def on_train_batch_end(self, batch, logs=None):
        # Several steps may have been made at once, and threads come in any order.
        with self.lock:
            self.bar.update(max(0, self.before + batch + 1 - self.bar.n))

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_description(f"Epoch {epoch + 1}/{self.epochs}")
        self.bar.set_postfix_str(
            f"accuracy {logs['accuracy']:.3f}, validation {logs['val_accuracy']:.3f}"
        )

    def on_train_end(self, logs=None):
        self.bar.close()
