"""The whole of lab 1 without a notebook, and a record of what came out and what it cost.

What to run, and training and measuring, stage by stage (:mod:`~labkit.dog_breeds.run.stages`) →
the facts about it (:mod:`~labkit.dog_breeds.run.facts`, :mod:`labkit.machine`) → the record
(:mod:`~labkit.dog_breeds.run.records`).

    python -m labkit.dog_breeds.run --data kaggle --setting photographs --out results/mine
"""

import os

# Read when TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from labkit.lazy_names import lazy_names

# Loaded on first use: who reads a record waits for no Keras.
_HOME = {
    "Plan": "stages",
    "Record": "records",
    "read_record": "records",
    "run": "stages",
    "write_record": "records",
}

__all__ = [*_HOME]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
