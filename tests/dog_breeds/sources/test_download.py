"""Downloads from a server on this machine that drops, lies, changes and refuses."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from labkit.dog_breeds.sources.download import download_file

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes


@dataclass
class Site:
    """How the server behaves, and what it was asked."""

    content: bytes = CONTENT
    etag: str = '"v1"'
    modified: str = ""
    ranges: bool = True
    lengths: bool = True
    statuses: list = field(default_factory=list)  # answered first, one each
    drops: list = field(default_factory=list)  # bytes after which to hang up, one each
    asked: list = field(default_factory=list)
    url: str = ""

    def start_of(self, headers):
        """Return the first byte to send, by RFC 9110."""
        wanted, validator = headers.get("Range"), headers.get("If-Range")
        if not (self.ranges and wanted) or validator not in (None, self.etag, self.modified):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        site.asked.append(dict(self.headers))
        start = site.start_of(self.headers)
        if site.statuses:
            self._answer(site.statuses.pop(0), {"Content-Length": "0"})
        elif start >= len(site.content) > 0:
            length = {"Content-Range": f"bytes */{len(site.content)}", "Content-Length": "0"}
            self._answer(416, length)
        else:
            self._send(site, start)

    def _send(self, site, start):
        size = len(site.content)
        headers = {"ETag": site.etag, "Last-Modified": site.modified}
        if site.lengths:
            headers["Content-Length"] = str(size - start)
        if start:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self._answer(206 if start else 200, {k: v for k, v in headers.items() if v})
        stop = start + site.drops.pop(0) if site.drops else size
        self.wfile.write(site.content[start:stop])

    def _answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        """Keep quiet."""


@contextmanager
def serve(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = site
    site.url = f"http://127.0.0.1:{server.server_port}/dogs.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def straight_to_the_server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serve(Site()) as site:
        yield site


def get(site, path, **options):
    return download_file(site.url, path, progress=False, pause=0, **options)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_whole_file(site, tmp_path):
    path = get(site, tmp_path / "x")
    assert path.read_bytes() == CONTENT
    assert files(tmp_path) == ["x", "x.json"]


def test_second_call_asks_nothing(site, tmp_path):
    get(site, tmp_path / "x")
    get(site, tmp_path / "x")
    assert len(site.asked) == 1


def test_other_address_starts_afresh(site, tmp_path):
    get(site, tmp_path / "x")
    site.content, site.url = b"other", site.url + "?other"
    assert get(site, tmp_path / "x").read_bytes() == b"other"
    assert "Range" not in site.asked[-1]


def test_dropped_connections_go_on_where_they_broke_off(site, tmp_path):
    site.drops = [100_000, 1, 300_000]
    assert get(site, tmp_path / "x", retries=1).read_bytes() == CONTENT
    starts = [asked.get("Range") for asked in site.asked]
    assert starts == [None, "bytes=100000-", "bytes=100001-", "bytes=400001-"]
    assert site.asked[1]["If-Range"] == '"v1"'


def test_next_call_goes_on_where_a_failed_one_stopped(site, tmp_path):
    site.drops = [50_000]
    with pytest.raises(ConnectionError, match=r"closed after 50,000 of 1,024,000 bytes.*are kept"):
        get(site, tmp_path / "x", retries=0)
    assert files(tmp_path) == ["x.json", "x.part"]
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert site.asked[-1]["Range"] == "bytes=50000-"


def test_killed_run_goes_on(site, tmp_path, monkeypatch):
    module = "labkit.dog_breeds.sources.download"
    with monkeypatch.context() as patch:
        patch.setattr(f"{module}._CHUNK", 1000)
        patch.setattr(f"{module}._read", _read_twice_and_die())
        with pytest.raises(KeyboardInterrupt):
            get(site, tmp_path / "x")
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert site.asked[-1]["Range"].startswith("bytes=")


def _read_twice_and_die():
    chunks = iter((1000, 1000))

    def read(response):
        try:
            return response.read(next(chunks))
        except StopIteration:
            raise KeyboardInterrupt from None

    return read


@pytest.mark.parametrize("validator", ["etag", "date", "none"])
def test_changed_file_is_never_mixed(site, tmp_path, validator):
    """The second half comes from another version: all of it must."""
    site.etag = '"v1"' if validator == "etag" else ""
    site.modified = "Fri, 01 Sep 2017 00:00:00 GMT" if validator == "date" else ""
    site.drops = [50_000]
    with pytest.raises(ConnectionError):
        get(site, tmp_path / "x", retries=0)
    site.content = CONTENT[::-1] + b"longer"
    site.etag = site.etag and '"v2"'
    site.modified = site.modified and "Sat, 02 Sep 2017 00:00:00 GMT"
    assert get(site, tmp_path / "x").read_bytes() == site.content


def test_weak_tag_is_no_validator(site, tmp_path):
    site.etag, site.drops = 'W/"v1"', [50_000]
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert "If-Range" not in site.asked[-1]


def test_server_without_ranges_is_asked_for_the_whole(site, tmp_path):
    site.ranges, site.drops = False, [50_000]
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_server_that_does_not_say_the_length(site, tmp_path):
    site.lengths = False
    assert get(site, tmp_path / "x").read_bytes() == CONTENT


def test_part_that_is_whole_already(site, tmp_path):
    get(site, tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / "x.part")
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert files(tmp_path) == ["x", "x.json"]
    assert len(site.asked) == 2


def test_part_longer_than_the_file_starts_afresh(site, tmp_path):
    get(site, tmp_path / "x").unlink()
    (tmp_path / "x.part").write_bytes(CONTENT + b"more")
    assert get(site, tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("notes", [None, "", "{}", '{"other": 1}', "[]"])
def test_part_of_unknown_origin_starts_afresh(site, tmp_path, notes):
    (tmp_path / "x.part").write_bytes(b"?" * 1000)
    if notes is not None:
        (tmp_path / "x.json").write_text(notes)
    assert get(site, tmp_path / "x").read_bytes() == CONTENT


def test_wrong_length_ends_in_a_sentence(tmp_path):
    """A server that always promises more than it sends."""
    with serve(Site(drops=[1000, *[0] * 9])) as site:
        with pytest.raises(ConnectionError, match=r"closed after 1,000 of 1,024,000"):
            get(site, tmp_path / "x", retries=2)
        assert len(site.asked) == 3  # one with gain, two retries without
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("status", [404, 403, 410])
def test_refusal_is_not_retried(site, tmp_path, status):
    site.statuses = [status]
    with pytest.raises(ConnectionError, match=rf"cannot be downloaded \(HTTP {status} "):
        get(site, tmp_path / "x")
    assert len(site.asked) == 1
    assert files(tmp_path) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_server_is_asked_again(site, tmp_path, status):
    site.statuses = [status, status]
    assert get(site, tmp_path / "x").read_bytes() == CONTENT


def test_busy_for_good(site, tmp_path):
    site.statuses = [503] * 9
    with pytest.raises(ConnectionError, match=r"HTTP 503 .*check the network and call again"):
        get(site, tmp_path / "x", retries=2)
    assert len(site.asked) == 3


def test_web_page_is_no_archive(site, tmp_path):
    site.content = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    with pytest.raises(ValueError, match=r"leads to a web page .* or asks for a login"):
        get(site, tmp_path / "x")
    assert files(tmp_path) == []


def test_nobody_answers(tmp_path):
    with serve(Site()) as site:
        pass
    with pytest.raises(ConnectionError, match=r"cannot be downloaded \(.*refused.*\); check the"):
        get(site, tmp_path / "x", retries=1)


def test_silent_server_counts_as_dropped(tmp_path, site, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(Handler, "_send", lambda *_: release.wait(5))
    try:
        with pytest.raises(ConnectionError, match=r"timed out"):
            get(site, tmp_path / "x", retries=0, timeout=0.1)
    finally:
        release.set()


def test_no_address(tmp_path):
    with pytest.raises(ValueError, match=r"is not an address to download from"):
        download_file("http://[broken", tmp_path / "x", progress=False)


def test_full_disk_is_noticed_before_writing(site, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"takes 1,024,000 bytes and the disk has 1,000 free"):
        get(site, tmp_path / "x")


def test_bar_counts_bytes(site, tmp_path, capsys):
    download_file(site.url, tmp_path / "x")
    assert "0.98M/0.98M" in capsys.readouterr().err
