from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cache.disk import DiskStore
from cache.memo import FileMemo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that looks a minute old: the clock stands a minute ahead, since ctime can't be set."""
    path = tmp_path / "photo.tif"
    path.write_text("pixels")
    clock = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() + 60_000_000_000)
    return path


def remembered(root: Path, path: Path) -> object:
    """What another process would get."""
    return FileMemo(root).get(path)


def remember(root: Path, path: Path, value: object) -> None:
    memo = FileMemo(root)
    memo.get(path)
    memo.put(path, value)


def memo_file(root: Path) -> Path:
    (path,) = (root / "memo").rglob("*.json")
    return path


def test_a_fact_is_kept_for_an_unchanged_file(root, photo):
    assert remembered(root, photo) is None
    remember(root, photo, {"hash": "ab", "index": [1, 2.5]})
    assert remembered(root, photo) == {"hash": "ab", "index": [1, 2.5]}


def test_paths_are_made_absolute(root, photo, monkeypatch):
    remember(root, photo, 1)
    monkeypatch.chdir(photo.parent)
    assert remembered(root, Path("photo.tif")) == 1


def change_content(photo: Path) -> None:
    photo.write_text("others")


def change_size(photo: Path) -> None:
    photo.write_text("more pixels")


def touch(photo: Path) -> None:
    os.utime(photo)


def change_content_and_set_the_time_back(photo: Path) -> None:
    before = photo.stat()
    photo.write_text("others")
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))


def put_another_file_there(photo: Path) -> None:
    before = photo.stat()
    other = photo.with_name("other")
    other.write_text("others")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(photo)


def remove(photo: Path) -> None:
    photo.unlink()


@pytest.mark.parametrize(
    "change",
    [
        change_content,
        change_size,
        touch,
        change_content_and_set_the_time_back,
        put_another_file_there,
        remove,
    ],
)
def test_a_changed_file_is_forgotten(root, photo, change):
    remember(root, photo, "old")
    time.sleep(0.02)
    change(photo)
    assert remembered(root, photo) is None


def test_a_file_on_another_device_is_another(root, photo, monkeypatch):
    """Two copies of a disk give their files the same inodes and times."""
    remember(root, photo, "old")
    stat = os.stat

    def elsewhere(path: str, **options: bool) -> SimpleNamespace:
        known = stat(path, **options)
        fields = {name: getattr(known, name) for name in dir(known) if name.startswith("st_")}
        return SimpleNamespace(**{**fields, "st_dev": known.st_dev + 1})

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", elsewhere)
        assert remembered(root, photo) is None
    assert remembered(root, photo) == "old"


def test_nothing_is_kept_of_a_file_that_changed_just_now(root, tmp_path):
    """It may change again within the same tick of the file system's clock."""
    path = tmp_path / "fresh"
    path.write_text("pixels")
    os.utime(path, (1, 1))
    remember(root, path, "old")
    assert remembered(root, path) is None
    assert not (root / "memo").exists()


def test_a_change_between_looking_and_keeping_is_not_missed(root, photo):
    memo = FileMemo(root)
    memo.get(photo)
    time.sleep(0.02)
    photo.write_text("others")
    memo.put(photo, "hash of what was read before")
    assert remembered(root, photo) is None


def test_nothing_is_kept_of_a_file_that_was_not_looked_at(root, photo):
    FileMemo(root).put(photo, "unfounded")
    assert remembered(root, photo) is None


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "[" * 100_000, '{"body": 1}', "\x00"])
def test_a_damaged_memo_is_a_miss(root, photo, text):
    remember(root, photo, "good")
    memo_file(root).write_text(text)
    assert remembered(root, photo) is None
    remember(root, photo, "again")
    assert remembered(root, photo) == "again"


def test_any_flipped_bit_in_a_memo_is_a_miss_or_harmless(root, photo):
    remember(root, photo, "good")
    path = memo_file(root)
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 2]) + good[place + 1 :])
        assert remembered(root, photo) in (None, "good")


def test_a_memo_that_cannot_be_written_is_no_error(tmp_path, photo):
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file" / "cache", photo, 1)
    (tmp_path / "foreign" / "objects").mkdir(parents=True)
    remember(tmp_path / "foreign", photo, 1)
    assert remembered(tmp_path / "foreign", photo) is None
    assert os.listdir(tmp_path / "foreign") == ["objects"]


def test_purposes_do_not_see_each_other(root, photo):
    remember(root, photo, "hash")
    assert FileMemo(root, "code").get(photo) is None


def test_names_that_are_no_utf8_are_kept_too(root, photo):
    name = photo.with_name(os.fsdecode(b"photo\xff.tif"))
    photo.rename(name)
    remember(root, name, 1)
    assert remembered(root, name) == 1


def test_a_store_takes_over_a_folder_that_a_memo_made(root, photo):
    remember(root, photo, 1)
    store = DiskStore(root)
    store.link("a" * 32, "b" * 32)
    assert store.check() == []
    store.clear()
    assert not root.exists()
