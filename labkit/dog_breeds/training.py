"""Training that can be watched, interrupted and taken up again."""

import math
import sys
import threading
import time
from contextlib import nullcontext
from dataclasses import replace

import keras
from tqdm import tqdm

from labkit.dog_breeds.callback_states import CallbackStates
from labkit.dog_breeds.checkpoints import keep_checkpoints, place_of
from labkit.dog_breeds.compatibility import (
    require_as_trained,
    require_class_weight,
    require_compatible,
)
from labkit.dog_breeds.devices import SharedTraining, batch_size_advice, scaled_on_device
from labkit.dog_breeds.experiments import describe_experiment, outcome
from labkit.dog_breeds.history import History
from labkit.dog_breeds.saving import Provenance, known_provenance, remember
from labkit.language import phrase
from labkit.words import listed, require_whole


def train(
    model,
    batches,
    validation_batches,
    epochs,
    checkpoints=None,
    resume=True,
    progress=True,
    callbacks=(),
    class_weight=None,
    patience=None,
    restore_best_weights=False,
    monitor="val_loss",
):
    """Train a compiled model, with a bar that shows the time left.

    Args:
        model: a compiled Keras model.
        batches: the training batches: what ``flow_from_directory`` returns. An epoch is
            ``len(batches)`` steps, derived from the pictures and the batch size.
        validation_batches: likewise, not augmented and not shuffled; ``None``: no validation.
        epochs: how often all pictures are shown, a whole number, 1 or more.
        checkpoints: a folder that keeps the state after every epoch: weights, optimizer,
            curves, what callbacks remember, and what random numbers go on from (those of
            layers such as dropout, of NumPy and of Python). ``None`` keeps nothing.
        resume: go on from the last finished epoch of *this* training in ``checkpoints``, so that
            a killed run, or a Colab session that ended, loses one epoch at most and ends as if
            nothing had happened; one that was stopped early stays so. With another network,
            preprocessing, data, augmentation, seed, optimizer or loss it is another training: it
            begins anew, says so, and is kept beside the other. A learning rate that you change in
            between counts from then on. False begins anew in any case.
        progress: show the bar.
        callbacks: further Keras callbacks. They see the epochs that are left, before these
            are kept. One that writes to a file goes on as it does itself: give ``CSVLogger``
            ``append=True``.
        class_weight: dict from a class's index to what its pictures weigh in the loss, as in
            ``model.fit``; ``None``: all the same.
        patience: stop once ``monitor`` has not improved for so many epochs, as in
            ``keras.callbacks.EarlyStopping``; ``None``: train all ``epochs``.
        restore_best_weights: whether the model ends with the weights of the best epoch by
            ``monitor`` rather than of the last one; also without ``patience``.
        monitor: the curve that tells the best epoch.

    Returns:
        The :class:`History` of all epochs, those before an interruption included.

    Raises:
        ValueError: the model is not compiled, a number is none, training and validation do not
            have the model's classes, pictures are in another range than it takes, there is no
            curve such as ``monitor``, or the checkpoints are damaged; or several devices cannot
            share a batch.
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
    epochs = require_whole("epochs", epochs)
    require_compatible(model, batches, validation_batches)
    require_class_weight(class_weight, batches)
    callbacks = [*callbacks, *_early_stopping(patience, restore_best_weights, monitor)]
    _require_validation(callbacks, validation_batches)
    both = batches, validation_batches
    known = (known_provenance(model) or Provenance()).from_batches(batches)
    remember(model, known)
    experiment = describe_experiment(model, *both, class_weight)
    with _opened(checkpoints, model, experiment, known.stages) as keeper:
        before = History.from_curves(keeper.restore(model) if keeper and resume else {})
        recorder = _Recorder(before, keeper, callbacks)
        recorder.require_best_epoch()
        watching = [*callbacks, recorder]
        try:
            if len(before) >= epochs or recorder.stays_stopped():
                _end_again(model, watching)
            else:
                bar = [_Progress(len(before), epochs, len(batches))] if progress else []
                _fit(model, both, len(before), epochs, class_weight, watching, bar)
        finally:
            remember(model, recorder.add_stage(known, experiment, checkpoints))
        return recorder.history


def _opened(checkpoints, model, experiment, stages):
    """Open the folder of checkpoints, if there is to be one."""
    if checkpoints is None:
        return nullcontext()
    return keep_checkpoints(checkpoints, model, experiment, stages)


def _fit(model, both, done, epochs, class_weight, callbacks, bar):
    """Train for the epochs that are left."""
    monitored = [callback.monitor for callback in callbacks if hasattr(callback, "monitor")]
    with batch_size_advice(both[0]), scaled_on_device(model, *both) as fed:
        told = bar and hasattr(fed[0], "waited")
        limit = [_Limit(fed[0], epochs - done)] if told else []
        model.fit(
            fed[0],
            validation_data=fed[1],
            initial_epoch=done,
            epochs=epochs,
            class_weight=class_weight,
            # The batches shuffle pictures themselves, from their own seed.
            shuffle=False,
            verbose=0,
            callbacks=[
                _EpochNumbers(*both, *fed),
                SharedTraining(*both),
                _RequiredMetrics(monitored),
                *callbacks,
                *bar,
                *limit,
            ],
        )


def _end_again(model, callbacks):
    """Let callbacks do at the end of a training what they did when it was first at its end."""
    called = keras.callbacks.CallbackList(callbacks, model=model)
    called.on_train_begin()
    called.on_train_end()


def _early_stopping(patience, restore_best_weights, monitor):
    """Return Keras' callback that does what is asked for, or none."""
    if patience is None and not restore_best_weights:
        return []
    patience = math.inf if patience is None else require_whole("patience", patience, 0)
    return [
        keras.callbacks.EarlyStopping(
            monitor, patience=patience, restore_best_weights=restore_best_weights
        )
    ]


def _require_validation(callbacks, validation_batches):
    """Refuse now what would be missed only after the first epoch."""
    watched = [getattr(callback, "monitor", None) for callback in callbacks]
    for monitor in watched:
        if validation_batches is None and str(monitor).startswith("val_"):
            raise ValueError(
                f"monitor={monitor!r} needs validation batches: give them, or watch "
                f"{monitor.removeprefix('val_')!r}."
            )


def evaluate(model, batches):
    """Measure a model on all pictures of some batches, without training.

    Args:
        model: a compiled Keras model with the metric accuracy.
        batches: what ``flow_from_directory`` returns.

    Returns:
        ``(loss, accuracy)``, floats; the accuracy is between 0 and 1.

    Raises:
        ValueError: the model is not compiled or measures no accuracy, or the batches have other
            breeds, or pictures in another range, than it was trained on.
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
    require_compatible(model, batches)
    require_as_trained(model, batches)
    required = [_RequiredMetrics(["accuracy"])]
    with batch_size_advice(batches), scaled_on_device(model, batches) as fed:
        measured = model.evaluate(*fed, verbose=0, return_dict=True, callbacks=required)
    return measured["loss"], measured["accuracy"]


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


class _RequiredMetrics(keras.callbacks.Callback):
    """Refuse after the first batch, which is the first to tell, a metric that is not measured."""

    async_safe = True  # Keras need not wait for a loss whose name alone is looked at.

    def __init__(self, names):
        super().__init__()
        self.names = {name.removeprefix("val_") for name in names}

    def on_train_batch_end(self, batch, logs=None):
        self._require(logs)

    def on_test_batch_end(self, batch, logs=None):
        self._require(logs)

    def _require(self, logs):
        # A learning rate stands in the curves, but not in those of a batch.
        missing = self.names - {*(logs or {}), "learning_rate"}
        self.names = set()
        if missing:
            raise ValueError(
                f"The model measures no {sorted(missing)[0]!r}, but {listed(sorted(logs))}: "
                "compile it with that metric, or ask for one that there is."
            )


class _Recorder(keras.callbacks.Callback):
    """Collect the curves and hand them to the checkpoints after every epoch.

    It stands behind the callbacks that it is to keep, so that each of its turns is after theirs.
    """

    def __init__(self, history, keeper, callbacks):
        super().__init__()
        self.history = history
        self.keeper = keeper
        self.states = CallbackStates(callbacks)

    def stays_stopped(self):
        """Say whether the training was stopped early by callbacks that are set as they were."""
        kept = self.keeper
        return bool(kept and kept.stopped and self.states.are_set_as(kept.callbacks))

    def require_best_epoch(self):
        """Refuse to restore the best epoch of a training that was not watched from its begin."""
        for name, callback in self.states.callbacks.items():
            late = len(self.history) > getattr(callback, "start_from_epoch", 0)
            if getattr(callback, "restore_best_weights", False) and late:
                kept = self.keeper.callbacks.get(name, {}).get("state", {})
                if kept.get("best_weights") is None:
                    raise ValueError(
                        "The epochs in the checkpoints were trained without watching for the best, "
                        "so there are no best weights to restore: pass resume=False to train them "
                        "again, or leave restore_best_weights out."
                    )

    def add_stage(self, known, experiment, checkpoints):
        """Return what is known of the model once it has gone through this training."""
        stages, place = known.stages, ""
        if self.keeper:
            stages, place = self.keeper.stages, place_of(checkpoints)
            experiment = self.keeper.experiment
        if len(self.history) == 0:
            return known
        return replace(known, stages=(*stages, (place, outcome(experiment, self.history))))

    def on_train_begin(self, logs=None):
        self.states.begin(self.keeper.callbacks if self.keeper else {})
        if self.keeper:
            self.keeper.restore_random_state(self.model)

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: [float(figure)] for name, figure in logs.items()}
        self.history = self.history + History.from_curves(figures)
        if self.keeper:
            self.keeper.save(self.model, self.history.curves, self.states.collect())


class _Limit(keras.callbacks.Callback):
    """Say after the first epoch what the training waits for, where that will take a while."""

    def __init__(self, batches, epochs):
        super().__init__()
        self.batches, self.epochs = batches, epochs
        self.clock = self.spent = None

    def on_epoch_begin(self, epoch, logs=None):
        self.clock = time.perf_counter(), self.batches.waited

    def on_test_begin(self, logs=None):
        self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._stop()
        if self.epochs:
            seconds, waited = self.spent
            if seconds * (self.epochs - 1) >= _WORTH_A_WORD:
                cached = getattr(self.batches, "cache", None) is not None
                tqdm.write(what_limits(waited / seconds, cached), file=sys.stderr)
            self.epochs = 0

    def _stop(self):
        """Take the time of the training, before validation, and what of it went by waiting."""
        if self.clock is not None:
            began, waited = self.clock
            self.spent = time.perf_counter() - began, self.batches.waited - waited
            self.clock = None


#: Seconds that the epochs to come must take for advice to be worth reading.
_WORTH_A_WORD = 60


def what_limits(share, cached):
    """Say whether the pictures or the network limit the speed of a training, and what to do.

    Args:
        share: part of the time, 0 to 1, that went by waiting for the next batch.
        cached: whether decoded pictures are kept from one epoch to the next.

    Returns:
        A sentence or two.

    Example:
        >>> print(what_limits(0.02, cached=True))
        The network limits the speed: pictures were waited for 2 % of the first epoch. ...
    """
    pictures = "kept pictures limit" if cached else "pictures limit"
    name = "network limits" if share < 1 / 3 else pictures
    return phrase("advice", name, percent=f"{100 * share:.0f}")


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
        metric = "accuracy" if "accuracy" in logs else "loss"
        figures = [f"{metric} {logs[metric]:.3f}"]
        if f"val_{metric}" in logs:
            figures.append(f"validation {logs[f'val_{metric}']:.3f}")
        self.bar.set_postfix_str(", ".join(figures))

    def on_train_end(self, logs=None):
        self.bar.close()
