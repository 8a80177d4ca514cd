"""Where each unit's value comes from, for what only moves values: Keras is asked.

Flipping, rolling, padding, taking and their like neither compute nor mix. The operation is
run on the numbers of the positions, and what comes out says where each came from. It is run
again on other numbers: if the answers agree, nothing was computed and nothing chosen by value.
"""

from dataclasses import replace

import keras
import numpy as np

from labkit.receptive_field.reads import SizeProblem, UnreadableLayer, listed

#: A unit that takes no position: what was padded has no place in the input.
_NOWHERE = -1
_COMPUTES = "computes with values or chooses by them"
#: Sizes to try where the size is unknown; prime, so that no period fits both.
_STAND_INS = (997, 1009)
#: The size to try along the other axes.
_BESIDE = 64


def rearranged(axis):
    """Let each unit read the position that Keras moves there; dimensions stay in their order.

    Args:
        axis: the :class:`~labkit.receptive_field.reads.Axis` of an operation that moves
            values along dimensions, one by one, and keeps their number.

    Returns:
        A :class:`~labkit.receptive_field.reads.Reads`.

    Raises:
        UnreadableLayer: if the operation computes or chooses by value, or if where it takes
            values from depends on a size that is unknown.

    Example:
        >>> import keras
        >>> from labkit.receptive_field.model_graph import read_graph
        >>> from labkit.receptive_field.reads import Axis
        >>> start = keras.Input((4, 1))
        >>> call = read_graph(keras.Model(start, keras.ops.flip(start, axis=1))).calls[-1]
        >>> rearranged(Axis(1, (None, 4, 1), call))
        Reads(offsets=(3,), size=4, stride=-1, divisor=1, dim=1)
    """
    if axis.size is not None:
        return _read_at(axis, axis.size)
    try:
        first, second = (_read_at(axis, size) for size in _STAND_INS)
    except UnreadableLayer as problem:
        raise SizeProblem(f"{problem}: give input_size") from problem
    if first.uneven or (first.offsets, first.stride) != (second.offsets, second.stride):
        raise SizeProblem("takes positions that depend on the size of the input: give input_size")
    size = first.size if first.size == second.size else None
    return replace(first, size=size, listed=None)


def _read_at(axis, size):
    """Write the positions taken as a formula, with a list where borders break it, or as a list."""
    taken = _taken(axis, size)
    last = np.where(taken == _NOWHERE, _NOWHERE - 1, taken)
    list_of_all = listed(axis, taken, last, "takes positions in an order of its own")
    inside = np.flatnonzero(taken != _NOWHERE)
    if not len(inside):
        return list_of_all
    steps = np.diff(taken)
    stride = int(np.median(steps)) if len(steps) else 1
    offsets = taken[inside] - stride * inside
    offset = int(np.median(offsets))
    held = np.count_nonzero(offsets == offset)
    if stride == 0 or 2 * held <= len(taken):
        return list_of_all
    line = stride * np.arange(len(taken)) + offset
    line = np.where((line < 0) | (line >= size), _NOWHERE, line)
    exact = np.array_equal(line, taken)
    return replace(
        list_of_all,
        offsets=(offset,),
        stride=stride,
        uneven=None,
        listed=None if exact else list_of_all.listed,
    )


def _taken(axis, size):
    """Return the position that each unit along an axis takes."""
    order = np.random.default_rng(size).permutation(size)
    found, again = (_moved(axis, numbers) for numbers in (np.arange(size), order))
    inside = found != _NOWHERE
    if not np.array_equal(again, np.where(inside, order[found * inside], _NOWHERE)):
        raise UnreadableLayer(_COMPUTES)
    return found


def _moved(axis, numbers):
    """Return which of the numbers each unit gets; ``_NOWHERE`` for what is none of them.

    The numbers are moved twice, raised the second time: so a constant, such as the value that
    pads, is told from a number.
    """
    low, high = (_run(axis, numbers + raised) for raised in (0, len(numbers)))
    if not np.isin(high - low, (0, len(numbers))).all():
        raise UnreadableLayer(_COMPUTES)
    found = np.moveaxis(np.where(high > low, low, _NOWHERE), axis.dim, 0)
    found = found.reshape(len(found), -1)
    units = found.max(axis=1)
    # Elsewhere along the other dimensions there may be padding, but no other number.
    if not ((found == units[:, None]) | (found == _NOWHERE)).all():
        raise UnreadableLayer("moves values across several dimensions at once")
    return units


def _run(axis, numbers):
    """Run the operation on numbers that lie along one axis, small along the others if it can."""
    small = [1 if dim != axis.dim else len(numbers) for dim in range(axis.rank)]
    whole = [1, *(_BESIDE if size is None else size for size in axis.shape[1:])]
    whole[axis.dim] = len(numbers)
    line = numbers.astype("int32").reshape(small)
    try:
        made = _called(axis, line)
    except Exception:
        made = None
    if made is not None and made.size:
        return made
    try:
        return _called(axis, np.broadcast_to(line, whole))
    except Exception as problem:
        reason = " ".join(str(problem).split())[:200]
        raise UnreadableLayer(f"cannot be run on the numbers of positions ({reason})") from problem


def _called(axis, numbers):
    arguments, keywords = keras.tree.map_structure(
        lambda value: (
            keras.ops.convert_to_tensor(numbers) if isinstance(value, keras.KerasTensor) else value
        ),
        (axis.call.arguments, axis.call.keywords),
    )
    made = keras.tree.flatten(axis.call.operation.call(*arguments, **keywords))[axis.output]
    if len(made.shape) != axis.rank:
        raise UnreadableLayer("changes the number of dimensions")
    return keras.ops.convert_to_numpy(made).astype(int)
