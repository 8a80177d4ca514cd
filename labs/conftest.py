"""Settings of ``pytest --nbval labs/``, the same from any folder."""

import os
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")

#: Seconds one cell may take: the slowest trains for half a minute, and
#: with the kernels of an old processor several times as long.
CELL_TIMEOUT = 900.0

#: TensorFlow reads it on import. It would also say that oneDNN is on,
#: which goes to stderr and is dropped; off, training on a processor takes
#: three times as long.
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2"}


def pytest_configure(config):
    """Choose what nbval compares, and how long it waits."""
    os.environ.update(QUIET_TENSORFLOW)
    config.option.nbval_sanitize_with = str(SANITIZE)
    config.option.nbval_cell_timeout = CELL_TIMEOUT
    # The labkit under test is the one pytest runs with, whatever kernels
    # are installed.
    config.option.nbval_current_env = True


def pytest_collection_modifyitems(items):
    """Leave progress bars alone, and let no warning be an error.

    The bars go to stderr, and hold times. A warning would come from the
    machinery around the kernel, never from a lab's own code, which runs
    in another process. In the unit tests, which may run in the same
    session, warnings stay errors.
    """
    notebooks = {item.parent for item in items}
    for notebook in notebooks:
        if isinstance(notebook, IPyNbFile):
            notebook.skip_compare += ("stderr",)
            notebook.add_marker(pytest.mark.filterwarnings("default"))
