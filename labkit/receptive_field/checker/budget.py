"""The work that one check may spend, counted in steps so that verdicts do not hang on a clock.

A step is half a microsecond's work or so: a visit to one part of a formula. What costs more, such
as a division of long numbers or a product of long polynomials, spends more steps. All that one
check may spend is worth about half a second.
"""

from labkit.receptive_field.checker.formula import TooCostlyError

# For one answer; where it can be read in two ways, each way gets half of it.
FOR_READING = 50_000
FOR_NUMBERS = 600_000
FOR_SHRINKING = 160_000
FOR_PROOFS = 250_000
# For the comparison with one known mistake.
FOR_MISTAKES = 30_000


class Budget:
    """Count steps down.

    Args:
        steps: how many steps may be spent.
    """

    def __init__(self, steps: int):
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps off; what is left stays below zero once it is overdrawn.

        Raises:
            TooCostlyError: where fewer are left.
        """
        self._left -= steps
        if self._left < 0:
            raise TooCostlyError("it takes too many steps to try")
