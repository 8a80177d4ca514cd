"""Write requirements.lock: the newest versions that work together, as names and versions.

Usage: python3.11 book/_scripts/lock_versions.py

Resolved under the oldest supported Python, because newer ones can install the same versions and
not the other way round. Nothing is installed; pip and its configuration decide where to look.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path("requirements.lock")
EXTRAS = "book,test,bench,kaggle,browser,handouts"
HEADER = """\
# Names and versions that were tested together; make installs these. Written by `make lock`.
# Used as constraints: what another platform needs besides is taken in its newest version.
"""


def main():
    """Resolve in an empty environment and replace the lock when all went well."""
    if sys.version_info[:2] != (3, 11):
        sys.exit(f"The lock is made under Python 3.11, not {sys.version.split()[0]}.")
    print("Resolving the newest versions (a minute or two) …", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = versions(resolve(Path(folder)))
    unfinished = LOCK.with_suffix(".part")
    unfinished.write_text(HEADER + "\n".join(lines) + "\n")
    os.replace(unfinished, LOCK)
    print(f"{LOCK}: {len(lines)} versions")


def resolve(folder):
    """Return pip's report on what it would install into an empty environment."""
    subprocess.run([sys.executable, "-m", "venv", folder / "empty"], check=True)
    report = folder / "report.json"
    pip = [folder / "empty/bin/python", "-m", "pip", "install", "--quiet", "--dry-run"]
    subprocess.run([*pip, "--report", report, f".[{EXTRAS}]"], check=True)
    return json.loads(report.read_text())


def versions(report):
    """List ``name==version`` of a report; both builds of TensorFlow share their version."""
    found = {entry["metadata"]["name"]: entry["metadata"]["version"] for entry in report["install"]}
    del found["labkit"]
    names = {name.lower().replace("_", "-"): version for name, version in found.items()}
    names.setdefault("tensorflow", names.get("tensorflow-cpu"))
    names.setdefault("tensorflow-cpu", names["tensorflow"])
    return [f"{name}=={version}" for name, version in sorted(names.items())]


if __name__ == "__main__":
    main()
