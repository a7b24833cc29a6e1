from __future__ import annotations

import gc
import os
import threading

import pytest

from cache.locks import OwnedFolder, abandoned, acquire, held, sweep, try_lock


def test_an_owned_folder_outlives_a_sweep_and_vanishes_with_its_owner(tmp_path):
    owned = OwnedFolder.new(tmp_path)
    (owned.path / "file").write_text("content")
    sweep(tmp_path)
    assert (owned.path / "file").exists()
    assert list(abandoned(tmp_path)) == []
    owned.release()
    owned.release()
    assert os.listdir(tmp_path) == []


def test_an_owned_folder_that_is_forgotten_vanishes(tmp_path):
    OwnedFolder.new(tmp_path)
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_a_sweep_takes_what_nobody_holds(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("content")
    (tmp_path / "a.lock").write_text("")
    (tmp_path / "b").mkdir()
    (tmp_path / "c.lock").write_text("")
    (tmp_path / "d.tmp").write_text("a file")
    sweep(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_sweep_does_not_follow_links(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo").write_text("content")
    (tmp_path / "pending" / "inner").mkdir(parents=True)
    (tmp_path / "pending" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "pending" / "inner" / "link").symlink_to(tmp_path / "precious")
    sweep(tmp_path / "pending")
    assert os.listdir(tmp_path / "pending") == []
    assert (tmp_path / "precious" / "photo").read_text() == "content"


def test_a_sweep_of_nothing_is_harmless(tmp_path):
    sweep(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_stale_lock_file_is_harmless(tmp_path):
    (tmp_path / "x.lock").write_text("left behind")
    with held(tmp_path / "x.lock"):
        pass


def test_a_lock_file_goes_with_its_holder(tmp_path):
    with held(tmp_path / "new" / "x.lock"):
        assert os.listdir(tmp_path / "new") == ["x.lock"]
    assert os.listdir(tmp_path / "new") == []


def test_one_at_a_time_though_every_holder_unlinks_the_file(tmp_path):
    inside, most = [0], [0]

    def work():
        for _ in range(20):
            with held(tmp_path / "x.lock"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert os.listdir(tmp_path) == []


def test_sharers_keep_an_exclusive_holder_out(tmp_path):
    path = tmp_path / "record"
    path.write_text("content")
    first, second = (try_lock(path, shared=True, make=False) for _ in range(2))
    assert try_lock(path, make=False) is None
    first.release()
    assert try_lock(path, make=False) is None
    second.release()
    try_lock(path, make=False).release()
    assert path.read_text() == "content"


def test_what_is_missing_or_a_link_is_not_locked(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        try_lock(tmp_path / "missing", make=False)
    with pytest.raises(OSError, match="symbolic links"):
        try_lock(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_waiting_can_be_ended(tmp_path):
    def stop():
        raise TimeoutError

    with held(tmp_path / "x.lock"), pytest.raises(TimeoutError):
        acquire(tmp_path / "x.lock", check=stop)


def test_a_folder_that_is_left_is_taken_over_by_the_next(tmp_path):
    first = OwnedFolder.claim(tmp_path / "a")
    (first.path / "file").write_text("content")
    assert OwnedFolder.claim(tmp_path / "a") is None
    first.leave()
    first.release()
    second = OwnedFolder.claim(tmp_path / "a")
    assert (second.path / "file").read_text() == "content"
    second.release()
    assert os.listdir(tmp_path) == []


def test_a_link_is_not_taken_over(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "a").symlink_to(tmp_path / "precious")
    owned = OwnedFolder.claim(tmp_path / "a")
    assert not owned.path.is_symlink()
    owned.release()
    assert (tmp_path / "precious").exists()
