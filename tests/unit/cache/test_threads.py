from __future__ import annotations

import threading
import time

import pytest

from cache.threads import for_each


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_each_item_is_worked_on_once(workers: int) -> None:
    done: list[int] = []
    for_each(done.append, range(100), workers)
    assert sorted(done) == list(range(100))


def test_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(3)
    for_each(lambda _: meeting.wait(10), range(3), 3)


def test_an_error_ends_the_work_and_is_raised_when_nobody_works_any_more() -> None:
    done: list[int] = []
    before = threading.active_count()

    def work(item: int) -> None:
        if item == 3:
            raise IndexError("three")
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(IndexError, match="three"):
        for_each(work, range(1000), 2)
    assert len(done) < 10
    assert threading.active_count() == before
