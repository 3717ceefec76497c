"""Has witnesses cosign the log's checkpoints (https://c2sp.org/tlog-witness). Sealing never waits for them.

A witness keeps what it cosigned last and refuses what does not continue it: whoever rewrites the history, and
holds even the sealer's key and its kept checkpoint, is still found by a witness.
"""

import logging
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection
from psycopg.rows import scalar_row

from infrastructure.projector import connected
from infrastructure.transparency.notes import COSIGNATURE, NoteInvalid, Verifier, opened, parts, signed
from infrastructure.transparency.tree import NoLog, StoredTree, newest_log

log = logging.getLogger(__name__)

SIZE_TYPE = "text/x.tlog.size"
PAUSE = 1.0
TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 16_384
_SIZE = re.compile(r"[0-9]{1,18}\n?")

_COSIGNED = "SELECT coalesce(max(size), 0) FROM transparency.cosignatures WHERE log = %s AND witness = %s"
_PUT = """
    INSERT INTO transparency.cosignatures (log, size, witness, line) VALUES (%s, %s, %s, %s)
    ON CONFLICT (log, size, witness) DO NOTHING
"""


class WitnessRefused(Exception):
    """A witness did not cosign; the message says what it answered."""


class Witness(NamedTuple):
    """Where a witness is asked, and the key it cosigns with."""

    url: str
    verifier: Verifier


class Answer(NamedTuple):
    """What a witness answered."""

    status: int
    kind: str
    body: str


Ask = Callable[[str, bytes], Answer]
"""Posts to a URL. Raises OSError and http.client.HTTPException."""


def parsed_witnesses(text: str) -> tuple[Witness, ...]:
    """The witnesses that `URL VKEY; URL VKEY` names. Raises ValueError."""
    return tuple(_witness(one) for one in text.split(";") if one.strip())


def _witness(text: str) -> Witness:
    url, _, vkey = text.strip().partition(" ")
    where = urlsplit(url)
    if where.scheme not in ("http", "https") or not where.hostname or where.query or where.fragment:
        raise ValueError(f"{url} is no URL of a witness")
    verifier = Verifier.parsed(vkey)
    if verifier.kind != COSIGNATURE:
        raise ValueError(f"{verifier.name} is the key of a log, not of a witness")
    return Witness(url.rstrip("/"), verifier)


def request(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of POST /add-checkpoint."""
    lines = [f"old {old}", *(b64encode(one).decode() for one in proof), "", note]
    return "\n".join(lines).encode()


def post(url: str, body: bytes) -> Answer:
    """Post over HTTP or HTTPS; redirections are not followed."""
    where = urlsplit(url)
    kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", where.path, body, {"Content-Type": "text/plain; charset=utf-8"})
        answer = connection.getresponse()
        text = answer.read(LARGEST_ANSWER).decode("utf-8", "replace")
        return Answer(answer.status, answer.getheader("Content-Type", ""), text)
    finally:
        connection.close()


class Witnesses:
    """Has the newest checkpoint cosigned by every witness, again and again. Belongs to one thread."""

    def __init__(self, url: str, witnesses: Sequence[Witness], ask: Ask = post) -> None:
        self._url = url
        self._witnesses = witnesses
        self._ask = ask
        self._told: dict[str, str] = {}

    def run(self, stop: Event) -> None:
        """Ask until `stop` is set; each refusal is logged once."""
        while self._witnesses and not stop.wait(PAUSE):
            try:
                self.ask_all()
            except (NoLog, psycopg.Error):
                continue  # the sealer tells of it

    def ask_all(self) -> int:
        """Ask every witness that has not cosigned the newest checkpoint; return how many did now.

        Raises NoLog and psycopg.Error.
        """
        with connected(self._url, "recourse witnesses") as connection:
            tree = StoredTree(connection, newest_log(connection))
            return sum(self._asked(connection, tree, witness) for witness in self._witnesses)

    def _asked(self, connection: Connection[Any], tree: StoredTree, witness: Witness) -> bool:
        name = witness.verifier.name
        try:
            done = cosign(connection, tree, witness, self._ask)
        except (WitnessRefused, OSError, HTTPException, NoteInvalid, LookupError) as error:
            said = f"{type(error).__name__}: {error}"
            if self._told.get(name) != said:
                log.warning("the witness %s does not cosign: %s", name, said)
            self._told[name] = said
            return False
        self._told.pop(name, None)
        return done


def cosign(connection: Connection[Any], tree: StoredTree, witness: Witness, ask: Ask = post) -> bool:
    """Have the newest checkpoint cosigned, and store what the witness signed; False if it was before.

    Raises WitnessRefused, OSError, http.client.HTTPException and psycopg.Error; NoteInvalid and LookupError
    for a log that is not what was signed.
    """
    newest = tree.note()
    with connection.cursor(row_factory=scalar_row) as cursor:
        values = (tree.log.number, witness.verifier.name)
        known = int(cursor.execute(_COSIGNED, values).fetchone() or 0)
    if newest is None or newest[0] == known:
        return False
    size = newest[0]
    text, _ = opened(newest[1], [tree.log.verifier])
    answer = _sent(tree, witness, known, newest, ask)
    if answer.status == 409 and answer.kind == SIZE_TYPE and _SIZE.fullmatch(answer.body):
        answer = _sent(tree, witness, int(answer.body), newest, ask)  # it knows more than we do
    if answer.status != 200:
        raise WitnessRefused(f"it answered {answer.status} {answer.body[:100].strip()!r}")
    line = _line(text, answer.body, witness.verifier)
    connection.execute(_PUT, (tree.log.number, size, witness.verifier.name, line))
    return True


def _sent(tree: StoredTree, witness: Witness, old: int, newest: tuple[int, str], ask: Ask) -> Answer:
    size, note = newest
    if old > size:
        raise WitnessRefused(f"it cosigned {old} leaves of {tree.log.origin}, but there are only {size}")
    proof = tree.consistency_proof(old, size) if old else []
    return ask(f"{witness.url}/add-checkpoint", request(old, proof, note))


def _line(text: str, body: str, witness: Verifier) -> str:
    """The one line of the answer that the witness's known key signed. Raises WitnessRefused."""
    for line in body.splitlines(keepends=True):
        try:
            note = signed(text, line)
            opened(note, [witness])
            if len(parts(note)[1]) == 1:
                return line
        except (NoteInvalid, ValueError):
            continue
    raise WitnessRefused("what it answered is not its cosignature")
