"""Lab 2: receptive fields, derived, computed, checked and measured.

A chain of plain layers needs nothing but integers; the derivation and the checker load sympy on
first use, and only what takes a Keras model loads Keras.
"""

from importlib import import_module

# Eager, because each shares its name with its module: a later import of the module would put
# the module in place of the function. These import nothing heavy.
from labkit.receptive_field.closed_form import closed_form
from labkit.receptive_field.derivation import derivation
from labkit.receptive_field.explorer import explorer

_HOME = {
    "Layer": "layers",
    "receptive_field": "recurrence",
    "trace": "recurrence",
    "Trace": "recurrence",
    "TraceRow": "recurrence",
    "SMALL_VGG": "known_networks",
    "VGG16": "known_networks",
    "VGG19": "known_networks",
    "ALEXNET": "known_networks",
    "Derivation": "derivation.step",
    "ProofError": "derivation.step",
    "Step": "derivation.step",
    "check_recurrence": "checker",
    "check_closed_form": "checker",
    "Verdict": "checker",
    "CounterExample": "checker",
    "ORIGINAL_DILATION_FORMULA": "original_lab",
    "analyse": "analysis",
    "Analysis": "analysis_result",
    "LayerField": "analysis_result",
    "AxisField": "analysis_result",
    "register_rule": "layer_rules",
    "reaching_positions": "oracle",
    "gradient_extent": "oracle",
    "gradient_map": "oracle",
    "effective_receptive_field": "effective",
    "EffectiveField": "effective_field",
    "Explorer": "explorer.component",
    "plot_field_per_layer": "figures",
    "plot_growth": "figures",
    "plot_neurons": "figures",
    "plot_effective_field": "figures",
    "plot_effective_before_after": "figures",
    "plot_fields_over_picture": "figures",
    "plot_strategies": "figures",
}
_MODULES = ("effective", "figures", "known_networks", "oracle", "reads")

__all__ = [*_HOME, *_MODULES, "closed_form", "derivation", "explorer"]


def __getattr__(name):
    """Load a public name from its module on first use (PEP 562)."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(
        f"labkit.receptive_field has no name {name!r}; it has {', '.join(sorted(__all__))}."
    )


def __dir__():
    """List the lazily loaded names too, so that tab completion finds them."""
    return sorted([*globals(), *__all__])
