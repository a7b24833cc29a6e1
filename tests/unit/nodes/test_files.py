"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Event

import pytest
from xxhash import xxh3_128_hexdigest

from nodes.files import file_digest, replacing


def test_file_and_missing_folders_appear(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "photo.tif"
    with replacing(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert os.listdir(path.parent) == ["photo.tif"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["photo.tif"]


def test_what_a_killed_process_left_is_removed_and_no_others_file(tmp_path: Path) -> None:
    path = tmp_path / "photo[1].tif"
    left, other = tmp_path / ".photo[1].tif.01234567.part", tmp_path / ".photo.tif.01234567.part"
    left.write_bytes(b"half")
    other.write_bytes(b"half")
    with replacing(path) as first:
        first.write(b"first")
        with replacing(path) as second:
            second.write(b"second")
    assert path.read_bytes() == b"first"
    assert sorted(os.listdir(tmp_path)) == [other.name, path.name]


def test_folder_as_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"is a folder\. Give the name of a file in it\."):
        with replacing(tmp_path):
            pass


def test_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="a file stands where a folder should"):
        with replacing(tmp_path / "out" / "photo.tif"):
            pass


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EACCES, PermissionError, r"no permission\. Choose another folder"),
        (errno.EROFS, PermissionError, r"no permission\. Choose another folder"),
        (errno.ENOSPC, OSError, r"the disk is full\. Free some space"),
    ],
)
def test_system_errors_are_told(
    tmp_path: Path, number: int, kind: type[OSError], words: str
) -> None:
    with pytest.raises(kind, match=words), replacing(tmp_path / "photo.tif"):
        raise OSError(number, os.strerror(number))
    assert os.listdir(tmp_path) == []


def test_what_the_disk_says_while_the_file_is_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk says it once: the last fsync of all finds nothing wrong."""
    told = Event()

    def fsync(_: int) -> None:
        if not told.is_set():
            told.set()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def make() -> None:
        with replacing(tmp_path / "photo.tif") as file:
            file.write(b"new")
            assert told.wait(timeout=10)

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "photo.tif").write_bytes(b"old")
    with pytest.raises(OSError, match="the disk is full"):
        make()
    assert os.listdir(tmp_path) == ["photo.tif"]
    assert (tmp_path / "photo.tif").read_bytes() == b"old"


def test_file_rights_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "photo.tif"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "photo.tif").stat().st_mode & 0o777 == 0o640


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes" * 1_000_000)
    assert file_digest(path) == xxh3_128_hexdigest(b"bytes" * 1_000_000)
