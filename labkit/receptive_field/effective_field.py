"""What a measured effective receptive field is: strengths over the input, and their Gaussian."""

from dataclasses import dataclass, field
from math import pi, prod, sqrt

import numpy as np

from labkit.words import is_whole, require

#: Luo et al. count a position as effective above 1 − 95.45 % of the strongest.
THRESHOLD = 1 - 0.9545


@dataclass(frozen=True)
class EffectiveField:
    """The gradient of one unit over the input, averaged over random inputs.

    Args:
        strength: non-negative array with the spatial shape of the input, strongest entry 1.
        quantity: what ``strength`` holds, ``"energy"`` for the mean square of the gradient or
            ``"magnitude"`` for its root.
        layer: the unit's layer; ``unit``: its place.
        field: first and last position of the theoretical field along each axis, as the borders
            leave it.
        theoretical_size: width of the theoretical field along each axis, borders left aside.

    Example:
        >>> import keras
        >>> from labkit.receptive_field import effective_receptive_field
        >>> line = keras.Sequential([keras.Input((9, 1)), keras.layers.Conv1D(1, 3)])
        >>> effective_receptive_field(line, samples=1).theoretical_size
        (3,)
    """

    strength: np.ndarray = field(repr=False, compare=False)
    quantity: str
    layer: str
    unit: tuple[int, ...]
    field: tuple[tuple[int, int], ...]
    theoretical_size: tuple[int, ...]

    def profile(self, axis: int) -> np.ndarray:
        """Return the strength summed over all other axes, in sum 1; -1 is the last axis."""
        axes = self.strength.ndim
        fits = is_whole(axis, -axes) and axis < axes
        require(fits, "axis", axis, f"a whole number from {-axes} to {axes - 1}")
        others = tuple(other for other in range(axes) if other != axis % axes)
        profile = self.strength.sum(axis=others)
        return profile / profile.sum()

    @property
    def centre(self) -> tuple[float, ...]:
        """Mean position of the strength along each axis, in input positions."""
        return tuple(_moments(self.profile(axis))[0] for axis in range(self.strength.ndim))

    @property
    def sigma(self) -> tuple[float, ...]:
        """Standard deviation of the strength along each axis, in input positions.

        Of a Gaussian field, the σ of the magnitude is √2 times that of the energy.
        """
        return tuple(_moments(self.profile(axis))[1] for axis in range(self.strength.ndim))

    @property
    def effective_size(self) -> float:
        """Side of the square with as many positions as are stronger than the threshold.

        The threshold is 4.55 % of the strongest; for n axes, the n-th root of the count.
        """
        return float((self.strength > THRESHOLD).sum() ** (1 / self.strength.ndim))

    @property
    def share(self) -> float:
        """Effective size as a share of the side of the theoretical field."""
        side = prod(self.theoretical_size) ** (1 / len(self.theoretical_size))
        return self.effective_size / side

    def gaussian(self, axis: int) -> np.ndarray:
        """Return the Gaussian with the profile's centre and σ, in sum 1 over all positions."""
        mean, sigma = _moments(self.profile(axis))
        distance = np.arange(self.strength.shape[axis]) - mean
        return np.exp(-(distance**2) / (2 * sigma**2)) / (sigma * sqrt(2 * pi))


def _moments(profile):
    """Return mean and standard deviation of a distribution over positions."""
    positions = np.arange(len(profile))
    mean = float(positions @ profile)
    return mean, sqrt(max(float((positions - mean) ** 2 @ profile), np.finfo(float).tiny))
