"""The system's Chromium, driven by Playwright and silent on the network."""

import shutil
from contextlib import contextmanager

#: What the browser is called on Debian, on older Ubuntu and where Google's own is installed. Before
#: these what shows pages as they do and has no window to draw, which takes half the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

MISSING = "No Chromium was found; install one, on Debian: sudo apt-get install chromium"


def find():
    """Return the path of the browser, or ``None``."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def launch():
    """Start a browser without a window, and end it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=[*ARGUMENTS])
        yield browser
        browser.close()
