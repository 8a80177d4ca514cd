"""A Sphinx extension: no page shows results of a library that has changed since.

The cache of executed notebooks looks at their code cells alone. An edit of labkit, or another
version of Keras, would leave old results on the pages. Therefore a build first takes a
fingerprint of all that. Where it is not the one the cache was filled under, the cache is
dropped; where it is not the one the pages were read under, every page is read again.
"""

import hashlib
import os
import platform
import shutil
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from sphinx.errors import ExtensionError
from sphinx.util import logging

#: What the benchmarks measured, which pages show.
RECORDS = Path(__file__).parents[2] / "benchmarks" / "records"

logger = logging.getLogger(__name__)

#: TensorFlow reads it on import. It would also say that oneDNN is on, which goes to stderr and is
#: dropped; off, training on a processor takes three times as long.
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2"}


def fingerprint(*folders):
    """Return one digest of all that, beside a page's own cells, decides what they print.

    Args:
        *folders: Paths: the package labkit, and what else pages read. Every file counts, compiled
            ones excepted, and so do Python, the installed packages and the variables
            ``KERAS_BACKEND`` and ``LABKIT_*``.

    Returns:
        64 hexadecimal digits.
    """
    facts = [platform.python_version(), *installed_versions(), *relevant_variables()]
    digest = hashlib.sha256("\n".join(facts).encode())
    for folder in folders:
        for path in library_files(folder):
            digest.update(f"\n{path.relative_to(folder).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def installed_versions():
    """List ``name==version`` of what is installed, in alphabetical order."""
    return sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions()})


def relevant_variables():
    """List the environment variables that a lab reads, as ``NAME=value``."""
    names = sorted(n for n in os.environ if n == "KERAS_BACKEND" or n.startswith("LABKIT_"))
    return [f"{name}={os.environ[name]}" for name in names]


def library_files(folder):
    """List the files of a folder that are written by people or shipped as data."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if "__pycache__" not in path.parts]


def labkit_folder():
    """Return the folder of the labkit that the notebooks will import."""
    spec = find_spec("labkit")
    if spec is None:
        raise ExtensionError('labkit is not installed here; run: pip install -e ".[book]"')
    return Path(spec.origin).parent


def drop_stale_cache(app):
    """Remove the executed notebooks that ran under another fingerprint."""
    app.fingerprint = fingerprint(labkit_folder(), RECORDS)
    default = Path(app.outdir).parent / ".jupyter_cache"
    cache = Path(app.config.nb_execution_cache_path or default)
    record = cache / "fingerprint"
    if record.is_file() and record.read_text() == app.fingerprint:
        return
    logger.info("labkit or its surroundings changed: every notebook runs anew")
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    record.write_text(app.fingerprint)


def stale_pages(app, env, added, changed, removed):
    """Name the pages to read again: all, when they were read under another fingerprint.

    The environment is stored only after all pages have been read, so a build that broke off
    leaves its pages stale.
    """
    stale = getattr(env, "fingerprint", None) != app.fingerprint
    env.fingerprint = app.fingerprint
    return [*env.found_docs] if stale else []


def forget_faulty_pages(app, exception):
    """Have every page read again after a build that complained.

    Otherwise the next build would find nothing to read, see no warning, and succeed.
    """
    if exception or app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


def setup(app):
    """Register the extension with Sphinx."""
    for name, value in QUIET_TENSORFLOW.items():
        os.environ.setdefault(name, value)
    app.connect("builder-inited", drop_stale_cache)
    app.connect("env-get-outdated", stale_pages)
    app.connect("build-finished", forget_faulty_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
