"""Lab 2: receptive fields, derived, computed, checked and measured.

A chain of plain layers needs nothing but integers; the derivation and the checker load sympy on
first use, and only what takes a Keras model loads Keras.
"""

from labkit.lazy_names import lazy_names

# Eager, because each shares its name with its module: a later import of the module would put
# the module in place of the function. These import nothing heavy.
from labkit.receptive_field.derivation import derivation
from labkit.receptive_field.explorer import explorer

_HOME = {
    "Layer": "layers",
    "receptive_field": "recurrence",
    "closed_form": "recurrence",
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
    "ORIGINAL_DILATION_FORMULA": "recurrence",
    "analyse": "analysis",
    "Analysis": "analysis_result",
    "LayerField": "analysis_result",
    "AxisField": "analysis_result",
    "register_rule": "layer_rules",
    "gradient_extent": "oracle",
    "gradient_map": "oracle",
    "effective_receptive_field": "effective",
    "EffectiveField": "effective_field",
    "Explorer": "explorer",
    "plot_field_per_layer": "figures",
    "plot_growth": "figures",
    "plot_neurons": "figures",
    "plot_effective_field": "figures",
    "plot_effective_before_after": "figures",
    "plot_fields_over_picture": "figures",
    "plot_strategies": "figures",
}
_MODULES = ("effective", "figures", "known_networks", "oracle", "reads")

__all__ = [*_HOME, *_MODULES, "derivation", "explorer"]


__getattr__, __dir__ = lazy_names(__name__, _HOME, _MODULES)
