"""Keys change with whatever they are made from, and with nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.fingerprint import EncodingError, content_key, encode, recipe_key

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.binary(max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def exact(value: Any) -> str:
    """Tell values apart as Python's repr does; it shows types, and dicts sorted by us."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{exact(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list | tuple):
        return type(value).__name__ + "[" + ",".join(exact(item) for item in value) + "]"
    return repr(value)


@given(values, values)
def test_encodings_are_equal_exactly_when_values_are(one: Any, two: Any) -> None:
    assert (encode(one) == encode(two)) == (exact(one) == exact(two))


def lookalikes(value: Any) -> Iterator[Any]:
    """Values of other types that a careless encoding takes for this one."""
    yield from (str(value), repr(value), [value], (value,), {"": value}, {str(value): None})
    yield from (None, "", b"", 0, 0.0, False, [], (), {}, "None")
    if isinstance(value, bool | int | float):
        yield from (cast(value) for cast in (bool, str) if value == value)
        yield float(np.float32(value)) if abs(value) < 1e38 else None
        yield int(value) if abs(value) < 1e300 else None
        yield -value
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    if isinstance(value, list | tuple):
        yield from (list(value), tuple(value), dict(enumerate(value)), [list(value)], *value)
    if isinstance(value, dict):
        yield from (list(value), list(value.items()), [list(pair) for pair in value.items()])


@given(values)
def test_lookalikes_of_other_types_never_collide(value: Any) -> None:
    for other in lookalikes(value):
        assert (encode(value) == encode(other)) == (exact(value) == exact(other)), other


numbers = st.sampled_from(["?", "<u1", "<i2", ">i2", "<u2", "<f4", "<f8"]).map(np.dtype)
arrays = numbers.flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=0, max_side=4),
        elements=hnp.from_dtype(dtype, allow_nan=False),
    )
)


@given(arrays)
def test_arrays_of_equal_bytes_never_collide_unless_shape_and_dtype_are_equal(
    array: np.ndarray,
) -> None:
    raw = array.tobytes()
    others: list[Any] = [array.reshape(-1), array.reshape(-1, 1), array[np.newaxis], raw]
    others += [
        np.frombuffer(raw, dtype) for dtype in "?Bbhif" if len(raw) % np.dtype(dtype).itemsize == 0
    ]
    others += [array.tolist(), array.astype(">f8"), array.astype("<f8")]
    for other in others:
        is_same = (
            type(other) is np.ndarray
            and (other.dtype, other.shape, other.tobytes()) == (array.dtype, array.shape, raw)
        )  # fmt: skip
        assert (encode(array) == encode(other)) == is_same


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, np.float32(1), float("nan"), np.array([None]), type("S", (str,), {})("a")],
    ids=lambda value: type(value).__name__,
)
def test_values_without_a_stable_encoding_are_refused(value: Any) -> None:
    for nested in (value, [value], {"a": (value,)}):
        with pytest.raises(EncodingError, match="no stable encoding"):
            encode(nested)


@given(values)
def test_no_encoding_is_the_beginning_of_another(value: Any) -> None:
    # Else two values in a row could be cut in two ways.
    assert encode([value, value]) != encode([[value, value]])
    assert not encode((value, None)).startswith(encode(value)) or value == ()


parts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["crop", "load"]),
        "code": st.sampled_from(["a", "b"]),
        "params": st.dictionaries(st.sampled_from("xyz"), scalars, max_size=2),
        "files": st.dictionaries(st.sampled_from("pq"), st.sampled_from(["1", "2"]), max_size=2),
        "inputs": st.dictionaries(st.sampled_from("mn"), st.sampled_from(["1", "2"]), max_size=2),
    }
)


@given(parts, parts)
def test_keys_are_equal_exactly_when_all_parts_are(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    for key in (recipe_key, content_key):
        assert (key(**one) == key(**two)) == (exact(one) == exact(two))
    assert recipe_key(**one) != content_key(**two)


@settings(max_examples=3, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=3), st.integers() | st.text("xy"), max_size=4))
def test_keys_are_the_same_in_another_process(params: dict[str, Any]) -> None:
    code = (
        "import json, sys; from pipeline.fingerprint import recipe_key; "
        "print(recipe_key('k', 'c', json.load(sys.stdin), {}, {}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(params),
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == recipe_key("k", "c", params, {}, {})
