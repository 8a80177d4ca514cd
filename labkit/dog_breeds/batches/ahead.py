"""Prepare what will be wanted next, in threads, while the present is in use."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2


class Ahead:
    """Compute values ahead of their use.

    Threads are enough: OpenCV and zlib work without Python's lock.

    Args:
        compute: A function of one key; the same key must give the same value.
        workers: Number of threads.

    Example:
        >>> squares = Ahead(lambda number: number**2, workers=2)
        >>> squares.get(3, following=[4, 5])
        9
    """

    def __init__(self, compute, workers):
        self._compute = compute
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="labkit-batches")
        self._futures = {}
        self._lock = threading.Lock()

    def get(self, key, following=()):
        """Return the value of a key, and begin with those that follow.

        Args:
            key: What is wanted now.
            following: What will probably be wanted next, in that order. Anything else
                that was begun is dropped.

        Returns:
            `compute(key)`.
        """
        with self._lock:
            window = {
                each: self._futures.get(each) or self._threads.submit(self._compute, each)
                for each in (key, *following)
            }
            for dropped in self._futures.keys() - window.keys():
                self._futures[dropped].cancel()
            wanted = window.pop(key)
            self._futures = window
        return wanted.result()


class Foresight:
    """Guess what is asked for next, by what was asked last.

    Args:
        *orders: The orders in which one may be asked, each a sequence of the same numbers.

    Example:
        >>> foresight = Foresight([2, 0, 1, 3], range(4))
        >>> foresight.after(2), foresight.after(0), foresight.after(3)
        ([0], [1], [])
    """

    def __init__(self, *orders):
        self._orders = orders
        self._before = None

    def after(self, number, count=1):
        """Return the numbers that will probably follow.

        Args:
            number: What is asked for now.
            count: How many of those that follow, at most.

        Returns:
            A list; empty if `number` is not next in any order. The order that came true last
            is believed first.
        """
        order = next((order for order in self._orders if self._is_next(number, order)), ())
        self._before = number
        if not order:
            return []
        self._orders = sorted(self._orders, key=lambda other: other is not order)
        place = order.index(number) + 1
        return list(order[place : place + count])

    def _is_next(self, number, order):
        place = order.index(number)
        return place == 0 or order[place - 1] == self._before


def shuffled_by_keras(number):
    """Foresee in which order Keras is about to ask for so many batches.

    Unless told otherwise, `fit` shuffles their numbers as an epoch begins, by Python's random
    numbers. These are left as they are. Whoever prepares batches by a wrong guess loses time.

    Args:
        number: How many batches an epoch has.

    Returns:
        A list of the numbers 0 to `number - 1`.

    Example:
        >>> foreseen, numbers = shuffled_by_keras(9), list(range(9))
        >>> random.shuffle(numbers)
        >>> foreseen == numbers
        True
    """
    numbers = list(range(number))
    same = random.Random()
    same.setstate(random.getstate())
    same.shuffle(numbers)
    return numbers


class _SingleThreadedOpenCV:
    """Switch OpenCV's own threads off while any thread is inside, and on again afterwards.

    The setting belongs to the whole process. Our threads and OpenCV's would fight for the
    same cores; outside, it is the user's.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0

    def __enter__(self):
        with self._lock:
            if self._inside == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                cv2.setNumThreads(self._before)


single_threaded_opencv = _SingleThreadedOpenCV()
