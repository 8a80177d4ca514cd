"""What a measurement depends on besides the code: machine, accelerator and versions."""

import importlib.metadata
import os
import platform
from pathlib import Path

import keras

from labkit.dog_breeds.batches.ahead import usable_cores

_PACKAGES = {"opencv": ("opencv-python-headless", "opencv-python")}
_BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "jax": ("jax",),
    "torch": ("torch",),
}


def describe_machine():
    """Describe the computer that this runs on.

    Returns:
        A dict with ``cores`` that this process may use, ``processor``, ``memory_gb``,
        ``system`` and ``accelerator``, which is ``"none"`` without a GPU.

    Example:
        >>> describe_machine()["cores"] >= 1
        True
    """
    return {
        "cores": usable_cores(),
        "processor": _processor(),
        "memory_gb": _memory_gb(),
        "system": platform.system(),
        "accelerator": _accelerator(),
    }


def peak_memory_gb():
    """Return the most memory that this process has held, in units of 10⁹ bytes; 0 if unknown.

    Example:
        >>> peak_memory_gb() < 10_000
        True
    """
    try:
        import resource
    except ModuleNotFoundError:  # On Windows.
        return 0.0
    # Linux counts in units of 1024 bytes, macOS in bytes.
    unit = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 2)


def describe_versions():
    """Name the versions of all that decides a training's result.

    Returns:
        A dict of name to version; ``backend`` is Keras' backend with its version.

    Example:
        >>> describe_versions()["keras"] == keras.__version__
        True
    """
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": f"{backend} {_version(*_BACKENDS.get(backend, (backend,)))}",
        "numpy": _version("numpy"),
        "opencv": _version(*_PACKAGES["opencv"]),
    }


def _version(*names):
    """Return the version of the first of some packages that is installed."""
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _processor(cpuinfo=Path("/proc/cpuinfo")):
    """Return the processor's name, as Linux or Python tells it."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (named or [platform.processor() or platform.machine()])[0]


def _memory_gb():
    """Return the machine's memory in units of 10⁹ bytes; 0 where the system does not tell."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return 0.0
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


def _accelerator():
    """Return the names of the GPUs, as the backend tells them, or ``"none"``."""
    names = _gpu_names(keras.backend.backend())
    return f"{len(names)} × {names[0]}" if names else "none"


def _gpu_names(backend):
    if backend == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, found)
    return [each.get("device_name", "GPU") for each in details]
