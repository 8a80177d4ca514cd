"""Lab 2: receptive fields, derived, computed, checked and measured.

A chain of plain layers and the checker need nothing but Python; the derivation loads sympy on
first use, and only what takes a Keras model loads Keras.
"""

from labkit.lazy_names import lazy_names

# Eager, because each shares its name with its module: a later import of the module would put
# the module in place of the function. These import nothing heavy.
from labkit.receptive_field.derivation import derivation
from labkit.receptive_field.explorer import explorer

#: The public names of each module.
_NAMES = {
    "layers": ("Layer",),
    "recurrence": (
        "receptive_field",
        "closed_form",
        "trace",
        "Trace",
        "TraceRow",
        "ORIGINAL_DILATION_FORMULA",
    ),
    "known_networks": ("SMALL_VGG", "VGG16", "VGG19", "ALEXNET"),
    "derivation.step": ("Derivation", "ProofError", "Step"),
    "checker": ("check_recurrence", "check_closed_form", "Verdict", "CounterExample"),
    "analysis": ("analyse",),
    "analysis_result": ("Analysis", "LayerField", "AxisField"),
    "analysis_table": ("FieldTable",),
    "paths": ("FieldPath",),
    "rule_registry": ("register_rule",),
    "oracle": ("gradient_extent", "gradient_map"),
    "effective": ("effective_receptive_field",),
    "effective_field": ("EffectiveField",),
    "explorer": ("Explorer",),
    "figures": (
        "plot_field_per_layer",
        "plot_growth",
        "plot_field_per_cost",
        "plot_paths",
        "plot_neurons",
        "plot_branches",
        "plot_effective_field",
        "plot_effective_before_after",
        "plot_fields_over_picture",
        "plot_strategies",
    ),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}
_MODULES = ("effective", "figures", "known_networks", "oracle", "reads")

__all__ = [*_HOME, *_MODULES, "derivation", "explorer"]


__getattr__, __dir__ = lazy_names(__name__, _HOME, _MODULES)
