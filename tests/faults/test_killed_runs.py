"""Runs of a whole graph that are ended from outside, at any moment."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

import pytest

from cache.drafts import JOURNAL

FORCED = ("--force", "part", "--force", "psf", "--force", "after")


def moments(new_place: Any, lanes: Any, count: int) -> list[float]:
    """Random times spread over a cold run, seconds."""
    seconds = new_place().run().seconds
    rng = random.Random(lanes.seed)
    return [(number + rng.random()) / count * seconds for number in range(count)]


def leaks(place: Any, undisturbed: Any) -> set[str]:
    """Files that an interrupted run should not have left: all but finished tiles to go on from."""
    drafts = {f"cache/drafts/{draft.key}" for draft in place.store.unfinished()}
    extra = place.files - undisturbed.files
    return {name for name in extra if "/".join(name.split("/")[:3]) not in drafts}


class TestKilled:
    def test_after_a_kill_at_any_time_the_next_run_gives_the_same_pixels_and_leaks_nothing(
        self, undisturbed, new_place, lanes
    ):
        killed = []

        def kill_after(seconds: float) -> None:
            place = new_place()
            running = place.start()
            time.sleep(seconds)
            if running.poll() is None:
                running.signal(signal.SIGKILL)
                killed.append(running.wait().code)
            place.check(undisturbed)
            place.remove()

        count = lanes.times(4, 200)
        lanes.each(kill_after, moments(new_place, lanes, count))
        assert set(killed) <= {-signal.SIGKILL, 0}
        # Where much else runs some end before their time, and of a few perhaps all.
        assert killed.count(-signal.SIGKILL) >= (count - 10) // 2

    @pytest.mark.parametrize("words", [(), FORCED], ids=["cold", "replacing"])
    def test_after_a_kill_before_any_step_the_next_run_gives_the_same_pixels_and_leaks_nothing(
        self, undisturbed, new_place, lanes, words
    ):
        def prepare() -> Any:
            if not words:
                return new_place(bare=True)
            return undisturbed.copy(new_place(bare=True).folder / "copy")

        steps = prepare().count_steps("change", *words)
        assert steps > 20

        def kill_at(step: int) -> None:
            place = prepare()
            done = place.run(*words, trap={"steps": "change", "do": "kill", "at": step})
            assert done.code in (-signal.SIGKILL, 0)
            killed.append(done.code)
            place.check(undisturbed)
            place.remove()

        killed: list[int] = []
        count = min(lanes.times(3, steps), steps)
        lanes.each(kill_at, random.Random(lanes.seed).sample(range(steps), count))
        assert killed.count(-signal.SIGKILL) >= count - 5  # threads may take other steps

    def test_a_cache_that_is_not_kept_is_gone_after_the_next_start(
        self, new_place, lanes, tmp_path
    ):
        config = tmp_path / "passing.yaml"

        def kill_after(seconds: float) -> None:
            place = new_place()
            running = place.start(config=config)
            time.sleep(seconds)
            if running.poll() is None:
                running.signal(signal.SIGKILL)
                running.wait()
            assert place.run(config=config).code == 0
            assert not [name for name in place.files if "scratch" in name or "objects" in name]
            place.remove()

        config.write_text(new_place().launcher.config.read_text() + "cache: {keep: false}\n")
        lanes.each(kill_after, moments(new_place, lanes, lanes.times(2, 50)))


class TestAskedToStop:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
    def test_a_run_asked_to_stop_at_any_time_ends_with_130_and_leaks_nothing(
        self, undisturbed, new_place, lanes, number
    ):
        stopped = []

        def stop_after(seconds: float) -> None:
            place = new_place()
            running = place.start()
            time.sleep(seconds)
            if running.poll() is None:
                running.signal(number)
                done = running.wait()
                # A signal while Python itself shuts down finds nobody to handle it any more.
                was_done = done.code == -number and '"status": "done"' in done.out
                assert done.code in (130, 0) or was_done, done
                assert was_done or leaks(place, undisturbed) == set()
                stopped.append(done.code)
            place.check(undisturbed)
            place.remove()

        count = lanes.times(2, 100)
        lanes.each(stop_after, moments(new_place, lanes, count))
        assert stopped.count(130) >= (count - 10) // 2

    def test_a_run_interrupted_at_any_step_leaves_nothing_but_finished_tiles(
        self, undisturbed, new_place, lanes
    ):
        steps = new_place(bare=True).count_steps("change")

        def interrupt_at(step: int) -> None:
            place = new_place(bare=True)
            done = place.run(trap={"steps": "change", "do": "interrupt", "at": step})
            assert done.code in (130, 0), done
            assert leaks(place, undisturbed) == set()
            place.check(undisturbed)
            place.remove()

        count = min(lanes.times(4, 200), steps)
        lanes.each(interrupt_at, random.Random(lanes.seed).sample(range(steps), count))

    def test_a_run_interrupted_again_and_again_ends_at_once_without_a_traceback(
        self, undisturbed, new_place, lanes
    ):
        steps = new_place(bare=True).count_steps("change")

        def interrupt_from(step: int) -> None:
            place = new_place(bare=True)
            trap = {"steps": "change", "do": "interrupt", "at": step, "stays": True}
            done = place.run(trap=trap)
            assert (done.code, done.err) == (130, "interrupted\n"), done
            place.check(undisturbed)
            place.remove()

        count = min(lanes.times(3, 100), steps)
        lanes.each(interrupt_from, random.Random(lanes.seed).sample(range(steps), count))

    def test_a_run_interrupted_while_tiles_are_written_goes_on_from_them(
        self, undisturbed, new_place
    ):
        place = new_place(bare=True)
        trap = {"steps": "change", "do": "interrupt", "at": 0, "named": JOURNAL}
        assert place.run("--workers", "1", trap=trap).code == 130  # else both are in work
        assert list(place.store.unfinished())
        assert leaks(place, undisturbed) == set()
        place.check(undisturbed)

    def test_a_long_step_is_left_within_seconds(self, new_place, estimating):
        place = new_place()
        words = ("--set", "sample.size=127", "--set", "psf.size=45")
        running = place.start(*words, config=estimating)
        time.sleep(1.0)
        assert running.poll() is None
        running.signal(signal.SIGINT)
        asked = time.perf_counter()
        assert running.wait().code == 130
        assert time.perf_counter() - asked < 5.0
