"""What tells how an installation is: the database, its migrations, how far read models and processes are."""

from collections.abc import Mapping, Sequence
from typing import Any

from infrastructure.event_store.connections import Datastore
from infrastructure.migrate import packaged
from infrastructure.statements import read
from projections.catalogue import ALL

LONGEST_LAG_SECONDS = 60.0
"""A read model that is further behind makes the service not ready."""

_MIGRATIONS = b"SELECT name FROM schema_migrations"
_LAG = b"""
    SELECT name, coalesce((
        SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
        WHERE events.position > projections.position ORDER BY events.position LIMIT 1), 0)::float8
    FROM projections WHERE table_name = ANY(%s)
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

    def lag(self) -> dict[str, float]:
        """The age in seconds of the oldest fact that each read model lacks; 0.0 when it lacks none."""
        rows = read(self._datastore, _LAG, [model.table for model in ALL])
        return {name: round(seconds, 3) for name, seconds in rows}

    def process_lag(self) -> dict[str, float]:
        """The age in seconds of the oldest fact that each process has not seen; 0.0 when it has seen all."""
        rows = read(self._datastore, _PROCESS_LAG, list(self._processes))
        return {name: round(seconds, 3) for name, seconds in rows}
