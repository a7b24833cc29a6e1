"""Runs that would fill the disk, were there no size to keep to."""

from __future__ import annotations

from typing import Any

LIMIT = 6_000_000


def size_of(place: Any) -> int:
    return sum((place.folder / file).stat().st_size for file in place.files)


def test_tweaks_never_take_more_than_the_size_and_keep_the_psf(new_place, lanes, estimating):
    place = new_place()
    text = estimating.read_text().replace("size: 128", "size: 220")
    estimating.write_text(text + f"cache: {{max_size: {LIMIT}}}\n")
    for number in range(lanes.times(8, 30)):
        done = place.run("--set", f"sharp.priority={number / 30}", config=estimating)
        assert done.code == 0, done
        assert done.statuses["psf"] == ("computed" if number == 0 else "hit")
        assert size_of(place) - place.output.stat().st_size < LIMIT + 100_000  # records and locks
        assert place.store.check() == []
    assert len(list(place.store.entries())) < 9 + 3 * number
