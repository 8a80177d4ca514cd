"""A web server on this machine that answers as it should, or as it is told to."""

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves one file at every address, and resumes, as RFC 9110 has it.

    Args:
        content: The file's bytes.

    Attributes:
        etag, modified: What tells the file's versions apart.
        ranges: Whether it resumes.
        faults: Iterator of functions of the handler that answer first, one request each.
        asked: The headers of each request, a list of dicts.
        quiet: Event that ends all waiting of faults.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.modified, self.ranges = content, '"v1"', "", True
        self.faults, self.asked, self.quiet = iter(()), [], threading.Event()

    @property
    def url(self):
        """The address of the file."""
        return f"http://127.0.0.1:{self.server_port}/dogs.zip"

    @property
    def starts(self):
        """The first byte that each request asked for."""
        return [int(asked.get("Range", "bytes=0-")[6:-1]) for asked in self.asked]


class Handler(BaseHTTPRequestHandler):
    """Answers by the server's next fault, and rightly when there is none left."""

    def do_GET(self):
        site = self.server
        site.asked.append(dict(self.headers))
        known = self.headers.get("If-Range") in (None, site.etag, site.modified)
        self.start = site.starts[-1] if site.ranges and known else 0
        self.rest = site.content[self.start :]
        with suppress(ConnectionError):  # whoever asked may hang up
            next(site.faults, whole)(self)

    def head(self, status=None, length=None, **headers):
        """Send a status and headers; ``length`` is False where it is not told."""
        site, size = self.server, len(self.server.content)
        usual = {"ETag": site.etag, "Last-Modified": site.modified}
        if self.start:
            usual["Content-Range"] = f"bytes {self.start}-{size - 1}/{size}"
        if length is not False:
            usual["Content-Length"] = len(self.rest) if length is None else length
        self.send_response(status or (206 if self.start else 200))
        for name, value in (usual | headers).items():
            if value != "":
                self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_):
        """Keep quiet."""


def whole(handler):
    """Answer as it should be."""
    size = len(handler.server.content)
    if handler.start and handler.start >= size:
        handler.head(416, 0, **{"Content-Range": f"bytes */{size}"})
    else:
        handler.head()
        handler.wfile.write(handler.rest)


def dropping(after):
    """Hang up after so many bytes."""

    def drops(handler):
        handler.head()
        handler.wfile.write(handler.rest[:after])

    return drops


def without_length(handler):
    """Send all, but not how much it is."""
    handler.head(length=False)
    handler.wfile.write(handler.rest)


def answering(status, **headers):
    """Send a status and no file."""

    def answers(handler):
        handler.head(status, 0, **headers)

    return answers


@contextmanager
def serving(content=b""):
    """Run a :class:`Server` for the length of a ``with`` block."""
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.quiet.set()
        server.shutdown()
        thread.join()
        server.server_close()
