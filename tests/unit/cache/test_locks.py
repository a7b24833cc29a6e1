from __future__ import annotations

import gc
import os

from cache.locks import OwnedFolder, abandoned, held, sweep


def test_an_owned_folder_outlives_a_sweep_and_vanishes_with_its_owner(tmp_path):
    owned = OwnedFolder(tmp_path)
    (owned.path / "file").write_text("content")
    sweep(tmp_path)
    assert (owned.path / "file").exists()
    assert list(abandoned(tmp_path)) == []
    owned.release()
    owned.release()
    assert os.listdir(tmp_path) == []


def test_an_owned_folder_that_is_forgotten_vanishes(tmp_path):
    OwnedFolder(tmp_path)
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
