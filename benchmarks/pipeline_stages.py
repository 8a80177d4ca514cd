"""Where the time of one picture goes: each stage of labkit's pipeline alone, on one core.

Prints JSON: microseconds of CPU time a picture, one list of rounds for each stage.

    python benchmarks/pipeline_stages.py FOLDER ROUNDS
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from pipeline_candidate import LAB, SIZE

from labkit import ImageDataGenerator
from labkit.dog_breeds import pictures
from labkit.dog_breeds.batches import augmentation, geometry, tones
from labkit.dog_breeds.batches.ahead import single_threaded_opencv

AT_MOST = 256  # Pictures; more would only take longer.


def stages(paths):
    """Return each stage as a function of the number of a picture, fed by the one before."""
    files = [pictures.read(path) for path in paths]
    decoded = [pictures.decode(*pair, SIZE) for pair in zip(paths, files, strict=True)]
    resized = [pictures.resize(picture, SIZE) for picture in decoded]
    uniforms = augmentation.uniform_table(1, 0, len(paths))
    drawn = augmentation.transformations(ImageDataGenerator(**LAB), uniforms, *SIZE)
    views = geometry.views(geometry.matrices(drawn, *SIZE), *SIZE, "reflect")
    tables = tones.tables(drawn["brightness"], 1 / 255, "float32")
    moved, small = (np.empty((32, *SIZE, 3), np.uint8) for _ in range(2))
    large, copied = (np.zeros((32, *SIZE, 3), np.float32) for _ in range(2))
    return {
        "read": lambda i: pictures.read(paths[i]),
        "decode": lambda i: pictures.decode(paths[i], files[i], SIZE),
        "resize": lambda i: pictures.resize(decoded[i], SIZE, out=small[i % 32]),
        "warp": lambda i: geometry.warp(resized[i], views[i], moved[i % 32], "reflect"),
        "brightness": lambda i: tones.tone(resized[i], tables[i], large[i % 32]),
        "copy as uint8": lambda i: np.copyto(small[i % 32], moved[i % 32]),
        "copy as float32": lambda i: np.copyto(copied[i % 32], large[i % 32]),
    }


def time_stage(stage, count):
    start = time.thread_time()
    for index in range(count):
        stage(index)
    return 1e6 * (time.thread_time() - start) / count


def main():
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    paths = sorted(str(path) for path in folder.glob("*/*"))
    paths = paths[:: max(1, len(paths) // AT_MOST)][:AT_MOST]
    with single_threaded_opencv:
        each = stages(paths)
        for stage in each.values():
            time_stage(stage, len(paths))
        turns = [{n: time_stage(s, len(paths)) for n, s in each.items()} for _ in range(rounds)]
    print(json.dumps({name: [turn[name] for turn in turns] for name in each}))


if __name__ == "__main__":
    main()
