"""What tests leave alone; how many processes share them, and in which order.

And what each of these may take.
"""

import gc
import os
import sys
import tempfile

import pytest

#: Each loads TensorFlow, which takes some 1.5 GB.
MOST_PROCESSES = 4

#: Files of a few tests that take long each. They begin first, longest first, so that in the end no
#: process is left alone with one of them.
LONGEST = (
    "labs/dog_breeds.ipynb",
    "labs/receptive_field.ipynb",
    "tests/receptive_field/test_analysis_families.py",
    "tests/dog_breeds/run/test_stages.py",
    "tests/test_book_rebuild.py",
    "tests/determinism/test_determinism.py",
    "tests/dog_breeds/test_lab.py",
    "tests/receptive_field/test_gallery.py",
    "tests/receptive_field/test_checker_functions.py",
    "tests/dog_breeds/test_networks.py",
    "tests/faults/test_broken_training.py",
    "tests/dog_breeds/test_saving.py",
    "tests/dog_breeds/test_devices.py",
)


def pytest_configure(config):
    """Keep the tests out of the user's cache, and each of several processes in one thread.

    A lab by itself is one long computation, and may take more.
    """
    cache = tempfile.TemporaryDirectory()
    config.add_cleanup(cache.cleanup)
    os.environ["LABKIT_CACHE"] = cache.name
    labs = config.rootpath / "labs"
    labs_alone = all(
        (config.invocation_params.dir / given.partition("::")[0]).is_relative_to(labs)
        for given in config.args
    )
    if hasattr(config, "workerinput") and not labs_alone:
        for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
            os.environ.setdefault(variable, "1")


def pytest_collection_modifyitems(config, items):
    """Let the longest files begin, where the order of collection is that of the tests."""
    place = {config.rootpath / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish():
    """Spare the search for cycles what lives as long as the tests: libraries and tests."""
    gc.collect()
    gc.freeze()


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
