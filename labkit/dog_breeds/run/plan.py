"""Which parts of the lab to run, and how often."""

from dataclasses import dataclass

from labkit.dog_breeds.run.records import STAGES


@dataclass(frozen=True)
class Plan:
    """What to run, beyond the lab's settings.

    Args:
        stages: some of ``"scratch"``, ``"head"`` and ``"fine_tuning"``.
        seeds: what each repetition starts from.
        preprocessing: as :func:`labkit.pretrained` takes it.
        cached_features: train the head on features of the frozen base that are computed once.

    Raises:
        ValueError: no or unknown stages, fine-tuning of a head that was not trained, or no seed.

    Example:
        >>> Plan(("fine_tuning",), (1,))
        Traceback (most recent call last):
        ...
        ValueError: The stage fine_tuning goes on from head: name both.
    """

    stages: tuple[str, ...] = STAGES
    seeds: tuple[int, ...] = (2021,)
    preprocessing: str = "own"
    cached_features: bool = False

    def __post_init__(self):
        """Refuse a plan that cannot be carried out."""
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown or not self.stages:
            raise ValueError(f"stages={self.stages!r}: name some of {', '.join(STAGES)}.")
        if "fine_tuning" in self.stages and "head" not in self.stages:
            raise ValueError("The stage fine_tuning goes on from head: name both.")
        if not self.seeds:
            raise ValueError("seeds=() is empty: name at least one.")
        if self.cached_features and "head" not in self.stages:
            raise ValueError("Only the stage head has features to cache: name it, or cache none.")
