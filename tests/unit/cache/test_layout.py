from __future__ import annotations

import os
from pathlib import Path

import pytest

from cache.layout import FORMAT, Layout
from cache.locks import OwnedFolder
from cache.store import StoreError


def test_a_new_folder_is_marked(tmp_path):
    layout = Layout(tmp_path / "new" / "cache")
    assert not layout.is_made()
    layout.make()
    layout.make()
    assert layout.is_made()
    tag = (layout.root / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert sorted(os.listdir(layout.root)) == ["CACHEDIR.TAG", "format"]


def test_a_folder_with_other_files_can_hold_a_cache_and_keeps_them(tmp_path):
    (tmp_path / "wisdom").write_text("of FFTW")
    layout = Layout(tmp_path)
    layout.make()
    layout.home("a" * 32).mkdir(parents=True)
    layout.clear()
    assert os.listdir(tmp_path) == ["wisdom"]


def test_a_folder_of_the_same_names_that_is_no_cache_is_refused_and_kept(tmp_path):
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "photo").write_text("content")
    with pytest.raises(StoreError, match=r"'objects' stands there already.+Choose an empty"):
        Layout(tmp_path).make()
    with pytest.raises(StoreError, match="is not a cache folder"):
        Layout(tmp_path).clear()
    assert (tmp_path / "objects" / "photo").exists()


@pytest.mark.parametrize("text", ["unblur cache 2\n", "x" * 1000])
def test_another_format_is_refused(tmp_path, text):
    (tmp_path / "format").write_text(text)
    for use in (Layout(tmp_path).is_made, Layout(tmp_path).make, Layout(tmp_path).clear):
        with pytest.raises(StoreError, match=r"its format is .+ reads 'unblur cache 1\\n'\. Del"):
            use()


def test_clearing_leaves_what_a_live_run_holds(tmp_path):
    layout = Layout(tmp_path / "cache")
    layout.make()
    owned = OwnedFolder.new(layout.folder("pending"))
    layout.clear()
    assert owned.path.exists()
    assert (layout.root / "format").read_text() == FORMAT
    owned.release()
    layout.clear()
    assert not layout.root.exists()


def test_a_run_that_begins_while_the_folder_is_cleared_keeps_its_cache(tmp_path, monkeypatch):
    layout = Layout(tmp_path / "cache")
    layout.make()
    rmdir = Path.rmdir

    def late(path: Path) -> None:
        if path == layout.root:
            layout.folder("locks").mkdir()
        rmdir(path)

    monkeypatch.setattr(Path, "rmdir", late)
    layout.clear()
    assert layout.is_made()


def test_a_folder_that_is_cleared_away_while_it_is_marked_is_made_again(tmp_path, monkeypatch):
    layout = Layout(tmp_path / "cache")
    write, waiting = Path.write_text, [1]

    def late(path: Path, *words: str) -> int:
        if waiting:
            waiting.pop()
            layout.root.rmdir()
        return write(path, *words)

    monkeypatch.setattr(Path, "write_text", late)
    layout.make()
    assert layout.is_made()


def test_clearing_removes_links_and_not_what_they_point_to(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo").write_text("content")
    layout = Layout(tmp_path / "cache")
    layout.make()
    layout.folder("memo").symlink_to(tmp_path / "precious")
    layout.home("a" * 32).parent.mkdir(parents=True)
    layout.home("a" * 32).symlink_to(tmp_path / "precious")
    layout.clear()
    assert not layout.root.exists()
    assert (tmp_path / "precious" / "photo").exists()


def test_only_keys_are_listed(tmp_path):
    layout = Layout(tmp_path)
    for name in ("ab" + "0" * 30, "ab" + "1" * 30 + ".old", "abc", "x.json"):
        (layout.folder("objects") / "ab" / name).mkdir(parents=True)
    assert layout.keys() == ["ab" + "0" * 30]
    assert layout.keys(aside=True) == ["ab" + "1" * 30]
