"""Keep the state of a training after each epoch, so that a killed run goes on from there.

Keras' own ``BackupAndRestore`` keeps weights and optimizer. It leaves out the curves and the
random numbers of layers such as dropout, writes its two files one after the other, so that a
kill between them pairs the weights of one epoch with the number of another, and deletes both
when the training ends. Here one file holds all of it, and one renaming replaces that file.
"""

import json
import math
import random
import warnings
from contextlib import contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np

from labkit.files import exclusive, flush, reason, replacing, reserve

_NAME = "last_epoch.weights.h5"
_PARTIAL = "partial.weights.h5"
_STATE = "labkit"

#: Bytes, ample for the curves and for the states of Python's and NumPy's generators.
_ROOM_FOR_STATE = 1 << 18


@contextmanager
def keep_checkpoints(directory, model):
    """Open a folder of checkpoints; another run that wants the same folder waits.

    Args:
        directory: the folder (str or path); made if missing.
        model: the compiled Keras model about to be trained, whose learning rate counts.

    Yields:
        :class:`Checkpoints`.

    Raises:
        OSError: the folder cannot be made or written to; noticed before an epoch is spent.
    """
    directory = Path(directory).expanduser()
    with _writing_in_a_sentence(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with exclusive(directory):
        with _writing_in_a_sentence(directory):
            # Also clears what is left of a run that was killed while it wrote an epoch.
            partial = directory / _PARTIAL
            partial.touch()
            partial.unlink()
        yield Checkpoints(directory, _learning_rate(model))


@contextmanager
def _writing_in_a_sentence(directory):
    """Say in a sentence what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"The checkpoints cannot be written to {str(directory)!r} ({reason(error)}); make room "
            "there or choose another folder, and run the cell again, which goes on from the last "
            "epoch that was kept."
        ) from None


class Checkpoints:
    """The state of one training after its last finished epoch.

    Args:
        directory: a folder that is there (path).
        learning_rate: with which the model came to this run.
    """

    def __init__(self, directory, learning_rate):
        self.directory = directory
        self.learning_rate = learning_rate
        self._random = None

    def save(self, model, curves):
        """Replace the kept state, in one step, by the present one.

        Args:
            model: a compiled Keras model.
            curves: dict from a curve's name to a figure per epoch (sequence of floats).

        Raises:
            OSError: the disk is full or refuses; the state kept before stays.
        """
        kept, partial = self.directory / _NAME, self.directory / _PARTIAL
        with _writing_in_a_sentence(self.directory), replacing(kept, partial):
            self._write(partial, model, curves)

    def _write(self, partial, model, curves):
        # HDF5 takes a disk that fills up under it so badly that it can end the process, so
        # the room is taken beforehand.
        with open(partial, "wb") as file:
            reserve(file, _size_of(model))
        model.save_weights(partial)
        state = {
            "curves": curves,
            "learning_rate": self.learning_rate,
            "random": _random_state(model),
            **_outline(model),
        }
        with h5py.File(partial, "a") as file:
            file.create_dataset(_STATE, data=json.dumps(state))
        flush(partial)

    def restore(self, model, epochs):
        """Bring ``model``, and what is random, into the kept state.

        Args:
            model: a compiled Keras model.
            epochs: how many epochs it is to be trained in all.

        Returns:
            The curves given to :meth:`save`, or an empty dict if nothing is kept.

        Raises:
            ValueError: the checkpoint is damaged, or another training's.
        """
        path = self.directory / _NAME
        if not path.exists():
            return {}
        model.optimizer.build(model.trainable_variables)
        with self._in_a_sentence(model):
            with h5py.File(path) as file:
                state = json.loads(file[_STATE][()])
            left = epochs - len(state["curves"]["loss"])
        self._require_same_training(model, state, left)
        with self._in_a_sentence(model), warnings.catch_warnings():
            # Of a finished training the weights are wanted alone, whatever the optimizer.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            model.load_weights(path)
            _restore_random_state(model, state["random"])
        self._random = state["random"]
        if state["learning_rate"] != self.learning_rate:
            _set_learning_rate(model, self.learning_rate)
        return state["curves"]

    def restore_random_state(self, model):
        """Bring what is random into the kept state once more, if there was one.

        To build a model on torch, Keras runs it, and draws random numbers that an uninterrupted
        training does not draw there.

        Args:
            model: the model of :meth:`restore`.
        """
        if self._random is not None:
            _restore_random_state(model, self._random)

    @contextmanager
    def _in_a_sentence(self, model):
        try:
            yield
        except (ValueError, KeyError, TypeError, OSError):
            raise ValueError(
                f"The checkpoints in {str(self.directory)!r} do not fit the model "
                f"{model.name!r}: they belong to another network or are damaged; {_WAYS_OUT}."
            ) from None  # the error's traceback would keep the file open

    def _require_same_training(self, model, state, left):
        """Refuse what Keras would load in part, with no more than a warning."""
        now = _outline(model)
        if state["trainable"] != now["trainable"]:
            raise ValueError(
                f"The checkpoints in {str(self.directory)!r} do not fit the model {model.name!r}: "
                f"other layers were trained, so they belong to another network or to another "
                f"stage of its training; {_WAYS_OUT}."
            )
        if left > 0 and state["optimizer"] != now["optimizer"]:
            raise ValueError(
                f"The checkpoints in {str(self.directory)!r} are of a training with "
                f"{state['optimizer'][0]}, and {model.name!r} is compiled with "
                f"{now['optimizer'][0]}: compile it as before, in the same precision; or "
                f"{_WAYS_OUT}."
            )


_WAYS_OUT = "choose another folder, delete this one, or pass resume=False"


def _size_of(model):
    """Return the bytes that a checkpoint takes at most: 8 for a number, and a page for a name."""
    variables = [*model.variables, *model.optimizer.variables]
    return _ROOM_FOR_STATE + sum(8 * math.prod(variable.shape) + 4096 for variable in variables)


def _outline(model):
    """Describe what the state must fit; names would not do, for Keras numbers them anew."""
    optimizer = model.optimizer
    return {
        "trainable": [list(variable.shape) for variable in model.trainable_variables],
        "optimizer": [
            type(optimizer).__name__,
            *(list(variable.shape) for variable in optimizer.variables),
        ],
    }


def _learning_rate(model):
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def _set_learning_rate(model, value):
    # A schedule is no variable; it follows the iterations, which are restored.
    if hasattr(model.optimizer.learning_rate, "assign"):
        model.optimizer.learning_rate = value


def _random_variables(model):
    """List the states of layers' random numbers, which Keras leaves out of the weights."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _random_state(model):
    kind, keys, *rest = np.random.get_state()
    return {
        "layers": [
            keras.ops.convert_to_numpy(variable).tolist() for variable in _random_variables(model)
        ],
        "numpy": [kind, keys.tolist(), *rest],
        "python": random.getstate(),
        "torch": _torch_state(),
    }


def _restore_random_state(model, state):
    for variable, value in zip(_random_variables(model), state["layers"], strict=True):
        variable.assign(value)
    np.random.set_state(tuple(state["numpy"]))
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    _restore_torch_state(state["torch"])


def _torch_state():
    """Return the states of torch's own generators, from which its dropout draws on that backend."""
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.tolist() for state in states]


def _restore_torch_state(states):
    if keras.backend.backend() == "torch" and states:
        import torch

        processor, *cards = (torch.tensor(state, dtype=torch.uint8) for state in states)
        torch.set_rng_state(processor)
        if len(cards) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(cards)
