"""The proof of a case as one document: what `recourse_verify.py` at the root of this repository checks.

Canonical JSON and a line feed, made of nothing but what stands under its checkpoint: made again, it is the
same byte for byte. Texts stay sealed in it, so that the erasure of their keys changes nothing of it.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from infrastructure.transparency.case_map import MapProof
from infrastructure.transparency.entries import canonical
from infrastructure.transparency.tree import Leaf, Log

FORMAT = "recourse-case-proof"
VERSION = 1
NOT_FOR_THIS_READER = "not_for_this_reader"
NOT_IN_THE_DATABASE = "not_in_the_database"

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proved:
    """A leaf and the proof that it is in the tree."""

    leaf: Leaf
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Beginning:
    """An earlier head of the log, and the proof that the tree continues it."""

    size: int
    root: bytes
    proof: Sequence[bytes]


def document(
    log: Log,
    case_id: UUID,
    note: str,
    events: Iterable[Part],
    case_map: Part,
    beginnings: Iterable[Beginning],
) -> bytes:
    """The document; the proofs are those under the checkpoint in `note`."""
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "origin": log.origin,
        "vkey": log.verifier.vkey,
        "case": str(case_id),
        "checkpoint": note,
        "events": list(events),
        "map": case_map,
        "consistency": [_beginning(one) for one in beginnings],
    }
    return canonical({**whole, "sha256": sha256(canonical(whole)).hexdigest()}) + b"\n"


def event(proved: Proved, record: bytes | None, shown: bool) -> Part:
    """An event with its record, or with the reason why that is withheld: its salt then stays secret too."""
    if not shown:
        return _proved(proved) | {"withheld": NOT_FOR_THIS_READER}
    if record is None or proved.leaf.salt is None:
        return _proved(proved) | {"withheld": NOT_IN_THE_DATABASE}
    return _proved(proved) | {"salt": _base64(proved.leaf.salt), "record": record.decode()}


def case_map(proved: Proved, proof: MapProof) -> Part:
    """The entry of the case map, and what leads from the case's newest entry to its root."""
    return _proved(proved) | {
        "place": proof.place,
        "size": proof.size,
        "within": _hashes(proof.within),
        "above": _hashes(proof.above),
    }


def tlog_proof(proved: Proved, note: str) -> str:
    """The proof of one leaf as https://c2sp.org/tlog-proof writes it."""
    lines = ["c2sp.org/tlog-proof@v1", f"index {proved.leaf.number}", *_hashes(proved.proof), "", note]
    return "\n".join(lines)


def _proved(proved: Proved) -> Part:
    leaf = proved.leaf
    return {"index": leaf.number, "entry": leaf.entry.decode(), "proof": _hashes(proved.proof)}


def _beginning(one: Beginning) -> Mapping[str, Any]:
    return {"size": one.size, "root": _base64(one.root), "proof": _hashes(one.proof)}


def _hashes(hashes: Iterable[bytes]) -> list[str]:
    return [_base64(one) for one in hashes]


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
