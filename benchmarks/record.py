"""What all benchmarks write alike: figures with their spread, the machine, a whole file or none."""

import importlib.metadata
import json
import os
import platform
import statistics


def spread(values):
    """Return median, smallest and largest, to four digits."""
    each = (statistics.median(values), min(values), max(values))
    return {name: float(f"{v:.4g}") for name, v in zip(("median", "min", "max"), each, strict=True)}


def machine(*packages):
    """Return the facts on which a time depends, and the versions of packages."""
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: found for name in packages if (found := _version(name))},
    }


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def write_record(record, path):
    """Write a record as JSON; the file is whole or the one of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(partial, path)
