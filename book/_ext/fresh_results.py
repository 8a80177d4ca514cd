"""A Sphinx extension: no page shows results of a library that has changed since.

The cache of executed notebooks looks at their code cells alone. An edit of labkit, or another
version of Keras, would leave old results on the pages. Therefore a build first takes a
fingerprint of all that. Where it is not the one the cache was filled under, the cache is
dropped; where it is not the one the pages were read under, every page is read again.

Pages also link into each other, from words to the glossary and from code to the reference. So
where one page is written anew, all are.
"""

import hashlib
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx.environment import CONFIG_OK
from sphinx.errors import ExtensionError
from sphinx.util import logging

#: What pages show besides: what benchmarks measured, what runs reached, the gallery's networks,
#: and how kernels draw.
ROOT = Path(__file__).parents[2]
RECORDS = (
    ROOT / "benchmarks" / "records",
    ROOT / "book" / "results",
    ROOT / "book" / "_kernel",
    ROOT / "tests" / "receptive_field" / "gallery",
)

#: Packages whose version may change a result, with all that they require.
DECIDING = ("labkit", "tensorflow", "tensorflow-cpu", "torch", "jax", "ipykernel", "myst-nb")

logger = logging.getLogger(__name__)

#: TensorFlow reads it on import. It would also say that oneDNN is on, which goes to stderr and is
#: dropped; off, training on a processor takes three times as long.
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2"}


def fingerprint(*folders):
    """Return one digest of all that, beside a page's own cells, decides what they print.

    Args:
        *folders: Paths: the package labkit, and what else pages read. Every file counts, compiled
            ones excepted, and so do Python, the packages at work and the variables
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
    """List ``name==version`` of the packages that may decide what a page prints, sorted.

    These are labkit, Keras' backends, what runs a notebook, and all that they require. A package
    for tests or hand-outs, installed later, leaves the results as they are.
    """
    found, names = {}, list(DECIDING)
    while names:
        name = canonicalize_name(names.pop())
        if name not in found and (package := installed(name)):
            found[name] = package.version
            names += required_by(package)
    return sorted(f"{name}=={version}" for name, version in found.items())


def installed(name):
    """Return the distribution of a name, or ``None`` where it is not installed."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def required_by(package):
    """Name what a distribution requires here, its extras left out."""
    requirements = map(Requirement, package.requires or [])
    return [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


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
    app.fingerprint = fingerprint(labkit_folder(), *RECORDS)
    default = Path(app.outdir).parent / ".jupyter_cache"
    cache = Path(app.config.nb_execution_cache_path or default)
    record = cache / "fingerprint"
    if record.is_file() and record.read_text() == app.fingerprint:
        return
    logger.info("labkit or its surroundings changed: every notebook runs anew")
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    record.write_text(app.fingerprint)


def renew_all_or_nothing(app):
    """Remove what was rendered, when any page is out of date, so that all are rendered anew.

    sphinx_codeautolink links the code of those pages only that it has read in this build, and
    that had no current HTML when the build began. The others would lose their links.
    """
    app.renewed = (
        getattr(app.env, "fingerprint", None) != app.fingerprint
        or app.env.config_status != CONFIG_OK
        or any(app.builder.get_outdated_docs())
    )
    if app.renewed and app.builder.name == "html":
        for page in app.env.found_docs:
            Path(app.builder.get_outfilename(page)).unlink(missing_ok=True)


def stale_pages(app, env, added, changed, removed):
    """Name the pages to read again: all, when any is out of date.

    That is also so when they were read under another fingerprint. The environment is stored only
    after all pages have been read, so a build that broke off leaves its pages stale.
    """
    env.fingerprint = app.fingerprint
    return [*env.found_docs] if app.renewed or added or changed or removed else []


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
    # Before the extensions that ask at the same moment which pages are out of date.
    app.connect("builder-inited", drop_stale_cache, priority=100)
    app.connect("builder-inited", renew_all_or_nothing, priority=200)
    app.connect("env-get-outdated", stale_pages)
    app.connect("build-finished", forget_faulty_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
