#!/usr/bin/env python3
"""Checks the proof of a case offline: `python recourse_verify.py FILE --vkey KEY [--checkpoint EARLIER]`.

Stands alone: it needs Python 3.9 or newer and the package `cryptography`, and nothing of Recourse. It trusts
KEY, the verifier key of the log (`recourse audit vkey`, had from somebody whom you trust), and nothing else.
What it relies on is public: RFC 6962 and RFC 9162 trees, RFC 8785 JSON, C2SP signed notes and checkpoints.

Exit codes: 0 everything holds · 1 something does not, and the last line says what · 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import binascii
import json
import os
import re
import stat
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "recourse-case-proof"
VERSION = 1
LARGEST_FILE = 64 * 1024 * 1024
LARGEST_NOTE = 65_536
MOST_SIGNATURES = 100
LATEST = 253_402_300_799
"""The last second of the year 9999: what is said to be later is shown as this."""

HASH_BYTES = 32
ED25519 = 1
COSIGNATURE = 4
"""Types of keys: a log's, and a witness's, which signs a checkpoint together with the time."""

BUCKETS = 1 << 16
"""Of the case map: a stream's bucket is the first two bytes of its id."""

WITHHELD = {
    "not_for_this_reader": "withheld: who exported this may not read it",
    "not_in_the_database": "withheld: the database does not hold it any more",
}
ERASING = "PersonalDataErased"
"""The event with which the key of a side's texts was destroyed; its record names the key."""


class Refused(Exception):
    """What was checked does not hold; the message says what."""


class ProofInvalid(Refused):
    """The proof does not show what it is said to show."""


# --- the tree (RFC 6962, RFC 9162) --------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def root_from(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root to which a proof of inclusion leads (RFC 9162, 2.1.3.2). Raises ProofInvalid."""
    _numbers(index, size)
    _hashes(leaf, *proof)
    if index >= size:
        raise ProofInvalid(f"there is no leaf {index} in a tree of {size}")
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is shorter than the tree is high")
    return found


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf stands at `index` of the tree with this size and root. Raises ProofInvalid."""
    _hashes(root)
    if root_from(leaf, index, size, proof) != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Check that the tree (size1, root1) is the beginning of (size2, root2) (RFC 9162, 2.1.4.2).

    Raises ProofInvalid, also where size1 is 0: of an empty tree nothing can be proved.
    """
    _numbers(size1, size2)
    _hashes(root1, root2, *proof)
    if size1 == 0:
        raise ProofInvalid("nothing is proved of a tree without leaves")
    if size1 > size2:
        raise ProofInvalid(f"a tree of {size1} is no beginning of one of {size2}")
    if size1 == size2:
        if proof or root1 != root2:
            raise ProofInvalid("trees of one size have one root, and need no proof")
        return
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    path = list(proof) if node else [root1, *proof]
    if not path:
        raise ProofInvalid("the proof is empty")
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is shorter than the tree is high")
    if old != root1:
        raise ProofInvalid("the proof leads to another old root")
    if new != root2:
        raise ProofInvalid("the proof leads to another new root")


def _numbers(*numbers: int) -> None:
    for number in numbers:
        if type(number) is not int or number < 0:
            raise ProofInvalid(f"{number!r} counts no leaves")


def _hashes(*hashes: bytes) -> None:
    for one in hashes:
        if type(one) is not bytes or len(one) != HASH_BYTES:
            raise ProofInvalid(f"a hash has {HASH_BYTES} bytes")


# --- reading what nobody vouches for ------------------------------------------------------------------


def read(path: str, largest: int) -> bytes:
    """The bytes of a file that is not larger. Raises Refused."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # this one file imports no more than it must
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Refused(f"{path} is no file")
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
    if len(content) > largest:
        raise Refused(f"{path} has more than {largest:,} bytes, which is the most that is taken")
    return content


def parsed(text: bytes, what: str) -> Any:
    """A JSON value without repeated members. Raises Refused."""
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=lambda pairs: _members(pairs, what),
            parse_constant=lambda name: _refuse(f"{what} holds {name}, which is no JSON"),
        )
    except RecursionError:
        raise Refused(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise Refused(f"{what} is damaged, it is no JSON: {error}") from None


def _members(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused(f"{what} says {name!a} twice")
        found[name] = value
    return found


def _refuse(message: str) -> Any:
    raise Refused(message)


def canonical(value: Any) -> bytes:
    """Its one JSON form (RFC 8785), for texts, integers, null, lists and objects. Raises Refused."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8")
    except (ValueError, RecursionError):  # a lone surrogate; nesting
        raise Refused("a text is no well-formed Unicode, or nested too deeply") from None


def shaped(value: Any, what: str, **members: type) -> dict[str, Any]:
    """An object with exactly these members of these types. Raises Refused."""
    if type(value) is not dict:
        raise Refused(f"{what} is no object")
    for name in sorted(value.keys() - members.keys()):
        raise Refused(f"{what} has a member {name!a}, which is not known")
    for name, kind in members.items():
        if name not in value:
            raise Refused(f"{what} has no {name}")
        if type(value[name]) is not kind:
            raise Refused(f"{name} of {what} is of the wrong kind")
    return value


def in_base64(text: Any, what: str, length: int | None = HASH_BYTES) -> bytes:
    """Bytes in their one base64 form. Raises Refused."""
    try:
        found = b64decode(text, validate=True) if type(text) is str else None
    except (binascii.Error, ValueError):
        found = None
    if found is None or b64encode(found).decode() != text or length not in (None, len(found)):
        raise Refused(f"{what} is damaged")
    return found


def proof_of(texts: Sequence[Any], what: str) -> list[bytes]:
    """The hashes of a proof. Raises Refused."""
    return [in_base64(text, f"the proof of {what}") for text in texts]


# --- notes and checkpoints (C2SP) ---------------------------------------------------------------------


class Key(NamedTuple):
    """A verifier key: `name+hash+key`."""

    name: str
    public: bytes
    text: str
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


class Checkpoint(NamedTuple):
    """A head of the log's tree that its key signed."""

    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes], ...]


def key(text: str, what: str = "KEY", kind: int = ED25519) -> Key:
    """The key that this text tells, of a log or of a witness. Raises Refused."""
    name, _, rest = text.strip().partition("+")
    _, _, encoded = rest.partition("+")
    try:
        material = b64decode(encoded, validate=True)
        name.encode()
    except ValueError:
        material = b""
    if not name or not name.isprintable() or " " in name or len(material) != 1 + HASH_BYTES:
        raise Refused(f"{what} is no verifier key: name+hash+key, as `recourse audit vkey` prints it")
    if material[0] != kind:
        raise Refused(f"{what} is of type {material[0]}, and should be of type {kind}")
    found = Key(name, material[1:], text.strip(), kind)
    if found.text != f"{name}+{found.id.hex()}+{b64encode(material).decode()}":
        raise Refused(f"{what} is damaged: its hash does not fit its name and key")
    return found


def checkpoint(note: str, log: Key, what: str) -> Checkpoint:
    """The checkpoint in a note that the log's key signed. Raises Refused."""
    try:
        size = len(note.encode())
    except UnicodeEncodeError:
        raise Refused(f"{what} is no well-formed Unicode") from None
    if size > LARGEST_NOTE or any(ord(one) < ord(" ") and one != "\n" for one in note):
        raise Refused(f"{what} is no signed note: too long, or with control characters")
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise Refused(f"{what} is no signed note")
    text += "\n"
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise Refused(f"{what} has more than {MOST_SIGNATURES} signatures")
    signatures = tuple(_signature(line, what) for line in lines)
    for signature in _by(log, signatures, f"{what} is not signed by {log.name} with KEY"):
        _check_signature(log, signature, text.encode(), what)
    origin, number, root = _head(text, what)
    if origin != log.name:
        raise Refused(f"{what} is of the log {origin!a}, and KEY is of {log.name}")
    return Checkpoint(number, root, text, signatures)


def cosigned(head: Checkpoint, witness: Key) -> str:
    """When the witness cosigned the checkpoint. Raises Refused."""
    absent = f"the checkpoint is not cosigned by {witness.name} with the witness's KEY"
    at = 0
    for signature in _by(witness, head.signatures, absent):
        at = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {at}\n{head.text}".encode()
        _check_signature(witness, signature[8:], message, "the checkpoint")
    utc = timezone.utc  # noqa: UP017  # its other name is newer than Python 3.9
    return datetime.fromtimestamp(min(at, LATEST), utc).isoformat()


def _signature(line: str, what: str) -> tuple[str, bytes]:
    """Who signed, and the key's id with the signature."""
    found = re.fullmatch("\N{EM DASH} ([^ +]+) ([A-Za-z0-9+/=]+)", line)
    if not found:
        raise Refused(f"{what} has a damaged signature line")
    return found[1], in_base64(found[2], f"a signature line of {what}", None)


def _by(signer: Key, signatures: Sequence[tuple[str, bytes]], absent: str) -> list[bytes]:
    """The signatures that are said to be this key's; those of others are passed over."""
    found = [value[4:] for name, value in signatures if (name, value[:4]) == (signer.name, signer.id)]
    if not found:
        raise Refused(absent)
    return found


def _check_signature(signer: Key, signature: bytes, message: bytes, what: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(signer.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Refused(f"{what} is not what {signer.name} signed: the signature does not fit") from None


def _head(text: str, what: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise Refused(f"{what} is no checkpoint: origin, size and root, a line each")
    return lines[0], int(lines[1]), in_base64(lines[2], f"the root of {what}")


# --- the bundle ---------------------------------------------------------------------------------------

STATE = re.compile("[0-9a-f]{64}")
TYPE = re.compile("[A-Za-z][A-Za-z0-9_.]{0,127}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


class Event(NamedTuple):
    """An event that was found where the log says it is. `record`: its stored bytes' value, if it is shown."""

    version: int
    type: str
    at: str
    hash: bytes
    record: Any
    withheld: str


class Report:
    """What is said of what was checked, in the order of checking."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def holds(self, what: str) -> None:
        """This was checked, and holds."""
        self.lines.append(f"  ok  {what}")

    def tells(self, what: str) -> None:
        """Something to know."""
        self.lines.append(f"      {what}")


def check(
    content: bytes, vkey: str, earlier: str | None, report: Report, witnesses: Sequence[str] = ()
) -> None:
    """Check a bundle, and that it continues the earlier checkpoint. Raises Refused at the first fault."""
    bundle = _bundle(parsed(content, "the file"))
    log = key(vkey)
    if (bundle["vkey"], bundle["origin"]) != (log.text, log.name):
        raise Refused(f"the file is of the log {bundle['origin']!a}, which signs with another key than KEY")
    head = checkpoint(bundle["checkpoint"], log, "the checkpoint")
    others = len(head.signatures) - 1
    report.holds(f"the checkpoint is signed by {log.name}: {head.size:,} leaves, {others} more signatures")
    for witness in (key(text, "the witness's KEY", COSIGNATURE) for text in witnesses):
        report.holds(f"{witness.name} cosigned it at {cosigned(head, witness)}")
    events = list(_events(bundle, log, head))
    report.holds(
        f"{len(events)} events stand in the log, of case {bundle['case']}, from version 1 on, each bound to"
        " the one before it"
    )
    at = _check_map(bundle["map"], bundle["case"], events, log, head)
    report.holds(
        f"version {events[-1].version} is the newest of the case as of {at}: nothing was left out at its end"
    )
    before = None if earlier is None else checkpoint(earlier, log, "EARLIER")
    _check_continuity(bundle["consistency"], head, before, report)
    _check_form(bundle, content)
    report.holds("the file is as it was written")
    _tell(events, report)


def _bundle(value: Any) -> dict[str, Any]:
    kind = value.get("format") if type(value) is dict else None
    if kind != FORMAT:
        raise Refused("the file is no proof of a case, as `recourse audit export` writes it")
    if value.get("version") != VERSION:
        raise Refused(f"the file is of version {value.get('version')!a}, and this program knows {VERSION}")
    texts = dict.fromkeys(("format", "origin", "vkey", "case", "checkpoint", "sha256"), str)
    bundle = shaped(value, "the file", version=int, events=list, map=dict, consistency=list, **texts)
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bundle["case"]):
        raise Refused("the case of the file is no case id")
    if not bundle["events"]:
        raise Refused("the file holds no event")
    return bundle


def _events(bundle: dict[str, Any], log: Key, head: Checkpoint) -> Iterator[Event]:
    before: Event | None = None
    index = position = -1
    for version, value in enumerate(bundle["events"], 1):
        what = f"event {version}"
        shown = type(value) is dict and "withheld" not in value
        more = {"salt": str, "record": str} if shown else {"withheld": str}
        shaped(value, what, index=int, entry=str, proof=list, **more)
        entry = _entry(value["entry"], what)
        _check_entry(entry, version, before, bundle["case"], log, what)
        if not index < value["index"]:
            raise Refused(f"{what} stands before the one that it follows")
        index = value["index"]
        found = _proved(value, head, what)
        if shown:
            position, record = _record(value, entry, position, what)
            before = Event(version, entry["type"], entry["at"], found, record, "")
        else:
            if value["withheld"] not in WITHHELD:
                raise Refused(f"{what} is withheld for no reason that is known")
            before = Event(version, entry["type"], entry["at"], found, None, value["withheld"])
        yield before


def _entry(text: str, what: str) -> dict[str, Any]:
    entry: dict[str, Any] = parsed(_utf8(text, what), f"the entry of {what}")
    prev = str if type(entry) is dict and entry.get("prev") is not None else type(None)
    texts = dict.fromkeys(("at", "case", "log", "state", "type"), str)
    shaped(entry, f"the entry of {what}", v=int, ver=int, prev=prev, **texts)
    if canonical(entry) != text.encode():
        raise Refused(f"the entry of {what} is not in its one form (RFC 8785)")
    if entry["v"] != 1:
        raise Refused(f"the entry of {what} is of version {entry['v']}, and this program knows 1")
    forms = ((STATE, "state"), (TYPE, "type"), (TIME, "at"))
    if not all(form.fullmatch(entry[name]) for form, name in forms):
        raise Refused(f"the state, type or time of {what} is in no form of an entry")
    return entry


def _check_entry(
    entry: dict[str, Any], version: int, before: Event | None, case: str, log: Key, what: str
) -> None:
    if entry["log"] != log.name:
        raise Refused(f"{what} is of another log, {entry['log']!a}")
    if entry["case"] != case:
        raise Refused(f"{what} is of another case, {entry['case']!a}")
    if entry["ver"] != version:
        raise Refused(f"{what} says that it is version {entry['ver']}: one is missing, twice or misplaced")
    if entry["prev"] != (before.hash.hex() if before else None):
        raise Refused(f"{what} does not follow the event before it: that one was changed or exchanged")


def _proved(value: dict[str, Any], head: Checkpoint, what: str) -> bytes:
    found = leaf_hash(value["entry"].encode())
    try:
        verify_inclusion(found, value["index"], head.size, proof_of(value["proof"], what), head.root)
    except ProofInvalid as error:
        raise Refused(f"{what} is not in the log as it is shown here: {error}") from None
    return found


def _record(value: dict[str, Any], entry: dict[str, Any], position: int, what: str) -> tuple[int, Any]:
    """The position of the record in the database, and the value of its stored bytes."""
    salt, record = in_base64(value["salt"], f"the salt of {what}"), _utf8(value["record"], what)
    if sha256(b"\x01" + salt + record).hexdigest() != entry["state"]:
        raise Refused(f"the record of {what} is not what was sealed: it was changed")
    about, _, state = record.partition(b"\n")
    members = parsed(about, f"the record of {what}")
    caused = str if type(members) is dict and members.get("causation") is not None else type(None)
    texts = dict.fromkeys(("actor", "event", "position", "request", "role"), str)
    shaped(members, f"the record of {what}", schema=int, causation=caused, **texts)
    if not re.fullmatch("[1-9][0-9]{0,18}", members["position"]) or int(members["position"]) <= position:
        raise Refused(f"the record of {what} was not recorded after the one before it")
    stored = parsed(state, f"the record of {what}")
    if type(stored) is not dict or type(stored.get("timestamp")) is not str:
        raise Refused(f"the record of {what} does not say when it happened")
    return int(members["position"]), stored


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Refused(f"{what} is no well-formed Unicode") from None


# --- nothing left out ---------------------------------------------------------------------------------


def _check_map(value: Any, case: str, events: Sequence[Event], log: Key, head: Checkpoint) -> str:
    """The log's last leaf is a map of the newest entry of every case; the last event must be this case's.

    Returns of when the map is.
    """
    what = "the case map"
    shaped(value, what, index=int, entry=str, proof=list, place=int, size=int, within=list, above=list)
    if value["index"] != head.size - 1:
        raise Refused("the case map is not the last leaf under the checkpoint: it may be an older one")
    _proved(value, head, what)
    entry = parsed(_utf8(value["entry"], what), what)
    texts = dict.fromkeys(("at", "log", "root", "type"), str)
    shaped(entry, what, v=int, covers=int, streams=int, **texts)
    if canonical(entry) != value["entry"].encode() or entry["v"] != 1 or entry["type"] != "CaseMap":
        raise Refused("the last leaf under the checkpoint is no case map in its one form")
    if not TIME.fullmatch(entry["at"]):
        raise Refused("the time of the case map is in no form of an entry")
    if (entry["log"], entry["covers"]) != (log.name, value["index"]):
        raise Refused("the case map is of another log, or does not cover everything before it")
    stream, last = UUID(case), events[-1]
    leaf = leaf_hash(stream.bytes + last.version.to_bytes(8, "big") + last.hash)
    try:
        bucket = root_from(leaf, value["place"], value["size"], proof_of(value["within"], what))
        number = int.from_bytes(stream.bytes[:2], "big")
        found = root_from(bucket, number, BUCKETS, proof_of(value["above"], what))
    except ProofInvalid as error:
        raise Refused(f"the proof of the case map is damaged: {error}") from None
    if not STATE.fullmatch(entry["root"]) or found.hex() != entry["root"]:
        raise Refused(
            f"version {last.version} is not the newest of the case by the case map: events at its end"
            " were left out, or the map's proof was changed"
        )
    at: str = entry["at"]
    return at


# --- nothing rewritten since --------------------------------------------------------------------------


def _check_continuity(
    proofs: Sequence[Any], head: Checkpoint, earlier: Checkpoint | None, report: Report
) -> None:
    known = dict(_check_beginnings(proofs, head))
    if earlier is None:
        report.tells("no earlier checkpoint was given: nothing is said of whether the log was rewritten")
        return
    if earlier.size == 0:
        raise Refused("EARLIER is of a log without leaves: nothing can be proved of it")
    if earlier.size > head.size:
        raise Refused(
            f"EARLIER has {earlier.size:,} leaves and the file's checkpoint {head.size:,}: the file is older"
            " than EARLIER, or the log was cut off"
        )
    if earlier.size < head.size and earlier.size not in known:
        raise Refused(
            f"the file holds no proof that leads from EARLIER's {earlier.size:,} leaves to its own; have it"
            " exported again: recourse audit export CASE -o FILE --since EARLIER"
        )
    if known.get(earlier.size, head.root) != earlier.root:
        raise Refused(f"the log was rewritten: its first {earlier.size:,} leaves are not those under EARLIER")
    report.holds(f"the log continues EARLIER: its first {earlier.size:,} leaves are as they were")


def _check_beginnings(proofs: Sequence[Any], head: Checkpoint) -> Iterator[tuple[int, bytes]]:
    """The roots of beginnings of the log, by size."""
    below = head.size
    for value in proofs:
        shaped(value, "a proof of consistency", size=int, root=str, proof=list)
        size, root = value["size"], in_base64(value["root"], "the root of a beginning of the log")
        if not 0 < size < below:
            raise Refused("the proofs of consistency are not in their order, from newer to older")
        try:
            verify_consistency(size, head.size, proof_of(value["proof"], "consistency"), root, head.root)
        except ProofInvalid as error:
            raise Refused(f"the proof of consistency with {size:,} leaves does not hold: {error}") from None
        below = size
        yield size, root


def _check_form(bundle: dict[str, Any], content: bytes) -> None:
    """That the file is byte for byte as it was written; whoever changes it on purpose can pass this."""
    said = bundle.pop("sha256")
    found = sha256(canonical(bundle)).hexdigest()
    if said != found or canonical({**bundle, "sha256": found}) + b"\n" != content:
        raise Refused("the file was changed: it is not in its one form, or its digest differs")


# --- telling ------------------------------------------------------------------------------------------


def _tell(events: Sequence[Event], report: Report) -> None:
    """Every event, and what of it cannot be read."""
    destroyed = {key_id for event in events for key_id in _destroyed(event)}
    for event in events:
        report.tells(f"version {event.version:<4} {event.at}  {event.type:<28} {_shown(event, destroyed)}")


def _shown(event: Event, destroyed: set[str]) -> str:
    if event.withheld:
        return WITHHELD[event.withheld]
    sealed = list(_sealed(event.record, ""))
    gone = sorted({name for name, key_id in sealed if key_id in destroyed})
    kept = sorted({name for name, key_id in sealed if key_id not in destroyed})
    told = [f"key destroyed: {', '.join(gone)}"] if gone else []
    told += [f"sealed: {', '.join(kept)}"] if kept else []
    return "as recorded" + "".join(f"; {one}" for one in told)


def _destroyed(event: Event) -> list[str]:
    key_id = event.record.get("key_id") if event.type == ERASING and event.record else None
    return [key_id] if type(key_id) is str else []


def _sealed(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The name and the key of every sealed text in a record."""
    if type(value) is dict:
        if value.keys() == {"person", "key_id", "box"} and type(value["key_id"]) is str:
            yield name, value["key_id"]
            return
        for part, inner in value.items():
            yield from _sealed(inner, f"{name}.{part}" if name else part)
    elif type(value) is list:
        for inner in value:
            yield from _sealed(inner, name)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="recourse_verify.py", description="Check the proof of a case offline. Exit code 0: it holds."
    )
    parser.add_argument("file", metavar="FILE", help="what `recourse audit export CASE -o FILE` wrote")
    parser.add_argument("--vkey", metavar="KEY", required=True, help="the log's key: recourse audit vkey")
    parser.add_argument("--checkpoint", metavar="EARLIER", help="a file with an earlier checkpoint")
    parser.add_argument(
        "--witness", metavar="KEY", action="append", default=[], help="somebody who must have cosigned it"
    )
    given = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    report = Report()
    try:
        earlier = _note(read(given.checkpoint, LARGEST_NOTE)) if given.checkpoint else None
        check(read(given.file, LARGEST_FILE), given.vkey, earlier, report, given.witness)
        verdict, code = "VERIFIED: everything that is listed above holds.", 0
    except Refused as refused:
        verdict, code = f"FAILED: {refused}.", 1
    except RecursionError:
        verdict, code = "FAILED: the file is nested too deeply.", 1
    for line in [*report.lines, verdict]:
        print("".join(one if one.isprintable() else "?" for one in line))
    return code


def _note(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refused("EARLIER is no text, and so no checkpoint") from None


if __name__ == "__main__":
    sys.exit(main())
