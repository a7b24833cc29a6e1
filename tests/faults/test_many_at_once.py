"""Processes that run the same graph in the same cache at the same time."""

from __future__ import annotations

import os
import random
import signal
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


UPKEEP = (("trim", "--max-size", "60KB"), ("clear",), ("verify", "--fix"), ("list",))


def test_runs_beside_trims_clears_and_kills_give_the_same_pixels(undisturbed, new_place, lanes):
    """Whoever empties a cache in use costs its users time, and nothing else."""

    def disturb(seed: int) -> None:
        rng, place = random.Random(seed), new_place(bare=True)
        outputs = [place.folder / f"{number}.tif" for number in range(3)]
        runs = [place.start("--set", f"result.path={output}") for output in outputs]
        killed, moment = rng.choice([None, *runs]), rng.randrange(12)
        for step in range(12):
            time.sleep(rng.uniform(0, 0.1))
            words = ("cache", *rng.choice(UPKEEP), "--json")
            done = place.launcher.start(words, place.env, {}).wait()
            # Cleared twice, or before a run has begun, there is nothing to clear.
            assert done.code == 0 or "is not a cache folder" in done.err, (words, done)
            if killed is not None and step == moment:
                os.kill(killed.pid, signal.SIGKILL)  # if it has ended, it is not reaped yet
        for run, output in zip(runs, outputs, strict=True):
            done = run.wait()
            if run is killed and done.code == -signal.SIGKILL:
                continue
            assert done.code == 0, done
            assert output.read_bytes() == undisturbed.output.read_bytes()
        assert place.run().code == 0
        assert place.output.read_bytes() == undisturbed.output.read_bytes()
        assert place.store.check() == []
        place.remove()

    lanes.each(disturb, range(lanes.seed, lanes.seed + lanes.times(2, 50)))
