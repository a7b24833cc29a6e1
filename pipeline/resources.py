"""What this process may use: cores and memory, with the limits of containers respected."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_CGROUP = Path("/sys/fs/cgroup")
_FALLBACK = 2 * 2**30
_MANY_FILES = 2**16
# As in malloc.h. Blocks from this size on are mapped one by one; of what lies below, so much is
# kept for the next block. By itself glibc would keep 128 KiB once the first is set: then each
# chunk of a picture comes as fresh pages, which took half the time of writing it.
_M_MMAP_THRESHOLD = -3
_M_TRIM_THRESHOLD = -1
_LARGE = 4 * 2**20
_SPARE = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run may use.

    Attributes
    ----------
    workers : int
        Threads.
    memory : int
        Bytes for the whole process.
    """

    workers: int
    memory: int


def usable_cores() -> int:
    """Cores that this process may run on: affinity, then a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        share = -(-int(quota) // int(period))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        share = 0
    return max(1, min(cores or 1, share or sys.maxsize))


def free_memory() -> int:
    """Bytes that can be had without pressing anybody: the system's, then a container's limit."""
    return max(1, min(_available(), _container_room()))


def memory_budget(wish: int | Literal["auto"]) -> int:
    """Bytes for the whole process: as wished, or half of what is free."""
    return free_memory() // 2 if wish == "auto" else int(wish)


def peak_memory() -> int:
    """Most bytes of memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def held_memory() -> int:
    """Bytes of memory that this process holds now; the most so far where nobody tells.

    Without pages of files, such as libraries, which the system can drop when it needs room.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return peak_memory()


def allow_many_files() -> None:
    """Let this process open as many files as it may: each result in use takes one.

    A graph of a thousand nodes would need more than the thousand that are usual.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def give_freed_memory_back() -> None:
    """Let glibc return the memory of arrays to the system as soon as they are freed.

    By itself it keeps blocks of up to 32 MiB for later, here a fifth of all that is held.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_TRIM_THRESHOLD, _SPARE)


def _available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return _FALLBACK
    except (OSError, ValueError):
        return _FALLBACK


def _container_room() -> int:
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return sys.maxsize
    return limit - used
