"""Records facts in one round trip without a lock, and reads them in their commit-safe order."""

from collections.abc import Sequence
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)
from eventsourcing.postgres import PostgresRecorder, PostgresTrackingRecorder

from application.store import Effects, Provenance, StoreError, StoreUnavailable
from infrastructure.event_store.append_call import NO_EFFECTS, AppendCall, PendingEvent
from infrastructure.event_store.connections import PATIENCE_SECONDS, Datastore
from infrastructure.event_store.failures import connection_lost, translated, worth_repeating
from infrastructure.event_store.order import check_epoch, safe_position

UNATTRIBUTED = Provenance(actor_id="unattributed", actor_role="system", request_id="")
"""What is recorded of events that arrive through the library's own interface."""

OWN_EVENT = b"SELECT position FROM events WHERE originator_id = %b AND event_id = %b"
SELECT_EVENTS = (
    b"SELECT originator_id, originator_version, topic, state FROM events WHERE originator_id = %b"
    b" AND originator_version > %b AND originator_version <= %b ORDER BY originator_version "
)
SELECT_NOTIFICATIONS = (
    b"SELECT originator_id, originator_version, topic, state, position FROM events"
    b" WHERE position >= %b AND position < %b"
)
MAX_POSITION = b"SELECT max(position) FROM events WHERE position < %b"

MAX_VERSION = 2**31 - 1
POLL_SECONDS = 0.05


class ConcurrentRecorder(PostgresRecorder, ApplicationRecorder):
    """Appends through one function call on an autocommit connection; any number of writers at once.

    Raises at construction what `check_epoch` raises. `insert_events` is eventsourcing's interface with its
    errors; `append` is ours and raises StoreError. Reading raises psycopg.Error.
    """

    datastore: Datastore

    def __init__(self, datastore: Datastore) -> None:
        super().__init__(datastore)
        check_epoch(datastore)

    def append(
        self, events: Sequence[PendingEvent], provenance: Provenance, effects: Effects = NO_EFFECTS
    ) -> int:
        """Record events and effects in one transaction; the position of the first, the others follow by one.

        A connection lost on the way is replaced and the call repeated, for PATIENCE_SECONDS; when an earlier
        attempt turns out to have been committed after all, that is the answer. Raises StoreError.
        """
        return self._sent(AppendCall.of(events, provenance, effects), events[0])

    def add(self, events: Sequence[PendingEvent], provenance: Provenance, effects: Effects) -> None:
        """Record the second of two events at the end of its stream, whatever is there; the first begins it.

        Repeated like `append`. Raises StoreError.
        """
        self._sent(AppendCall.adding(events, provenance, effects), events[-1])

    def _sent(self, call: AppendCall, event: PendingEvent) -> int:
        give_up_at = monotonic() + PATIENCE_SECONDS
        wait = PATIENCE_SECONDS
        in_doubt = False
        while True:
            try:
                return self.datastore.append(call, wait)
            except psycopg.Error as error:
                failure = translated(error)
                if in_doubt and not isinstance(failure, StoreUnavailable):
                    own = self._position_of(event)
                    if own is not None:
                        return own
                wait = give_up_at - monotonic()
                if not worth_repeating(error) or wait <= 0:
                    raise failure from error
                in_doubt = in_doubt or connection_lost(error)

    def _position_of(self, event: PendingEvent) -> int | None:
        try:
            rows = self.datastore.read(OWN_EVENT, (event.originator_id, event.event_id))
        except psycopg.Error as error:
            raise translated(error) from error
        return int(rows[0][0]) if rows else None

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """eventsourcing's interface to `append`, with its errors; keywords `provenance` and `effects`."""
        if not stored_events:
            return None
        pending = [_pending(event) for event in stored_events]
        try:
            first = self.append(
                pending, kwargs.get("provenance", UNATTRIBUTED), kwargs.get("effects", NO_EFFECTS)
            )
        except StoreUnavailable as error:
            raise OperationalError(str(error)) from error
        except StoreError as error:
            raise IntegrityError(str(error)) from error
        return list(range(first, first + len(pending)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One aggregate's events by version."""
        statement = SELECT_EVENTS + (b"DESC" if desc else b"ASC") + b" LIMIT %b"
        bounds = (-1 if gt is None else gt, MAX_VERSION if lte is None else lte)
        return [StoredEvent(*row) for row in self.datastore.read(statement, (originator_id, *bounds, limit))]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position, from `start` to `stop`, never beyond what is final."""
        bound = safe_position(self.datastore)
        first = 0 if start is None else start if inclusive_of_start else start + 1
        end = bound if stop is None else min(stop + 1, bound)
        statement, params = SELECT_NOTIFICATIONS, [first, end]
        if topics:
            statement += b" AND topic = ANY(%b)"
            params.append(list(topics))  # type: ignore[arg-type]
        rows = self.datastore.read(statement + b" ORDER BY position LIMIT %b", (*params, limit))
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The highest position that is final; None when there is none."""
        ((highest,),) = self.datastore.read(MAX_POSITION, (safe_position(self.datastore),))
        return highest  # type: ignore[no-any-return]

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """The events after `gt`, then the new ones as they become final."""
        return PollingSubscription(recorder=self, gt=gt, topics=topics)


class PollingSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Asks again every POLL_SECONDS: nothing in the insert announces it."""

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(POLL_SECONDS)
        except psycopg.Error as error:
            # The iterating thread raises it; a subscription that dies silently would look like a quiet one.
            self._thread_error = error
            self.stop()


class ConcurrentProcessRecorder(PostgresTrackingRecorder, ConcurrentRecorder, ProcessRecorder):
    """Events together with the position of the notification that caused them, in one transaction."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As the application recorder's, with `tracking`."""
        tracking: Tracking | None = kwargs.pop("tracking", None)
        if tracking is None:
            return super().insert_events(stored_events, **kwargs)
        pending = [_pending(event) for event in stored_events]
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            if not pending:
                return None
            connection: Any = cursor.connection
            first: int = connection.append_within(AppendCall.of(pending, UNATTRIBUTED, NO_EFFECTS))
        return list(range(first, first + len(pending)))


def _pending(event: StoredEvent) -> PendingEvent:
    if isinstance(event, PendingEvent):
        return event
    case_id = UUID(str(event.originator_id))  # the library allows text, our column does not
    return PendingEvent(case_id, event.originator_version, event.topic, event.state, uuid4(), 1)
