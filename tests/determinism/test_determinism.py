"""The same seed gives the same bytes and numbers, in another process and other surroundings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import digest_drawn_dogs
import pytest

import labkit
from labkit.dog_breeds.sources.drawn_dogs import write_drawn_dogs

HERE = Path(__file__).parent
#: What OpenCV 4.10, 4.11, 4.12, 4.13, 4.14 and 5.0 give, on Linux and x86-64.
PIXELS = "03a09e1a0a6a6b21a43713e1f039cd507d65d8eaaab220345ea59eb60e39553c"
FILES = "3b45a38d4cdd106e325dc4572c49e27b18a438a5c974916096cfc70a63e4cedf"


def started(program, *arguments, surroundings):
    """Start a program in other surroundings: a dict of environment variables, and a umask."""
    environment = {**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parent.parent)}
    umask = surroundings.pop("umask", -1)
    return subprocess.Popen(
        [sys.executable, HERE / program, *map(str, arguments)],
        env=environment | surroundings,
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process):
    """Return what a process printed, once it has ended well."""
    output, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint[-2000:]
    return output


@pytest.fixture
def threads_as_before():
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_the_drawn_dogs_are_these_bytes(tmp_path):
    folder = write_drawn_dogs(tmp_path / "dogs", progress=False)
    assert digest_drawn_dogs.digest_of_files(folder) == FILES


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_pixels_are_these_whatever_the_threads(threads, threads_as_before):
    cv2.setNumThreads(threads)
    assert digest_drawn_dogs.digest_of_pixels() == PIXELS


def test_surroundings_leave_the_drawn_dogs_alone(tmp_path):
    """Another order of hashes, language, time zone, umask, folder and set of processor features."""
    first = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu", "umask": 0o077}
    second = {
        "PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns", "umask": 0o002,
        "OPENCV_CPU_DISABLE": "AVX2", "OPENCV_IPP": "disabled", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    processes = [
        started("digest_drawn_dogs.py", "few", threads, surroundings=surroundings)
        for threads, surroundings in ((1, first), (2, second))
    ]
    one, other = (printed(process).splitlines()[1:] for process in processes)
    assert one == other
    assert one[0] == PIXELS


def test_training_and_fields_are_the_same_in_another_process(tmp_path):
    """Histories, weights, predictions and effective fields of both labs in short, bit for bit."""
    processes = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        surroundings = {"PYTHONHASHSEED": str(number), "TF_CPP_MIN_LOG_LEVEL": "2"}
        processes.append(
            started("train_briefly.py", tmp_path / str(number), surroundings=surroundings)
        )
    one, other = (json.loads(printed(process).splitlines()[-1]) for process in processes)
    assert one == other
    assert len(set(one["dog breeds"]["scratch"]["history"]["loss"])) == 2
    assert one["receptive fields"]["before"] != one["receptive fields"]["after"]
