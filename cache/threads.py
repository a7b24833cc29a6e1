"""Work shared out among a few threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def for_each(work: Callable[[Item], object], items: Iterable[Item], workers: int) -> None:
    """Call `work` with each item, on this thread and ``workers - 1`` others.

    After an error no further item is begun; the first one is raised when all threads are done.
    The library's own pool takes longer to import than a picture to write.
    """
    waiting = deque(items)
    errors: list[BaseException] = []

    def work_on() -> None:
        while not errors:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            try:
                work(item)
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work_on) for _ in range(workers - 1)]
    for thread in threads:
        thread.start()
    work_on()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
