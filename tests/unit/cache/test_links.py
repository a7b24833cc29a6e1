"""Nothing outside of the cache is read or removed through it, whatever others put into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cache.chunks import Grid
from cache.digest import seal, text_digest, unseal
from cache.disk import DiskStore
from cache.layout import Layout
from cache.record import MAX_CHUNK_BYTES, ArrayRecord, Record, new_entry
from cache.store import DamagedError, StoreError
from cache.zarr_format import array_json

KEY = "a" * 32
PIXELS = np.random.default_rng(1).random((600, 5), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "cache")
    with store.begin(KEY) as draft:
        draft.put_array("pixels", PIXELS)
        draft.publish({})
    store.link(KEY, KEY)
    return store


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    folder = tmp_path / "precious"
    (folder / "inner").mkdir(parents=True)
    (folder / "photo.tif").write_text("content")
    (folder / "inner" / "photo.tif").write_text("content")
    return folder


def intact(folder: Path) -> bool:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) == [
        "inner",
        "inner/photo.tif",
        "photo.tif",
    ]


@pytest.mark.parametrize(
    "name", ["objects", "recipes", "drafts", "pending", "scratch", "locks", "quarantine"]
)
def test_a_linked_folder_is_refused_and_what_it_leads_to_is_kept(store, precious, name):
    folder = store.root / name
    if folder.is_dir():
        folder.rename(precious.parent / "moved")
    folder.symlink_to(precious)
    uses = [
        store.sweep,
        store.check,
        lambda: store.trim(0),
        lambda: store.begin(KEY).__enter__(),
        lambda: store.delete(KEY),
        lambda: store.quarantine(KEY),
        lambda: store.link(KEY, KEY),
        lambda: store.lock(KEY).__enter__(),
        lambda: store.scratch().__enter__(),
    ]
    refused = 0
    for use in uses:
        try:
            use()
        except StoreError as error:
            refused += "is a symbolic link" in str(error)
    assert refused > 0
    assert intact(precious)
    DiskStore(store.root).clear()
    assert intact(precious)


def test_a_linked_shelf_is_refused(store, precious):
    shelf = Layout(store.root).home(KEY).parent
    shelf.rename(precious.parent / "moved")
    shelf.symlink_to(precious.parent / "moved")
    for use in (store.find, store.open, store.delete, store.quarantine):
        with pytest.raises(StoreError, match="is a symbolic link"):
            use(KEY)
    assert store.trim(0).removed == 0
    assert list(store.entries()) == []
    assert store.check() == [f"{shelf}: is a symbolic link"]
    assert (precious.parent / "moved" / KEY / "record.json").exists()


@pytest.mark.parametrize("place", ["pixels/c.1.0", "pixels"])
def test_a_link_on_the_way_to_a_chunk_is_refused(store, tmp_path, place):
    linked = Layout(store.root).home(KEY) / place
    linked.rename(tmp_path / "moved")
    linked.symlink_to(tmp_path / "moved")
    with pytest.raises(DamagedError, match=r"symbolic link|its file has|zarr\.json"):
        store.open(KEY)["pixels"][()]


@pytest.mark.parametrize("place", ["pixels/c", "pixels/c/1", "pixels/c/1/0", "pixels"])
def test_a_link_on_the_way_to_a_chunk_of_an_earlier_version_is_refused(store, tmp_path, place):
    linked = nested_chunks(store) / place
    assert np.array_equal(store.open(KEY)["pixels"][()], PIXELS)
    linked.rename(tmp_path / "moved")
    linked.symlink_to(tmp_path / "moved")
    with pytest.raises(DamagedError, match=r"symbolic link|its file has|zarr\.json"):
        store.open(KEY)["pixels"][()]


def nested_chunks(store: DiskStore) -> Path:
    """Lay the result out as earlier versions did, a folder for each row of chunks."""
    home = Layout(store.root).home(KEY)
    for chunk in list((home / "pixels").glob("c.*")):
        path = home / "pixels" / Path(*chunk.name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        chunk.rename(path)
    described = array_json(Grid(PIXELS.shape, (512, 5)), PIXELS.dtype, "/")
    (home / "pixels" / "zarr.json").write_text(described)
    body = unseal((home / "record.json").read_text())
    body["metadata"] = {"pixels": text_digest(described)}
    (home / "record.json").write_text(seal(body))
    return home


def test_holding_a_linked_record_touches_nothing_outside(store, precious):
    record = Layout(store.root).home(KEY) / "record.json"
    record.unlink()
    record.symlink_to(precious / "photo.tif")
    before = (precious / "photo.tif").stat()
    with store.hold(KEY):
        pass
    assert (precious / "photo.tif").stat() == before
    with pytest.raises(DamagedError, match="not a plain file"):
        store.find(KEY)


def write_record(store: DiskStore, array: ArrayRecord, size: int) -> None:
    """Replace the record by one that is sound in itself."""
    home = Layout(store.root).home(KEY)
    metadata = Record.from_text((home / "record.json").read_text()).metadata
    arrays = {"pixels": array}
    text = Record(new_entry(KEY, arrays, {}, size), arrays, metadata).to_text()
    (home / "record.json").write_text(text)


def test_a_shape_that_is_not_stored_is_refused_before_memory_is_set_aside(store):
    digest = "0" * 32
    absurd = ArrayRecord("<f4", (2**29,), (2**29,), (digest,))
    write_record(store, absurd, 2**62)
    with pytest.raises(DamagedError, match="its file"):
        store.open(KEY)
    long = ArrayRecord("<f4", (512 * 3, 5), (512, 5), (digest,) * 3)
    write_record(store, long, 2**62)
    with pytest.raises(DamagedError, match=r"chunk 2\.0: its file is missing"):
        store.open(KEY)


def test_a_record_that_promises_more_than_it_has_bytes_is_refused(store):
    write_record(store, ArrayRecord("<f4", (2**20,), (2**20,), ("0" * 32,)), 100)
    with pytest.raises(DamagedError, match="its arrays 4194304"):
        store.find(KEY)


def test_absurd_chunks_are_refused():
    side = MAX_CHUNK_BYTES // 4 + 1
    with pytest.raises(ValueError, match="has chunks of"):
        ArrayRecord("<f4", (side,), (side,), ("0" * 32,))
