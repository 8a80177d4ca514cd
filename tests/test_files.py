"""A second name: linked, or copied where links are not to be had."""

import errno
import os

import pytest

from labkit.files import link_or_copy


@pytest.fixture
def names(tmp_path):
    (tmp_path / "a").write_bytes(b"dog")
    return tmp_path / "a", tmp_path / "b", tmp_path / "part"


def refuse(code):
    def link(*_):
        raise OSError(code, os.strerror(code))

    return link


def test_link_takes_no_bytes(names):
    source, target, temporary = names
    assert link_or_copy(source, target, temporary)
    assert os.path.samefile(source, target)
    assert not temporary.exists()


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK])
def test_copy_where_links_are_refused(names, monkeypatch, code):
    source, target, temporary = names
    os.utime(source, (1, 1))
    monkeypatch.setattr(os, "link", refuse(code))
    assert not link_or_copy(source, target, temporary)
    assert not os.path.samefile(source, target)
    assert target.read_bytes() == b"dog"
    assert target.stat().st_mtime == 1
    assert not temporary.exists()


def test_full_disk_is_no_reason_to_copy(names, monkeypatch):
    monkeypatch.setattr(os, "link", refuse(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        link_or_copy(*names)
    assert not names[1].exists()


def test_copy_that_breaks_off_leaves_no_target(names, monkeypatch):
    def half(source, target):
        with open(target, "wb") as file:
            file.write(b"d")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse(errno.EXDEV))
    monkeypatch.setattr("shutil.copy2", half)
    with pytest.raises(OSError, match="No space"):
        link_or_copy(*names)
    assert not names[1].exists()


def test_taken_name_is_not_overwritten(names):
    names[1].write_bytes(b"cat")
    with pytest.raises(FileExistsError):
        link_or_copy(*names)
    assert names[1].read_bytes() == b"cat"
