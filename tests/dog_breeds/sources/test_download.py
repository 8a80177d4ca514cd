"""Downloads that are resumed, and never mixed; how servers fail is in tests/faults."""

import pytest
from http_server import dropping, whole, without_length

from labkit.dog_breeds.sources.download import download_file

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes


@pytest.fixture
def site(server):
    server.content = CONTENT
    return server


def get(site, path, **options):
    return download_file(site.url, path, progress=False, **options)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def broken_off(site, path, after=50_000):
    """Let a download fail after so many bytes."""
    site.faults = iter([dropping(after)])
    with pytest.raises(ConnectionError, match=r"closed after .* are kept"):
        get(site, path, retries=0)


def test_whole_file(site, tmp_path):
    path = get(site, tmp_path / "x")
    assert path.read_bytes() == CONTENT
    assert files(tmp_path) == ["x", "x.json"]


def test_second_call_asks_nothing(site, tmp_path):
    get(site, tmp_path / "x")
    get(site, tmp_path / "x")
    assert len(site.asked) == 1


def test_other_address_starts_afresh(site, tmp_path):
    broken_off(site, tmp_path / "x")
    site.content = b"other"
    path = download_file(f"{site.url}?other", tmp_path / "x", progress=False)
    assert path.read_bytes() == b"other"
    assert "Range" not in site.asked[-1]


def test_next_call_goes_on_where_a_failed_one_stopped(site, tmp_path):
    broken_off(site, tmp_path / "x")
    assert files(tmp_path) == ["x.json", "x.part"]
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert site.asked[-1]["Range"] == "bytes=50000-"
    assert site.asked[-1]["If-Range"] == '"v1"'


def test_killed_run_goes_on(site, tmp_path, monkeypatch):
    chunks = iter((1000, 1000))

    def read_twice_and_die(response):
        for size in chunks:
            return response.read(size)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("labkit.dog_breeds.sources.download._read", read_twice_and_die)
        with pytest.raises(KeyboardInterrupt):
            get(site, tmp_path / "x")
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert site.starts == [0, 2000]


@pytest.mark.parametrize("validator", ["etag", "date", "none"])
def test_changed_file_is_never_mixed(site, tmp_path, validator):
    """The second half comes from another version: all of it must."""
    site.etag = '"v1"' if validator == "etag" else ""
    site.modified = "Fri, 01 Sep 2017 00:00:00 GMT" if validator == "date" else ""
    broken_off(site, tmp_path / "x")
    site.content = CONTENT[::-1] + b"longer"
    site.etag = site.etag and '"v2"'
    site.modified = site.modified and "Sat, 02 Sep 2017 00:00:00 GMT"
    assert get(site, tmp_path / "x").read_bytes() == site.content


def test_weak_tag_is_no_validator(site, tmp_path):
    site.etag = 'W/"v1"'
    broken_off(site, tmp_path / "x")
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert "If-Range" not in site.asked[-1]


def test_server_without_ranges_is_asked_for_the_whole(site, tmp_path):
    broken_off(site, tmp_path / "x")
    site.ranges = False
    assert get(site, tmp_path / "x").read_bytes() == CONTENT
    assert len(site.asked) == 2


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


@pytest.mark.parametrize(("answers", "said"), [(whole, "0.98M/0.98M"), (without_length, "0.98MB")])
def test_bar_counts_bytes(site, tmp_path, capsys, answers, said):
    site.faults = iter([answers])
    download_file(site.url, tmp_path / "x")
    assert said in capsys.readouterr().err
