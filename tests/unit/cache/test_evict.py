"""The size budget: what goes, in which order, and what never does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cache
from cache.disk import DiskStore
from cache.evict import Kept
from cache.files import folder_bytes
from cache.layout import Layout
from cache.store import DamagedError, GoneError

MEGABYTE = np.random.default_rng(1).random((512, 512), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache")


def key(number: int) -> str:
    return f"{number:032x}"


def publish(store: DiskStore, number: int, seconds: float = 1.0, values=MEGABYTE) -> None:
    with store.begin(key(number)) as draft:
        draft.put_array("values", values)
        draft.publish({"seconds": seconds})


def used(store: DiskStore, number: int, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(Layout(store.root).home(key(number)) / "record.json", (then, then))


def left(store: DiskStore) -> list[int]:
    return [int(entry.key, 16) for entry in store.entries()]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (Kept("a", 100, 2.0, 0), Kept("b", 100, 1.0, 0)),
        (Kept("a", 100, 1.0, 0), Kept("b", 200, 1.0, 0)),
        (Kept("a", 100, 1.0, -60), Kept("b", 100, 1.0, -120)),
        # A psf of a year ago against a picture of a minute ago.
        (Kept("a", 10_000, 2.0, -31e6), Kept("b", 432_000_000, 0.1, -60)),
    ],
)
def test_worth_is_seconds_a_byte_by_age(better, worse):
    assert better.worth(now=0.0) > worse.worth(now=0.0)


def test_the_least_recently_used_of_a_kind_goes_first(store):
    for number in range(5):
        publish(store, number)
        used(store, number, seconds_ago=100 + 10 * number)
    used(store, 3, seconds_ago=5)
    trimmed = store.trim(3 * 2**20)
    assert left(store) == [0, 3]
    assert trimmed.removed == 3
    assert trimmed.left <= 3 * 2**20
    assert store.check() == []


def test_what_a_file_manager_leaves_in_every_folder_hinders_nothing(tmp_path):
    store = DiskStore(tmp_path / "cache", max_size=3 * 2**20)
    publish(store, 0)
    store.link(key(9), key(0))
    for folder in [path for path in store.root.rglob("*") if path.is_dir()]:
        (folder / ".DS_Store").write_text("icons")
    for number in range(1, 5):
        publish(store, number)
    assert len(left(store)) == 2
    store.sweep()
    assert store.trim(0).left == 0


def test_small_and_costly_results_outlive_pictures(store):
    publish(store, 0, seconds=3.0, values=np.eye(15, dtype=np.float32))
    used(store, 0, seconds_ago=86400)
    for number in range(1, 4):
        publish(store, number, seconds=0.5)
    store.trim(2**20)
    assert left(store) == [0]


def test_every_publish_keeps_to_the_size(store):
    small = DiskStore(store.root, max_size=5 * 2**20, warn=pytest.fail)
    publish(small, 999, seconds=2.0, values=np.eye(15, dtype=np.float32))
    for number in range(30):
        publish(small, number)
        assert folder_bytes(store.root) <= 5 * 2**20 + 10_000
    assert 999 in left(store)
    assert 29 in left(store)
    assert len(left(store)) == 5
    assert store.check() == []


def test_what_is_held_stays_and_what_is_let_go_does_not(store):
    small = DiskStore(store.root, max_size=3 * 2**20)
    publish(small, 0)
    with DiskStore(store.root).hold(key(0)):
        used(store, 0, seconds_ago=1e6)
        for number in range(1, 5):
            publish(small, number)
        assert 0 in left(store)
    used(store, 0, seconds_ago=1e6)
    publish(small, 5)
    assert 0 not in left(store)


def test_what_another_process_holds_stays_until_it_dies(store):
    publish(store, 0)
    code = f"""if True:
        import time
        from pathlib import Path
        from cache.disk import DiskStore
        with DiskStore(Path({str(store.root)!r})).hold({key(0)!r}):
            print("held", flush=True)
            time.sleep(60)
    """
    home = str(Path(cache.__file__).parents[1])
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": home},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    assert store.trim(0).left > 2**20
    assert left(store) == [0]
    holder.kill()
    holder.communicate()
    assert store.trim(0).left == 0
    assert left(store) == []


def test_a_result_larger_than_the_budget_is_used_warned_about_once_and_dropped(store):
    warnings: list[str] = []
    small = DiskStore(store.root, max_size=2**19, warn=warnings.append)
    publish(small, 0)
    with small.hold(key(0)):
        publish(small, 1)
        with small.hold(key(1)):
            assert left(store) == [0, 1]
    assert len(warnings) == 1
    assert "more than cache.max_size, 524288" in warnings[0]
    small.tidy()
    assert left(store) == []


def test_damaged_results_and_drafts_go_before_results(store):
    publish(store, 0)
    publish(store, 1)
    store.quarantine(key(1))
    with store.begin(key(2)) as draft:
        array = draft.new_array("values", MEGABYTE.shape, MEGABYTE.dtype)
        array.is_written(())
        array[()] = MEGABYTE
    store.trim(int(2.5 * 2**20))
    assert os.listdir(store.root / "quarantine") == []
    assert os.listdir(store.root / "drafts") == [key(2)]
    store.trim(int(1.5 * 2**20))
    assert os.listdir(store.root / "drafts") == []
    assert left(store) == [0]


def test_a_draft_being_written_is_not_trimmed(store):
    with store.begin(key(0)) as draft:
        array = draft.new_array("values", MEGABYTE.shape, MEGABYTE.dtype)
        array.is_written(())
        array[()] = MEGABYTE
        store.trim(0)
        draft.publish({})
    assert left(store) == [0]


def test_a_result_whose_record_is_damaged_is_worth_nothing(store):
    publish(store, 0, seconds=1e9)
    publish(store, 1, seconds=1e-9)
    for text in ("", "{}", "[1]", '{"body": {"bytes": -5, "record": {}}}', "[" * 10**5):
        (Layout(store.root).home(key(0)) / "record.json").write_text(text)
        assert store.trim(3 * 2**20).removed == 0
    store.trim(int(1.5 * 2**20))
    assert left(store) == [1]
    assert store.check() == []


def test_recipes_go_with_their_results(store):
    for number in range(2):
        publish(store, number)
        store.link(key(10 + number), key(number))
    used(store, 0, seconds_ago=1000)
    store.trim(int(1.5 * 2**20))
    assert store.resolve(key(10)) is None
    assert store.resolve(key(11)) == key(1)
    assert len(list((store.root / "recipes").glob("*/*"))) == 1


def test_trimming_nothing_is_harmless(store):
    assert store.trim(0).left == 0
    assert not store.root.exists()


def test_a_result_evicted_before_it_is_held_is_told(store):
    publish(store, 0)
    store.trim(0)
    with pytest.raises(GoneError) as caught, store.hold(key(0)):
        pass
    assert caught.value.key == key(0)


class TestReplacedWhileRead:
    def test_the_same_values_are_read_on(self, store):
        publish(store, 0)
        array = store.open(key(0))["values"]
        publish(store, 0)
        assert np.array_equal(array[()], MEGABYTE)

    def test_a_chunk_that_is_away_for_a_moment_is_read_in_the_next(self, store):
        publish(store, 0)
        array = store.open(key(0))["values"]
        layout = Layout(store.root)
        layout.home(key(0)).rename(layout.aside(key(0)))
        assert np.array_equal(array[()], MEGABYTE)

    def test_other_values_are_no_damage(self, store):
        publish(store, 0)
        array = store.open(key(0))["values"]
        publish(store, 0, values=MEGABYTE + 1)
        with pytest.raises(GoneError, match="replaced"):
            array[()]
        assert np.array_equal(store.open(key(0))["values"][()], MEGABYTE + 1)

    def test_a_deleted_result_is_no_damage(self, store):
        publish(store, 0)
        array = store.open(key(0))["values"]
        store.delete(key(0))
        with pytest.raises(GoneError, match="not in the cache"):
            array[()]

    def test_damage_is_still_damage(self, store):
        publish(store, 0)
        array = store.open(key(0))["values"]
        chunk = Layout(store.root).home(key(0)) / "values" / "c.0.0"
        os.truncate(chunk, 5)
        with pytest.raises(DamagedError, match="5 of"):
            array[()]
