"""Memory comes back when nobody looks at it any more, and never before."""

import numpy as np

from labkit.dog_breeds.batches.buffers import Buffers


def place(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_it_is_free():
    buffers = Buffers((4, 5), "float32")
    first = buffers.empty((4, 5))
    where = place(first)
    del first
    assert place(buffers.empty((2, 5))) == where


def test_memory_in_use_is_left_alone():
    buffers = Buffers((4, 5), "float32")
    first = buffers.empty((4, 5))
    second = buffers.empty((4, 5))
    assert not np.shares_memory(first, second)


def test_a_view_of_a_view_keeps_the_memory():
    buffers = Buffers((4, 5), "float32")
    whole = buffers.empty((4, 5))
    whole[...] = 1
    views = [whole[1][2:], np.asarray(memoryview(whole)), whole.T[::-1], whole.view("uint8")]
    del whole
    while views:
        other = buffers.empty((4, 5))
        other[...] = 2
        assert not any(np.shares_memory(other, view) for view in views)
        views.pop()
    assert buffers.empty((4, 5)).shape == (4, 5)


def test_arrays_begin_at_a_page_and_have_shape_and_dtype():
    array = Buffers((3, 7, 5), "uint8").empty((2, 7, 5))
    assert place(array) % 4096 == 0
    assert array.shape == (2, 7, 5)
    assert array.dtype == np.uint8
    assert array.flags.writeable
    assert array.flags.c_contiguous


def test_no_more_than_so_much_is_kept():
    buffers = Buffers((4,), "uint8", spare=2)
    arrays = [buffers.empty((4,)) for _ in range(5)]
    arrays.clear()
    assert len(buffers._free) == 2
