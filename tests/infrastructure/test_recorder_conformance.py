"""eventsourcing's own cases for recorders and factories, run on ours.

A transaction of anybody else in the cluster, of autovacuum even, holds back for a moment what is final. The
library expects a write to be readable at once, so here every insert waits until it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresTrackingRecorder
from eventsourcing.tests import persistence as cases
from eventsourcing.utils import Environment

from infrastructure.event_store import ConcurrentPostgresFactory
from infrastructure.event_store.order import safe_position
from infrastructure.event_store.recorder import ConcurrentProcessRecorder, ConcurrentRecorder


class SettledRecorder(ConcurrentRecorder):
    """Ours; an insert returns when readers see it."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        positions = super().insert_events(stored_events, **kwargs)
        give_up_at = monotonic() + 10
        while positions and safe_position(self.datastore) <= positions[-1]:
            assert monotonic() < give_up_at, "some transaction in this cluster does not end"
        return positions


class RankedRecorder(SettledRecorder):
    """Ours, with the n-th position called n: the library's case counts 1, 2, 3."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._positions: list[int] = []

    def _rank(self, position: int) -> int:
        return self._positions.index(position) + 1

    def _position(self, rank: int | None) -> int | None:
        return None if rank is None else self._positions[rank - 1]

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        positions = super().insert_events(stored_events, **kwargs) or []
        self._positions.extend(positions)
        return [self._rank(position) for position in positions]

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, *args: Any, **kwargs: Any
    ) -> Sequence[Notification]:
        found = super().select_notifications(
            self._position(start), limit, self._position(stop), *args, **kwargs
        )
        return [replace(notification, id=self._rank(notification.id)) for notification in found]

    def max_notification_id(self) -> int | None:
        highest = super().max_notification_id()
        return None if highest is None else self._rank(highest)


class OnOurDatabase:
    """Gives every case an environment that selects our factory."""

    env: Environment

    @pytest.fixture(autouse=True)
    def _environment(self, migrated_database: str) -> None:
        self.env = Environment(
            env={"PERSISTENCE_MODULE": "infrastructure.event_store", "POSTGRES_URL": migrated_database}
        )


class OnOurFactory(OnOurDatabase):
    """Gives every case a factory of its own, closed afterwards."""

    factory: ConcurrentPostgresFactory

    @pytest.fixture(autouse=True)
    def _factory(self, _environment: None) -> Iterator[None]:
        self.factory = ConcurrentPostgresFactory.construct(self.env)
        yield
        self.factory.close()


class TestApplicationRecorder(OnOurFactory, cases.ApplicationRecorderTestCase[ConcurrentRecorder]):
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False

    def create_recorder(self) -> ConcurrentRecorder:
        counts = self._testMethodName == "test_insert_select"
        return (RankedRecorder if counts else SettledRecorder)(self.factory.datastore)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(OnOurFactory, cases.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ConcurrentRecorder:
        return SettledRecorder(self.factory.datastore)


class TestTrackingRecorder(OnOurFactory, cases.TrackingRecorderTestCase):
    def create_recorder(self) -> PostgresTrackingRecorder:
        recorder: PostgresTrackingRecorder = self.factory.tracking_recorder()
        return recorder


class TestProcessRecorder(OnOurFactory, cases.ProcessRecorderTestCase):
    def create_recorder(self) -> ConcurrentProcessRecorder:
        return self.factory.process_recorder()


class OtherTrackingRecorder(PostgresTrackingRecorder):
    """A class that the factory is told to use."""


class TestFactory(OnOurDatabase, cases.InfrastructureFactoryTestCase[ConcurrentPostgresFactory]):
    def expected_factory_class(self) -> type[ConcurrentPostgresFactory]:
        return ConcurrentPostgresFactory

    def expected_aggregate_recorder_class(self) -> type[PostgresAggregateRecorder]:
        return PostgresAggregateRecorder

    def expected_application_recorder_class(self) -> type[ConcurrentRecorder]:
        return ConcurrentRecorder

    def expected_tracking_recorder_class(self) -> type[PostgresTrackingRecorder]:
        return PostgresTrackingRecorder

    def tracking_recorder_subclass(self) -> type[PostgresTrackingRecorder]:
        return OtherTrackingRecorder

    def expected_process_recorder_class(self) -> type[ConcurrentProcessRecorder]:
        return ConcurrentProcessRecorder
