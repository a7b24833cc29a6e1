"""What a zarr v3 group and its arrays look like on disk, as far as they have no codec [1]_.

A chunk's file then holds its values and nothing else, so that they are written and read without
the library, whose import and bookkeeping took longer than the bytes of a small picture.

References
----------
.. [1] https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cache.chunks import Cell, Grid

if TYPE_CHECKING:
    import numpy as np

GROUP_JSON = '{"attributes":{},"zarr_format":3,"node_type":"group"}'


Separator: TypeAlias = Literal[".", "/"]

SEPARATOR: Separator = "."
"""All chunks of an array lie in one folder. With a folder for each row, and with three axes one
for each chunk, as zarr does it by default, ext4 takes twice as long: new folders are dear."""


def array_json(grid: Grid, dtype: np.dtype[Any], separator: Separator = SEPARATOR) -> str:
    """Describe an array of little-endian numbers, for its ``zarr.json``."""
    codec: dict[str, Any] = {"name": "bytes"}
    if dtype.itemsize > 1:
        codec["configuration"] = {"endian": "little"}
    fill = dtype.type(0).item()
    return json.dumps(
        {
            "shape": grid.shape,
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": grid.chunks}},
            "chunk_key_encoding": {
                "name": "default",
                "configuration": {"separator": separator},
            },
            "fill_value": [fill.real, fill.imag] if isinstance(fill, complex) else fill,
            "codecs": [codec],
            "attributes": {},
            "zarr_format": 3,
            "node_type": "array",
            "storage_transformers": [],
        }
    )


def chunk_path(folder: Path, cell: Cell, separator: Separator = SEPARATOR) -> Path:
    """Name the file of a chunk of the array in `folder`."""
    return folder / separator.join(["c", *map(str, cell)])
