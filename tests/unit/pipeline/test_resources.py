from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import resources


def cgroup(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    monkeypatch.setattr(resources, "_CGROUP", folder)


def test_cores_without_a_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cgroup(tmp_path, monkeypatch, cpu_max="max 100000")
    assert resources.usable_cores() == len(os.sched_getaffinity(0))


def test_a_containers_quota_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cgroup(tmp_path, monkeypatch, cpu_max="50000 100000")
    assert resources.usable_cores() == 1


def test_a_containers_memory_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cgroup(tmp_path, monkeypatch, memory_max="1000000", memory_current="400000")
    assert resources.free_memory() == 600_000
    assert resources.memory_budget("auto") == 300_000


def test_a_wish_is_taken_as_it_is() -> None:
    assert resources.memory_budget(12345) == 12345


def test_the_peak_grows_with_what_is_held() -> None:
    before = resources.peak_memory()
    held = bytearray(os.urandom(1)) * (64 * 2**20)
    assert resources.peak_memory() >= before
    assert resources.peak_memory() > len(held) // 2


def test_as_many_files_may_be_open_as_the_system_lets_us() -> None:
    code = """if True:
        import resource
        from pipeline.resources import allow_many_files
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        allow_many_files()
        soft, still = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert still == hard
        assert soft == 2**16 or soft == hard < 2**16
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_freed_arrays_are_given_back_to_the_system() -> None:
    code = """if True:
        import numpy as np
        from pipeline.resources import give_freed_memory_back, held_memory
        give_freed_memory_back()
        del (large := [np.ones(3_000_000)])[:]  # glibc raises its threshold
        before = held_memory()
        arrays = [np.ones(1_000_000) for _ in range(20)]
        assert held_memory() - before > 150_000_000
        del arrays[:-1]
        print(held_memory() - before)
    """
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    most = 20_000_000 if platform.libc_ver()[0] == "glibc" else 200_000_000
    assert int(done.stdout) < most
