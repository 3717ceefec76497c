"""A read model as of an instant: folded from the log by the steps that keep the live one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from application.store import Provenance
from domain.case import Case
from infrastructure.bench.histories import fill
from infrastructure.event_store.connections import Datastore
from infrastructure.past import Past
from infrastructure.projection_tables import FirstRows
from infrastructure.read_models import ReadModels
from infrastructure.store import PostgresStore
from projections import indicators
from projections.case_times import CASE_TIMES
from projections.catalogue import ALL
from projections.read_model import ReadModel

LATE = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def datastore(kept: Any) -> Iterator[Datastore]:
    """A few connections to the database with the history."""
    datastore = Datastore(kept.url, pool_size=2, max_overflow=0)
    datastore.pool.open()
    yield datastore
    datastore.close()


def stood(connection: psycopg.Connection[Any], table: str) -> list[Any]:
    """Every row of a table as JSON, by case."""
    statement = f"SELECT to_jsonb(r) AS row FROM {table} AS r ORDER BY case_id"  # noqa: S608  # constants
    return [found["row"] for found in connection.execute(statement.encode())]


def test_as_of_now_it_stands_as_the_live_one(kept: Any, datastore: Datastore) -> None:
    kept.supervisor().catch_up()
    reader = ReadModels(datastore)

    live = reader.read(CASE_TIMES, lambda connection: stood(connection, CASE_TIMES.table))

    assert len(live) > 100
    assert reader.read_past(CASE_TIMES, stood, LATE) == live
    assert reader.read_past(
        CASE_TIMES, lambda rows, table: indicators.numbers(rows, table, at=LATE), LATE
    ) == reader.read(CASE_TIMES, lambda rows: indicators.numbers(rows, at=LATE))


@pytest.mark.parametrize("page", [1, 7, 1999])
def test_it_does_not_depend_on_how_the_log_is_cut_into_pages(datastore: Datastore, page: int) -> None:
    with datastore.pool.connection() as connection:
        whole = Past(datastore).answered(connection, CASE_TIMES, stood, LATE)

        assert Past(datastore, page=page).answered(connection, CASE_TIMES, stood, LATE) == whole


def test_as_of_an_instant_it_knows_what_had_happened_by_then(datastore: Datastore) -> None:
    reader = ReadModels(datastore)
    last = reader.read_past(CASE_TIMES, stood, LATE)
    filed = sorted(datetime.fromisoformat(row["filed_at"]) for row in last)
    middle = filed[len(filed) // 2]

    then = reader.read_past(CASE_TIMES, stood, middle)

    assert [row["case_id"] for row in then] == [
        row["case_id"] for row in last if datetime.fromisoformat(row["filed_at"]) <= middle
    ]
    ends = [datetime.fromisoformat(row["ended_at"]) for row in then if row["ended_at"]]
    assert all(end <= middle for end in ends)
    assert reader.read_past(CASE_TIMES, stood, filed[0] - timedelta(microseconds=1)) == []


def test_no_table_is_left_behind_not_even_by_a_query_that_fails(datastore: Datastore) -> None:
    with datastore.pool.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            Past(datastore).answered(connection, CASE_TIMES, lambda *_: 1 / 0, LATE)

        found = connection.execute("SELECT to_regclass('case_times_then') AS table").fetchone()

    assert found == {"table": None}


def test_a_case_that_cannot_be_folded_is_shown_as_far_as_it_can(
    kept: Any, datastore: Datastore, caplog: pytest.LogCaptureFixture
) -> None:
    ((case_id,),) = kept.ask(
        "SELECT originator_id FROM events WHERE topic = 'DecisionIssued' ORDER BY originator_id LIMIT 1"
    )
    kept.execute("ALTER TABLE events DISABLE TRIGGER ALL")
    kept.execute(
        "UPDATE events SET state = 'broken' WHERE topic = 'DecisionIssued' AND originator_id = %s", case_id
    )
    rows = ReadModels(datastore).read_past(CASE_TIMES, stood, LATE)
    assert [row["case_id"] for row in rows if row["stale"]] == [str(case_id)]
    assert str(case_id) in caplog.text


# --- as it was known ------------------------------------------------------------------------------

RECORDED_FROM = datetime(2027, 3, 1, tzinfo=UTC)
"""Later than anything that the history tells of: what was known is not what had happened."""

OF_CASES = [model for model in ALL if "Case" in model.kinds]
"""The read models that the history of cases in this database has something to say to."""


def after_recording(position: int) -> datetime:
    """The last instant before the fact behind this position was recorded, in a `spread` history."""
    return RECORDED_FROM + timedelta(seconds=position + 1, microseconds=-1)


@pytest.fixture
def spread(kept: Any) -> Any:
    """The history that nobody has followed, recorded at one fact a second."""
    kept.execute("ALTER TABLE events DISABLE TRIGGER ALL")
    kept.execute("UPDATE events SET recorded_at = %s + position * interval '1 second'", RECORDED_FROM)
    return kept


@pytest.mark.parametrize("amount", [1, 333, 1400])
def test_as_known_at_an_instant_equals_a_replay_stopped_there(
    spread: Any, datastore: Datastore, migrated_database: str, amount: int
) -> None:
    fill(migrated_database, amount, at_once=60)
    stopped = type(spread)(migrated_database)
    stopped.supervisor().prepare()
    stopped.supervisor().catch_up()
    reader = ReadModels(datastore)

    for model in ALL:
        known = reader.rows_known(model, after_recording(amount), spread.events)
        assert [tuple(row.values()) for row in known.rows] == stopped.rows(model), model.name
        assert spread.rows(model) == [], "the live table was disturbed"


@pytest.mark.parametrize("model", OF_CASES, ids=lambda model: model.name)
def test_as_known_now_every_read_model_stands_as_the_live_one(
    spread: Any, datastore: Datastore, model: ReadModel[Any]
) -> None:
    spread.supervisor(models=[model]).catch_up()

    known = ReadModels(datastore).rows_known(model, LATE, spread.events)

    assert [tuple(row.values()) for row in known.rows] == spread.rows(model) != []


def test_of_many_rows_the_first_are_shown_and_how_many_there_are(spread: Any, datastore: Datastore) -> None:
    reader = ReadModels(datastore)
    whole = reader.rows_known(CASE_TIMES, LATE, spread.events)

    first = reader.rows_known(CASE_TIMES, LATE, 3)

    assert first == FirstRows(whole.rows[:3], len(whole.rows))
    assert first.total > 100


def test_what_is_not_final_is_not_known_yet(
    spread: Any, datastore: Datastore, new_case: Callable[[], Case]
) -> None:
    reader = ReadModels(datastore)
    before = reader.rows_known(CASE_TIMES, LATE, 1).total
    with psycopg.connect(spread.url) as writer, PostgresStore(spread.url) as store:
        writer.execute("SELECT pg_current_xact_id()")
        store.save(new_case(), Provenance("shop-1", "buyer-integration", "req-1"))

        assert reader.rows_known(CASE_TIMES, LATE, 1).total == before


def test_no_table_is_left_behind_by_what_was_known(datastore: Datastore) -> None:
    with datastore.pool.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            Past(datastore).known(connection, CASE_TIMES, lambda *_: 1 / 0, LATE)

        found = connection.execute("SELECT to_regclass('case_times_then') AS table").fetchone()

    assert found == {"table": None}
