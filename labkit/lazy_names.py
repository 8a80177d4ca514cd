"""Public names that are loaded on first use, so that a package itself loads nothing heavy."""

import sys
from importlib import import_module


def lazy_names(package, homes, modules=()):
    """Make a package's ``__getattr__`` and ``__dir__`` (PEP 562).

    Args:
        package: The package's ``__name__``.
        homes: Dict from a public name to the module that holds it, relative to the package.
        modules: Names of modules that are public themselves.

    Returns:
        The two functions.

    Example:
        >>> load, names = lazy_names("labkit", {"Layer": "receptive_field.layers"})
        >>> load("Layer").__name__
        'Layer'
    """
    space = vars(sys.modules[package])

    def load(name):
        if name in modules:
            return import_module(f"{package}.{name}")
        if name in homes:
            space[name] = getattr(import_module(f"{package}.{homes[name]}"), name)
            return space[name]
        known = ", ".join(sorted(space.get("__all__", (*homes, *modules))))
        raise AttributeError(f"{package} has no name {name!r}; it has {known}.")

    def names():
        """List the lazily loaded names too, so that tab completion finds them."""
        return sorted({*space, *homes, *modules})

    return load, names
