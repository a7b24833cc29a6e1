from __future__ import annotations

import numba

from numerics.compiling import compiling_told


def test_compiling_is_told_once_and_loading_never() -> None:
    told: list[str] = []
    add, subtract, multiply = (
        numba.njit(f) for f in (lambda x: x + 1, lambda x: x - 1, lambda x: x * 2)
    )
    with compiling_told(told.append):
        assert told == []
        assert add(1) == 2
        assert subtract(1) == 0
    assert len(told) == 1
    assert "once after installing" in told[0]
    with compiling_told(told.append):
        assert add(2) == 3
    assert multiply(3) == 6
    assert len(told) == 1
