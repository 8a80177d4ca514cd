"""What an epoch of many pictures costs: time and memory, with and without a cache.

The pictures are links to a few files, so a hundred thousand of them take no room. Prints JSON.

    python benchmarks/pipeline_growth.py FOLDER PICTURES CACHE EDGE
"""

import json
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from itertools import cycle, islice
from pathlib import Path

from pipeline_candidate import BATCH, LAB, resident, warm_memory

from labkit import ImageDataGenerator

CLASSES = 100


def link_pictures(sources, count, directory):
    """Make so many links to the sources, in class folders."""
    for number, source in enumerate(islice(cycle(sources), count)):
        folder = Path(directory, f"class_{number % CLASSES:03d}")
        folder.mkdir(exist_ok=True)
        os.symlink(source, folder / f"{number:06d}{source.suffix}")


def measure(directory, cache, edge):
    """Time two epochs, and say what the pictures in the cache should and do take."""
    warm_memory()
    before, start = resident(), time.perf_counter()
    with redirect_stdout(sys.stderr):
        batches = ImageDataGenerator(rescale=1 / 255, **LAB).flow_from_directory(
            directory, target_size=(edge, edge), batch_size=BATCH, seed=1, cache=cache
        )
    opened = time.perf_counter()
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        pictures = sum(len(x) for x, _ in batches)
        seconds.append(time.perf_counter() - began)
    return {
        "pictures": pictures,
        "edge": edge,
        "cache": cache,
        "opening_seconds": opened - start,
        "first_seconds": seconds[0],
        "later_seconds": seconds[1],
        "grown_mb": (resident() - before) / 1e6,
        "predicted_cache_mb": pictures * edge * edge * 3 / 1e6 if cache == "memory" else 0,
    }


def main():
    folder, count, cache, edge = sys.argv[1:]
    sources = sorted(path.resolve() for path in Path(folder).glob("*/*"))
    import keras  # noqa: F401 (its memory is not the pictures')

    with tempfile.TemporaryDirectory() as directory:
        link_pictures(sources, int(count), directory)
        result = measure(directory, None if cache == "none" else cache, int(edge))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
