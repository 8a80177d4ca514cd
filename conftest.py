"""How many processes share the tests where ``-n auto`` is said, and what each of them may take."""

import os

import pytest

#: Each loads TensorFlow, which takes some 1.5 GB.
MOST_PROCESSES = 4


def pytest_configure(config):
    """Let each of several processes compute in one thread; a lab is one long computation."""
    if hasattr(config, "workerinput") and not config.getoption("nbval", False):
        for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            os.environ.setdefault(variable, "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return how many processes ``-n auto`` means."""
    return min(MOST_PROCESSES, os.cpu_count() or 1)
