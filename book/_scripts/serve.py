"""Show the built book on this machine: python book/_scripts/serve.py [PORT]."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path("_build/html")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line in the terminal for each."""

    def log_message(self, *arguments):
        """Say nothing."""


def open_server(port, attempts=20):
    """Return a server on the first free port from ``port`` on, reachable from here alone."""
    for candidate in range(port, port + attempts):
        try:
            handler = partial(QuietHandler, directory=str(PAGES))
            return ThreadingHTTPServer(("127.0.0.1", candidate), handler)
        except OSError:
            print(f"Port {candidate} is taken.")
    sys.exit(f"No port from {port} to {port + attempts - 1} is free; choose one: make serve PORT=")


def main(port):
    """Serve the pages until Ctrl+C."""
    if not PAGES.is_dir():
        sys.exit(f"{PAGES} is not there yet; build the book first: make book")
    with open_server(port) as server:
        print(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
