"""Damage anywhere in the cache of a whole run: noticed or harmless, never a wrong picture."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache.disk import DiskStore
from cache.store import DamagedError, StoreError

FORCED = ("part", "blurred", "sample", "sharp", "after", "psf")


def flip_a_bit(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def cut_short(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def delete(path: Path, rng: random.Random) -> None:
    path.unlink()


DAMAGES = {function.__name__: function for function in (flip_a_bit, cut_short, delete)}


@pytest.fixture(params=DAMAGES.values(), ids=DAMAGES)
def damage(request: pytest.FixtureRequest) -> Callable[[Path, random.Random], None]:
    """One way to damage a file."""
    chosen: Callable[[Path, random.Random], None] = request.param
    return chosen


def choose(folder: Path, rng: random.Random) -> Path:
    """Choose a file of a cache, of every sort equally often: there are many small ones."""
    sorts: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size:
            place = path.relative_to(folder).parts
            is_chunk = path.name.startswith("c.")
            name = path.name if place[0] == "objects" and not is_chunk else ""
            sorts.setdefault(f"{place[0]} {name} {is_chunk}", []).append(path)
    return rng.choice(sorts[rng.choice(sorted(sorts))])


class TestStores:
    def test_no_damaged_value_is_ever_read(self, undisturbed, new_place, lanes, damage):
        place = undisturbed.copy(new_place().folder / "copy")
        store, rng = place.store, random.Random(lanes.seed)
        good = {entry.key: (entry, self.values(store, entry.key)) for entry in store.entries()}
        recipes = {path.name: store.resolve(path.name) for path in store.root.glob("recipes/*/*")}
        noticed = 0
        for _ in range(lanes.times(60, 1000)):
            path = choose(store.root, rng)
            data = path.read_bytes()
            damage(path, rng)
            for key, known in good.items():
                noticed += not self.is_whole(store, key, known, path)
            for recipe, key in recipes.items():
                noticed += not self.leads_on(store, recipe, key)
            path.write_bytes(data)
        assert noticed > 20
        assert store.check() == []

    def values(self, store: DiskStore, key: str) -> Mapping[str, np.ndarray]:
        return {name: array[()] for name, array in store.open(key).items()}

    def is_whole(self, store: DiskStore, key: str, known: tuple[Any, Any], path: Path) -> bool:
        """Whether a result is there, exactly as it was; else its fault must be told."""
        try:
            entry = store.find(key)
            if entry is not None and key in path.parts:
                assert self.are_same(self.values(store, key), known[1])
        except DamagedError:
            return False
        except StoreError:
            if path.name != "format":
                raise
            return False
        assert entry in (known[0], None)
        return entry is not None

    def leads_on(self, store: DiskStore, recipe: str, key: str) -> bool:
        """Whether a recipe leads to its result; else it must lead to none."""
        found = store.resolve(recipe)
        if found != key:
            assert found is None or not (store.root / "objects" / found[:2] / found).exists()
        return found == key

    def are_same(self, found: Mapping[str, np.ndarray], good: Mapping[str, np.ndarray]) -> bool:
        return found.keys() == good.keys() and all(
            found[name].dtype == good[name].dtype and np.array_equal(found[name], good[name])
            for name in good
        )


class TestRuns:
    def test_a_run_on_a_damaged_cache_gives_the_same_pixels_and_mends_it(
        self, undisturbed, new_place, lanes, damage
    ):
        def try_one(number: int) -> None:
            rng = random.Random(f"{lanes.seed} {number} {damage.__name__}")
            place = undisturbed.copy(new_place().folder / "copy")
            place.output.unlink()
            path = choose(place.folder / "cache", rng)
            damage(path, rng)
            done = place.run("--force", rng.choice(FORCED))
            if path.name == "format" and done.code:
                assert "Delete the folder" in done.err or "no mark of a cache" in done.err
            else:
                assert done.code == 0, (path, done)
                assert place.output.read_bytes() == undisturbed.output.read_bytes(), path
            place.remove()

        lanes.each(try_one, range(lanes.times(3, 334)))
