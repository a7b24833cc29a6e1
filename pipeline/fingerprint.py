"""Keys: what a result should be, as 32 hexadecimal digits.

A *recipe key* is made from what is known before anything is computed: kind, code, parameters,
content of the files that are read, and the recipe keys of the inputs. A *content key* is the same
with each input's recipe key replaced by the digest of its actual result; two recipes that lead
to equal inputs share it.

Both hash a canonical encoding in which every value carries its type: ``1``, ``1.0``, ``"1"`` and
``True`` differ, as do a list and a tuple, or arrays that differ only in shape or dtype. A value
without a stable encoding is refused: a placeholder would be a wrong picture waiting.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import xxhash

FORMAT_VERSION = 1
"""Part of every key: raise it when the encoding or the stored values change their meaning."""


class EncodingError(TypeError):
    """A value has no stable encoding."""


def encode(value: Any) -> bytes:
    """Encode a value so that different values, and different types, never meet.

    Parameters
    ----------
    value : None, bool, int, float, str, bytes, list, tuple, dict or numpy array, nested

    Raises
    ------
    EncodingError
        For any other type, subclasses included, and for NaN.
    """
    return b"".join(_parts(value))


def recipe_key(
    kind: str,
    code: str,
    params: Mapping[str, Any],
    files: Mapping[str, str],
    inputs: Mapping[str, str],
) -> str:
    """Key of a result by what it will be made from.

    Parameters
    ----------
    kind : str
    code : str
        Fingerprint of the node's code.
    params : mapping of str to value
        Validated and defaulted; without the paths of files.
    files : mapping of str to str
        Parameter to the content hash of the file that it names.
    inputs : mapping of str to str
        Port to the recipe key of what is joined to it.
    """
    return _key("recipe", kind, code, params, files, inputs)


def content_key(
    kind: str,
    code: str,
    params: Mapping[str, Any],
    files: Mapping[str, str],
    inputs: Mapping[str, str],
) -> str:
    """Key of a result by what it is made from: `inputs` maps ports to digests of values."""
    return _key("content", kind, code, params, files, inputs)


def arrays_digest(digests: Mapping[str, str]) -> str:
    """Digest of some arrays of a result, given the digest of each by its name."""
    return xxhash.xxh3_128_hexdigest(encode(["arrays", dict(digests)]))


def whole_digest(arrays: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    """Digest of a result that is put together: the digest of each array, and its facts."""
    return xxhash.xxh3_128_hexdigest(encode(["whole", dict(arrays), dict(facts)]))


def _key(*parts: Any) -> str:
    plain = [dict(part) if isinstance(part, Mapping) else part for part in parts]
    return xxhash.xxh3_128_hexdigest(encode([FORMAT_VERSION, *plain]))


def _parts(value: Any) -> Iterator[bytes]:
    kind = type(value)
    if value is None:
        yield b"n"
    elif kind is bool:
        yield b"t" if value else b"f"
    elif kind is int:
        yield _sized(b"i", str(value).encode())
    elif kind is float:
        yield b"d" + _float_bytes(value)
    elif kind is str:
        yield _sized(b"s", value.encode("utf-8", "surrogatepass"))
    elif kind is bytes:
        yield _sized(b"b", value)
    elif kind in (list, tuple):
        yield _head(b"l" if kind is list else b"u", len(value))
        for item in value:
            yield from _parts(item)
    elif kind is dict:
        yield _head(b"m", len(value))
        pairs = [(encode(key), item) for key, item in value.items()]
        for key, item in sorted(pairs, key=lambda pair: pair[0]):
            yield key
            yield from _parts(item)
    else:
        yield from _array_parts(value)


def _array_parts(value: Any) -> Iterator[bytes]:
    import numpy as np

    if type(value) is not np.ndarray or value.dtype.kind not in "biufcSU":
        raise EncodingError(
            f"{type(value).__name__} has no stable encoding, got {value!r}. Use plain values."
        )
    yield _sized(b"a", value.dtype.str.encode())
    yield from _parts(tuple(int(n) for n in value.shape))
    yield _sized(b"b", np.ascontiguousarray(value).tobytes())


def _float_bytes(value: float) -> bytes:
    if math.isnan(value):
        raise EncodingError("NaN has no stable encoding, since it equals nothing. Use a number.")
    return struct.pack(">d", value)


def _head(tag: bytes, length: int) -> bytes:
    return tag + length.to_bytes(8, "big")


def _sized(tag: bytes, data: bytes) -> bytes:
    return _head(tag, len(data)) + data
