"""What all benchmarks write alike: figures with their spread, the machine, a whole file or none."""

import json
import platform
import statistics

from labkit.files import replacing
from labkit.machine import describe_machine, installed_version


def spread(values):
    """Return median, smallest and largest, to four digits."""
    each = (statistics.median(values), min(values), max(values))
    return {name: float(f"{v:.4g}") for name, v in zip(("median", "min", "max"), each, strict=True)}


def machine(*packages):
    """Return the facts on which a time depends, and the versions of those packages there are."""
    versions = {name: installed_version(name) for name in packages}
    return describe_machine() | {
        "python": platform.python_version(),
        "versions": {name: found for name, found in versions.items() if found != "unknown"},
    }


def write_record(record, path):
    """Write a record as JSON; the file is whole or the one of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps(record, indent=1) + "\n")
