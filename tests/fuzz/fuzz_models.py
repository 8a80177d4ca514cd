"""Compare ``analyse`` with what random models really read: ``make fuzz``, and less in the tests.

Usage: python tests/fuzz/fuzz_models.py [--models N] [--seed S]

Models are drawn by ``random_models.py`` and tried out by ``reach_by_trial.py``. The exit status is
1 where ``analyse`` said something that is not so. Each such model is made as small as it goes and
printed as a program, with its number: the seed and the number give the model again.
"""

import argparse
import re
import sys
from collections import Counter
from contextlib import suppress

import keras
import numpy as np
from random_models import random_program, shrunk
from reach_by_trial import reach_by_trial
from tqdm import tqdm

from labkit.receptive_field.analysis import analyse
from labkit.receptive_field.call_fields import RuleError


def fuzz(programs, count=None):
    """Judge models.

    Args:
        programs: the models, an iterable of :class:`~random_models.Program`.
        count: how many they are, to show a bar; without it none is shown.

    Returns:
        A list of failing programs as small as they go, each with its faults and its number; and
        a ``Counter``: layers "answered", and the others by the reason that is given.
    """
    failing, tally = [], Counter()
    bar = tqdm(programs, total=count, disable=count is None, unit=" models")
    for number, program in enumerate(bar):
        if faults(program, tally):
            small = shrunk(program, _fails)
            failing.append((small, faults(small), number))
        # Keras remembers every tensor it ever made.
        if number % 100 == 99:
            keras.backend.clear_session()
    return failing, tally


def _fails(program):
    with suppress(Exception):
        return bool(faults(program))
    return False


def faults(program, tally=None):
    """Compare what is said of every layer of a program with the trial of its entries.

    Args:
        program: a :class:`~random_models.Program`.
        tally: a ``Counter`` in which answered layers are counted, and the others by their reason.

    Returns:
        A list of sentences, one for each statement of which something false is said.
    """
    tally = Counter() if tally is None else tally
    tensors = program.tensors()
    model = keras.Model(tensors["x0"], tensors[program.statements[-1].target])
    sizes = tuple(program.shape[axis - 1] for axis in program.axes)
    options = {"input_size": sizes if program.open_sizes else None, "input_axes": program.axes}
    try:
        result = analyse(model, **options)
    except RuleError as error:
        return [str(error)]
    except ValueError as refusal:
        if not str(refusal).startswith("The layer "):
            return [f"crashes: {refusal}"]
        tally[_reason(refusal)] += len(program.statements)
        return []
    try:
        reach = reach_by_trial(program)
    except Exception as problem:
        tally[f"built and not run by Keras: {_reason(problem)}"] += 1
        return []
    found = []
    for statement in program.statements:
        history = tensors[statement.target]._keras_history
        if isinstance(history.operation, keras.Model):
            # Its rows are those of the layers inside.
            continue
        layer = _row(result, history)
        tally[_reason(layer.unknown) if layer.unknown else "answered"] += 1
        fault = None if layer.unknown else _fault(layer, program, reach[statement.target])
        if fault:
            found.append(f"{statement.target}: {fault}")
    return found


def _reason(refusal):
    """Write why something is not answered, in one line and without the names of layers."""
    return re.sub(r"'[^']*' ", "", str(refusal).partition("\n")[0])


def _row(result, history):
    """Return the row of a tensor: its layer's, or the last of those inside of the layer.

    The output's number stands behind all but the first.
    """
    name, output = history.operation.name, history.tensor_index
    inside = [row for row in result.layers if row.name.startswith(f"{name}/")]
    return inside[-1] if inside else result[f"{name} [{output}]" if output else name]


def _fault(layer, program, reached):
    """Say what is false about one layer, or return ``None``.

    ``reached`` has the dimensions of the input first, and then those of what the layer makes. The
    entries of one place are taken together: a unit is a place.
    """
    input_rank = len(program.shape)
    places = [dim - 1 for dim in layer.units]
    made = reached.shape[input_rank:]
    if [made[place] for place in places] != list(layer.units.values()):
        return f"has {layer.units} units and makes {made}"
    together = [dim for dim in range(len(made)) if dim not in places]
    reached = reached.any(axis=tuple(input_rank + dim for dim in together))
    for unit in np.ndindex(reached.shape[input_rank:]):
        entries = reached[(..., *unit)]
        truth = _ranges(entries, program.axes) if entries.any() else None
        claimed = layer.input_range(unit)
        if claimed != truth:
            return f"unit {unit} reads {truth}, not {claimed}"
    return None


def _ranges(entries, axes):
    """Return the first and the last position along each axis of some entries of the input."""
    found = np.nonzero(entries)
    return tuple((int(found[axis - 1].min()), int(found[axis - 1].max())) for axis in axes)


def main():
    """Judge as many models as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = range(options.models)
    programs = (random_program(f"{options.seed}-{number}") for number in numbers)
    failing, tally = fuzz(programs, options.models)
    for program, found, number in failing:
        print(f"\n# Model {number} of seed {options.seed}\n{program}")
        print("\n".join(f"# {fault}" for fault in found))
    answered = tally.pop("answered", 0)
    print(f"\n{options.models} models, {len(failing)} of them wrong; {answered} layers answered")
    for reason, count in tally.most_common():
        print(f"{count:6} {reason}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
