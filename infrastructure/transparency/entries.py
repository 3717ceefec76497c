"""What the leaves of the log say.

An entry is canonical JSON (RFC 8785; its values are texts and small integers alone), stored as it was first
made and never made again. Those of facts, of which there are many, are made by templates; a test compares
them with `canonical`. An entry commits to a fact without telling it: `state` is the salted hash of the fact's
record, so that the log may be public and what was recorded may be withheld, proof by proof.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple
from uuid import UUID

FORMAT = 1
SALT_BYTES = 32
CASE_MAP = "CaseMap"
LOG_OPENED = "LogOpened"


class Stored(NamedTuple):
    """A row of the table of facts, column by column."""

    position: int
    stream_id: UUID
    version: int
    topic: str
    state: bytes
    event_id: UUID
    recorded_at: datetime
    actor_id: str
    actor_role: str
    request_id: str
    causation_id: UUID | None
    schema_version: int


COLUMNS = """position, originator_id, originator_version, topic, state, event_id, recorded_at,
    actor_id, actor_role, request_id, causation_id, schema_version"""
"""The columns of `Stored`, in its order."""


def record(stored: Stored) -> bytes:
    """A fact's whole row as bytes: what is known of its recording, a line feed, and its stored state."""
    causation = "null" if stored.causation_id is None else f'"{stored.causation_id}"'
    about = (
        f'{{"actor":{_quoted(stored.actor_id)},"causation":{causation},"event":"{stored.event_id}"'
        f',"position":"{stored.position}"'  # a text: beyond what JSON's numbers hold exactly
        f',"request":{_quoted(stored.request_id)},"role":{_quoted(stored.actor_role)}'
        f',"schema":{stored.schema_version}}}\n'
    )
    return about.encode() + stored.state


def commitment(salt: bytes, record: bytes) -> bytes:
    """SHA-256(01 || salt || record): tells nothing of the record to who does not know the salt (32 bytes)."""
    return sha256(b"\x01" + salt + record).digest()


def of_fact(stored: Stored, salt: bytes, prev: bytes | None, log: str) -> bytes:
    """The entry of a fact; `prev` is the leaf hash of the same stream's entry before it."""
    state = commitment(salt, record(stored)).hex()
    before = "null" if prev is None else f'"{prev.hex()}"'
    return (
        f'{{"at":"{rfc3339(stored.recorded_at)}","case":"{stored.stream_id}","log":{_quoted(log)}'
        f',"prev":{before},"state":"{state}","type":{_quoted(stored.topic)},"v":{FORMAT}'
        f',"ver":{stored.version}}}'
    ).encode()


def of_map(root: bytes, streams: int, covers: int, at: datetime, log: str) -> bytes:
    """The entry of a case map: the root over the newest entry of every stream among the leaves before it."""
    return canonical(
        {
            "at": rfc3339(at),
            "covers": covers,
            "log": log,
            "root": root.hex(),
            "streams": streams,
            "type": CASE_MAP,
            "v": FORMAT,
        }
    )


def of_opening(reason: str, after: str | None, at: datetime, log: str) -> bytes:
    """The first entry of a log: why it was opened, after which last checkpoint of the log that was lost."""
    return canonical(
        {"after": after, "at": rfc3339(at), "log": log, "reason": reason, "type": LOG_OPENED, "v": FORMAT}
    )


def canonical(value: dict[str, Any]) -> bytes:
    """Its one JSON form (RFC 8785), for texts, small integers and null."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and Z."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"
