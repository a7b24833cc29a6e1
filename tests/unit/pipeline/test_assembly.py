from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import assembly


@pytest.mark.parametrize(("writable", "kept"), [(False, "kernels"), (True, None)])
def test_kernels_are_kept_in_the_cache_folder_where_sources_are_read_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writable: bool, kept: str | None
) -> None:
    monkeypatch.setenv("UNBLUR_CACHE", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "put back when the test ends")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(os, "access", lambda *_: writable)
    with assembly._lessons():
        assert os.environ.get("NUMBA_CACHE_DIR") == (kept and str(tmp_path / kept))
