"""Keep the state of a training after each epoch, so that a killed run goes on from there.

Keras' own ``BackupAndRestore`` keeps weights and optimizer. It leaves out the curves and the
random numbers of layers such as dropout, writes its two files one after the other, so that a
kill between them pairs the weights of one epoch with the number of another, and deletes both
when the training ends. Here one file holds all of it, and one renaming replaces that file.
"""

import hashlib
import json
import math
import random
import sys
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import keras
import numpy as np

from labkit.dog_breeds.callback_states import put_arrays, take_arrays
from labkit.files import exclusive, flush, reason, replacing, reserve
from labkit.words import listed

_SUFFIX = ".weights.h5"
_PARTIAL = f"partial{_SUFFIX}"
_STATE = "labkit"
_ARRAYS = "labkit_arrays"

#: Bytes, ample for the curves and for the states of Python's and NumPy's generators.
_ROOM_FOR_STATE = 1 << 18


@contextmanager
def keep_checkpoints(directory, model, experiment, stages=()):
    """Open a folder of checkpoints; another run that wants the same folder waits.

    The folder has a file for each experiment, so that none is taken for another and none is lost.

    Args:
        directory: the folder (str or path); made if missing.
        model: the compiled Keras model about to be trained, whose learning rate counts.
        experiment: :class:`labkit.dog_breeds.experiments.Experiment`.
        stages: pairs ``(place, outcome)`` for what the model was trained on before; see
            :func:`place_of`.

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
        yield Checkpoints(directory, _learning_rate(model), experiment, stages)


def place_of(directory):
    """Return eight digits that tell a folder from others, and nothing else about it (str)."""
    path = Path(directory).expanduser().resolve()
    return hashlib.sha256(str(path).encode()).hexdigest()[:8]


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
        experiment: :class:`labkit.dog_breeds.experiments.Experiment`.
        stages: what the model was trained on before, as :func:`keep_checkpoints` takes it.

    Attributes:
        callbacks: what was kept of the callbacks' states; see
            :mod:`labkit.dog_breeds.callback_states`.
        stopped: whether the training was ended by a callback.
    """

    def __init__(self, directory, learning_rate, experiment, stages=()):
        self.directory = directory
        self.learning_rate = learning_rate
        self.stages = tuple(stages)
        self._untold = experiment
        self._random = None
        self.callbacks, self.stopped = {}, False

    @property
    def experiment(self):
        """What is trained, with what the model was trained on before."""
        return self._untold.after([done for _, done in self.stages])

    @property
    def _path(self):
        return self.directory / f"{self.experiment.name}{_SUFFIX}"

    def save(self, model, curves, callbacks=None):
        """Replace the kept state, in one step, by the present one.

        Args:
            model: a compiled Keras model.
            curves: dict from a curve's name to a figure per epoch (sequence of floats).
            callbacks: what :meth:`CallbackStates.collect` returns.

        Raises:
            OSError: the disk is full or refuses; the state kept before stays.
        """
        arrays = []
        state = {
            "experiment": self.experiment.parts,
            "curves": curves,
            "callbacks": take_arrays(callbacks or {}, arrays),
            "stopped": bool(model.stop_training),
            "learning_rate": self.learning_rate,
            "last_learning_rate": _learning_rate(model),
            "random": _random_state(model),
        }
        partial = self.directory / _PARTIAL
        with _writing_in_a_sentence(self.directory), replacing(self._path, partial):
            _write(partial, model, json.dumps(state), arrays)

    def restore(self, model):
        """Bring ``model``, and what is random, into the kept state of this experiment.

        A model that was trained with this folder before may have come here to repeat that, as when
        a cell is run again; then what is kept is what it was repeated from.

        Args:
            model: a compiled Keras model.

        Returns:
            The curves given to :meth:`save`, or an empty dict if nothing is kept.

        Raises:
            ValueError: the checkpoint is damaged.
        """
        if not self._find():
            self._tell_of_others()
            return {}
        model.optimizer.build(model.trainable_variables)
        with self._in_a_sentence():
            state = _read(self._path)
            # Keras would load what fits, with no more than a warning.
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                model.load_weights(self._path)
            _restore_random_state(model, state["random"])
        self._random = state["random"]
        self.callbacks, self.stopped = state["callbacks"], state["stopped"]
        if self.learning_rate in (state["learning_rate"], state["last_learning_rate"]):
            self.learning_rate = state["learning_rate"]
        else:
            _set_learning_rate(model, self.learning_rate)
        return state["curves"]

    def _find(self):
        """Look for what is kept of this experiment, as the model is or as it once came here."""
        here = place_of(self.directory)
        all_stages = self.stages
        starts = [number for number, (place, _) in enumerate(all_stages) if place == here]
        for number in (len(all_stages), *reversed(starts)):
            self.stages = all_stages[:number]
            if self._path.exists():
                return True
        self.stages = all_stages
        return False

    def _tell_of_others(self):
        """Say that what is kept is of another experiment, and in what it differs."""
        others = []
        for path in self.directory.glob(f"*{_SUFFIX}"):
            with suppress(ValueError, KeyError, TypeError, OSError):
                others.append(self.experiment.differs_in(_read_state(path).get("experiment", {})))
        if others:
            print(
                f"{self.directory} keeps another training, from which this one differs in "
                f"{listed(min(others, key=len))}: it begins anew and is kept beside the other.",
                file=sys.stderr,
            )

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
    def _in_a_sentence(self):
        try:
            yield
        except (ValueError, KeyError, TypeError, OSError, UserWarning):
            raise ValueError(
                f"The checkpoint {str(self._path)!r} is damaged: delete it, choose another folder, "
                "or pass resume=False."
            ) from None  # the error's traceback would keep the file open


def _write(path, model, state, arrays):
    """Write a checkpoint into a file that nothing is named after yet."""
    # HDF5 takes a disk that fills up under it so badly that it can end the process, so the room
    # is taken beforehand.
    with open(path, "wb") as file:
        reserve(file, _size_of(model, state, arrays))
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file.create_dataset(_STATE, data=state)
        for number, array in enumerate(arrays):
            file.create_dataset(f"{_ARRAYS}/{number}", data=array)
    flush(path)


def _read_state(path):
    with h5py.File(path) as file:
        return json.loads(file[_STATE][()])


def _read(path):
    """Return the state in a checkpoint, with the arrays in it."""
    state = _read_state(path)
    with h5py.File(path) as file:
        kept = file.get(_ARRAYS, {})
        arrays = [kept[str(number)][()] for number in range(len(kept))]
    return state | {"callbacks": put_arrays(state["callbacks"], arrays)}


def _size_of(model, state, arrays):
    """Return the bytes that a checkpoint takes at most: 8 for a number, and a page for a name."""
    variables = [*model.variables, *model.optimizer.variables]
    weights = sum(8 * math.prod(variable.shape) + 4096 for variable in variables)
    return _ROOM_FOR_STATE + len(state) + weights + sum(each.nbytes + 4096 for each in arrays)


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
