"""Keys change with whatever they are made from, and with nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fingerprint import encode, recipe_key

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
    assert (recipe_key(**one) == recipe_key(**two)) == (exact(one) == exact(two))


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
