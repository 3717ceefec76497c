"""Delivers what was recorded for the outside: at least once, in short transactions, parked when it cannot be.

A worker leases one message, delivers it outside any transaction and then records what came of it. The time
at which the lease ends is also the fencing token: who has lost the lease records nothing.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.clock import Clock
from application.delivery import Deliver, Delivery, Undeliverable
from application.errors import ServiceUnavailable
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import change, read

MAX_ATTEMPTS = 12
"""After so many a message is parked; with the pauses below that is after a little more than an hour."""

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)

LEASE = timedelta(minutes=2)
"""Longer than any gateway takes to answer; a worker that died is replaced after it."""

POLL_SECONDS = 0.5

CLAIM = (
    b"UPDATE outbox SET claimed_until = %s, attempts = attempts + 1 WHERE message_id = ("
    b" SELECT message_id FROM outbox WHERE state = 'pending' AND next_attempt_at <= %s"
    b" AND (claimed_until IS NULL OR claimed_until <= %s)"
    b" ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
    b" RETURNING message_id, case_id, kind, payload, causation_id, attempts"
)
DELIVERED = (
    b"UPDATE outbox SET state = 'delivered', claimed_until = NULL, last_error = NULL"
    b" WHERE message_id = %s AND claimed_until = %s RETURNING message_id"
)
PUT_OFF = (
    b"UPDATE outbox SET next_attempt_at = %s, claimed_until = NULL, last_error = %s"
    b" WHERE message_id = %s AND claimed_until = %s RETURNING message_id"
)
PARK = (
    b"UPDATE outbox SET state = 'parked', claimed_until = NULL, last_error = %s"
    b" WHERE message_id = %s AND claimed_until = %s RETURNING message_id"
)
SELECT_PARKED = (
    b"SELECT message_id, case_id, kind, attempts, created_at, last_error FROM outbox"
    b" WHERE state = 'parked' ORDER BY created_at, message_id"
)
SELECT_STATUS = (
    b"SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'parked'),"
    b" min(created_at) FILTER (WHERE state = 'pending') FROM outbox WHERE state <> 'delivered'"
)
REDELIVER = (
    b"UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = now(), last_error = NULL"
    b" WHERE message_id = %s RETURNING message_id"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that waits for a person."""

    message_id: UUID
    case_id: UUID
    kind: str
    attempts: int
    created_at: datetime
    last_error: str


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How many messages wait, since when, and how many are parked."""

    pending: int
    parked: int
    oldest_pending: datetime | None


def status(datastore: Datastore) -> OutboxStatus:
    """How the outbox stands. Raises ServiceUnavailable."""
    return OutboxStatus(*read(datastore, SELECT_STATUS)[0])


def parked(datastore: Datastore) -> list[ParkedMessage]:
    """The parked messages, oldest first. Raises ServiceUnavailable."""
    return [ParkedMessage(*row) for row in read(datastore, SELECT_PARKED)]


def redeliver(datastore: Datastore, message_id: UUID) -> None:
    """Have a message delivered now, whatever became of it before, with all its attempts anew.

    Raises LookupError when there is no such message, and ServiceUnavailable.
    """
    if not change(datastore, REDELIVER, message_id):
        raise LookupError(f"there is no message {message_id} in the outbox")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A message leased to this worker until `token`."""

    delivery: Delivery
    attempts: int
    token: datetime


class OutboxWorker:
    """Delivers messages by their kind. Any number of workers may run; one worker belongs to one thread."""

    def __init__(
        self,
        datastore: Datastore,
        clock: Clock,
        deliver: Mapping[str, Deliver],
        *,
        lease: timedelta = LEASE,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._datastore = datastore
        self._clock = clock
        self._deliver = deliver
        self._lease = lease
        self._max_attempts = max_attempts

    def run(self, stop: threading.Event, poll: float = POLL_SECONDS) -> None:
        """Deliver until told to stop; wait `poll` seconds when nothing is due or the database is away."""
        while not stop.is_set():
            try:
                busy = self.deliver_next()
            except ServiceUnavailable:
                log.warning("the outbox waits for the database")
                busy = False
            except Exception:
                # A fault of ours or of the schema. It is said each time, and its mending needs no restart.
                log.exception("the outbox could not be read or written")
                busy = False
            if not busy:
                stop.wait(poll)

    def deliver_next(self) -> bool:
        """Deliver the message that is due first; False when none is. Raises ServiceUnavailable."""
        claim = self._claim()
        if claim is None:
            return False
        if claim.attempts > self._max_attempts:
            self._park(claim, f"given up: {self._max_attempts} attempts ended without an answer")
            return True
        try:
            self._attempt(claim.delivery)
        except Undeliverable as reason:
            self._park(claim, str(reason))
        except Exception as error:  # noqa: BLE001 - one message must not stop the others; it is logged and kept
            self._put_off(claim, error)
        else:
            change(self._datastore, DELIVERED, claim.delivery.message_id, claim.token)
        return True

    def _attempt(self, delivery: Delivery) -> None:
        if delivery.kind not in self._deliver:
            raise Undeliverable(f"nobody here delivers messages of kind {delivery.kind}")
        self._deliver[delivery.kind](delivery)

    def _claim(self) -> _Claim | None:
        at = self._clock.now()
        token = at + self._lease
        for *message, attempts in change(self._datastore, CLAIM, token, at, at):
            return _Claim(Delivery(*message), attempts, token)
        return None

    def _put_off(self, claim: _Claim, error: Exception) -> None:
        message_id = claim.delivery.message_id
        log.warning("delivery of message %s failed", message_id, exc_info=error)
        # The type alone: what an unforeseen error quotes may be what people wrote.
        if claim.attempts >= self._max_attempts:
            self._park(claim, f"given up after {claim.attempts} attempts: {type(error).__name__}")
            return
        again_at = self._clock.now() + pause_after(claim.attempts)
        change(self._datastore, PUT_OFF, again_at, type(error).__name__, message_id, claim.token)

    def _park(self, claim: _Claim, reason: str) -> None:
        message_id = claim.delivery.message_id
        if change(self._datastore, PARK, reason, message_id, claim.token):
            log.error(
                "message %s is parked: %s", message_id, reason, extra={"case_id": claim.delivery.case_id}
            )


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time, up to LONGEST_PAUSE."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
