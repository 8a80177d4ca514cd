"""Two ways to find a receptive field that know nothing of how ``analyse`` does it.

:func:`reaching_positions` walks backwards over sets of positions;
:func:`gradient_extent` differentiates a real Keras model.
"""

from importlib import import_module

_HOME = {"reaching_positions": "sets", "gradient_extent": "gradient", "gradient_map": "gradient"}

__all__ = ["gradient_extent", "gradient_map", "reaching_positions"]


def __getattr__(name):
    """Load an oracle, and Keras with it, on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"{__name__} has no name {name!r}; it has {', '.join(__all__)}.")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
