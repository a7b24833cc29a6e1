from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from pipeline.fingerprint import EncodingError, content_key, encode, recipe_key


def test_types_never_meet() -> None:
    values = [None, True, False, 1, 1.0, "1", b"1", [1], (1,), {"1": 1}, [], (), {}, "", 0, 0.0]
    values += [-0.0, [[1], []], [[], [1]], ["ab", "c"], ["a", "bc"], {"a": 1, "b": 2}]
    arrays = [np.zeros(4, "f4"), np.zeros((2, 2), "f4"), np.zeros(4, "i4"), np.zeros(2, "f8")]
    encodings = [encode(value) for value in [*values, *arrays]]
    assert len(set(encodings)) == len(encodings)


def test_the_order_of_keys_does_not_count() -> None:
    assert encode({"a": 1, "b": 2}) == encode({"b": 2, "a": 1})


def test_the_layout_of_an_array_does_not_count() -> None:
    values = np.arange(6, dtype="f4").reshape(2, 3)
    assert encode(values) == encode(np.asfortranarray(values))


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        Path("x"),
        float("nan"),
        OrderedDict(),
        np.float32(1),
        np.array([object()]),
        np.zeros(2, [("a", "f4")]),
    ],
)
def test_what_has_no_stable_encoding_is_refused(value: object) -> None:
    with pytest.raises(EncodingError, match="no stable encoding"):
        encode(value)


def test_keys_are_what_they_have_always_been() -> None:
    # A changed key throws away every user's cache: raise FORMAT_VERSION on purpose, or mend it.
    key = recipe_key("crop", "c0de", {"size": 3}, {"path": "d1"}, {"image": "k1"})
    assert key == "1b00ecf1fd452746ad03e05fbb1a105d"
    assert key != content_key("crop", "c0de", {"size": 3}, {"path": "d1"}, {"image": "k1"})
