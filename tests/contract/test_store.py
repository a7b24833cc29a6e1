"""What every store promises, run against each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cache.disk import DiskStore
from cache.memory import MemoryStore
from cache.store import DamagedError, Entry, GoneError, Store, StoreError

KEY, OTHER, RECIPE = "a" * 32, "b" * 32, "c" * 32


def picture(height: int = 700, width: int = 600, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(7).random((height, width, channels), np.float32)


def publish(store: Store, key: str = KEY, facts: dict | None = None, **arrays) -> Entry:
    with store.begin(key) as draft:
        for name, values in arrays.items():
            draft.put_array(name, values)
        return draft.publish({"facts": facts or {}, "seconds": 1.5})


class StoreContract:
    """Subclasses give the `store`."""

    @pytest.fixture(autouse=True)
    def _check(self, store: Store) -> Iterator[None]:
        yield
        assert store.check() == []

    def test_an_unknown_key_is_a_miss(self, store):
        assert store.find(KEY) is None
        assert store.resolve(RECIPE) is None
        assert list(store.entries()) == []
        store.delete(KEY)
        store.quarantine(KEY)
        with pytest.raises(GoneError, match="not in the"):
            store.open(KEY)
        with pytest.raises(GoneError, match="not in the"), store.hold(KEY):
            pass

    def test_what_is_published_is_read_back(self, store):
        pixels, psf = picture(), np.eye(15, dtype=np.float64)
        entry = publish(store, pixels=pixels, psf=psf)
        arrays = store.open(KEY)
        assert set(arrays) == {"pixels", "psf"}
        assert np.array_equal(arrays["pixels"][:, :], pixels)
        assert np.array_equal(arrays["psf"][:, :], psf)
        assert arrays["pixels"].shape == pixels.shape
        assert arrays["psf"].dtype == np.float64
        assert entry.bytes >= pixels.nbytes + psf.nbytes

    def test_the_entry_found_is_the_entry_published(self, store):
        facts = {"icc": None, "orientation": 1, "gamma": 2.2, "tags": ["a", {"b": True}]}
        entry = publish(store, facts=facts, pixels=picture(20, 30))
        assert store.find(KEY) == entry
        assert list(store.entries()) == [entry]
        assert entry.record == {"facts": facts, "seconds": 1.5}

    def test_a_perfect_score_is_kept(self, store):
        entry = publish(store, facts={"psnr": float("inf")})
        found = store.find(KEY)
        assert found == entry
        assert found.record["facts"]["psnr"] == float("inf")

    @pytest.mark.parametrize("dtype", ["bool", "u1", "i2", "u2", "i8", "f2", "f4", "f8", "c8"])
    def test_every_plain_dtype_is_kept(self, store, dtype):
        values = np.arange(60).reshape(3, 4, 5).astype(dtype)
        publish(store, values=values)
        stored = store.open(KEY)["values"]
        assert stored.dtype == values.dtype
        assert np.array_equal(stored[()], values)

    @pytest.mark.parametrize("shape", [(), (1,), (0,), (5, 0, 3), (513,), (1, 1, 1), (2, 3, 4, 5)])
    def test_every_shape_is_kept(self, store, shape):
        values = np.random.default_rng(1).random(shape)
        publish(store, values=values)
        stored = store.open(KEY)["values"]
        assert stored.shape == shape
        assert np.array_equal(stored[()], values)

    def test_values_are_kept_bit_by_bit(self, store):
        values = np.array([np.nan, -0.0, np.inf, 1e-45, -3.5], np.float32)
        publish(store, values=values)
        assert store.open(KEY)["values"][()].tobytes() == values.tobytes()

    def test_any_region_can_be_read(self, store):
        pixels = picture(1100, 530)
        publish(store, pixels=pixels)
        stored = store.open(KEY)["pixels"]
        rng = np.random.default_rng(3)
        for _ in range(20):
            (y0, y1), (x0, x1) = (sorted(rng.integers(0, n, 2)) for n in pixels.shape[:2])
            region = (slice(y0, y1), slice(x0, x1), slice(None))
            assert np.array_equal(stored[region], pixels[region])
        assert np.array_equal(stored[...], pixels)
        assert np.array_equal(np.asarray(stored), pixels)

    def test_changing_what_was_read_changes_nothing_stored(self, store):
        values = picture(520, 40)
        publish(store, values=values)
        stored = store.open(KEY)["values"]
        for region in [(slice(0, 512),), (slice(0, 9),), (slice(0, 512),)]:
            block = stored[region]
            assert np.array_equal(block, values[region])
            block[...] = -1

    def test_an_array_is_written_by_threads_in_any_order(self, store):
        pixels = picture(1500, 1100)
        with store.begin(KEY) as draft:
            array = draft.new_array("pixels", pixels.shape, pixels.dtype)
            regions = _regions(array)

            def write(region):
                array[region] = pixels[region]

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(write, reversed(regions)))
            entry = draft.publish({"facts": {}})
        assert np.array_equal(store.open(KEY)["pixels"][()], pixels)
        assert entry.digest == publish(store, OTHER, pixels=pixels).digest

    def test_a_written_region_can_be_read_before_publishing(self, store):
        pixels = picture(700, 300)
        with store.begin(KEY) as draft:
            array = draft.new_array("pixels", pixels.shape, pixels.dtype)
            array[0:512, :, :] = pixels[:512]
            assert np.array_equal(array[100:200, 5:9], pixels[100:200, 5:9])
            with pytest.raises(ValueError, match="no values yet"):
                array[500:520, :]

    def test_a_chunk_is_written_once(self, store):
        with store.begin(KEY) as draft:
            array = draft.new_array("values", (5,), "f4")
            array[0:5,] = np.zeros(5, np.float32)
            with pytest.raises(ValueError, match="once"):
                array[0:5,] = np.zeros(5, np.float32)

    @pytest.mark.parametrize(
        ("region", "block"),
        [
            ((slice(0, 100),), np.zeros((100, 600), np.float32)),
            ((slice(100, 700),), np.zeros((600, 600), np.float32)),
            ((slice(0, 512),), np.zeros((512, 599), np.float32)),
            ((slice(0, 512),), np.zeros((512, 600), np.float64)),
        ],
    )
    def test_a_block_that_does_not_fit_is_refused(self, store, region, block):
        with store.begin(KEY) as draft:
            array = draft.new_array("values", (700, 600), np.float32)
            with pytest.raises(ValueError, match=r'array "values": got .+\. (Write|The region)'):
                array[region] = block

    @pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "1a", "zarr.json", "ä"])
    def test_a_name_that_is_no_identifier_is_refused(self, store, name):
        with store.begin(KEY) as draft, pytest.raises(ValueError, match="array name"):
            draft.new_array(name, (1,), "f4")

    @pytest.mark.parametrize("dtype", ["O", ">f4", "U3", "M8[s]", [("a", "f4")]])
    def test_a_dtype_that_is_no_plain_number_is_refused(self, store, dtype):
        with store.begin(KEY) as draft, pytest.raises(ValueError, match="dtype"):
            draft.new_array("values", (1,), dtype)

    @pytest.mark.parametrize("key", ["", "a" * 31, "A" * 32, "../" + "a" * 29, "a" * 32 + "\n"])
    def test_a_key_that_is_none_is_refused(self, store, key):
        for use in (store.find, store.open, store.begin, store.delete, store.resolve):
            with pytest.raises(ValueError, match="32 hexadecimal digits"):
                use(key)

    def test_a_draft_left_unpublished_leaves_nothing(self, store):
        with store.begin(KEY) as draft:
            draft.put_array("values", picture(9, 9))
        assert store.find(KEY) is None

    def test_a_draft_that_was_cut_short_is_continued(self, store):
        pixels = picture(1500, 600)
        top, rest = (slice(0, 512),), (slice(512, 1500),)
        with store.begin(KEY) as draft:
            array = draft.new_array("pixels", pixels.shape, pixels.dtype)
            assert not array.is_written(top)
            array[top] = pixels[top]
        assert store.find(KEY) is None
        with store.begin(KEY) as draft:
            array = draft.new_array("pixels", pixels.shape, pixels.dtype)
            assert array.is_written(top)
            assert not array.is_written(rest)
            assert not array.is_written((slice(0, 1500),))
            assert np.array_equal(array[top], pixels[top])
            array[rest] = pixels[rest]
            assert array.is_written(rest)
            entry = draft.publish({"facts": {}})
        assert np.array_equal(store.open(KEY)["pixels"][()], pixels)
        assert entry.digest == publish(store, OTHER, pixels=pixels).digest

    @pytest.mark.parametrize("change", [{"shape": (700, 500)}, {"dtype": "f8"}, {"name": "other"}])
    def test_chunks_of_another_array_are_not_taken_over(self, store, change):
        known = {"name": "pixels", "shape": (700, 600), "dtype": "f4"}
        with store.begin(KEY) as draft:
            array = draft.new_array(**known)
            assert not array.is_written(())
            array[()] = np.ones(known["shape"], np.float32)
        with store.begin(KEY) as draft:
            assert not draft.new_array(**known | change).is_written((slice(0, 512),))

    def test_what_was_finished_may_be_written_again(self, store):
        for values in (np.zeros((600, 3)), np.ones((600, 3))):
            with store.begin(KEY) as draft:
                array = draft.new_array("values", values.shape, values.dtype)
                array.is_written(())
                array[0:512,] = values[:512]
                if values.any():
                    array[512:600,] = values[512:]
                    draft.publish({})
        assert np.array_equal(store.open(KEY)["values"][()], values)

    def test_a_passing_array_is_continued_but_no_part_of_the_result(self, store):
        kept, pixels = picture(9, 9), picture(20, 20)
        with store.begin(KEY) as draft:
            array = draft.new_array("kept", kept.shape, kept.dtype, passing=True)
            assert not array.is_written(())
            array[()] = kept
        with store.begin(KEY) as draft:
            array = draft.new_array("kept", kept.shape, kept.dtype, passing=True)
            assert array.is_written(())
            assert np.array_equal(array[()], kept)
            draft.new_array("begun", (5,), "f4", passing=True)  # never written
            draft.put_array("pixels", pixels)
            entry = draft.publish({"facts": {}})
        assert set(store.open(KEY)) == {"pixels"}
        assert entry.digest == publish(store, OTHER, pixels=pixels).digest

    def test_a_draft_whose_arrays_were_never_asked_about_leaves_nothing(self, store):
        with store.begin(KEY) as draft:
            array = draft.new_array("values", (600, 3), "f4")
            array[0:512,] = np.ones((512, 3), np.float32)
        with store.begin(KEY) as draft:
            assert not draft.new_array("values", (600, 3), "f4").is_written((slice(0, 512),))

    def test_publishing_before_all_is_written_is_refused(self, store):
        with store.begin(KEY) as draft:
            array = draft.new_array("pixels", (1000, 10), np.float32)
            array[0:512, :] = np.ones((512, 10), np.float32)
            with pytest.raises(StoreError, match="1 of 2 chunks were never written"):
                draft.publish({})
        assert store.find(KEY) is None

    def test_publishing_twice_is_refused(self, store):
        with store.begin(KEY) as draft:
            draft.publish({})
            with pytest.raises(StoreError, match="before"):
                draft.publish({})

    def test_a_draft_that_has_ended_takes_no_more(self, store):
        values = np.zeros((1000, 5), np.float32)
        with store.begin(KEY) as draft:
            array = draft.new_array("values", values.shape, values.dtype)
            array[0:512,] = values[:512]
        for late in (
            lambda: array.__setitem__((slice(512, 1000),), values[512:]),
            lambda: draft.put_array("others", values),
            lambda: draft.publish({}),
        ):
            with pytest.raises(StoreError, match="published or discarded before"):
                late()

    def test_publishing_again_replaces(self, store):
        publish(store, values=np.zeros(3))
        second = publish(store, values=np.ones(4))
        assert store.find(KEY) == second
        assert np.array_equal(store.open(KEY)["values"][()], np.ones(4))

    def test_a_deleted_result_is_gone(self, store):
        publish(store, values=np.zeros(3))
        publish(store, OTHER, values=np.zeros(3))
        store.delete(KEY)
        assert store.find(KEY) is None
        assert [entry.key for entry in store.entries()] == [OTHER]

    def test_a_quarantined_result_is_out_of_the_way(self, store):
        publish(store, values=np.zeros(3))
        store.quarantine(KEY)
        assert store.find(KEY) is None
        again = publish(store, values=np.zeros(3))
        assert store.find(KEY) == again

    def test_a_recipe_leads_to_its_result(self, store):
        store.link(RECIPE, KEY)
        assert store.resolve(RECIPE) == KEY
        store.link(RECIPE, OTHER)
        assert store.resolve(RECIPE) == OTHER

    def test_a_digest_tells_values_and_facts_and_nothing_else(self, store):
        values = np.arange(6, dtype=np.float32)
        digest = publish(store, values=values).digest
        with store.begin(OTHER) as draft:
            draft.put_array("values", values)
            assert draft.publish({"seconds": 99, "facts": {}, "details": [1]}).digest == digest
        different = [
            publish(store, OTHER, values=values + 1),
            publish(store, OTHER, values=values.astype(np.float64)),
            publish(store, OTHER, values=values.view(np.int32)),
            publish(store, OTHER, values=values.reshape(2, 3)),
            publish(store, OTHER, others=values),
            publish(store, OTHER, values=values, others=values),
            publish(store, OTHER, facts={"a": 1}, values=values),
            publish(store, OTHER, facts={"a": 1.0}, values=values),
            publish(store, OTHER, facts={"a": "1"}, values=values),
            publish(store, OTHER, facts={"a": True}, values=values),
        ]
        assert len({digest, *(entry.digest for entry in different)}) == len(different) + 1

    def test_the_order_of_arrays_and_facts_is_no_part_of_the_digest(self, store):
        a, b = np.zeros(2), np.ones(3)
        first = publish(store, facts={"x": 1, "y": 2}, a=a, b=b)
        second = publish(store, OTHER, facts={"y": 2, "x": 1}, b=b, a=a)
        assert first.digest == second.digest

    def test_a_lock_is_held_by_one_at_a_time_and_the_others_say_so_once(self, store):
        inside, waited = threading.Event(), threading.Event()
        order: list[str] = []

        def second():
            inside.wait(5)
            with store.lock(KEY, on_wait=lambda: (order.append("waits"), waited.set())):
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with store.lock(KEY, on_wait=lambda: order.append("never")):
            inside.set()
            assert waited.wait(5)
            with store.lock(OTHER):
                order.append("first")
        thread.join(5)
        assert order == ["waits", "first", "second"]

    def test_waiting_for_a_lock_can_be_ended(self, store):
        def stop():
            raise KeyboardInterrupt

        with store.lock(KEY), pytest.raises(KeyboardInterrupt), store.lock(KEY, check=stop):
            pass

    def test_a_lock_is_freed_by_an_error(self, store):
        with pytest.raises(OSError, match="of the user"), store.lock(KEY):
            raise OSError("of the user's own, passed on as it is")
        with store.lock(KEY, on_wait=pytest.fail):
            pass


class TestDiskStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DiskStore:
        return DiskStore(tmp_path / "cache")


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


def test_all_stores_give_equal_results_equal_digests(tmp_path):
    pixels = np.arange(600 * 530 * 3, dtype=np.float32).reshape(600, 530, 3)
    arrays = {"pixels": pixels, "psf": np.eye(5), "level": np.ones(())}
    entries = [
        publish(store, facts={"a": [1, 2.5]}, **arrays)
        for store in (DiskStore(tmp_path), MemoryStore())
    ]
    assert entries[0].digest == entries[1].digest
    # The algorithm is part of the format: changing it loses every cache, so never by accident.
    assert entries[0].digest == "6ecf0175f4818c8ff20c84b2f6741081"


def test_damage_in_any_store_names_entry_and_chunk():
    store = MemoryStore()
    publish(store, pixels=picture())
    store._results[KEY].chunks["pixels"][1, 0, 0][3, 4, 1] += 1
    with pytest.raises(DamagedError, match=f'{KEY}: array "pixels", chunk 1.0.0: its values'):
        store.open(KEY)["pixels"][()]


def _regions(array):
    rows, columns = (range(0, n, c) for n, c in zip(array.shape[:2], array.chunks, strict=False))
    side, width = array.chunks[:2]
    return [
        (slice(y, min(y + side, array.shape[0])), slice(x, min(x + width, array.shape[1])))
        for y in rows
        for x in columns
    ]
