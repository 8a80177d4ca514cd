"""What a record says of the machine: it agrees with what the system says by other ways."""

import importlib.metadata
import os
import sys
from pathlib import Path

import cv2
import keras
import pytest

from labkit import machine


def test_cores_and_memory_are_those_of_this_machine():
    found = machine.describe_machine()
    assert 1 <= found["cores"] <= os.cpu_count()
    assert found["processor"] and found["system"]
    if sys.platform == "linux":
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        assert found["memory_gb"] == pytest.approx(int(told["MemTotal"].split()[0]) / 1e6, 0.05)


def test_the_processor_is_named_by_the_first_that_is_listed(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor: 0\nmodel name\t: Fast 1\nmodel name: Fast 2\n")
    assert machine._processor(tmp_path / "cpuinfo") == "Fast 1"
    assert machine._processor(tmp_path / "missing")


def test_an_accelerator_is_named_and_counted(monkeypatch):
    monkeypatch.setattr(machine, "gpu_names", list)
    assert machine.accelerator() == "none"
    monkeypatch.setattr(machine, "gpu_names", lambda: ["Card", "Card"])
    assert machine.accelerator() == "2 × Card"


def test_gpus_are_those_that_keras_lists():
    if keras.backend.backend() == "torch":
        pytest.skip("Keras lists none on torch")
    listed = [name for name in keras.distribution.list_devices() if "gpu" in name.lower()]
    assert len(machine.gpu_names()) == len(listed)


def test_versions_are_those_at_work():
    found = machine.describe_versions()
    assert found["keras"] == importlib.metadata.version("keras")
    assert found["backend"].startswith(f"{keras.backend.backend()} ")
    assert found["opencv"].startswith(cv2.__version__)
    assert "unknown" not in str(found)


def test_peak_memory_grows_with_what_is_held():
    before = machine.peak_memory_gb()
    held = bytearray(400_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert machine.peak_memory_gb() >= max(before, 0.4)
