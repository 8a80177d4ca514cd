"""What tests in several folders share."""

import pytest
from http_server import serving


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine, past any proxy; downloads do not pause before they retry."""
    from labkit.dog_breeds.sources import download

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in {"pause": 0.0, "retries": 2}.items():
        monkeypatch.setitem(download.download_file.__kwdefaults__, name, value)
    with serving() as server:
        yield server
