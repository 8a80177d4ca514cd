"""A Sphinx extension: notebooks whose results are not at hand run beside each other.

MyST-NB runs a page when it reads it, one after another, and a lab keeps a processor's cores busy
for a part of its time only. So all of them run before the first page is read, several at a time,
and their results go where MyST-NB looks for them. The others step back behind the labs, for which
a build waits longest. A notebook that fails leaves no results: MyST-NB runs it once more and says
what went wrong.
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.util import logging

#: How many run at a time: two on one core as well, and no more than a usual machine's memory holds.
AT_ONCE = max(2, min(4, os.cpu_count() or 1))

logger = logging.getLogger(__name__)


def run_side_by_side(app, env, docnames):
    """Run the notebooks among the pages to be read that have not run as they are."""
    if env.mystnb_config.execution_mode != "cache":
        return
    cache = get_cache(env.mystnb_config.execution_cache_path)
    waiting = [page for page in map(env.doc2path, docnames) if is_waiting(page, env, cache)]
    # The longest first, so that in the end no core is left without one.
    waiting.sort(key=lambda page: -Path(page).stat().st_size)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(run, page, env): page for page in waiting}
        for done in as_completed(runs):
            result, page = done.result(), runs[done]
            name = Path(page).relative_to(app.srcdir).as_posix()
            if result.err is not None:
                logger.info("%s failed", name)
                continue
            logger.info("%s ran in %.0f s", name, result.time)
            facts = {"execution_seconds": result.time}
            bundle = CacheBundleIn(result.nb, page, data=facts)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def is_waiting(page, env, cache):
    """Tell whether a page is a notebook that shall run and whose results are not at hand."""
    if any(Path(page).match(pattern) for pattern in env.mystnb_config.execution_excludepatterns):
        return False
    notebook = read(page, env)
    try:
        return notebook is not None and not cache.match_cache_notebook(notebook)
    except KeyError:
        return True


def read(page, env):
    """Read a page as MyST-NB will; ``None`` if it is no notebook."""
    text = Path(page).read_text(encoding="utf-8")
    reader = create_nb_reader(page, env.myst_config, env.mystnb_config, text)
    return reader and reader.read(text)


def run(page, env):
    """Run a page in its folder, in a kernel of its own, and return what came of it."""
    if page.endswith(".md"):
        step_back()
    settings = env.mystnb_config
    return single_nb_execution(
        read(page, env),
        cwd=str(Path(page).parent),
        timeout=settings.execution_timeout,
        allow_errors=settings.execution_allow_errors,
    )


def step_back():
    """Let what this thread starts from now on leave the cores to others, where the system can.

    Linux counts priorities by thread, and a kernel inherits that of the thread that starts it.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("env-before-read-docs", run_side_by_side)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
