"""What tells how an installation is: the database, its migrations, how far read models and processes are."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from infrastructure.event_store.connections import Datastore
from infrastructure.migrate import packaged
from infrastructure.statements import read
from projections.catalogue import ALL

LONGEST_LAG_SECONDS = 60.0
"""A read model that is further behind makes the service not ready."""

MOST_UNSEALED = 100_000
"""No more unsealed facts are counted."""

_MIGRATIONS = b"SELECT name FROM schema_migrations"
_LAG = b"""
    SELECT name, coalesce((
        SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
        WHERE events.position > projections.position ORDER BY events.position LIMIT 1), 0)::float8
    FROM projections WHERE table_name = ANY(%s)
"""
_LOG = b"""
    SELECT sealer.reason, sealer.since IS NOT NULL, coalesce(sealed.leaves, 0), signed.age,
           (SELECT count(*) FROM (SELECT FROM events WHERE position > coalesce(sealed.position, 0)
                                  LIMIT %s) AS unsealed),
           coalesce((SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
                     WHERE position > coalesce(sealed.position, 0) ORDER BY position LIMIT 1), 0)::float8
    FROM (SELECT max(log) AS number FROM transparency.logs) AS newest
    LEFT JOIN transparency.sealer_state AS sealer ON true
    LEFT JOIN LATERAL (
        SELECT (SELECT max(index) + 1 FROM transparency.leaves WHERE log = number) AS leaves,
               (SELECT position FROM transparency.leaves
                WHERE log = number AND position IS NOT NULL ORDER BY index DESC LIMIT 1) AS position
    ) AS sealed ON true
    LEFT JOIN LATERAL (
        SELECT extract(epoch FROM clock_timestamp() - signed_at)::float8 AS age
        FROM transparency.checkpoints WHERE log = number ORDER BY size DESC LIMIT 1
    ) AS signed ON true
"""
_PROCESS_LAG = b"""
    SELECT name, coalesce((
        SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
        WHERE events.position > coalesce(processes.position, 0) ORDER BY events.position LIMIT 1), 0)::float8
    FROM unnest(%s::text[]) AS name LEFT JOIN processes USING (name)
"""


class Health:
    """The checks of one installation; each answers `ok` and what it found, or raises ServiceUnavailable.

    `processes`: the names of those that follow the log.
    """

    def __init__(self, datastore: Datastore, processes: Sequence[str] = ()) -> None:
        self._datastore = datastore
        self._processes = processes

    def database(self) -> Mapping[str, Any]:
        """That the database answers."""
        read(self._datastore, b"SELECT 1")
        return {"ok": True}

    def migrations(self) -> Mapping[str, Any]:
        """That the schema is the one that this code was written for."""
        applied = {name for (name,) in read(self._datastore, _MIGRATIONS)}
        known = {entry.name for entry in packaged().iterdir() if entry.name.endswith(".sql")}
        missing = sorted(known - applied)
        return {"ok": not missing} | ({"pending": missing} if missing else {})

    def projections(self) -> Mapping[str, Any]:
        """That every read model is there and not far behind."""
        lag = self.lag()
        missing = sorted({model.name for model in ALL} - lag.keys())
        ok = not missing and max(lag.values(), default=0.0) <= LONGEST_LAG_SECONDS
        return {"ok": ok, "lag_seconds": lag} | ({"missing": missing} if missing else {})

    def log(self) -> Mapping[str, Any]:
        """That facts are sealed into the transparency log, soon; requests are served also while they wait."""
        told = self._log()
        if told.reason is not None:
            state = {"state": "stopped", "reason": told.reason}
        elif told.oldest_unsealed > LONGEST_LAG_SECONDS:
            state = {"state": "behind" if told.sealer_known else "not_started"}
        else:
            state = {"state": "sealing" if told.sealer_known else "not_started"}
        ok = told.reason is None and told.oldest_unsealed <= LONGEST_LAG_SECONDS
        return {"ok": ok, **state, "leaves": told.leaves, "unsealed_seconds": round(told.oldest_unsealed, 3)}

    def log_figures(self) -> dict[str, float]:
        """Leaves, unsealed facts, and seconds since the last checkpoint, as far as there is any."""
        told = self._log()
        figures: dict[str, float] = {"leaves": told.leaves, "unsealed_facts": told.unsealed}
        return figures | ({} if told.checkpoint_age is None else {"checkpoint_age": told.checkpoint_age})

    def _log(self) -> "_Log":
        return _Log(*read(self._datastore, _LOG, MOST_UNSEALED)[0])

    def lag(self) -> dict[str, float]:
        """The age in seconds of the oldest fact that each read model lacks; 0.0 when it lacks none."""
        rows = read(self._datastore, _LAG, [model.table for model in ALL])
        return {name: round(seconds, 3) for name, seconds in rows}

    def process_lag(self) -> dict[str, float]:
        """The age in seconds of the oldest fact that each process has not seen; 0.0 when it has seen all."""
        rows = read(self._datastore, _PROCESS_LAG, list(self._processes))
        return {name: round(seconds, 3) for name, seconds in rows}


class _Log(NamedTuple):
    """What the database tells of the transparency log; ages in seconds."""

    reason: str | None
    sealer_known: bool
    leaves: int
    checkpoint_age: float | None
    unsealed: int
    oldest_unsealed: float
