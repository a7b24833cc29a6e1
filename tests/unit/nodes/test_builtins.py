"""The package of nodes: what registers, and how light it is to import."""

from __future__ import annotations

import subprocess
import sys

import nodes
from pipeline.registry import kinds

HEAVY = ["numpy", "scipy", "skimage", "tifffile", "imagecodecs", "exiv2", "numba", "pyfftw", "dask"]


def test_all_built_in_kinds_are_registered() -> None:
    assert set(nodes.__all__) <= set(kinds())
    for kind in nodes.__all__:
        assert kinds()[kind].kind == kind
        assert kinds()[kind].__doc__
        for name, field in kinds()[kind].Params.model_fields.items():
            assert field.description, f"{kind}.{name} has no description"


def test_importing_them_is_light() -> None:
    code = f"import nodes, sys; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
