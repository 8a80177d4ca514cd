"""Free memory: the machine's, the container's, and what to say where neither is known."""

import pytest

from labkit.dog_breeds.batches import free_memory as module
from labkit.dog_breeds.batches.free_memory import _available, _left_in_cgroup, free_memory


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
