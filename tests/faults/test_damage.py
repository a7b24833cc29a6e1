"""Each way to damage a stored result is noticed, and told apart."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from cache.disk import DiskStore
from cache.layout import Layout
from cache.store import DamagedError

KEY, OTHER = "a" * 32, "b" * 32
PIXELS = np.random.default_rng(5).random((600, 520, 3), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache")


def publish(store: DiskStore, key: str = KEY, pixels: np.ndarray = PIXELS) -> None:
    with store.begin(key) as draft:
        draft.put_array("pixels", pixels)
        draft.publish({"facts": {"orientation": 1}})


def read(store: DiskStore, key: str = KEY) -> np.ndarray:
    return store.open(key)["pixels"][()]


def home(store: DiskStore, key: str = KEY) -> Path:
    return Layout(store.root).home(key)


class TestDamagedChunks:
    @pytest.fixture(autouse=True)
    def _published(self, store):
        publish(store)

    def chunk(self, store, place="1.0.0") -> Path:
        return home(store) / "pixels" / f"c.{place}"

    def assert_damaged(self, store, why: str) -> None:
        with pytest.raises(DamagedError, match=why) as caught:
            read(store)
        assert caught.value.key == KEY
        assert f'{KEY}: array "pixels", chunk ' in str(caught.value)
        assert store.check() == [str(caught.value)]
        store.quarantine(KEY)
        assert store.check() == []
        assert store.find(KEY) is None

    def test_a_flipped_bit_is_noticed(self, store):
        path = self.chunk(store)
        data = bytearray(path.read_bytes())
        data[1000] ^= 1
        path.write_bytes(data)
        assert np.array_equal(store.open(KEY)["pixels"][:512], PIXELS[:512])
        self.assert_damaged(store, r"chunk 1\.0\.0: its values are not those")

    def test_a_truncated_chunk_is_noticed(self, store):
        os.truncate(self.chunk(store), 12)
        self.assert_damaged(store, "its file has 12 of 3145728 bytes")

    def test_a_chunk_that_grew_is_noticed(self, store):
        with self.chunk(store).open("ab") as file:
            file.write(b"more")
        self.assert_damaged(store, "3145732 of 3145728 bytes")

    def test_a_missing_chunk_is_noticed(self, store):
        self.chunk(store).unlink()
        self.assert_damaged(store, "its file is missing")

    def test_a_missing_chunk_of_zeros_is_noticed(self, store):
        publish(store, pixels=np.zeros_like(PIXELS))
        self.chunk(store).unlink()
        self.assert_damaged(store, "its file is missing")

    def test_a_missing_array_is_noticed(self, store):
        (home(store) / "pixels").rename(store.root / "elsewhere")
        with pytest.raises(DamagedError, match=r"zarr\.json"):
            read(store)

    def test_an_array_behind_a_link_is_refused(self, store):
        array = home(store) / "pixels"
        array.rename(store.root / "elsewhere")
        array.symlink_to(store.root / "elsewhere")
        with pytest.raises(DamagedError, match=r"zarr\.json"):
            read(store)

    @pytest.mark.parametrize(
        ("old", "new"),
        [('"shape"', '"shapes"'), ("600", "601"), ("512", "256"), ("float32", "int32"),
         ('"little"', '"big"'), ("{", ""), ("0.0", "1.0")],
    )  # fmt: skip
    def test_changed_zarr_metadata_is_noticed(self, store, old, new):
        path = home(store) / "pixels" / "zarr.json"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(DamagedError, match=r"zarr\.json"):
            read(store)


class TestDamagedRecords:
    @pytest.fixture(autouse=True)
    def _published(self, store):
        publish(store)

    def assert_damaged(self, store, why: str) -> None:
        for use in (store.find, store.open):
            with pytest.raises(DamagedError, match=why) as caught:
                use(KEY)
            assert caught.value.key == KEY
        assert list(store.entries()) == []
        assert store.check() == [str(caught.value)]
        store.quarantine(KEY)
        publish(store)
        assert np.array_equal(read(store), PIXELS)
        assert store.check() == []

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "not JSON"),
            ("[]", "not JSON"),
            ("{}", "not JSON"),
            ("null", "not JSON"),
            ("[" * 100_000, "not JSON"),
            ('{"body": {}, "checksum": ""}', "wrong checksum"),
            ('{"body": {}, "checksum": 0}', "wrong checksum"),
        ],
    )
    def test_an_unreadable_record_is_noticed(self, store, text, why):
        (home(store) / "record.json").write_text(text)
        self.assert_damaged(store, why)

    def test_a_record_that_is_no_text_is_noticed(self, store):
        (home(store) / "record.json").write_bytes(b"\xff\xfe")
        self.assert_damaged(store, "record")

    def test_a_missing_record_is_noticed(self, store):
        (home(store) / "record.json").unlink()
        self.assert_damaged(store, "its record is missing")

    def test_a_record_of_gigabytes_is_refused(self, store):
        os.truncate(home(store) / "record.json", 2**32)
        self.assert_damaged(store, "has 4294967296 bytes")

    def test_a_record_that_is_a_folder_is_refused(self, store):
        path = home(store) / "record.json"
        path.unlink()
        path.mkdir()
        self.assert_damaged(store, "not a plain file")

    def test_a_record_that_would_block_is_refused(self, store):
        path = home(store) / "record.json"
        path.unlink()
        os.mkfifo(path)
        self.assert_damaged(store, "not a plain file")

    def test_a_record_behind_a_link_is_refused(self, store):
        path = home(store) / "record.json"
        path.rename(store.root / "elsewhere")
        path.symlink_to(store.root / "elsewhere")
        self.assert_damaged(store, "not a plain file")

    def test_a_result_behind_a_link_is_refused(self, store):
        home(store).rename(store.root / "elsewhere")
        home(store).symlink_to(store.root / "elsewhere")
        self.assert_damaged(store, "symbolic link")
        assert (store.root / "elsewhere" / "record.json").exists()

    def test_a_result_of_another_key_is_refused(self, store):
        publish(store, OTHER)
        store.delete(KEY)
        home(store, OTHER).rename(home(store))
        self.assert_damaged(store, f"that of {OTHER}")

    def test_every_flipped_bit_is_noticed_or_harmless(self, store):
        """200 bits anywhere in a result, chunks, records and zarr's own files alike."""
        entry, rng = store.find(KEY), random.Random(2)
        small = np.random.default_rng(0).random((5, 4), np.float32)
        publish(store, pixels=small)
        entry = store.find(KEY)
        files = [path for path in sorted(home(store).rglob("*")) if path.is_file()]
        assert len(files) == 4
        noticed = 0
        for _ in range(200):
            path = rng.choice(files)
            good = path.read_bytes()
            bad = bytearray(good)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            path.write_bytes(bad)
            try:
                assert np.array_equal(read(store), small)
                assert store.find(KEY) == entry
            except DamagedError:
                noticed += 1
            path.write_bytes(good)
        # The group's own zarr.json is for other readers of zarr, not for us.
        assert noticed >= 130

    def test_a_damaged_recipe_is_a_miss(self, store):
        store.link(OTHER, KEY)
        path = Layout(store.root).recipe(OTHER)
        for text in ("", KEY[:-1], KEY.upper(), "../" + KEY, "x" * 1000):
            path.write_text(text)
            assert store.resolve(OTHER) is None
            assert store.check() == [f"{path}: is no recipe"]

    def test_records_are_plain_json_with_no_code(self, store):
        data = json.loads((home(store) / "record.json").read_text())
        assert data["body"]["record"] == {"facts": {"orientation": 1}}
