"""Working memory that each thread takes once and uses for every picture."""

import math
import threading

import numpy as np

_memory = threading.local()


def scratch(name, shape, dtype):
    """Return an array with arbitrary content, valid until this thread asks for it again.

    Args:
        name: What it is for; each name has memory of its own.
        shape: Tuple of ints.
        dtype: As numpy takes it.

    Returns:
        A contiguous array.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = getattr(_memory, name, None)
    if memory is None or memory.size < size:
        memory = np.empty(size, np.uint8)
        setattr(_memory, name, memory)
    return memory[:size].view(dtype).reshape(shape)
