"""Memory comes back when nobody looks at it any more and never before; how much is free."""

import threading

import numpy as np
import pytest

from labkit.dog_breeds.batches import memory as module
from labkit.dog_breeds.batches.memory import (
    Buffers,
    _available,
    _left_in_cgroup,
    free_memory,
    scratch,
)


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


def test_scratch_is_the_same_memory_for_a_name_and_a_thread():
    first = scratch("a", (4, 5), "float32")
    assert np.shares_memory(first, scratch("a", (3, 3), "uint8"))
    assert not np.shares_memory(first, scratch("b", (4, 5), "float32"))
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(scratch("a", (4, 5), "float32")))
    thread.start()
    thread.join()
    assert not np.shares_memory(first, elsewhere[0])


def test_there_is_some():
    assert 10**6 < free_memory() < 10**14


def test_available_memory_is_read_in_bytes(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 10 kB\nMemAvailable:       7 kB\n")
    assert _available(meminfo) == 7 * 1024
    meminfo.write_text("MemTotal: 10 kB\n")
    assert _available(meminfo) is None
    assert _available(tmp_path / "gone") is None


@pytest.mark.parametrize(
    ("limit", "used", "left"), [("1000", 400, 650), ("300", 400, 0), ("max", 400, None)]
)
def test_container_leaves_its_limit_less_what_it_cannot_reclaim(limit, used, left, tmp_path):
    (tmp_path / "max").write_text(f"{limit}\n")
    (tmp_path / "current").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text("anon 350\ninactive_file 50\n")
    assert _left_in_cgroup(tmp_path / "max", tmp_path / "current") == left


def test_no_container_no_limit(tmp_path):
    assert _left_in_cgroup(tmp_path / "max", tmp_path / "current") is None


def test_the_smaller_counts(monkeypatch):
    monkeypatch.setattr(module, "_available", lambda: 9)
    monkeypatch.setattr(module, "_left_in_cgroup", lambda *files: 5)
    assert free_memory() == 5


def test_something_is_said_where_nothing_is_known(monkeypatch):
    monkeypatch.setattr(module, "_available", lambda: None)
    monkeypatch.setattr(module, "_left_in_cgroup", lambda *files: None)
    assert free_memory() > 10**6
