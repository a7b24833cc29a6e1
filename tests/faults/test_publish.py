"""Each test is named after the promise that it holds the disk store to."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import cache
from cache.disk import DiskStore
from cache.layout import Layout
from cache.store import DamagedError, StoreError, StoreFullError
from cache.zarr_chunks import ChunkFiles

KEY, OTHER = "a" * 32, "b" * 32
PIXELS = np.random.default_rng(5).random((600, 520, 3), np.float32)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code in a process of its own, `store` at hand; killed at the end."""
    started: list[subprocess.Popen[str]] = []
    prelude = f"""
        import os, sys, time
        from pathlib import Path
        import numpy as np
        from cache.disk import DiskStore
        store = DiskStore(Path({str(tmp_path / "cache")!r}))
        KEY = {KEY!r}
    """

    def start(code: str) -> subprocess.Popen[str]:
        script = textwrap.dedent(prelude) + textwrap.dedent(code)
        home = str(Path(cache.__file__).parents[1])
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": home},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def publish(store: DiskStore, key: str = KEY, pixels: np.ndarray = PIXELS) -> None:
    with store.begin(key) as draft:
        draft.put_array("pixels", pixels)
        draft.publish({"facts": {"orientation": 1}})


def read(store: DiskStore, key: str = KEY) -> np.ndarray:
    return store.open(key)["pixels"][()]


def home(store: DiskStore, key: str = KEY) -> Path:
    return Layout(store.root).home(key)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


class TestKilledWriters:
    def test_a_writer_killed_before_publishing_leaves_nothing_after_a_sweep(self, store, run):
        writer = run("""
            with store.begin(KEY) as draft:
                draft.put_array("pixels", np.ones((600, 520, 3), np.float32))
                with store.scratch() as other, other.begin(KEY) as second:
                    print("written", flush=True)
                    time.sleep(60)
        """)
        assert writer.stdout.readline() == "written\n"
        store.sweep()
        assert len(os.listdir(store.root / "drafts")) == 2, "swept under a live writer"
        assert len(os.listdir(store.root / "scratch")) == 2, "swept under a live writer"
        kill(writer)
        assert store.find(KEY) is None
        assert len(store.check()) == 2
        store.sweep()
        assert store.check() == []
        assert os.listdir(store.root / "drafts") == os.listdir(store.root / "scratch") == []
        publish(store)
        assert np.array_equal(read(store), PIXELS)

    def test_a_writer_killed_at_any_moment_leaves_the_old_result_or_the_new(self, store, run):
        publish(store, pixels=np.zeros((600, 2), np.float32))
        moments = random.Random(1)
        for _ in range(3):
            writer = run("""
                for n in range(100000):
                    with store.begin(KEY) as draft:
                        draft.put_array("pixels", np.full((600, 2), n, np.float32))
                        draft.publish({"facts": n})
                    print(n, flush=True)
            """)
            assert writer.stdout.readline() == "0\n"
            time.sleep(moments.random() / 20)
            kill(writer)
            store.sweep()
            assert store.check() == []
            number = store.find(KEY).record["facts"]
            assert np.array_equal(read(store), np.full((600, 2), number, np.float32))

    @pytest.mark.parametrize("use", ["find", "open", "begin", "sweep"])
    def test_a_replacement_killed_half_way_is_taken_back(self, store, use):
        publish(store)
        home(store).rename(Layout(store.root).aside(KEY))
        if use == "begin":
            publish(store)
        elif use == "sweep":
            store.sweep()
        else:
            assert getattr(store, use)(KEY) is not None
        assert store.check() == []
        assert np.array_equal(read(store), PIXELS)

    def test_what_a_killed_replacement_left_does_not_rise_again(self, store):
        publish(store)
        Layout(store.root).aside(KEY).mkdir()
        store.delete(KEY)
        assert store.find(KEY) is None
        assert store.check() == []

    def test_a_replacement_killed_before_tidying_up_is_tidied_up(self, store):
        publish(store)
        aside = Layout(store.root).aside(KEY)
        (aside / "pixels").mkdir(parents=True)
        assert np.array_equal(read(store), PIXELS)
        assert len(store.check()) == 1
        store.sweep()
        assert not aside.exists()
        assert np.array_equal(read(store), PIXELS)

    def test_a_lock_dies_with_its_holder(self, store, run):
        holder = run("""
            with store.lock(KEY):
                print("held", flush=True)
                time.sleep(60)
        """)
        assert holder.stdout.readline() == "held\n"
        waits: list[bool] = []

        def on_wait() -> None:
            waits.append(True)
            kill(holder)

        with store.lock(KEY, on_wait=on_wait):
            assert waits == [True]

    def test_a_process_that_ends_leaves_nothing(self, store, run):
        writer = run("""
            draft = store.begin(KEY)
            draft.put_array("pixels", np.ones(3))
            store.link(KEY, KEY)
        """)
        assert writer.communicate(timeout=60)[1] == ""
        assert os.listdir(store.root / "pending") == []


class TestTwoWriters:
    def test_writers_of_one_key_leave_one_whole_result(self, store, run):
        code = """
            for n in range(10):
                with store.begin(KEY) as draft:
                    draft.put_array("pixels", np.full((600, 2), float(sys.argv[0] == "-c")))
                    draft.publish({"facts": n})
        """
        writers = [run(code) for _ in range(2)]
        while any(writer.poll() is None for writer in writers):
            entry = store.find(KEY)
            assert entry is None or entry.record["facts"] in range(10)
        assert [writer.communicate()[1] for writer in writers] == ["", ""]
        assert store.check() == []
        assert store.find(KEY).record["facts"] == 9

    def test_a_reader_never_misses_a_result_that_is_being_replaced(self, store, run):
        publish(store)
        writer = run("""
            for n in range(100):
                with store.begin(KEY) as draft:
                    draft.publish({"facts": n})
        """)
        while writer.poll() is None:
            assert store.find(KEY) is not None
        assert writer.communicate()[1] == ""


def failing(error: int, *, writes: int | None = None, reads: int | None = None):
    """Give files whose n-th write or read, and all after it, end with an error."""
    left = {"write": writes, "read": reads}

    def count(operation: str) -> None:
        if left[operation] is not None:
            left[operation] -= 1
            if left[operation] < 0:
                raise OSError(error, os.strerror(error), "chunk")

    class FailingFiles(ChunkFiles):
        def write(self, path, values):
            count("write")
            super().write(path, values)

        def read(self, path, values):
            count("read")
            return super().read(path, values)

    return FailingFiles()


class TestFullDisk:
    @pytest.mark.parametrize("writes", [0, 1, 2])
    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_frees_what_was_begun_and_keeps_what_was_published(
        self, store, writes, error
    ):
        publish(store)
        full = DiskStore(store.root, files=failing(error, writes=writes))
        for key in (KEY, OTHER):
            with pytest.raises(StoreFullError, match=r"no space left\. Free some"):
                publish(full, key, PIXELS + 1)
        assert not any(path.is_dir() for path in (store.root / "pending").glob("*/*"))
        assert np.array_equal(read(store), PIXELS)
        assert store.find(OTHER) is None
        assert store.check() == []

    def test_a_limit_set_by_the_system_is_told_as_a_full_disk(self, store, run):
        writer = run("""
            import resource
            from cache.store import StoreFullError
            with store.begin(KEY) as draft:
                draft.put_array("pixels", np.ones(3))
                draft.publish({})
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            try:
                with store.begin("b" * 32) as draft:
                    draft.put_array("pixels", np.ones((600, 500)))
            except StoreFullError as error:
                print(error)
        """)
        out, err = writer.communicate(timeout=60)
        assert "no space left" in out
        assert err == ""
        assert [entry.key for entry in store.entries()] == [KEY]
        assert store.check() == []


class TestOtherTrouble:
    def test_a_disk_that_cannot_read_is_told_as_damage(self, store):
        publish(store)
        broken = DiskStore(store.root, files=failing(errno.EIO, reads=1))
        with pytest.raises(DamagedError, match=r"chunk 0\.1\.0: the disk can't read its file"):
            read(broken)

    def test_trouble_that_says_nothing_about_the_values_is_not_told_as_damage(self, store):
        publish(store)
        busy = DiskStore(store.root, files=failing(errno.EMFILE, reads=0))
        with pytest.raises(StoreError) as caught:
            read(busy)
        assert not isinstance(caught.value, DamagedError)

    def test_a_folder_that_may_not_be_written_is_named(self, store):
        guarded = DiskStore(store.root, files=failing(errno.EACCES, writes=0))
        with pytest.raises(StoreError, match=rf"{store.root}: chunk can't be written .+ Make it"):
            publish(guarded)

    def test_a_file_where_the_folder_should_be_is_told(self, tmp_path):
        (tmp_path / "file").write_text("")
        store = DiskStore(tmp_path / "file" / "cache")
        assert store.find(KEY) is None
        with pytest.raises(StoreError, match="choose another cache folder"):
            publish(store)
