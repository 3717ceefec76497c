"""The measurement compares like with like and leaves nothing behind. How fast it is, no test asks."""

from contextlib import ExitStack
from io import StringIO

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from rich.console import Console

from infrastructure.bench.append import FORMS, THREADS, print_table, run

TABLES = ("idempotency", "claims", "deadlines", "outbox")


def counts(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [
            connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table))).fetchall()[0][0]
            for table in TABLES
        ]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_writes_one_row_of_each_kind_with_every_save(form: str, migrated_database: str) -> None:
    with ExitStack() as stack:
        save = FORMS[form](migrated_database, stack, rows=True)
        save(0)
        save(1)
    assert counts(migrated_database) == [2, 2, 2, 2]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_writes_no_row_where_events_alone_are_measured(form: str, migrated_database: str) -> None:
    with ExitStack() as stack:
        FORMS[form](migrated_database, stack, rows=False)(0)
    assert counts(migrated_database) == [0, 0, 0, 0]


def test_the_result_holds_rates_and_ratios_for_each_number_of_threads(database_url: str) -> None:
    result = run(database_url, rounds=1, seconds=0.02)
    for variant in ("events_only", "with_rows"):
        assert list(result[variant]) == list(THREADS)
        for found in result[variant].values():
            assert found["of_stock"] == found["ours"] / found["stock"] > 0
            assert found["of_bare"] == found["ours"] / found["bare"] > 0
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'recourse_bench_%'")
        assert left.fetchall() == []
    console = Console(record=True, width=120, file=StringIO())
    print_table(result, console)
    assert "goal at 8 threads: 3 x stock, 0.6 of bare" in console.export_text()
