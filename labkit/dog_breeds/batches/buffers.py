"""Memory for batches that is taken once and used again.

Fresh memory is slow: the system hands it out page by page and wipes each page. A batch of
32 float32 pictures is 19 MB, and to touch that anew takes about as long as to augment it.
"""

import math
import weakref
from collections import deque

import numpy as np

_PAGE = 4096


class Buffers:
    """Hand out arrays whose memory comes back here once nobody refers to it any more.

    Args:
        shape: Shape of the largest array that will be asked for.
        dtype: Its dtype, and that of all others.
        spare: How many unused blocks of memory to keep at most.

    Example:
        >>> buffers = Buffers((32, 8, 8, 3), "float32")
        >>> buffers.empty((5, 8, 8, 3)).shape
        (5, 8, 8, 3)
    """

    def __init__(self, shape, dtype, spare=8):
        self._dtype = np.dtype(dtype)
        self._block = math.prod(shape) * self._dtype.itemsize
        self._free = deque(maxlen=spare)

    def empty(self, shape):
        """Return an array with arbitrary content, aligned to a page.

        Args:
            shape: Tuple of ints; no larger in all than the shape given at first.

        Returns:
            An array that is nobody else's for as long as it, or any view of it, is alive.
        """
        try:
            memory = self._free.pop()
        except IndexError:
            memory = self._take()
        # Every view will refer to this array, because it owns no memory and stands on none
        # that is an array; numpy would else let views pass over it, and it would die early.
        whole = np.frombuffer(memory, self._dtype, math.prod(shape))
        weakref.finalize(whole, self._free.append, memory).atexit = False
        return whole.reshape(shape)

    def _take(self):
        memory = np.empty(self._block + _PAGE, np.uint8)
        start = -memory.ctypes.data % _PAGE
        return memoryview(memory[start : start + self._block])
