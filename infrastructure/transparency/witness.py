"""A witness of other people's logs: cosigns what continues all that it cosigned before, and nothing else.

Serves POST /add-checkpoint as https://c2sp.org/tlog-witness says. What it cosigns is on the disk before it
answers. Run it where whoever rules the log's database rules nothing.
"""

import binascii
import json
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from domain.merkle import EMPTY_ROOT, HASH_BYTES, ProofInvalid, verify_consistency
from infrastructure import secret_file
from infrastructure.transparency.notes import (
    COSIGNATURE,
    SEED_BYTES,
    Checkpoint,
    NoteInvalid,
    Signer,
    Verifier,
    opened,
    parts,
)
from infrastructure.transparency.witnesses import SIZE_TYPE, Answer

LONGEST_PROOF = 63
LARGEST_REQUEST = 131_072
SILENCE_SECONDS = 30

_TEXT = "text/plain; charset=utf-8"


class RequestRefused(Exception):
    """The request is not cosigned; how that is answered."""

    def __init__(self, status: HTTPStatus, said: str, kind: str = _TEXT) -> None:
        super().__init__(said)
        self.answer = Answer(status, kind, f"{said}\n")


class StateDamaged(Exception):
    """The file of what was cosigned cannot be used; the message says what mends it."""


def key_of(path: Path, name: str) -> Signer:
    """The witness's key, made under this name at first. Raises FileExposed, KeyInvalid and OSError."""
    secret_file.create(path, f"{Signer(name, os.urandom(SEED_BYTES), COSIGNATURE).text}\n".encode())
    return Signer.parsed(secret_file.read(path, "witness key").decode("ascii", "replace"))


class Witness:
    """Cosigns checkpoints of the logs that it knows; any number of threads may ask."""

    def __init__(
        self, signer: Signer, logs: Sequence[Verifier], state: Path, now: Callable[[], float]
    ) -> None:
        """`state` is the file of what was cosigned last, `now` in seconds since the epoch.

        Raises StateDamaged.
        """
        self._signer = signer
        self._logs = logs
        self._path = state
        self._now = now
        self._lock = Lock()
        self._notes = _notes(state)

    def add_checkpoint(self, body: bytes) -> Answer:
        """What is answered to a request with this body. Raises OSError when the state cannot be kept."""
        try:
            old, proof, note = _parsed(body)
            text, head = self._known(note)
            with self._lock:
                self._refuse_what_does_not_follow(old, proof, head)
                self._keep(head.origin, note)
                line = self._signer.line(text, int(self._now()))
        except RequestRefused as refused:
            return refused.answer
        return Answer(HTTPStatus.OK, _TEXT, line)

    def _known(self, note: str) -> tuple[str, Checkpoint]:
        """The text and head of a note that a known log signed."""
        try:
            head = _head(parts(note)[0])
        except NoteInvalid as fault:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, str(fault)) from None
        keys = [log for log in self._logs if log.name == head.origin]
        if not keys:
            raise RequestRefused(HTTPStatus.NOT_FOUND, f"{head.origin} is no log that is known here")
        try:
            return opened(note, keys)[0], head
        except NoteInvalid as fault:
            raise RequestRefused(HTTPStatus.FORBIDDEN, str(fault)) from None

    def _refuse_what_does_not_follow(self, old: int, proof: Sequence[bytes], head: Checkpoint) -> None:
        if old > head.size:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, f"the old size {old} is above {head.size}")
        kept = self._cosigned(head.origin)
        if old != kept.size or (old == head.size and head.root != kept.root):
            raise RequestRefused(HTTPStatus.CONFLICT, str(kept.size), SIZE_TYPE)
        try:
            if old:
                verify_consistency(old, head.size, proof, kept.root, head.root)
            elif proof:
                raise ProofInvalid("of a tree without leaves nothing is proved")
        except ProofInvalid as fault:
            raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(fault)) from None

    def _cosigned(self, origin: str) -> Checkpoint:
        note = self._notes.get(origin)
        return Checkpoint(origin, 0, EMPTY_ROOT) if note is None else _head(parts(note)[0])

    def _keep(self, origin: str, note: str) -> None:
        """On the disk when this returns."""
        notes = self._notes | {origin: note}
        secret_file.replace(self._path, json.dumps(notes, ensure_ascii=False, indent=1).encode())
        self._notes = notes


def _notes(path: Path) -> dict[str, str]:
    try:
        notes = json.loads(secret_file.read(path, "witness state"))
        for origin, note in notes.items():
            if _head(parts(note)[0]).origin != origin:
                raise NoteInvalid(f"it holds a note of another log as that of {origin}")
    except secret_file.FileMissing:
        return {}
    except (secret_file.FileExposed, NoteInvalid, ValueError, AttributeError, TypeError) as fault:
        raise StateDamaged(f"the witness state {path} cannot be used: {fault}") from None
    return dict(notes)


def _head(text: str) -> Checkpoint:
    """The checkpoint of a note's text; a foreign log may add extension lines. Raises NoteInvalid."""
    lines = text.split("\n")
    if "" in lines[:-1]:
        raise NoteInvalid("a checkpoint holds no empty line")
    return Checkpoint.parsed("\n".join([*lines[:3], ""]))


def _parsed(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and note of a request."""
    try:
        head, gap, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "the request is not UTF-8") from None
    first, *lines = head.split("\n")
    word, _, size = first.partition(" ")
    if not gap or word != "old" or not (size.isascii() and size.isdecimal()) or str(int(size[:19])) != size:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "the request does not begin with an old size")
    if len(lines) > LONGEST_PROOF:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"a proof has at most {LONGEST_PROOF} lines")
    return int(size), [_hash(line) for line in lines], note


def _hash(line: str) -> bytes:
    try:
        found = b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != HASH_BYTES:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "a line of the proof is no hash in base64")
    return found


# --- over HTTP ----------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    """Answers for the server's witness."""

    protocol_version = "HTTP/1.1"
    server_version = "recourse-witness"
    timeout = SILENCE_SECONDS
    witness: Witness

    def do_POST(self) -> None:
        """The one request there is."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_REQUEST:
            self.close_connection = True
            self._send(Answer(HTTPStatus.BAD_REQUEST, _TEXT, "the request has no length, or is too long\n"))
            return
        body = self.rfile.read(int(length))
        if self.path != "/add-checkpoint":
            self._send(Answer(HTTPStatus.NOT_FOUND, _TEXT, "there is nothing here\n"))
            return
        self._send(self.witness.add_checkpoint(body))

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: requests may come every second."""


def server(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """The witness behind a socket that listens; `serve_forever` it, then close it. Raises OSError."""
    handler = type("Handler", (_Handler,), {"witness": witness})
    return ThreadingHTTPServer((host, port), handler)
