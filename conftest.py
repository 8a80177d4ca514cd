"""What tests leave alone; how many processes share them where ``-n auto`` is said.

And what each of these may take.
"""

import os
import sys
import tempfile

import pytest

#: Each loads TensorFlow, which takes some 1.5 GB.
MOST_PROCESSES = 4


def pytest_configure(config):
    """Keep the tests out of the user's cache, and each of several processes in one thread.

    A lab is one long computation, and may take more.
    """
    cache = tempfile.TemporaryDirectory()
    config.add_cleanup(cache.cleanup)
    os.environ["LABKIT_CACHE"] = cache.name
    if hasattr(config, "workerinput") and not config.getoption("nbval", False):
        for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            os.environ.setdefault(variable, "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return how many processes ``-n auto`` means."""
    return min(MOST_PROCESSES, os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test or an example has drawn; matplotlib warns of more than twenty open ones."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
