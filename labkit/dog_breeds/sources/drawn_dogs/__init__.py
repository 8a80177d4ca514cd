"""Dogs drawn by a program: breeds differ as breeds do, all else is left to chance.

A :class:`Breed` decides ears, snout, coat, pattern, legs, tail and build. The seed of a picture
decides the rest (pose, place, light, camera, clutter), whatever the breed. So a network has the
problem that it has with photographs: to find the few things that matter among many that do not.
"""

from .breeds import LAB_BREEDS, LAB_COUNTS, Breed, pretraining_breeds
from .drawing import draw_dog, draw_dog_and_mask, draw_many
from .writing import first_pictures, write_drawn_dogs

__all__ = [
    "LAB_BREEDS",
    "LAB_COUNTS",
    "Breed",
    "draw_dog",
    "draw_dog_and_mask",
    "draw_many",
    "first_pictures",
    "pretraining_breeds",
    "write_drawn_dogs",
]
