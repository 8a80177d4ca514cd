"""The third room: from folders of pictures to augmented batches, fast.

A picture passes through four small modules: it is read, decoded and resized
(:mod:`~labkit.dog_breeds.pictures`), kept if there is room
(:mod:`~labkit.dog_breeds.batches.cache`), moved by one fused 2 × 3 matrix
(:mod:`~labkit.dog_breeds.batches.geometry`) and toned by one table of 256 entries
(:mod:`~labkit.dog_breeds.batches.tones`). What is drawn for it follows from the seed, the
epoch and its place in the list alone (:mod:`~labkit.dog_breeds.batches.augmentation`,
:mod:`~labkit.dog_breeds.batches.epochs`), so the number of threads
(:mod:`~labkit.dog_breeds.batches.ahead`) changes no batch.
"""

from labkit.dog_breeds.batches.flows import flow_lab
from labkit.dog_breeds.batches.generator import ImageDataGenerator

__all__ = ["ImageDataGenerator", "flow_lab"]
