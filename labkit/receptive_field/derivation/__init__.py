"""The derivation as data: each step with its sentence, its equation and its own proof."""

from labkit.receptive_field.derivation.step import Derivation, ProofError, Step

__all__ = ["Derivation", "ProofError", "Step", "derivation"]


def derivation() -> Derivation:
    """Return the steps from what one unit reads to what widens a field most.

    Nothing is proved by building the steps: ``verify()`` of a step or of the whole proves them,
    and a notebook that shows a step verifies it there and then.

    Returns:
        A tuple of :class:`Step`, in the order of the argument.

    Source:
        Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks",
        Distill (2019), whose results are derived there by hand.

    Example:
        >>> steps = derivation().verify()
        >>> print(steps[2])
        The recurrence: Eq(r[l - 1], k[l] + r[l]*s[l] - s[l])
    """
    from labkit.receptive_field.derivation import (
        every_depth,
        growth,
        one_layer,
        positions,
    )

    return Derivation(
        (
            one_layer.SINGLE_TAP,
            one_layer.ENDS,
            one_layer.RECURRENCE_STEP,
            one_layer.START,
            every_depth.UNROLLED,
            every_depth.PATTERN,
            every_depth.LEMMA,
            every_depth.DIFFERENCE,
            every_depth.TELESCOPE,
            every_depth.NO_LAYERS,
            every_depth.ONE_MORE_LAYER,
            every_depth.INDUCTION,
            one_layer.WIDENED_KERNEL,
            one_layer.DILATED_RECURRENCE_STEP,
            every_depth.DILATED,
            positions.BEGIN,
            positions.END,
            positions.WIDTH,
            positions.DIFFERENCE,
            positions.START_OF_UNIT,
            positions.MIDDLE,
            positions.CENTRE,
            growth.CONSTANT,
            growth.LIMIT,
            growth.DEEPER,
            growth.KERNEL,
            growth.DILATION,
            growth.STRIDE,
            growth.LAST_STRIDE,
            growth.DOUBLING,
        )
    )
