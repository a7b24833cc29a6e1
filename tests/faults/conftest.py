"""Real processes that run a small graph, and the folders they leave."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

import cache
from cache.disk import DiskStore

HERE = Path(__file__).resolve().parent
PATIENCE = 120.0
LANES = 2
GRAPH = """\
version: 1
nodes:
  photo: {kind: load, path: "package:skimage/data/astronaut.png"}
  part: {kind: crop, inputs: {image: photo}, center: [224, 110], size: 128}
  shake: {kind: make_psf, shape: shake, length: 5, seed: 0}
  blurred: {kind: simulate, inputs: {image: part, psf: shake}, noise: 0.003, seed: 1}
  sample: {kind: crop, inputs: {image: blurred}, size: 49}
  psf: {kind: resize_psf, inputs: {psf: shake}, scale: 0.8}
  sharp: {kind: deconvolve, inputs: {image: blurred, psf: psf}, quality: fast}
  after: {kind: compare, inputs: {image: sharp, reference: part}}
  result: {kind: export, inputs: {image: sharp}, path: sharp.tif}
"""
# The same with a step that takes long, which most of what can befall a run does not need.
ESTIMATED = re.sub(
    "psf: {kind: resize_psf.*", "psf: {kind: estimate_psf, inputs: {image: sample}, size: 5}", GRAPH
)
NODES = re.findall(r"^  (\w+):", GRAPH, re.MULTILINE)
Item = TypeVar("Item")
Told = TypeVar("Told")


@dataclass(frozen=True)
class Done:
    """How a process ended; `code` is minus the signal that killed it."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def statuses(self) -> dict[str, str]:
        return {name: node["status"] for name, node in json.loads(self.out)["nodes"].items()}

    def with_status(self, status: str) -> set[str]:
        return {name for name, seen in self.statuses.items() if seen == status}


@dataclass
class Running:
    """A process that was started."""

    launcher: Launcher
    pid: int
    streams: tuple[Path, Path]
    began: float

    def signal(self, number: int) -> None:
        if self.launcher.ask(poll=self.pid) is None:
            os.kill(self.pid, number)
        else:
            pytest.fail("ended before it could be signalled")

    def poll(self) -> int | None:
        code: int | None = self.launcher.ask(poll=self.pid)
        return code

    def wait(self) -> Done:
        waited, seen = 0.0, time.perf_counter()
        while (code := self.poll()) is None:
            if waited > PATIENCE:
                self._give_up()
            time.sleep(0.002)
            # While the machine is suspended, or all of us are stopped, nobody can get on.
            now = time.perf_counter()
            waited, seen = waited + min(now - seen, 1.0), now
        return self.done(code)

    def _give_up(self) -> None:
        """Fail, and say where it hangs."""
        state = Path(f"/proc/{self.pid}/stat")
        told = state.read_text() if state.exists() else ""
        os.kill(self.pid, signal.SIGUSR1)  # faulthandler's, in launcher.py
        time.sleep(1.0)
        os.kill(self.pid, signal.SIGKILL)
        err = self.streams[1].read_text()
        pytest.fail(f"still running after {PATIENCE} s: {told}\n{err}")

    def done(self, code: int) -> Done:
        seconds = time.perf_counter() - self.began
        out, told = (stream.read_text() for stream in self.streams)
        # What the estimator thinks of so small a sample is beside the point.
        err = re.sub(r'^(warning|note): node "psf": .*\n', "", told, flags=re.MULTILINE)
        assert "Traceback" not in err, err
        return Done(code, out, err, seconds)


class Launcher:
    """The warm process of launcher.py; safe from several threads."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "graph.yaml"
        self.config.write_text(GRAPH)
        self._streams = folder / "streams"
        self._streams.mkdir()
        self._numbers = count()
        self._mutex = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "launcher.py"), str(self.config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(cache.__file__).parents[1]),
                "OPENBLAS_NUM_THREADS": "1",
            },
        )

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._mutex:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def start(self, words: Iterable[str], env: dict[str, str], trap: dict[str, Any]) -> Running:
        number = next(self._numbers)
        out, err = (self._streams / f"{number}.{name}" for name in ("out", "err"))
        out.touch()
        err.touch()
        request = {"words": list(words), "out": str(out), "err": str(err), "env": env}
        began = time.perf_counter()
        pid = self.ask(start={**request, "trap": trap})
        return Running(self, pid, (out, err), began)

    def close(self) -> None:
        self._process.communicate()


@dataclass
class Place:
    """A folder with a cache and an output of its own, and the commands that use them."""

    launcher: Launcher
    folder: Path
    output: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.output = self.folder / "out" / "sharp.tif"

    @property
    def env(self) -> dict[str, str]:
        return {"UNBLUR_CACHE": str(self.folder / "cache")}

    @property
    def store(self) -> DiskStore:
        return DiskStore(self.folder / "cache")

    def start(
        self, *words: str, trap: dict[str, Any] | None = None, config: Path | None = None
    ) -> Running:
        """Start ``unblur run``; the trap's steps count below this folder."""
        config = config or self.launcher.config
        command = ["run", str(config), "--json", "--workers", "2", *words]
        if not any(word.startswith("result.path=") for word in words):
            command += ["--set", f"result.path={self.output}"]
        return self.launcher.start(command, self.env, {"under": str(self.folder), **(trap or {})})

    def run(self, *words: str, **settings: Any) -> Done:
        return self.start(*words, **settings).wait()

    def count_steps(self, kind: str, *words: str) -> int:
        """Run, and tell how many steps of a kind that takes."""
        into = self.folder.with_suffix(".count")
        under = self.folder / "cache" if kind == "read" else self.folder
        trap = {"steps": kind, "do": "count", "into": str(into), "under": str(under)}
        assert self.run(*words, trap=trap).code == 0
        return int(into.read_text())

    @property
    def files(self) -> set[str]:
        """All files here, by their path, without those that only save time."""
        paths = (path for path in self.folder.rglob("*") if not path.is_dir())
        names = {str(path.relative_to(self.folder)) for path in paths}
        return {
            name for name in names if not re.fullmatch(r"cache/(memo/.+\.json|wisdom/fftw)", name)
        }

    def check(self, undisturbed: Place) -> None:
        """Run once more: the pixels of a run without cache, and no file that need not be."""
        done = self.run()
        assert (done.code, done.err) == (0, ""), done
        assert self.output.read_bytes() == undisturbed.output.read_bytes()
        assert self.store.check() == []
        assert self.files == undisturbed.files

    def copy(self, folder: Path) -> Place:
        shutil.copytree(self.folder, folder, symlinks=True)
        return Place(self.launcher, folder)

    def remove(self) -> None:
        shutil.rmtree(self.folder)


@dataclass(frozen=True)
class Lanes:
    """How often a fault is tried, and several at a time."""

    kills: int

    def times(self, quick: int, full: int) -> int:
        """Scale a figure asked for beside 200 kills."""
        return max(quick, full * self.kills // 200)

    def each(self, work: Callable[[Item], Told], items: Iterable[Item]) -> list[Told]:
        with ThreadPoolExecutor(LANES) as pool:
            return list(pool.map(work, items))

    @property
    def seed(self) -> int:
        """Seed of whatever is left to chance; another finds other moments."""
        return int(os.environ.get("UNBLUR_FAULTS_SEED", "0"))


@pytest.fixture(scope="session")
def lanes() -> Lanes:
    """Quick, unless ``UNBLUR_FAULTS`` asks for more kills; everything else grows with them."""
    return Lanes(int(os.environ.get("UNBLUR_FAULTS", "0")))


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    started = Launcher(tmp_path_factory.mktemp("launcher"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def undisturbed(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What a run leaves that nothing befell; its pixels are those of a run without cache."""
    folder = tmp_path_factory.mktemp("undisturbed")
    uncached = Place(launcher, folder / "uncached")
    words = [word for name in NODES for word in ("--set", f"{name}.cache=false")]
    assert uncached.run(*words).code == 0
    place = Place(launcher, folder / "cached")
    assert place.run().code == 0
    assert place.output.read_bytes() == uncached.output.read_bytes()
    return place


@pytest.fixture
def estimating(tmp_path: Path) -> Path:
    """A configuration whose PSF costs more than all else, to be changed."""
    config = tmp_path / "estimating.yaml"
    config.write_text(ESTIMATED)
    return config


@pytest.fixture
def new_place(launcher: Launcher, undisturbed: Place, tmp_path: Path) -> Callable[..., Place]:
    """Make places with no results; unless `bare`, they know the code, which takes time to read."""
    numbers = count()

    def make(*, bare: bool = False) -> Place:
        place = Place(launcher, tmp_path / f"place{next(numbers)}")
        if not bare:
            for name in ("memo/code", "format", "CACHEDIR.TAG"):
                copy_to(undisturbed.folder / "cache" / name, place.folder / "cache" / name)
        return place

    return make


def copy_to(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
