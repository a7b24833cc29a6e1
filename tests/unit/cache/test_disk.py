"""What the disk store promises beyond the contract of all stores."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import zarr
import zarr.storage

import cache
from cache.chunks import chunk_shape
from cache.disk import KEPT_IN_QUARANTINE, DiskStore
from cache.layout import Layout
from cache.store import StoreError

KEY, OTHER = "ab" + "0" * 30, "cd" + "0" * 30
PIXELS = np.random.default_rng(5).random((600, 20, 3), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache")


def publish(store: DiskStore, key: str = KEY) -> None:
    with store.begin(key) as draft:
        draft.put_array("pixels", PIXELS)
        draft.publish({"facts": {}})


def test_looking_makes_no_folder(store):
    store.find(KEY)
    store.resolve(KEY)
    store.delete(KEY)
    store.quarantine(KEY)
    store.sweep()
    assert list(store.entries()) == store.check() == []
    assert not store.root.exists()


def test_a_result_is_a_zarr_group_that_others_can_read(store):
    publish(store)
    group = zarr.open_group(store.root / "objects" / "ab" / KEY, mode="r")
    assert np.array_equal(group["pixels"][...], PIXELS)
    assert group["pixels"].chunks == (512, 20, 3)
    assert group["pixels"].compressors == ()
    assert group.metadata.zarr_format == 3


@pytest.mark.parametrize(
    "dtype", ["<f4", "<f8", "<f2", "|u1", "<u2", "|i1", "<i8", "|b1", "<c8", "<c16"]
)
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (600, 3), (520, 600, 2)])
def test_files_are_those_that_zarr_writes(store, tmp_path, dtype, shape):
    values = np.random.default_rng(3).integers(0, 2, shape).astype(dtype)
    with store.begin(KEY) as draft:
        draft.put_array("values", values)
        draft.publish({})
    home = store.root / "objects" / "ab" / KEY / "values"
    theirs = zarr.create_array(
        zarr.storage.LocalStore(tmp_path / "theirs"),
        shape=shape,
        chunks=chunk_shape(shape),
        dtype=dtype,
        compressors=None,
        filters=None,
        chunk_key_encoding={"name": "default", "separator": "."},
        config={"write_empty_chunks": True},
    )
    theirs[...] = values
    files = {path.relative_to(home) for path in home.rglob("*") if path.is_file()}
    others = (tmp_path / "theirs").rglob("*")
    assert files == {path.relative_to(tmp_path / "theirs") for path in others if path.is_file()}
    for file in files - {Path("zarr.json")}:
        assert (home / file).read_bytes() == (tmp_path / "theirs" / file).read_bytes()
    ours = json.loads((home / "zarr.json").read_text())
    assert ours == json.loads((tmp_path / "theirs" / "zarr.json").read_text())


def test_a_second_run_needs_no_zarr_to_know_what_is_there(store):
    publish(store)
    store.link(OTHER, KEY)
    code = f"""if True:
        import sys
        from pathlib import Path
        from cache.disk import DiskStore
        store = DiskStore(Path({str(store.root)!r}))
        assert store.find(store.resolve({OTHER!r})).record == {{"facts": {{}}}}
        assert store.open({KEY!r})["pixels"].shape == (600, 20, 3)
        assert list(store.entries())
        with store.hold({KEY!r}), store.lock({KEY!r}), store.scratch() as other:
            with other.begin({KEY!r}) as draft:
                draft.publish({{}})
        print(sorted({{"zarr", "dask", "scipy"}} & set(sys.modules)))
    """
    home = str(Path(cache.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": home},
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout == "[]\n"


def test_holding_notes_the_last_use(store):
    assert store.last_used(KEY) == 0
    publish(store)
    os.utime(Layout(store.root).home(KEY) / "record.json", (5, 5))
    assert store.last_used(KEY) == 5
    with store.hold(KEY):
        assert store.last_used(KEY) > 1e9


def test_quarantine_keeps_the_newest(store):
    for _ in range(KEPT_IN_QUARANTINE + 3):
        publish(store)
        store.quarantine(KEY)
    kept = sorted(os.listdir(store.root / "quarantine"))
    assert len(kept) == KEPT_IN_QUARANTINE
    assert all(name.endswith(f"-{KEY}") for name in kept)
    publish(store, OTHER)
    store.quarantine(OTHER)
    assert sorted(os.listdir(store.root / "quarantine"))[:-1] == kept[1:]
    assert store.check() == []


def test_a_scratch_store_vanishes_with_its_block(store):
    publish(store)
    with store.scratch() as scratch:
        publish(scratch)
        store.sweep()
        assert np.array_equal(scratch.open(KEY)["pixels"][()], PIXELS)
        assert scratch.check() == store.check() == []
    assert os.listdir(store.root / "scratch") == []


def test_clearing_removes_the_folder_if_nothing_else_is_in_it(store):
    publish(store)
    store.link(OTHER, KEY)
    store.quarantine(KEY)
    with store.lock(KEY):
        pass
    (store.root / "wisdom").write_text("not ours")
    store.clear()
    assert os.listdir(store.root) == ["wisdom"]
    publish(store)
    (store.root / "wisdom").unlink()
    store.clear()
    assert not store.root.exists()
    store.clear()  # nothing is left to remove
    store.root.mkdir()
    (store.root / "letter").write_text("not ours")
    with pytest.raises(StoreError, match="not a cache folder"):
        store.clear()


@pytest.mark.parametrize("use", ["trim", "delete", "clear"])
def test_room_can_be_made_on_a_full_disk(store, monkeypatch, use):
    def mkdir(path: Path, *_: object, exist_ok: bool = False, **__: object) -> None:
        if not (exist_ok and path.is_dir()):  # ext4 needs a block for a folder, for a lock none
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    publish(store)
    store.link(OTHER, KEY)
    full = DiskStore(store.root)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    {"trim": lambda: full.trim(0), "delete": lambda: full.delete(KEY), "clear": full.clear}[use]()
    assert full.find(KEY) is None
    assert full.check() == []


def test_a_cleared_store_can_be_used_again(store):
    publish(store)
    store.clear()
    publish(store)
    assert np.array_equal(store.open(KEY)["pixels"][()], PIXELS)


def test_another_format_is_refused_by_everything(store):
    publish(store)
    (store.root / "format").write_text("unblur cache 9\n")
    other = DiskStore(store.root)
    for use in (other.find, other.open, other.begin):
        with pytest.raises(StoreError, match="unblur cache 9"):
            use(KEY)


def test_files_are_made_with_the_users_umask(store):
    before = os.umask(0o002)
    try:
        publish(store)
        store.link(OTHER, KEY)
        with store.lock(KEY), store.begin(OTHER) as draft:
            draft.new_array("pixels", (3,), "f4").is_written(())
            made = {path: path.stat().st_mode for path in store.root.rglob("*")}
    finally:
        os.umask(before)
    assert len([path for path in made if path.suffix == ".lock"]) == 3
    for path, mode in made.items():
        assert mode & 0o777 == (0o775 if stat.S_ISDIR(mode) else 0o664), path


def test_a_cache_that_cannot_be_locked_is_still_read(store):
    publish(store)
    store.link(OTHER, KEY)
    (store.root / "locks").rmdir()
    (store.root / "locks").write_text("nothing can be made below a file")
    reader = DiskStore(store.root)
    assert reader.find(OTHER) is None
    assert reader.resolve(OTHER) == KEY
    assert np.array_equal(reader.open(KEY)["pixels"][()], PIXELS)
    assert reader.check() == []
    with pytest.raises(StoreError, match="choose another cache folder"):
        reader.lock(KEY).__enter__()


def test_check_names_what_does_not_belong(store):
    publish(store)
    layout = Layout(store.root)
    strangers = [
        layout.folder("objects") / "ab" / "notes",
        layout.folder("objects") / "zz" / KEY,
        layout.folder("recipes") / "ab" / "notes",
        layout.folder("pending") / "stray",
    ]
    for path in strangers:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    faults = "\n".join(store.check())
    for path in strangers:
        assert str(path) in faults


def test_what_a_process_leaves_that_dies_meanwhile_is_mended_as_well(store):
    publish(store)
    stray = Layout(store.root).folder("pending") / "stray"

    def die(done: int, total: int) -> None:
        stray.mkdir(parents=True)

    found = store.verify(fix=True, progress=die)
    assert found.faults == [f"{stray}: left behind by a process that died"]
    assert found.mended == 1
    assert store.check() == []


@pytest.mark.parametrize("name", ["objects", f"objects/{KEY[:2]}"])
def test_a_cache_with_a_folder_of_somebody_elses_is_read_only(store, monkeypatch, name):
    assert not store.is_read_only()
    publish(store)
    assert not store.is_read_only()
    theirs = (store.root / name, os.W_OK)
    monkeypatch.setattr(os, "access", lambda *asked: asked != theirs)
    assert store.is_read_only()
    assert store.locked_folder() == theirs[0]


def test_a_cache_that_is_removed_while_a_run_writes_to_it_can_be_used_again(store):
    with store.lock(KEY):
        publish(store)
        shutil.rmtree(store.root)
        (store.root / "locks").mkdir(parents=True)  # as whoever locks a result does
    publish(DiskStore(store.root))
    assert store.check() == []


def test_a_cache_that_is_removed_for_good_stays_away(store):
    with store.lock(KEY):
        shutil.rmtree(store.root)
    assert not store.root.exists()


def test_a_folder_whose_mark_is_empty_is_not_called_sound(store: DiskStore) -> None:
    publish(store)
    (store.root / "format").write_text("")
    assert store.verify().faults == [f"{store.root / 'format'}: is empty"]


def test_a_mark_that_is_being_written_is_no_fault(store: DiskStore) -> None:
    publish(store)
    mark = store.root / "format"
    text = mark.read_text()
    mark.write_text("")
    writer = threading.Timer(0.1, lambda: mark.write_text(text))
    writer.start()
    assert store.verify().faults == []
    writer.join()
