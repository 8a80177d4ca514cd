"""Plan the kills of a work, and tell what the next step must not take for whole."""

import contextlib
from functools import partial
from itertools import repeat
from time import sleep

from data_sets import few_drawn_dogs, make_zip, write
from http_server import serving, whole
from kills import Child

_PIECE = 512
_PAUSE = 0.0005  # Seconds between two pieces, so that a kill can strike while they arrive.


def prepare(home):
    """Make what the works start from: a data set, sorted folders and an archive.

    Args:
        home: An empty folder (path).

    Returns:
        The folder to give to the works.
    """
    dogs = few_drawn_dogs(2)
    write(home / "data", dogs)
    make_zip(home / "dogs.zip", dogs)
    outcome = Child("sort", home, home).end()
    assert not outcome.error, outcome.error
    return home


@contextlib.contextmanager
def serve(given):
    """Serve the archive slowly from a web server that resumes; write down its address.

    Args:
        given: The folder from :func:`prepare`.

    Yields:
        The :class:`http_server.Server`.
    """
    with serving((given / "dogs.zip").read_bytes()) as server:
        server.faults = repeat(_slowly)
        (given / "address").write_text(server.url)
        yield server


def _slowly(handler):
    """Answer rightly, piece by piece."""
    if handler.start >= len(handler.server.content):
        whole(handler)
        return
    handler.head()
    for piece in range(0, len(handler.rest), _PIECE):
        handler.wfile.write(handler.rest[piece : piece + _PIECE])
        sleep(_PAUSE)


def look_at_data(folder, pictures=24):
    """See that class_sizes counts all pictures of a fetched folder, or none."""
    from labkit import class_sizes

    with contextlib.suppress(FileNotFoundError):
        sizes = class_sizes(folder / "data")
        assert sizes.total == pictures and len(sizes) == 12, sizes


def look_at_sorted(folder):
    """See that flow_from_directory finds all pictures of a sorted folder, or no folder."""
    from labkit import ImageDataGenerator

    for split in ("train_sorted", "val_sorted"):
        path = folder / "sorted" / split
        if path.exists():
            with contextlib.redirect_stdout(None):
                flow = ImageDataGenerator().flow_from_directory(path, target_size=(8, 8))
            assert flow.samples == flow.num_classes == 12, flow


LOOKS = {
    "fetch_drawn": partial(look_at_data, pictures=480),
    "fetch_archive": look_at_data,
    "fetch_address": look_at_data,
    "sort": look_at_sorted,
    "sort_by_copies": look_at_sorted,
}


def evenly(count, wanted):
    """Choose ``wanted`` of the numbers below ``count``, or all of them, evenly spread.

    >>> evenly(10, 4)
    [0, 3, 6, 9]
    """
    if wanted >= count:
        return list(range(count))
    return sorted({round(place * (count - 1) / max(1, wanted - 1)) for place in range(wanted)})


def attack(trial, kills, random, stages=()):
    """Kill a work in all ways until it has been killed often enough.

    Args:
        trial: A :class:`kills.Trial`.
        kills: How many kills at least.
        random: ``random.Random``.
        stages: Parts of paths; the work is killed once at each while a checkpoint is written.

    Yields:
        None, after each way.
    """
    steps, seconds = len(trial.whole.steps), trial.whole.seconds
    for place in stages:
        trial.kill_in(place)
        yield
    if kills > 6:
        trial.run_two()
        trial.run_two(fatal=random.randrange(steps))
        yield
        trial.kill_at(*random.sample(range(steps // 2), 3))
        trial.kill_after(*(random.uniform(0, seconds) for _ in range(3)))
        yield
    for step in evenly(steps, max(0, (kills - trial.kills) * 2 // 3)):
        trial.kill_at(step)
        yield
    for _ in range(10 * kills):
        if trial.kills >= kills:
            return
        before = trial.kills
        trial.kill_after(random.uniform(0, seconds))
        if trial.kills == before:  # it was quicker
            trial.kill_at(random.randrange(steps))
        yield
    raise AssertionError(f"{trial.work} could be killed {trial.kills} times only.")
