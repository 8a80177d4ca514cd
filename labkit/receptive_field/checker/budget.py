"""The work that one check may spend, counted in steps so that verdicts do not hang on a clock."""

from labkit.receptive_field.checker.formula import TooCostlyError


class Budget:
    """Count steps down.

    Args:
        steps: how many steps may be spent.
    """

    def __init__(self, steps: int):
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps off.

        Raises:
            TooCostlyError: where fewer are left.
        """
        if steps > self._left:
            raise TooCostlyError("it takes too many steps to try")
        self._left -= steps
