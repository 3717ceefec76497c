"""What an archive's files are called, and what their lines hold."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import msgspec

from infrastructure.transparency.entries import Stored, rfc3339
from infrastructure.transparency.tree import Leaf

FORMAT = "recourse-archive 1"
VERSION = "1.0"
"""Of CloudEvents."""

EVENTS = "events"
STATE = "state"
MANIFESTS = "manifests"
CHECKPOINT = "checkpoint"
TAIL = "tail.jsonl"

LOG_TABLES = ("transparency.logs", "transparency.checkpoints", "transparency.cosignatures")
STATE_TABLES = (
    *LOG_TABLES,
    "public.api_keys",
    "public.blobs",
    "public.blob_chunks",
    "public.claims",
    "public.clock_alarms",
    "public.deadlines",
    "public.idempotency",
    "public.outbox",
    "public.processes",
    "public.parked_streams",
)
"""Copied as they are, in an order in which they can be filled again."""

KEY_TABLES = ("vault.master_key", "vault.data_keys", "vault.blind_index")
"""Copied to a file of their own, in an order in which they can be filled again."""

DERIVED_TABLES = (
    "public.events",
    "public.parked_cases",
    "public.projections",
    "public.restores",
    "public.schema_migrations",
    "transparency.heads",
    "transparency.leaves",
    "transparency.map_tiles",
    "transparency.sealer_state",
    "transparency.tiles",
)
"""Made of the lines of `events/`, or anew by whoever needs them; read models' tables as well."""


class File(msgspec.Struct, frozen=True):
    """A file of an archive, by its path inside it."""

    path: str
    sha256: str
    lines: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One backup: everything that belongs to it.

    size, root and note are the signed checkpoint's; `tail` counts the facts after it. read_models: the digest
    of each read model's table, None for one that was behind.
    """

    format: str
    origin: str
    vkey: str
    made_at: datetime
    log: int
    size: int
    root: str
    note: str
    tail: int
    files: tuple[File, ...]
    read_models: dict[str, str | None]


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact, or an entry of the log itself, as a CloudEvent 1.0; our extensions have no separators.

    data is the stored state, byte for byte. Of an entry of the log itself, `data` is the entry.
    """

    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    subject: str | None = None
    logindex: int | None = None
    logentry: str | None = None
    logsalt: str | None = None
    streamversion: int | None = None
    position: str | None = None
    actorid: str | None = None
    actorrole: str | None = None
    requestid: str | None = None
    causationid: str | None = None
    schemaversion: int | None = None
    data: msgspec.Raw

    @classmethod
    def of(cls, origin: str, leaf: Leaf | None, fact: Stored | None) -> Self:
        """The line of a leaf with its fact, of a leaf without one, or of a fact without a leaf yet."""
        sealed: dict[str, Any] = {}
        if leaf is not None:
            sealed = {"logindex": leaf.number, "logentry": b64encode(leaf.entry).decode()}
        if fact is None:
            if leaf is None:
                raise ValueError("a line holds a leaf or a fact")
            kind = msgspec.json.decode(leaf.entry)["type"]
            name = f"{origin}/{leaf.number}"
            data = msgspec.Raw(leaf.entry)
            return cls(specversion=VERSION, id=name, source=origin, type=f"log.{kind}", data=data, **sealed)
        if leaf is not None and leaf.salt is not None:
            sealed["logsalt"] = b64encode(leaf.salt).decode()
        return cls(
            specversion=VERSION,
            id=str(fact.event_id),
            source=origin,
            type=fact.topic,
            time=rfc3339(fact.recorded_at),
            subject=str(fact.stream_id),
            streamversion=fact.version,
            position=str(fact.position),
            actorid=fact.actor_id,
            actorrole=fact.actor_role,
            requestid=fact.request_id,
            causationid=None if fact.causation_id is None else str(fact.causation_id),
            schemaversion=fact.schema_version,
            data=msgspec.Raw(fact.state),
            **sealed,
        )

    @property
    def fact(self) -> Stored | None:
        """The row of the table of facts. Raises ValueError for a line that tells only a part of one."""
        if self.subject is None:
            return None
        given = (self.streamversion, self.position, self.time, self.schemaversion)
        if None in given:
            raise ValueError(f"{self.id}: a fact without its version, position, time or schema")
        return Stored(
            position=int(self.position or 0),
            stream_id=UUID(self.subject),
            version=self.streamversion or 0,
            topic=self.type,
            state=bytes(self.data),
            event_id=UUID(self.id),
            recorded_at=datetime.fromisoformat(self.time or ""),
            actor_id=self.actorid or "",
            actor_role=self.actorrole or "",
            request_id=self.requestid or "",
            causation_id=None if self.causationid is None else UUID(self.causationid),
            schema_version=self.schemaversion or 0,
        )

    @property
    def entry(self) -> bytes | None:
        """The log's entry, if it was sealed. Raises ValueError."""
        return None if self.logentry is None else b64decode(self.logentry, validate=True)

    @property
    def salt(self) -> bytes | None:
        """The salt of the fact's commitment. Raises ValueError."""
        return None if self.logsalt is None else b64decode(self.logsalt, validate=True)


encode = msgspec.json.Encoder().encode
decode_line = msgspec.json.Decoder(Line).decode
decode_manifest = msgspec.json.Decoder(Manifest).decode


def events_file(first: int, end: int) -> str:
    """The path of the lines from leaf `first` to before leaf `end`."""
    return f"{EVENTS}/{first:012}-{end:012}.jsonl"


def manifest_file(size: int) -> str:
    """The path of the manifest of the backup of so many leaves."""
    return f"{MANIFESTS}/{size:012}.json"


def state_file(size: int, table: str) -> str:
    """The path of a table's rows in that backup."""
    return f"{STATE}/{size:012}/{table}.jsonl"


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def lines(path: Path) -> Iterator[bytes]:
    """A file's lines without their ends. Raises OSError."""
    with path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n")
