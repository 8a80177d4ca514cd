"""The curves of a training."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class History:
    """Hold the curves of a training: one figure per epoch each.

    What was not measured, as validation where there is none, has ``None`` for each of its figures.

    Args:
        loss: what training lowers, on the training batches, as they were augmented; in the lab
            the cross-entropy.
        accuracy: share of training pictures classified correctly, 0 to 1.
        val_loss: the loss on the validation pictures.
        val_accuracy: share of validation pictures classified correctly, 0 to 1.
        more: dict from the names of further curves to their figures, as Keras calls them; also
            ``history["val_top_5"]``.

    Raises:
        ValueError: the curves differ in length.

    Example:
        >>> first = History((1.0,), (0.5,), (2.0,), (0.25,))
        >>> (first + History((0.5,), (0.75,), (1.0,), (0.5,))).loss
        (1.0, 0.5)
    """

    loss: tuple[float, ...] = ()
    accuracy: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()
    more: dict = field(default_factory=dict, hash=False)

    def __post_init__(self):
        """Refuse curves of different length; fill those that were not measured."""
        for name in CURVES:
            if getattr(self, name) is None:
                object.__setattr__(self, name, (None,) * len(self.loss))
        if len({len(figures) for figures in self.curves.values()}) != 1:
            raise ValueError("The curves of a History must have one figure per epoch each.")

    @classmethod
    def from_curves(cls, curves):
        """Make one of a dict from a curve's name to its figures (any sequence)."""
        figures = {name: tuple(curve) for name, curve in curves.items()}
        if not figures:
            return cls()
        known = {name: figures.pop(name, None) for name in CURVES}
        return cls(**known, more=figures)

    @property
    def curves(self):
        """All curves, as a dict from their names to their figures."""
        return {name: getattr(self, name) for name in CURVES} | self.more

    @property
    def metrics(self):
        """Names of what was measured in every epoch, the loss first (tuple of str)."""
        return tuple(
            name
            for name, figures in self.curves.items()
            if not name.startswith(("val_", "learning_rate")) and None not in figures
        )

    def __getitem__(self, name):
        """Return a curve by its name."""
        if name not in self.curves:
            raise KeyError(f"there is no curve {name!r}; there are {', '.join(self.curves)}")
        return self.curves[name]

    def __len__(self):
        """Return the number of epochs."""
        return len(self.loss)

    def __add__(self, other):
        """Join the epochs of a later training to these."""
        parts = [(part.curves, (None,) * len(part)) for part in (self, other)]
        names = self.curves | other.curves
        return History.from_curves(
            {name: sum((curves.get(name, none) for curves, none in parts), ()) for name in names}
        )


#: The names of the curves that every training of the lab has.
CURVES = tuple(entry.name for entry in fields(History) if entry.name != "more")
