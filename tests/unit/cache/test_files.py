from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cache.files import folder_bytes, in_its_folder, read_small, told, write_whole
from cache.store import StoreError, StoreFullError


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, StoreFullError, "cache folder /c: no space left. Free some, or choose a"),
        (errno.EDQUOT, StoreFullError, "cache folder /c: no space left. Free some, or choose a"),
        (errno.EACCES, StoreError, "cache folder /c: /c/x can't be written (Permission denied)."),
        (errno.EROFS, StoreError, "cache folder /c: /c/x can't be written (Read-only file"),
        (errno.EMFILE, StoreError, "cache folder /c: [Errno 24] Too many open files"),
    ],
)
def test_errors_of_the_system_are_told_in_the_users_words(number, kind, message):
    with pytest.raises(StoreError) as caught, told(Path("/c")):
        raise OSError(number, os.strerror(number), "/c/x")
    assert type(caught.value) is kind
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("is_open", [True, False])
def test_of_a_move_the_folder_is_named_that_nothing_may_be_moved_to(tmp_path, monkeypatch, is_open):
    old, new = tmp_path / "drafts" / "x", tmp_path / "objects" / "x"
    monkeypatch.setattr(os, "access", lambda path, _: is_open or path != new.parent)
    with pytest.raises(StoreError) as caught, told(tmp_path):
        raise OSError(errno.EACCES, "Permission denied", str(old), None, str(new))
    place = old if is_open else new.parent
    assert f"{place} can't be written (Permission denied)" in str(caught.value)


def test_a_small_file_is_read(tmp_path):
    (tmp_path / "file").write_text("hé")
    assert read_small(tmp_path / "file", 3) == "hé"
    assert read_small(tmp_path / "missing", 3) is None
    assert read_small(tmp_path / "file" / "below", 3) is None
    with pytest.raises(ValueError, match="has 3 bytes, 2 are allowed"):
        read_small(tmp_path / "file", 2)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file"
    write_whole(path, "old", tmp_path / "temporary")
    assert path.read_text() == "old"
    (tmp_path / "blocked").write_text("")
    with pytest.raises(OSError, match="blocked"):
        write_whole(tmp_path / "blocked" / "file", "new", tmp_path / "temporary")
    assert sorted(os.listdir(tmp_path)) == ["blocked", "new"]


@pytest.mark.parametrize("error", [FileExistsError, FileNotFoundError])
def test_a_folder_that_goes_while_it_is_made_is_made_again(tmp_path, monkeypatch, error):
    mkdir, waiting = os.mkdir, [error("gone again")] * 3

    def late(path: Path, mode: int) -> None:
        if waiting:
            raise waiting.pop()
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", late)
    in_its_folder(tmp_path / "new" / "file", (tmp_path / "new" / "file").touch)
    assert os.listdir(tmp_path / "new") == ["file"]


def test_a_file_in_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "new").write_text("")
    with pytest.raises(FileExistsError):
        in_its_folder(tmp_path / "new" / "file", (tmp_path / "new" / "file").touch)


def test_bytes_of_a_folder_are_those_of_its_files(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"1")
    (tmp_path / "a" / "b" / "two").write_bytes(b"22")
    assert folder_bytes(tmp_path) == 3
