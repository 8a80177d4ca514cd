"""Servers that drop, stall, lie and lead in circles: what arrived is kept, and the rest comes."""

import itertools
from types import SimpleNamespace

import pytest
from broken_places import answer
from data_sets import good_files, make_zip, pictures_of, snapshot
from http_server import answering, dropping, whole, without_length

from labkit import fetch
from labkit.dog_breeds.sources import download

FILES = good_files()
CUT = 1000  # bytes, after which things go wrong
drops = dropping(CUT)
drops_before_a_byte = dropping(0)
is_busy = answering(503)


def hangs_up(handler):
    """Close without a word of HTTP."""


def stalls(handler):
    drops(handler)
    handler.wfile.flush()
    handler.server.quiet.wait(10)


def stalls_before_a_word(handler):
    handler.server.quiet.wait(10)


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


def sends_a_piece_without_saying_which(handler):
    handler.head(206)
    handler.wfile.write(handler.rest)


def login_page(handler):
    handler.start, handler.rest = 0, b"<!doctype html><html>Please sign in</html>"
    whole(handler)


def leads_in_circles(handler):
    handler.head(302, 0, Location=handler.path)


@pytest.fixture
def server(server, tmp_path, monkeypatch):
    # Quick to lose patience where silence is meant; the real value is half a minute.
    monkeypatch.setitem(download.download_file.__kwdefaults__, "timeout", 0.5)
    archive = make_zip(tmp_path / "served.zip", FILES)
    server.content = archive.read_bytes()
    archive.unlink()
    return server


#: What happens once and is over with the next try, and the byte that is then asked for.
PASSING = {
    "drops": (drops, CUT),
    "drops before a byte": (drops_before_a_byte, 0),
    "hangs up": (hangs_up, 0),
    "stalls": (stalls, CUT),
    "stalls before a word": (stalls_before_a_word, 0),
    "piece that nobody asked for": (sends_a_piece_nobody_asked_for, 0),
    "piece without saying which": (sends_a_piece_without_saying_which, 0),
    "too many requests": (answering(429), 0),
    "internal error": (answering(500), 0),
    "busy": (is_busy, 0),
}


@pytest.mark.parametrize("fault", PASSING)
def test_one_fault_goes_unnoticed(fault, server, tmp_path):
    answers, goes_on = PASSING[fault]
    server.faults = iter([answers])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.starts == [0, goes_on]


def test_each_byte_gained_gives_new_patience(server, tmp_path):
    server.faults = iter([drops, dropping(1), drops_before_a_byte, drops, drops_before_a_byte])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.starts == [0, CUT, CUT + 1, CUT + 1, *[2 * CUT + 1] * 2]


@pytest.mark.parametrize("lie", [sends_more_than_the_piece, sends_a_piece_nobody_asked_for])
def test_lie_about_a_piece_is_noticed_and_all_is_had_again(lie, server, tmp_path):
    server.faults = iter([drops, lie])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.starts == [0, CUT, 0]


@pytest.mark.parametrize("fault", [promises_no_number, promises_less_than_nothing, without_length])
def test_length_that_is_no_number_is_no_promise(fault, server, tmp_path):
    server.faults = iter([fault])
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES
    assert server.starts == [0]


KEPT = "bytes are kept and the next call goes on from there; or try"
AGAIN = "check the network and call again; or try"
SEE = "browser to see why; or try"
#: What happens at first, what then for good, the sentence, and how often it was asked in vain.
LASTING = {
    "drops": (
        drops,
        drops_before_a_byte,
        (ConnectionError, rf"closed after 1,000 of [\d,]+ bytes\); 1,000 {KEPT}"),
        3,
    ),
    "stalls": (
        stalls,
        stalls_before_a_word,
        (ConnectionError, rf"timed out\); [\d,]+ {KEPT}"),
        3,
    ),
    "stalls before a word": (
        stalls_before_a_word,
        stalls_before_a_word,
        (ConnectionError, rf"timed out\); {AGAIN}"),
        3,
    ),
    "hangs up": (hangs_up, hangs_up, (ConnectionError, rf"closed connection .*\); {AGAIN}"), 3),
    "promises too much": (
        promises_too_much,
        promises_too_much,
        (ConnectionError, rf"closed after .* {KEPT}"),
        3,
    ),
    "promises too little": (
        promises_too_little,
        promises_too_little,
        (ValueError, "is damaged, cut short .*or try"),
        1,
    ),
    "promises nothing and drops": (
        promises_nothing_and_drops,
        promises_nothing_and_drops,
        (ValueError, "is damaged, cut short .*or try"),
        1,
    ),
    "login page": (
        login_page,
        login_page,
        (ValueError, "leads to a web page .* asks for a login; or try"),
        1,
    ),
    "leads in circles": (
        leads_in_circles,
        leads_in_circles,
        (ConnectionError, f"HTTP 302 .*infinite loop.*{SEE}"),
        None,
    ),
    "busy": (is_busy, is_busy, (ConnectionError, rf"HTTP 503 Service Un.*\); {AGAIN}"), 3),
    **{
        f"refuses by {status}": (
            answering(status),
            answering(status),
            (ConnectionError, rf"cannot be downloaded \(HTTP {status} \w.*{SEE}"),
            1,
        )
        for status in (403, 404, 410)
    },
}


@pytest.mark.parametrize("fault", LASTING)
def test_lasting_fault(fault, server, tmp_path):
    """Given up after so many requests; what has arrived is kept, and a sound server goes on."""
    first, then, refusal, requests = LASTING[fault]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_bytes(b"mine")
    # A server that gives a little each time is had whole in the end; these soon give nothing.
    server.faults = itertools.chain([first], itertools.repeat(then))
    answer(lambda: fetch(server.url, tmp_path / "out", progress=False), *refusal)
    assert requests in (None, len(server.asked))
    left = snapshot(tmp_path / "out")
    kept = {".download.json", ".download.part"} if "are kept" in refusal[1] else set()
    assert left.keys() == {"notes.txt"} | kept
    had = len(left.get(".download.part", b""))
    assert (had > 0) == bool(kept)
    server.faults = iter(())
    server.asked.clear()
    assert pictures_of(fetch(server.url, tmp_path / "out", progress=False)) == FILES | {
        "notes.txt": b"mine"
    }
    assert server.starts[0] == had


def test_nobody_answers(server, tmp_path):
    server.server_close()
    said = answer(
        lambda: fetch(server.url, tmp_path / "out", progress=False),
        ConnectionError,
        r"cannot be downloaded \(.*refused.*\); check the network",
    )
    assert "Errno" not in said
    assert not (tmp_path / "out").exists()


def test_what_is_no_address(tmp_path):
    answer(
        lambda: fetch("http://[broken", tmp_path / "out", progress=False),
        ValueError,
        r"is not an address to download from \(.*\); give one that begins with https://",
    )


def test_full_disk_is_noticed_before_downloading(server, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=CUT))
    answer(
        lambda: fetch(server.url, tmp_path / "out", progress=False),
        OSError,
        r"Downloading .*dogs.zip takes [\d,]+ bytes and the disk has 1,000 free; make room",
    )
