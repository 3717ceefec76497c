"""Whether requests can be served, and what is missing when they cannot."""

from collections.abc import Iterator

import psycopg
import pytest

from application.errors import ServiceUnavailable
from infrastructure.event_store.connections import Datastore
from infrastructure.health import LONGEST_LAG_SECONDS, Health
from infrastructure.projection_supervisor import ProjectionSupervisor
from projections.catalogue import ALL

FACT = """
    INSERT INTO events VALUES (gen_random_uuid(), 1, %s, 'CaseFiled', '', gen_random_uuid(),
                               now() - make_interval(secs => %s), 'a', 'agent', 'r', NULL, 1)
"""


@pytest.fixture
def datastore(migrated_database: str) -> Iterator[Datastore]:
    opened = Datastore(migrated_database, pool_size=1, max_overflow=1)
    opened.pool.open()
    yield opened
    opened.close()


@pytest.fixture
def health(migrated_database: str, datastore: Datastore) -> Health:
    """The checks of an installation that has its read models and no fact."""
    ProjectionSupervisor(migrated_database, holder="test").prepare()
    return Health(datastore, ["standing", "detectors"])


def execute(url: str, statement: str, *params: object) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement, params)


def test_a_new_installation_is_healthy(health):
    assert health.database() == {"ok": True}
    assert health.migrations() == {"ok": True}
    assert health.projections() == {"ok": True, "lag_seconds": {model.name: 0.0 for model in ALL}}


def test_a_missing_migration_is_named(health, migrated_database):
    execute(migrated_database, "DELETE FROM schema_migrations WHERE name = %s", "002_access.sql")
    assert health.migrations() == {"ok": False, "pending": ["002_access.sql"]}


def test_a_missing_read_model_is_named(health, migrated_database):
    execute(migrated_database, "DELETE FROM projections WHERE name = %s", "follow_ups")
    found = health.projections()
    assert (found["ok"], found["missing"]) == (False, ["follow_ups"])


@pytest.mark.parametrize(("behind", "ok"), [(1, True), (LONGEST_LAG_SECONDS + 5, False)])
def test_a_read_model_that_is_far_behind_is_not_healthy(health, migrated_database, behind, ok):
    execute(migrated_database, FACT, 1 << 16, behind)
    found = health.projections()
    assert found["ok"] is ok
    assert min(found["lag_seconds"].values()) >= behind


def test_the_lag_is_that_of_the_oldest_fact_that_is_lacking(health, migrated_database):
    execute(migrated_database, FACT, 2 << 16, 1)
    execute(migrated_database, FACT, 1 << 16, 600)
    assert health.lag()["review_queue"] >= 600
    execute(migrated_database, "UPDATE projections SET position = %s", 1 << 16)
    assert 1 <= health.lag()["review_queue"] < 600


def test_a_process_that_never_ran_lacks_everything_and_one_that_did_what_came_since(
    health, migrated_database
):
    assert health.process_lag() == {"standing": 0.0, "detectors": 0.0}
    execute(migrated_database, FACT, 1 << 16, 600)
    execute(migrated_database, FACT, 2 << 16, 1)
    execute(migrated_database, "INSERT INTO processes (name, position) VALUES ('standing', %s)", 1 << 16)
    lag = health.process_lag()
    assert 1 <= lag["standing"] < 600 <= lag["detectors"]


def test_without_a_database_no_check_answers(health, datastore):
    datastore.pool.close()
    for check in (health.database, health.migrations, health.projections, health.lag, health.process_lag):
        with pytest.raises(ServiceUnavailable):
            check()
