"""How far a long computation is, and a chance for its caller to stop it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeAlias

Progress: TypeAlias = Callable[[float, float], None]
"""Called with (done, total), in any unit."""

Check: TypeAlias = Callable[[], None]
"""Called often; raises to stop the work."""


class Work:
    """A known amount of work, reported as it gets done, by any thread.

    Parameters
    ----------
    total : float
        Amount of work, in any unit.
    progress, check : callable, optional
    """

    def __init__(
        self, total: float, progress: Progress | None = None, check: Check | None = None
    ) -> None:
        self._total, self._done = total, 0.0
        self._progress, self._check = progress, check
        self._lock = Lock()

    def advance(self, amount: float) -> None:
        """Note that `amount` was done; raises what `check` raises."""
        with self._lock:
            self._done = min(self._done + amount, self._total)
            if self._check is not None:
                self._check()
            if self._progress is not None:
                self._progress(self._done, self._total)
