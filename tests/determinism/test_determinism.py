"""The same seed gives the same bytes and numbers, in another process and other surroundings."""

import json
import os
import subprocess
import sys
from pathlib import Path

from data_sets import few_drawn_dogs, write

import labkit

HERE = Path(__file__).parent


def started(program, folder, **surroundings):
    """Start a program on a folder, with more environment variables."""
    environment = {**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parent.parent)}
    return subprocess.Popen(
        [sys.executable, HERE / program, folder],
        env=environment | surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process):
    """Return what a process printed, once it has ended well."""
    output, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint[-2000:]
    return output


def test_training_and_fields_are_the_same_in_another_process(tmp_path):
    """Histories, weights, predictions and effective fields of both labs in short, bit for bit."""
    processes = []
    for number in (1, 2):
        dogs = write(tmp_path / str(number), few_drawn_dogs(6))
        processes.append(
            started("train_briefly.py", dogs, PYTHONHASHSEED=str(number), TF_CPP_MIN_LOG_LEVEL="2")
        )
    one, other = (json.loads(printed(process).splitlines()[-1]) for process in processes)
    assert one == other
    assert len(set(one["dog breeds"]["scratch"]["history"]["loss"])) == 2
    assert one["receptive fields"]["before"] != one["receptive fields"]["after"]
