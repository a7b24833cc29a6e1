"""What a result shows to later nodes: what its node made, and what went past it unread.

``deconvolve`` reads the pixels of a picture; colour profile, metadata and facts pass it by
(`pipeline.node.Port.passes`). They are no part of its keys, so another Exif does not run it
again. Whoever reads its result gets them from where they come from, as they are now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cache.store import Entry
from pipeline.config import NodeSpec
from pipeline.fingerprint import arrays_digest, whole_digest
from pipeline.node import Json, Port, Value


@dataclass(frozen=True, slots=True)
class Passing:
    """The port whose unread parts go past a node, and the node that is joined there."""

    port: Port
    source: str

    def matters_to(self, reader: Port) -> bool:
        """Whether a port that reads the node's result sees anything of what passed it."""
        return reader.arrays is None or not set(reader.arrays) <= set(self.port.arrays or ())

    def joined(self, own: Mapping[str, Any], passed: Mapping[str, Any]) -> dict[str, Any]:
        """Put arrays, or their digests, together.

        What a node was not given it can't have changed: there that of its input stands.
        """
        read = self.port.arrays or ()
        return {**own, **{name: item for name, item in passed.items() if name not in read}}

    def value(self, own: Value, passed: Value) -> Value:
        """Put values together."""
        arrays, facts = self.joined(own.arrays, passed.arrays), {**own.facts, **passed.facts}
        return Value(own.type, arrays, facts, own.details)


def passing(spec: NodeSpec) -> Passing | None:
    """Find what goes past a node; None if nothing does."""
    ports = spec.cls.inputs
    joined = (Passing(ports[name], source) for name, source in spec.inputs.items())
    return next((found for found in joined if found.port.passes), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of a result: digests of its arrays, and its facts.

    Attributes
    ----------
    digest : str
        Of all that is seen.
    """

    digest: str
    arrays: Mapping[str, str]
    facts: Mapping[str, Json]

    @classmethod
    def of(cls, entry: Entry) -> Seen:
        """See what a node made, and no more."""
        facts = entry.record.get("facts")
        return cls(entry.digest, entry.arrays, facts if isinstance(facts, dict) else {})

    def digest_for(self, reader: Port) -> str:
        """Digest what a port reads of it."""
        if reader.arrays is None:
            return self.digest
        return arrays_digest({n: self.arrays[n] for n in reader.arrays if n in self.arrays})


def see(
    name: str, reader: Port, specs: Mapping[str, NodeSpec], entries: Mapping[str, Entry]
) -> Seen | None:
    """See a node's result as a port that reads it does.

    Parameters
    ----------
    name : str
    reader : Port
    specs : mapping of str to NodeSpec
    entries : mapping of str to Entry
        The results at hand.

    Returns
    -------
    Seen or None
        None if something of it is not at hand.
    """
    entry = entries.get(name)
    if entry is None:
        return None
    own, past = Seen.of(entry), passing(specs[name])
    if past is None or not past.matters_to(reader):
        return own
    passed = see(past.source, whole(past.port), specs, entries)
    if passed is None:
        return None
    arrays = past.joined(own.arrays, passed.arrays)
    facts = {**own.facts, **passed.facts}
    return Seen(whole_digest(arrays, facts), arrays, facts)


def whole(port: Port) -> Port:
    """Give a port that reads all of what one of its type can be joined to."""
    return Port(port.type)
