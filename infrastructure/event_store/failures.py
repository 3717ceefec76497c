"""What a refusal of the database means to the store."""

import json
from uuid import UUID

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from application.store import (
    BytesMissing,
    ClaimTaken,
    DeadlineNotPending,
    KeyAlreadyUsed,
    KeyInUse,
    StoreError,
    StoreUnavailable,
    VersionConflict,
)

_BY_CONSTRAINT: dict[str, type[StoreError]] = {
    "events_pkey": VersionConflict,
    "data_keys_pkey": VersionConflict,
    "idempotency_pkey": KeyAlreadyUsed,
    "deadline_pending": DeadlineNotPending,
    "blob_present": BytesMissing,
    "data_key_epoch": StoreUnavailable,
}

_NO_CONNECTION = (PoolTimeout, PoolClosed, TooManyRequests)
_ROLLED_BACK_ALONE = (errors.DeadlockDetected, errors.SerializationFailure)


def connection_lost(error: psycopg.Error) -> bool:
    """Whether the connection went away, so that nobody can tell if the statement was committed.

    SQLSTATE class 08 and the shutdown codes come from the server; none at all comes from the socket. The
    pool's own errors say that there was no connection to lose.
    """
    if isinstance(error, _NO_CONNECTION):
        return False
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return (
        error.sqlstate is None
        or error.sqlstate[:2] == "08"
        or error.sqlstate in ("57P01", "57P02", "57P03", "57P05")
    )


def worth_repeating(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed at once: the connection was lost, or a deadlock broken."""
    return connection_lost(error) or isinstance(error, _ROLLED_BACK_ALONE)


def translated(error: psycopg.Error) -> StoreError | psycopg.Error:
    """The StoreError that this is, or the error itself when it can only be a fault of ours."""
    constraint = error.diag.constraint_name
    if constraint == "claims_pkey":
        taken = json.loads(error.diag.message_detail or "{}")
        return ClaimTaken(taken["claim"], UUID(taken["held_by"]) if taken["held_by"] else None)
    if constraint in _BY_CONSTRAINT:
        return _BY_CONSTRAINT[constraint](str(error))
    if isinstance(error, errors.LockNotAvailable) and "keep_idempotency_key" in (error.diag.context or ""):
        return KeyInUse(str(error))
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | errors.ReadOnlySqlTransaction):
        return StoreUnavailable(str(error))
    return error
