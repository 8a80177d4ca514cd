"""What a measurement depends on besides the code: machine, GPUs, memory and versions."""

import importlib.metadata
import os
import platform
from pathlib import Path

_OPENCV = ("opencv-python-headless", "opencv-python")
#: The backends whose packages are not called as they are.
_PACKAGES = {"tensorflow": ("tensorflow", "tensorflow-cpu")}


def describe_machine():
    """Describe the computer that this runs on, whatever computes on it.

    Returns:
        A dict with ``cores`` that this process may use, ``processor``, ``memory_gb`` (0 if
        unknown) and ``system``.

    Example:
        >>> describe_machine()["cores"] >= 1
        True
    """
    return {
        "cores": usable_cores(),
        "processor": _processor(),
        "memory_gb": round(total_memory() / 1e9, 1),
        "system": platform.system(),
    }


def usable_cores():
    """Return the number of cores that this process may use.

    Example:
        >>> 1 <= usable_cores() <= os.cpu_count()
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory():
    """Return the machine's memory in bytes (int); 0 where the system does not tell.

    Example:
        >>> total_memory() < 10**14
        True
    """
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return 0
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def gpu_names():
    """Name the GPUs on which Keras' backend may compute.

    Returns:
        A list of str, one for each GPU, as the backend tells their kind; empty where it has none.

    Example:
        >>> all(isinstance(name, str) for name in gpu_names())
        True
    """
    import keras

    # Keras' own list leaves out torch, raises on JAX where there is no GPU, and names no kind.
    return _GPU_NAMES.get(keras.backend.backend(), list)()


def accelerator():
    """Say in a word or two which GPUs there are.

    Returns:
        A str, such as ``"2 × Tesla T4"``, or ``"none"``.

    Example:
        >>> accelerator() == "none" or "×" in accelerator()
        True
    """
    names = gpu_names()
    return f"{len(names)} × {names[0]}" if names else "none"


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
        >>> sorted(describe_versions())
        ['backend', 'keras', 'numpy', 'opencv', 'python']
    """
    import keras

    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": f"{backend} {installed_version(*_PACKAGES.get(backend, (backend,)))}",
        "numpy": installed_version("numpy"),
        "opencv": installed_version(*_OPENCV),
    }


def installed_version(*packages):
    """Return the version of the first of some packages that is installed.

    Args:
        *packages: Their names on PyPI.

    Returns:
        A str; ``"unknown"`` if none of them is.

    Example:
        >>> installed_version("no-such-package")
        'unknown'
    """
    for package in packages:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _processor(cpuinfo=Path("/proc/cpuinfo")):
    """Return the processor's name, as Linux or Python tells it."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (named or [platform.processor() or platform.machine()])[0]


def _of_tensorflow():
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.get_visible_devices("GPU"))
    return [each.get("device_name", "GPU") for each in details]


def _of_jax():
    import jax

    return [device.device_kind for device in jax.devices() if device.platform == "gpu"]


def _of_torch():
    import torch

    return [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]


_GPU_NAMES = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}
