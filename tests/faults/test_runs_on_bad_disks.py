"""Runs of a whole graph on a disk that is full, or that can't read what was written."""

from __future__ import annotations

import errno
import random
from typing import Any

FULL = ("no space left", "disk is full")


class TestFullDisk:
    def assert_told(self, done: Any) -> None:
        assert done.code == 1, done
        assert any(words in done.err for words in FULL), done.err
        assert done.err.count("\n") == 1, done.err

    def test_a_disk_that_is_full_from_any_step_on_is_told_and_the_next_run_ends(
        self, undisturbed, new_place, lanes
    ):
        steps = new_place(bare=True).count_steps("create")
        assert steps > 50

        def fill_at(step: int) -> None:
            place = new_place(bare=True)
            trap = {
                "steps": "create",
                "do": "fail",
                "errno": errno.ENOSPC,
                "at": step,
                "stays": True,
            }
            done = place.run(trap=trap)
            if done.code or done.err:  # what only saves time may fail in silence
                self.assert_told(done)
            assert place.store.check() == []
            place.check(undisturbed)
            place.remove()

        tried = random.Random(lanes.seed).sample(range(steps), min(lanes.times(2, steps), steps))
        lanes.each(fill_at, tried)

    def test_results_published_before_the_disk_was_full_are_kept(self, undisturbed, new_place):
        place = new_place()
        tweak = ("--set", "sharp.priority=0.5")
        assert place.run().code == 0
        steps = place.copy(place.folder.with_name("counted")).count_steps("create", *tweak)
        for step in range(0, steps, max(1, steps // 2)):
            trap = {"steps": "create", "do": "fail", "errno": errno.ENOSPC, "at": step}
            place.run(*tweak, trap={**trap, "stays": True})
            again = place.run()
            assert again.with_status("hit") == set(again.statuses)
            assert place.output.read_bytes() == undisturbed.output.read_bytes()

    def test_a_file_that_may_not_grow_is_told_and_the_next_run_ends(
        self, undisturbed, new_place, lanes
    ):
        sizes = [(undisturbed.folder / file).stat().st_size for file in undisturbed.files]
        limits = sorted({size - 1 for size in sizes if size > 5000})  # what it prints is a file too
        chosen = random.Random(lanes.seed).sample(limits, min(lanes.times(2, 1000), len(limits)))

        def limit(size: int) -> None:
            place = new_place()
            done = place.run(trap={"file_size": size})
            if done.code or done.err:
                self.assert_told(done)
            place.check(undisturbed)
            place.remove()

        lanes.each(limit, chosen)


class TestUnreadableDisk:
    def test_what_the_disk_cannot_read_is_made_anew(self, undisturbed, new_place, lanes):
        base = new_place()
        assert base.run().code == 0
        base.output.unlink()
        words = [word for name in ("after", "blurred") for word in ("--force", name)]
        steps = base.copy(base.folder.with_name("counted")).count_steps("read", *words)
        assert steps > 10

        def fail_at(step: int) -> None:
            place = base.copy(base.folder.with_name(f"{base.folder.name}.{step}"))
            trap = {"steps": "read", "do": "fail", "errno": errno.EIO, "at": step}
            done = place.run(*words, trap={**trap, "under": str(place.folder / "cache")})
            if "cache/format" in done.err:  # then nothing is known of the folder
                assert (done.code, done.err.count("\n")) == (1, 1)
                done = place.run(*words)
            assert done.code == 0, (step, done.err)
            assert place.output.read_bytes() == undisturbed.output.read_bytes()
            assert place.store.check() == []
            place.remove()

        tried = random.Random(lanes.seed).sample(range(steps), min(lanes.times(2, steps), steps))
        lanes.each(fail_at, tried)
