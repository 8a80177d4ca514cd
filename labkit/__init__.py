"""The library under two labs on convolutional networks in practice.

Two wings, one per lab, that do not import each other:

- :mod:`labkit.dog_breeds` follows a photograph from an archive to a fine-tuned network;
- :mod:`labkit.receptive_field` derives, computes and measures receptive fields.

The names that lab 1 uses stand here too and are loaded on first use, so that
``import labkit`` itself loads neither TensorFlow nor Keras.
"""

from pkgutil import iter_modules

from labkit.lazy_names import lazy_names

__version__ = "1.0.0"

#: The public names of each module of the first wing.
_NAMES = {
    "settings": ("Settings", "load_settings"),
    "sources": ("fetch",),
    "folders": ("reorganise",),
    "class_sizes": ("class_sizes", "photograph_class_sizes"),
    "duplicates": ("duplicates",),
    "batches": ("ImageDataGenerator", "flow_lab"),
    "blanks": ("check_generator", "check_flows", "check_network", "check_compiled", "check_fit"),
    "networks": (
        "small_vgg",
        "pretrained",
        "headless",
        "add_head",
        "freeze",
        "unfreeze",
        "base_layers",
        "compile_lab",
    ),
    "training": ("train", "evaluate"),
    "saving": ("save", "load"),
    "prediction": ("predict", "submission"),
    "errors": (
        "wilson_interval",
        "confusion_matrix",
        "most_confused",
        "breed_accuracies",
        "top_accuracy",
        "log_losses",
        "highest_losses",
        "take_pictures",
        "occlusion_map",
    ),
    "devices": ("use_mixed_precision", "use_devices", "gpu_advice"),
    "packaged": ("planted_flaws", "recorded", "Recorded"),
    "figures": (
        "plot_class_sizes",
        "plot_samples",
        "plot_picture_sizes",
        "plot_transformations",
        "plot_history",
        "plot_runs",
        "plot_accuracies",
        "plot_predictions",
        "plot_prediction",
        "plot_pictures",
        "plot_confusion_matrix",
        "plot_breed_accuracies",
        "plot_occlusion",
    ),
    "inside": ("look_inside", "LookInside"),
    "playground": ("playground", "Playground"),
}
_HOME = {name: f"dog_breeds.{module}" for module, names in _NAMES.items() for name in names}
#: Whatever package lies beside this file, so that a new lab's needs no entry here.
_WINGS = tuple(module.name for module in iter_modules(__path__) if module.ispkg)

__all__ = [*_HOME, *_WINGS]


__getattr__, __dir__ = lazy_names(__name__, _HOME, _WINGS)
