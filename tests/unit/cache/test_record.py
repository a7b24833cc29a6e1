from __future__ import annotations

import copy
import json

import pytest

from cache.digest import canonical_json, seal, text_digest
from cache.record import ArrayRecord, Record, new_entry
from cache.store import StoreError

KEY = "a" * 32
ARRAY = ArrayRecord("<f4", (600, 3), (512, 3), ("0" * 32, "1" * 32))


def record(**facts) -> Record:
    arrays = {"pixels": ARRAY}
    return Record(new_entry(KEY, arrays, {"facts": facts}, 12288), arrays, {"pixels": "2" * 32})


def test_a_record_is_read_back_as_it_was():
    assert Record.from_text(record(a=1).to_text()) == record(a=1)


def test_a_record_readers_would_refuse_is_not_written():
    with pytest.raises(StoreError, match="put large things into arrays"):
        record(a="x" * 2**24).to_text()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("key",), "../../etc"),
        (("bytes",), "many"),
        (("digest",), "0" * 32),
        (("record",), 3),
        (("arrays",), None),
        (("metadata",), None),
        (("arrays", "pixels", "dtype"), "O"),
        (("arrays", "pixels", "dtype"), "nonsense"),
        (("arrays", "pixels", "shape"), [-600, 3]),
        (("arrays", "pixels", "shape"), [600.0, 3]),
        (("arrays", "pixels", "shape"), [10**15, 10**15]),
        (("arrays", "pixels", "shape"), [600]),
        (("arrays", "pixels", "chunks"), [0, 3]),
        (("arrays", "pixels", "digests"), ["0" * 32]),
        (("arrays", "pixels", "digests"), ["0" * 32, 5]),
        (("arrays", "../pixels"), ARRAY.to_json()),
    ],
)
def test_a_forged_record_with_a_right_checksum_is_refused(place, value):
    """The checksum is no secret, so each field is checked for what it may be."""
    body = json.loads(record().to_text())["body"]
    forged = copy.deepcopy(body)
    inner = forged
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    if place != ("digest",):
        described = {"arrays": forged["arrays"], "facts": {}}
        forged["digest"] = text_digest(canonical_json(described))
    with pytest.raises(ValueError, match=r"^(has|got) "):
        Record.from_text(seal(forged))
