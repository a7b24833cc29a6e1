"""Processes that run the same graph in the same cache at the same time."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

COUNT = 8


def run_at_once(place: Any, commands: list[tuple[str, ...]]) -> list[Any]:
    """Start a process for each command, all within a few milliseconds, and wait for all."""
    running = [place.start(*words) for words in commands]
    codes: dict[int, int] = {}
    while len(codes) < len(running):
        for number, process in enumerate(running):
            if number not in codes and (code := process.poll()) is not None:
                codes[number] = code
        time.sleep(0.005)
    done = [process.done(codes[number]) for number, process in enumerate(running)]
    assert set(codes.values()) == {0}, done
    return done


def computed(runs: list[Any]) -> Counter[str]:
    """How many of the runs computed each node."""
    return Counter(name for run in runs for name in run.with_status("computed"))


def test_eight_cold_runs_at_once_compute_each_node_once_and_give_the_same_pixels(
    undisturbed, new_place
):
    place = new_place(bare=True)
    done = run_at_once(place, [()] * COUNT)
    counts = computed(done)
    assert counts.pop("result") >= 1  # a file is written by whoever wants it
    assert set(counts) == set(done[0].statuses) - {"result"}
    assert set(counts.values()) == {1}
    place.check(undisturbed)


def test_eight_tweaks_at_once_share_what_they_have_in_common(undisturbed, new_place):
    place = new_place()
    tweaks = [
        (
            "--set",
            f"sharp.priority={number / 10}",
            "--set",
            f"result.path={place.folder}/{number}.tif",
        )
        for number in range(COUNT)
    ]
    done = run_at_once(place, tweaks)
    counts = computed(done)
    own = {name: counts.pop(name) for name in ("sharp", "after", "result")}
    assert set(own.values()) == {COUNT}
    assert set(counts.values()) == {1}
    first = place.folder / "0.tif"
    assert first.read_bytes() == undisturbed.output.read_bytes()
    assert len({(place.folder / f"{number}.tif").read_bytes() for number in range(COUNT)}) == COUNT
    assert place.store.check() == []
