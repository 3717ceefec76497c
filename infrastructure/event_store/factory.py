"""Selects our recorders when eventsourcing asks for its persistence module."""

from typing import Any

from eventsourcing import persistence
from eventsourcing.persistence import AggregateRecorder, TrackingRecorder
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresTrackingRecorder
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool

from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.recorder import ConcurrentProcessRecorder, ConcurrentRecorder

DEFAULT_POOL_SIZE = 2
DEFAULT_MAX_OVERFLOW = 8


class ConcurrentPostgresFactory(persistence.InfrastructureFactory[TrackingRecorder]):
    """Recorders on one PostgreSQL database, named by POSTGRES_URL and migrated beforehand.

    POSTGRES_POOL_SIZE connections are held, POSTGRES_MAX_OVERFLOW more made when needed. Raises OSError for a
    setting that is missing, malformed or unsafe.
    """

    POSTGRES_URL = "POSTGRES_URL"
    POSTGRES_POOL_SIZE = "POSTGRES_POOL_SIZE"
    POSTGRES_MAX_OVERFLOW = "POSTGRES_MAX_OVERFLOW"
    POSTGRES_ENABLE_DB_FUNCTIONS = "POSTGRES_ENABLE_DB_FUNCTIONS"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        if strtobool(self.env.get(self.POSTGRES_ENABLE_DB_FUNCTIONS) or "no"):
            raise OSError(
                f"unset {self.POSTGRES_ENABLE_DB_FUNCTIONS}: it would record without hooks and order"
            )
        url = self.env.get(self.POSTGRES_URL)
        if not url:
            raise OSError(f"{self.POSTGRES_URL} is not set")
        self.datastore = Datastore(
            url,
            pool_size=self._whole_number(self.POSTGRES_POOL_SIZE, DEFAULT_POOL_SIZE),
            max_overflow=self._whole_number(self.POSTGRES_MAX_OVERFLOW, DEFAULT_MAX_OVERFLOW),
        )
        self.datastore.pool.open()

    def _whole_number(self, name: str, default: int) -> int:
        text = self.env.get(name) or str(default)
        if not text.isdecimal():
            raise OSError(f"{name} is {text!r}, not a whole number")
        return int(text)

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """The library's recorder, for what has no order among aggregates: snapshots."""
        recorder = PostgresAggregateRecorder(self.datastore, events_table_name=f"stored_{purpose}")
        recorder.create_table()
        return recorder

    def application_recorder(self) -> ConcurrentRecorder:
        """The recorder of facts. Raises NotMigrated or EpochBehind; then the connections are closed again."""
        try:
            return ConcurrentRecorder(self.datastore)
        except BaseException:
            self.close()
            raise

    def tracking_recorder(self, tracking_recorder_class: type[TrackingRecorder] | None = None) -> Any:
        """The library's recorder of positions, or the given subclass of it."""
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        chosen: Any = tracking_recorder_class or (resolve_topic(topic) if topic else PostgresTrackingRecorder)
        recorder = chosen(self.datastore)
        recorder.create_table()
        return recorder

    def process_recorder(self) -> ConcurrentProcessRecorder:
        """The recorder of facts together with the position that caused them."""
        recorder = ConcurrentProcessRecorder(self.datastore)
        recorder.create_table()
        return recorder

    def close(self) -> None:
        """Close the connections."""
        self.datastore.close()
