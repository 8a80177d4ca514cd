"""Lab 1's wing: the way a picture takes, a room for each step.

Where pictures come from (:mod:`~labkit.dog_breeds.sources`) →
folders (:mod:`~labkit.dog_breeds.folders`), whose pictures are looked through for damage
(:mod:`~labkit.dog_breeds.damage`), counted
(:mod:`~labkit.dog_breeds.class_sizes`) and searched for copies
(:mod:`~labkit.dog_breeds.duplicates`) →
batches (:mod:`~labkit.dog_breeds.batches`) →
networks (:mod:`~labkit.dog_breeds.networks`) →
training (:mod:`~labkit.dog_breeds.training`, on :mod:`~labkit.dog_breeds.devices`, kept in
:mod:`~labkit.dog_breeds.checkpoints` as one of :mod:`~labkit.dog_breeds.experiments`, with
:mod:`~labkit.dog_breeds.callback_states`; what it is given is looked at by
:mod:`~labkit.dog_breeds.compatibility`, what it returns is a
:mod:`~labkit.dog_breeds.history`) →
figures (:mod:`~labkit.dog_breeds.figures`) and errors (:mod:`~labkit.dog_breeds.errors`) →
a network that is kept (:mod:`~labkit.dog_breeds.saving`) and asked
(:mod:`~labkit.dog_breeds.prediction`)

What differs between the drawn dogs and the photographs is one frozen dataclass,
in :mod:`~labkit.dog_breeds.settings`. :mod:`~labkit.dog_breeds.run` takes the whole way without a
notebook, and writes a record (:mod:`~labkit.dog_breeds.run.records`). The curves of those that the
lab shows come with the package, as do the answer to which flaws were planted among the drawn dogs
(:mod:`~labkit.dog_breeds.packaged`). What a student writes into the lab's blanks is checked in
:mod:`~labkit.dog_breeds.blanks`.
"""
