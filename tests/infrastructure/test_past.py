"""A read model as of an instant: folded from the log by the steps that keep the live one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from infrastructure.event_store.connections import Datastore
from infrastructure.past import Past
from infrastructure.read_models import ReadModels
from projections import indicators
from projections.case_times import CASE_TIMES

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
    statement = f"SELECT to_jsonb(r) AS row FROM {table} AS r ORDER BY case_id"  # noqa: S608
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
