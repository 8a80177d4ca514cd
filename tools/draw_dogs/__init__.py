"""Dogs drawn by a program: breeds differ as breeds do, all else is left to chance.

A :class:`Breed` decides ears, snout, coat, pattern, legs, tail and build. The seed of a picture
decides the rest (pose, place, light, camera, clutter), whatever the breed. So a network has the
problem that it has with photographs: to find the few things that matter among many that do not.
"""

from .breeds import LAB_BREEDS, LAB_COUNTS, Breed, pretraining_breeds
from .data_set import draw_files, pack
from .drawing import draw_dog, draw_dog_and_mask

__all__ = [
    "LAB_BREEDS",
    "LAB_COUNTS",
    "Breed",
    "draw_dog",
    "draw_dog_and_mask",
    "draw_files",
    "pack",
    "pretraining_breeds",
]
