"""The commit-safe order: positions that no reader can be overtaken by."""

import psycopg
from eventsourcing.persistence import OperationalError
from psycopg import errors

from infrastructure.event_store.connections import Datastore

RAISE_EPOCH = "SELECT raise_epoch_base();"


class EpochBehind(OperationalError):
    """New facts would get positions below stored ones: this database was restored into a younger cluster."""


class NotMigrated(OperationalError):
    """The event store's tables are missing."""


class RestoreUnfinished(OperationalError):
    """This database is being made of an archive, or was not to the end: nothing may start on it."""


def check_epoch(datastore: Datastore) -> None:
    """Refuse to start where new positions would not be above all stored ones, or some are missing.

    Raises EpochBehind, NotMigrated or RestoreUnfinished, and psycopg.Error when there is no database.
    """
    try:
        rows = datastore.read(
            b"SELECT coalesce(max(position), 0),"
            b" (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + epoch_base()) << 16,"
            b" EXISTS (SELECT FROM restores WHERE finished_at IS NULL) FROM events"
        )
    except (errors.UndefinedTable, errors.UndefinedFunction) as error:
        raise NotMigrated("the event store's tables are missing; run: recourse migrate") from error
    ((newest, next_position, unfinished),) = rows
    if unfinished:
        raise RestoreUnfinished(RestoreUnfinished.__doc__)
    if newest >= next_position:
        raise EpochBehind(
            f"stored positions reach {newest}, the next would be {next_position}: the database was restored"
            f" into a younger cluster. Stop everything that uses it, then run on it: {RAISE_EPOCH}"
        )


def raise_epoch(url: str) -> int:
    """Lift new positions above all stored ones; returns the epoch base.

    Raises psycopg.errors.ObjectInUse while anybody else is connected to the database.
    """
    with psycopg.connect(url) as connection:
        ((base,),) = connection.execute(RAISE_EPOCH).fetchall()
    return int(base)


def safe_position(datastore: Datastore) -> int:
    """The exclusive upper bound of the positions that are final. Ask first, then read below it."""
    ((bound,),) = datastore.read(b"SELECT safe_position()")
    return int(bound)
