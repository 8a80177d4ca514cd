"""The checker: is a student's recurrence or closed form right for all networks?

Text is read by a parser of its own and never evaluated as a program. Small networks are tried
first, so that a counter-example is the smallest; then comes a proof; and where neither settles
the matter the verdict says so.
"""

from labkit.receptive_field.checker.check import check_closed_form, check_recurrence
from labkit.receptive_field.checker.verdict import CounterExample, Verdict

__all__ = ["CounterExample", "Verdict", "check_closed_form", "check_recurrence"]
