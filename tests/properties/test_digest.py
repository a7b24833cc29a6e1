"""Digests: equal for equal results, different for different ones."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cache.chunks import Grid, chunk_shape, slices
from cache.digest import canonical_json, chunk_digest, seal, unseal
from cache.memory import MemoryStore

numbers = st.sampled_from(["?", "<u1", "<i2", "<u2", "<f4", "<f8"]).map(np.dtype)
blocks = numbers.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_side=4)))
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def typed(value: Any) -> Any:
    """Make values comparable without 1 == 1.0 == True."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    sign = math.copysign(1, value) if isinstance(value, float) else 0
    return type(value).__name__, value, sign


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(blocks, blocks)
def test_chunks_have_equal_digests_only_if_equal(a, b):
    assert (chunk_digest(a) == chunk_digest(b)) == same(a, b)


@given(blocks)
def test_a_chunk_of_equal_bytes_but_other_type_or_shape_differs(block):
    others = [block.reshape(-1, 1), block[np.newaxis], block.view(f"V{block.itemsize}")]
    digests = {chunk_digest(other) for other in (block, *others) if not same(other, block)}
    assert chunk_digest(block) not in digests


@given(blocks)
def test_a_chunk_has_one_digest_however_it_lies_in_memory(block):
    spread = np.zeros((*block.shape, 2), block.dtype)
    spread[..., 1] = block
    assert chunk_digest(spread[..., 1]) == chunk_digest(block)
    assert chunk_digest(np.asfortranarray(block)) == chunk_digest(block)


@given(values, values)
def test_json_texts_are_equal_only_if_values_are(a, b):
    assert (canonical_json(a) == canonical_json(b)) == (typed(a) == typed(b))


@given(values)
def test_json_text_is_read_back_as_it_was(value):
    assert typed(json.loads(canonical_json(value))) == typed(value)


@given(values, st.integers(0), st.integers(1, 127))
def test_a_changed_character_of_a_sealed_text_is_noticed_or_harmless(value, place, change):
    text = seal(value)
    place %= len(text)
    changed = text[:place] + chr(ord(text[place]) ^ change) + text[place + 1 :]
    try:
        read = unseal(changed)
    except ValueError:
        return
    assert typed(read) == typed(value)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 1600), st.integers(1, 700)), st.data())
def test_a_result_has_one_digest_however_it_was_written(shape, data):
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    whole, parts = MemoryStore().begin("a" * 32), MemoryStore().begin("b" * 32)
    whole.put_array("pixels", pixels)
    array = parts.new_array("pixels", shape, np.uint8)
    for region in data.draw(st.permutations(grouped(data, Grid(shape, chunk_shape(shape))))):
        array[region] = pixels[region]
    assert parts.publish({"seconds": 1}).digest == whole.publish({}).digest


def grouped(data: st.DataObject, grid: Grid) -> list[tuple[slice, ...]]:
    """Cut a picture into bands of one or more rows of chunks, some of them into chunks."""
    rows = grid.counts[0]
    cuts = sorted({0, rows, *data.draw(st.lists(st.integers(0, rows), max_size=3))})
    regions = []
    for top, bottom in pairwise(cuts):
        band = slice(top * grid.chunks[0], min(bottom * grid.chunks[0], grid.shape[0]))
        cells = [cell for cell in grid.cells() if top <= cell[0] < bottom]
        chunks = [slices(grid.spans(cell)) for cell in cells]
        regions += data.draw(st.sampled_from([[(band,)], chunks]))
    return regions
