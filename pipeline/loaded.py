"""What source files were like before their code was loaded.

A process goes on with the code that it has loaded, whatever becomes of the files. So a
fingerprint, which is made from files, may only name results of code that is still the same.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.files import State, file_state

_noted: dict[Path, State | None] = {}


def note_sources(package: str) -> None:
    """Look at the files of a package; to be called before it is first imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for path in (Path(parent, name) for name in names if name.endswith(".py")):
                _noted.setdefault(path, _state(path))


def are_edited(paths: Iterable[Path]) -> bool:
    """Whether one of these files was written to, replaced or removed since it was noted."""
    return any(path in _noted and _state(path) != _noted[path] for path in paths)


def _state(path: Path) -> State | None:
    try:
        return file_state(path)
    except OSError:
        return None
