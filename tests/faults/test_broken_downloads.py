"""Servers that drop, stall, lie and lead in circles: what arrived is kept, and the rest comes."""

import itertools
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from broken_places import answer, good_files, make_zip, pictures_of, snapshot

from labkit import fetch
from labkit.dog_breeds.sources import download

FILES = good_files()
CUT = 1000  # bytes, after which things go wrong
_quiet = threading.Event()  # ends all stalling


class Handler(BaseHTTPRequestHandler):
    """Answers by the server's next fault, and rightly when there is none left."""

    def do_GET(self):
        server = self.server
        self.start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        server.asked.append(self.start)
        self.rest = server.content[self.start :]
        next(server.faults, whole)(self)

    def head(self, status=None, length=None, **headers):
        size = len(self.server.content)
        self.send_response(status or (206 if self.start else 200))
        self.send_header("ETag", '"v1"')
        if self.start:
            self.send_header("Content-Range", f"bytes {self.start}-{size - 1}/{size}")
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not False:
            self.send_header("Content-Length", str(len(self.rest) if length is None else length))
        self.end_headers()

    def log_message(self, *_):
        """Keep quiet."""


def whole(handler):
    handler.head()
    handler.wfile.write(handler.rest)


def drops(handler):
    handler.head()
    handler.wfile.write(handler.rest[:CUT])


def drops_before_a_byte(handler):
    handler.head()


def hangs_up(handler):
    """Close without a word of HTTP."""


def stalls(handler):
    handler.head()
    handler.wfile.write(handler.rest[:CUT])
    handler.wfile.flush()
    _quiet.wait(10)


def stalls_before_a_word(handler):
    _quiet.wait(10)


def promises_too_much(handler):
    handler.head(length=len(handler.rest) + 500)
    handler.wfile.write(handler.rest)


def promises_too_little(handler):
    handler.head(length=len(handler.rest) - 500)
    handler.wfile.write(handler.rest)


def promises_no_number(handler):
    handler.head(length="plenty")
    handler.wfile.write(handler.rest)


def promises_less_than_nothing(handler):
    handler.head(length=-7)
    handler.wfile.write(handler.rest)


def promises_nothing_and_drops(handler):
    handler.head(length=False)
    handler.wfile.write(handler.rest[:CUT])


def sends_more_than_the_piece(handler):
    handler.rest += b"surplus"
    whole(handler)


def sends_a_piece_nobody_asked_for(handler):
    handler.start = 7
    whole(handler)


def login_page(handler):
    handler.start, handler.rest = 0, b"<!doctype html><html>Please sign in</html>"
    handler.head()
    handler.wfile.write(handler.rest)


def leads_in_circles(handler):
    handler.rest = b""
    handler.head(302, Location=handler.path)


def is_gone(handler):
    handler.rest = b""
    handler.head(404)


@contextmanager
def serving(content):
    _quiet.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.content, server.asked, server.faults = content, [], iter(())
    server.url = f"http://127.0.0.1:{server.server_port}/dogs.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        _quiet.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    # Quick to lose patience; the real values are half a minute and half a second.
    for name, value in {"timeout": 0.3, "pause": 0.0, "retries": 2}.items():
        monkeypatch.setitem(download.download_file.__kwdefaults__, name, value)
    archive = make_zip(tmp_path / "served.zip", FILES)
    with serving(archive.read_bytes()) as server:
        archive.unlink()
        yield server


#: What happens once and is over with the next try, and the byte that is then asked for.
PASSING = {
    drops: CUT,
    drops_before_a_byte: 0,
    hangs_up: 0,
    stalls: CUT,
    stalls_before_a_word: 0,
    sends_a_piece_nobody_asked_for: 0,
}


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.__name__)
def test_one_fault_goes_unnoticed(fault, server, tmp_path):
    server.faults = iter([fault])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.asked == [0, PASSING[fault]]


def test_lie_about_a_piece_is_noticed_and_all_is_had_again(server, tmp_path):
    server.faults = iter([drops, sends_more_than_the_piece])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.asked == [0, CUT, 0]


@pytest.mark.parametrize("fault", [promises_no_number, promises_less_than_nothing])
def test_length_that_is_no_number_is_no_promise(fault, server, tmp_path):
    server.faults = iter([fault])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES


KEPT = "bytes are kept and the next call goes on from there; or try"
#: What lasts, the sentence, and the byte at which the next call goes on.
LASTING = {
    drops: (ConnectionError, rf"closed after [\d,]+ of [\d,]+ bytes\); [\d,]+ {KEPT}", "kept"),
    stalls: (ConnectionError, rf"timed out\); [\d,]+ {KEPT}", "kept"),
    stalls_before_a_word: (ConnectionError, r"timed out\); check the network and call again", 0),
    hangs_up: (ConnectionError, r"closed connection .*\); check the network and call again", 0),
    promises_too_much: (ConnectionError, rf"closed after .* {KEPT}", "kept"),
    promises_too_little: (ValueError, "is damaged, cut short .*or try", 0),
    promises_nothing_and_drops: (ValueError, "is damaged, cut short .*or try", 0),
    login_page: (ValueError, "leads to a web page .* asks for a login; or try", 0),
    leads_in_circles: (ConnectionError, "HTTP 302 .*infinite loop.*browser to see why; or try", 0),
    is_gone: (ConnectionError, "HTTP 404 .*browser to see why; or try", 0),
}


THEN = {drops: drops_before_a_byte, stalls: stalls_before_a_word}


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: fault.__name__)
def test_lasting_fault(fault, server, tmp_path):
    kind, sentence, goes_on = LASTING[fault]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_bytes(b"mine")
    # A server that gives a little each time is had whole in the end; this one soon gives nothing.
    server.faults = itertools.chain([fault], itertools.repeat(THEN.get(fault, fault)))
    answer(lambda: fetch(server.url, tmp_path / "out", progress=False), kind, sentence)
    left = snapshot(tmp_path / "out")
    had = len(left.pop(".download.part", b""))
    assert left.keys() - {".download.json"} == {"notes.txt"}
    assert (had > 0) == (goes_on == "kept")
    server.faults, server.asked = iter(()), []
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES | {
        "notes.txt": b"mine"
    }
    assert server.asked[0] == had
