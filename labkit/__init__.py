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

_HOME = {
    "Settings": "dog_breeds.settings",
    "load_settings": "dog_breeds.settings",
    "fetch": "dog_breeds.sources",
    "reorganise": "dog_breeds.folders",
    "class_sizes": "dog_breeds.class_sizes",
    "duplicates": "dog_breeds.duplicates",
    "photograph_class_sizes": "dog_breeds.class_sizes",
    "ImageDataGenerator": "dog_breeds.batches",
    "small_vgg": "dog_breeds.networks",
    "pretrained": "dog_breeds.networks",
    "freeze": "dog_breeds.networks",
    "unfreeze": "dog_breeds.networks",
    "base_layers": "dog_breeds.networks",
    "compile_lab": "dog_breeds.networks",
    "train": "dog_breeds.training",
    "evaluate": "dog_breeds.training",
    "use_mixed_precision": "dog_breeds.devices",
    "use_devices": "dog_breeds.devices",
    "gpu_advice": "dog_breeds.devices",
    "plot_class_sizes": "dog_breeds.figures",
    "plot_samples": "dog_breeds.figures",
    "plot_augmentations": "dog_breeds.figures",
    "plot_history": "dog_breeds.figures",
    "plot_accuracies": "dog_breeds.figures",
    "plot_predictions": "dog_breeds.figures",
}
#: Whatever package lies beside this file, so that a new lab's needs no entry here.
_WINGS = tuple(module.name for module in iter_modules(__path__) if module.ispkg)

__all__ = [*_HOME, *_WINGS]


__getattr__, __dir__ = lazy_names(__name__, _HOME, _WINGS)
