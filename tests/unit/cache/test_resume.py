"""Results that were cut short are continued from what verifies, and from nothing else."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cache
from cache.chunks import Grid
from cache.disk import DiskStore
from cache.drafts import JOURNAL, KEPT_SECONDS
from cache.layout import Layout
from cache.resume import Journal
from cache.store import StoreFullError

KEY = "a" * 32
PIXELS = np.random.default_rng(3).random((1100, 520), np.float32)
BANDS = [(slice(start, min(start + 512, 1100)),) for start in (0, 512, 1024)]
GRID, F4 = Grid((4, 4), (2, 2)), np.dtype("f4")


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, tmp_path / JOURNAL)


def begin_and_leave(store: DiskStore, bands: int = 2) -> Path:
    """Write some bands of the picture, publish nothing; give the draft's folder."""
    with store.begin(KEY) as draft:
        array = draft.new_array("pixels", PIXELS.shape, PIXELS.dtype)
        array.is_written(())
        for band in BANDS[:bands]:
            array[band] = PIXELS[band]
    return Layout(store.root).draft(KEY)


def finish(store: DiskStore) -> list[bool]:
    """Write what is missing and publish; tell which bands were there."""
    with store.begin(KEY) as draft:
        array = draft.new_array("pixels", PIXELS.shape, PIXELS.dtype)
        there = [array.is_written(band) for band in BANDS]
        for band, is_there in zip(BANDS, there, strict=True):
            if not is_there:
                array[band] = PIXELS[band]
        draft.publish({"facts": {}})
    assert np.array_equal(store.open(KEY)["pixels"][()], PIXELS)
    assert store.check() == []
    assert os.listdir(store.root / "drafts") == []
    return there


def test_a_killed_writer_is_continued(store):
    code = f"""if True:
        import os, signal
        from pathlib import Path
        import numpy as np
        from cache.disk import DiskStore
        pixels = np.random.default_rng(3).random((1100, 520), np.float32)
        with DiskStore(Path({str(store.root)!r})).begin({KEY!r}) as draft:
            array = draft.new_array("pixels", pixels.shape, pixels.dtype)
            assert not array.is_written(())
            array[512:1024,] = pixels[512:1024]
            os.kill(os.getpid(), signal.SIGKILL)
    """
    home = str(Path(cache.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": home}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    store.sweep()
    assert store.check() == []
    assert finish(store) == [False, True, False]


def test_a_chunk_that_changed_is_not_taken_over(store):
    chunk = begin_and_leave(store) / "pixels" / "c.1.0"
    data = bytearray(chunk.read_bytes())
    data[77] ^= 1
    chunk.write_bytes(data)
    assert finish(store) == [True, False, False]


@pytest.mark.parametrize("harm", ["truncate", "remove", "link"])
def test_a_chunk_that_is_not_whole_is_not_taken_over(store, harm):
    chunk = begin_and_leave(store) / "pixels" / "c.0.1"
    if harm == "truncate":
        os.truncate(chunk, 100)
    else:
        chunk.rename(store.root / "elsewhere")
    if harm == "link":
        chunk.symlink_to(store.root / "elsewhere")
    assert finish(store) == [False, True, False]


def test_an_array_behind_a_link_is_not_taken_over(store):
    array = begin_and_leave(store) / "pixels"
    array.rename(store.root / "elsewhere")
    array.symlink_to(store.root / "elsewhere")
    assert finish(store) == [False, False, False]
    assert (store.root / "elsewhere" / "c.0.0").exists()


def test_what_a_kill_left_beside_the_chunks_is_not_published(store):
    draft = begin_and_leave(store)
    for path in ("pixels/c.2.1", "pixels/c/0/0.ab12.partial", "stray/c.0", "record.json"):
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text("torn")
    (draft / "pixels" / "link").symlink_to(store.root)
    assert finish(store) == [True, True, False]
    left = {p.name for p in (Layout(store.root).home(KEY)).rglob("*") if not p.is_dir()}
    assert left == {"zarr.json", "record.json", *(f"c.{y}.{x}" for y in range(3) for x in range(2))}


def test_a_full_disk_frees_the_finished_chunks_too(store):
    begin_and_leave(store)
    full = StoreFullError("no space left")
    with pytest.raises(RuntimeError), store.begin(KEY):
        raise RuntimeError from full
    assert os.listdir(store.root / "drafts") == []


def test_a_sweep_keeps_what_can_be_continued_for_a_week(store):
    draft = begin_and_leave(store)
    store.sweep()
    assert (draft / JOURNAL).exists()
    old = (draft / JOURNAL).stat().st_mtime - KEPT_SECONDS - 10
    os.utime(draft / JOURNAL, (old, old))
    assert len(store.check()) == 1
    store.sweep()
    assert os.listdir(store.root / "drafts") == []


def test_a_sweep_takes_what_somebody_else_published(store):
    begin_and_leave(store)
    draft = Layout(store.root).draft(KEY)
    draft.rename(store.root / "held back")
    finish(store)
    (store.root / "held back").rename(draft)
    store.sweep()
    assert os.listdir(store.root / "drafts") == []
    assert store.find(KEY) is not None


def test_a_second_writer_of_the_same_result_starts_from_nothing(store):
    begin_and_leave(store)
    with store.begin(KEY) as first:
        assert first.new_array("pixels", PIXELS.shape, PIXELS.dtype).is_written(BANDS[0])
        with store.begin(KEY) as second:
            array = second.new_array("pixels", PIXELS.shape, PIXELS.dtype)
            assert not array.is_written(BANDS[0])
            array[()] = PIXELS
            second.publish({"facts": {}})
    store.sweep()
    assert store.check() == []
    assert np.array_equal(store.open(KEY)["pixels"][()], PIXELS)


class TestJournal:
    def test_it_tells_what_was_added(self, journal):
        part = journal.of("pixels", F4, GRID)
        assert part.earlier() == {}
        assert not journal.path.exists()
        part.add((0, 1), "d" * 32)
        part.add((1, 1), "e" * 32)
        part.add((0, 1), "f" * 32)
        again = Journal(journal.path.parent, journal.path)
        assert again.of("pixels", F4, GRID).earlier() == {(0, 1): "f" * 32, (1, 1): "e" * 32}
        for other in (("psf", F4, GRID), ("pixels", np.dtype("f8"), GRID)):
            assert again.of(*other).earlier() == {}
        assert again.of("pixels", F4, Grid((4, 4), (4, 2))).earlier() == {}

    def test_a_torn_line_is_skipped_and_harms_no_other(self, journal):
        journal.of("pixels", F4, GRID).add((0, 0), "d" * 32)
        whole = journal.path.read_bytes()
        for length in range(len(whole)):
            journal.path.write_bytes(whole[:length])
            torn = Journal(journal.path.parent, journal.path).of("pixels", F4, GRID)
            assert torn.earlier() == {}
            torn.add((1, 0), "e" * 32)
            again = Journal(journal.path.parent, journal.path).of("pixels", F4, GRID)
            assert again.earlier() == {(1, 0): "e" * 32}

    def test_a_flipped_bit_is_skipped(self, journal):
        journal.of("pixels", F4, GRID).add((0, 0), "d" * 32)
        whole = journal.path.read_bytes()
        for place in range(1, len(whole)):
            data = bytearray(whole)
            data[place] ^= 1
            journal.path.write_bytes(data)
            again = Journal(journal.path.parent, journal.path).of("pixels", F4, GRID)
            assert again.earlier() == {}

    def test_a_full_disk_is_told(self, journal, monkeypatch):
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(StoreFullError):
            journal.of("pixels", F4, GRID).add((0, 0), "d" * 32)
