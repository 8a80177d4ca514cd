"""How many processes share the tests where ``-n auto`` is said, and what each of them may take."""

import os

import pytest

#: Each loads TensorFlow, which takes some 1.5 GB.
MOST_PROCESSES = 4

# Before anything computes: several that take all threads each are slower than one.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return how many processes ``-n auto`` means."""
    return min(MOST_PROCESSES, os.cpu_count() or 1)
