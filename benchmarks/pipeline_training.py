"""What share of the CPU the batches take while a model trains on the same cores.

The model is a frozen MobileNetV2 without its weights' values, which do not change the time.
Prints JSON.

    python benchmarks/pipeline_training.py CANDIDATE FOLDER STEPS
"""

import json
import os
import sys
import threading
import time
from contextlib import redirect_stdout

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from pipeline_candidate import CANDIDATES, SIZE


def maker(name):
    """Return the class and the method that make one batch, in whichever thread."""
    if name.startswith("labkit"):
        from labkit.dog_breeds.batches.directory_iterator import DirectoryIterator

        return DirectoryIterator, "_compute"
    from keras.src.legacy.preprocessing.image import DirectoryIterator

    return DirectoryIterator, "_get_batches_of_transformed_samples"


class CountedSeconds:
    """CPU seconds of the calls of one method, over all threads."""

    def __init__(self, owner, name):
        self.seconds = 0.0
        self._lock = threading.Lock()
        original = getattr(owner, name)

        def counting(*arguments):
            start = time.thread_time()
            result = original(*arguments)
            with self._lock:
                self.seconds += time.thread_time() - start
            return result

        setattr(owner, name, counting)


def small_model(classes):
    base = keras.applications.MobileNetV2(
        input_shape=(*SIZE, 3), include_top=False, weights=None, pooling="avg"
    )
    base.trainable = False
    model = keras.Sequential([base, keras.layers.Dense(classes, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


def main():
    name, folder, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with redirect_stdout(sys.stderr):
        counted = CountedSeconds(*maker(name))
        candidate = CANDIDATES[name]()
        candidate.open(folder)
        batches = candidate.batches
        for _ in candidate.epoch():
            pass  # Caches fill, so that what follows is a later epoch.
        model = small_model(batches.num_classes)
        model.fit(batches, steps_per_epoch=min(2, len(batches)), verbose=0)
        pipeline, wall, cpu = counted.seconds, time.perf_counter(), time.process_time()
        model.fit(batches, steps_per_epoch=min(steps, len(batches)), verbose=0)
    print(
        json.dumps(
            {
                "steps": min(steps, len(batches)),
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "pipeline_cpu_seconds": counted.seconds - pipeline,
            }
        )
    )


if __name__ == "__main__":
    main()
