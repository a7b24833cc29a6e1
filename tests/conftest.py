"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import DTypeLike, NDArray
from scipy.ndimage import convolve

from pipeline import code

# The same examples in each run: a failure is somebody's change, not chance.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")


class ChunkedArray:
    """An in-memory `WritableArray` that refuses what the disk store would refuse."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, chunks: tuple[int, ...]) -> None:
        self.values = np.full(shape, np.nan, dtype)
        self.chunks = chunks
        self.written = np.zeros([-(-n // c) for n, c in zip(shape, chunks, strict=True)], bool)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    def __getitem__(self, region: Any) -> NDArray[Any]:
        return self.values[region]

    def __setitem__(self, region: tuple[slice, ...], block: NDArray[Any]) -> None:
        cells = self._cells(region)
        assert not self.written[cells].any(), "a chunk was written twice"
        self.written[cells] = True
        assert block.shape == self.values[region].shape
        assert block.dtype == self.dtype
        self.values[region] = block

    def is_written(self, region: tuple[slice, ...]) -> bool:
        return bool(self.written[self._cells(region)].all())

    def _cells(self, region: tuple[slice, ...]) -> tuple[slice, ...]:
        spans = [s.indices(n) for s, n in zip(region, self.shape, strict=True)]
        for (start, stop, step), n, chunk in zip(spans, self.shape, self.chunks, strict=True):
            assert step == 1
            assert start % chunk == 0
            assert stop % chunk == 0 or stop == n
        return tuple(
            slice(start // chunk, -(-stop // chunk))
            for (start, stop, _), chunk in zip(spans, self.chunks, strict=True)
        )


@dataclass
class MemoryContext:
    """A `pipeline.node.Context` for tests of single nodes: all in memory, events recorded."""

    workers: int = 2
    memory: int = 2**30
    chunk: int = 512
    arrays: dict[str, ChunkedArray] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = np.float32,
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> ChunkedArray:
        sides = (*chunks, *shape[len(chunks) :]) if chunks else (self.chunk,) * len(shape)
        chunks = shape if passing else tuple(map(min, shape, sides))
        known = self.arrays.get(name)
        if known is None or (known.written.all() and not passing):
            self.arrays[name] = ChunkedArray(shape, dtype, chunks)
        return self.arrays[name]  # else that of a run that was cut short

    def progress(self, done: float, total: float) -> None:
        self.steps.append((done, total))

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def check_cancelled(self) -> None:
        pass


@pytest.fixture
def context() -> MemoryContext:
    return MemoryContext()


@pytest.fixture(scope="session", autouse=True)
def sources_are_read_once() -> Iterator[None]:
    """Remember what our sources say, as caches do: for each new one that takes a second."""
    read_module = code.read_module

    @cache
    def read(_source: bytes, path: Path, package: str) -> code.ModuleCode:
        return read_module(path, package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            code, "read_module", lambda path, package: read(path.read_bytes(), path, package)
        )
        yield


@pytest.fixture(scope="session")
def demosaiced() -> Callable[..., NDArray[np.float32]]:
    """Pictures as a sensor sees them: one colour a pixel, the others filled in from around."""
    square = np.outer((1, 2, 1), (1, 2, 1)) / 4
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    kernels = square, cross, square

    def take(light: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
        sees = np.zeros(light.shape, bool)
        sees[::2, ::2, 0] = sees[::2, 1::2, 1] = sees[1::2, ::2, 1] = sees[1::2, 1::2, 2] = True
        grain = np.random.default_rng(1).normal(0, noise, light.shape)
        raw = np.where(sees, light + grain, 0)
        planes = [convolve(raw[..., c], k, mode="mirror") for c, k in enumerate(kernels)]
        return np.stack(planes, axis=2).astype(np.float32)

    return take
