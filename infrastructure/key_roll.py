"""Begins a new epoch: every living data key is wrapped anew, then the secrets of all others are destroyed.

It may be broken off anywhere and begun again. Those who serve go on meanwhile: a key that one of them wrapped
in the old epoch is refused by the database from the moment at which the new one began.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from uuid import UUID

from infrastructure.epochs import Epochs
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import change, read
from infrastructure.vault import PostgresVault

BATCH = 500
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05

BEGIN = (
    b"UPDATE vault.master_key SET epoch = %b WHERE epoch < %b RETURNING pg_current_xact_id()::text::bigint"
)
OLDEST = b"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
OLD_KEYS = (
    b"SELECT case_id, person, key_id, wrapped, epoch FROM vault.data_keys"
    b" WHERE epoch < %s AND (case_id, person) > (%s, %s) ORDER BY case_id, person LIMIT %s"
)
WRAP_ANEW = (
    b"UPDATE vault.data_keys AS kept SET wrapped = new.wrapped, epoch = %s"
    b" FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::bytea[])"
    b" AS new (case_id, person, key_id, wrapped)"
    b" WHERE kept.case_id = new.case_id AND kept.person = new.person AND kept.key_id = new.key_id"
    b" RETURNING kept.key_id"
)


class RollUnfinished(Exception):
    """A transaction of before has not ended, so nobody can tell that no key of the old epoch will come."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a roll did: the epoch that began, the data keys that were wrapped anew, the epochs that ended."""

    epoch: int
    rewrapped: int
    ended: list[int]


def roll(
    datastore: Datastore,
    vault: PostgresVault,
    epochs: Epochs,
    done: Callable[[int], object],
    patience: float = PATIENCE_SECONDS,
) -> Rolled:
    """Begin a new epoch and end all before. `done` is told how many keys were wrapped anew so far.

    Raises RollUnfinished, CannotOpen, ServiceUnavailable and OSError; the old secrets are still there then.
    """
    epoch = epochs.newest() + 1
    epochs.begin(epoch)
    for (began,) in change(datastore, BEGIN, epoch, epoch):
        rewrapped = _wrap_anew(datastore, vault, epoch, done, 0)
        _await_those_before(datastore, int(began), patience)
        rewrapped = _wrap_anew(datastore, vault, epoch, done, rewrapped)
        return Rolled(epoch, rewrapped, epochs.end_before(epoch))
    raise RollUnfinished("another roll is under way")


def _wrap_anew(
    datastore: Datastore, vault: PostgresVault, epoch: int, done: Callable[[int], object], before: int
) -> int:
    wrapped, case_id, person = before, UUID(int=0), ""
    while rows := read(datastore, OLD_KEYS, epoch, case_id, person, BATCH):
        new = [
            vault.wrapped_anew(case, whose, key_id, box, old, epoch) for case, whose, key_id, box, old in rows
        ]
        cases, people, ids = (list(column) for column in zip(*(row[:3] for row in rows), strict=True))
        change(datastore, WRAP_ANEW, epoch, cases, people, ids, new)
        case_id, person = rows[-1][0], rows[-1][1]
        wrapped += len(rows)
        done(wrapped)
    return wrapped


def _await_those_before(datastore: Datastore, began: int, patience: float) -> None:
    """Wait for every transaction that may not have seen that the new epoch began."""
    end = monotonic() + patience
    while int(read(datastore, OLDEST)[0][0]) <= began:
        if monotonic() > end:
            raise RollUnfinished(RollUnfinished.__doc__)
        sleep(POLL_SECONDS)
