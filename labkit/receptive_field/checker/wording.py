"""Every sentence that the checker says, from the sections "checker…" of the catalogues."""

from labkit.language import phrase
from labkit.receptive_field.checker.formula import UnreadableError


def said(name: str, /, **gaps: object) -> str:
    """Return a phrase of a verdict in the language in use; see :func:`labkit.language.phrase`."""
    return phrase("checker", name, **gaps)


def known_names(one_layer: bool) -> str:
    """Return the names that an answer may be made of, as part of a sentence."""
    return said("names in a layer" if one_layer else "names in networks")


def meaning_of(letter: str) -> str:
    """Return what a letter stands for, or nothing where it may run."""
    return said(f"meaning {letter}") if letter in ("r", "k", "s", "d", "L") else ""


def refused(kind: str, at: int | None = None, /, **gaps: object) -> UnreadableError:
    """Return the error that says why an answer cannot be read, and what to do.

    Args:
        kind: the name of a phrase that is said after "This cannot be read: ".
        at: the place in the text.
        gaps: what fills its gaps.
    """
    return UnreadableError(phrase("checker: refusals", kind, **gaps), at)
