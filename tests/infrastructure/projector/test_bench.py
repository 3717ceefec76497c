"""The measurements of read models run, say what they promise, and leave nothing behind."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from rich.console import Console

from infrastructure.bench import projection, queue
from infrastructure.bench.append import scratch_database


@pytest.fixture(autouse=True)
def _nothing_is_left(database_url: str) -> Iterator[None]:
    yield
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'recourse_bench_%'")
        assert left.fetchall() == []


def test_a_catch_up_is_compared_with_the_stock_runner(database_url: str) -> None:
    result = projection.run(database_url, events=600, stock_events=120, memory_events=600, rounds=1)

    assert result["of_stock"] == result["projector"] / result["stock"] > 0
    assert 10 < result["megabytes"] < projection.TARGET_MEGABYTES
    assert shown(projection.print_table, result).count("stock") >= 2


def test_both_sides_of_the_comparison_keep_the_same_rows(database_url: str) -> None:
    def rows(url: str) -> object:
        with psycopg.connect(url) as connection:
            return connection.execute(
                "SELECT stage, queue, case_type, merchant_id, due, holder"
                " FROM review_queue_v3 ORDER BY case_id"
            ).fetchall()

    with scratch_database(database_url) as scratch:
        projection._fill_stock(scratch, 300)
        projection._stock_run(scratch, 300)
        by_stock = rows(scratch)

    with scratch_database(database_url) as scratch:
        projection._fill_ours(scratch, 300, at_once=15)
        assert projection._projected(scratch) == 300

        assert rows(scratch) == by_stock != []


def test_a_page_of_the_queue_is_read_along_its_index(database_url: str) -> None:
    result = queue.run(database_url, sizes=(200, 2_000), rounds=1)

    assert set(result["milliseconds"]) == {200, 2_000}
    assert result["growth"]["first"] > 0
    assert "Index Scan using review_queue_v3_queue_due_case_id_idx" in result["plan"]
    assert "Sort" not in result["plan"]
    assert "2,000" in shown(queue.print_table, result)


def shown(print_table: Callable[[dict[str, Any], Console], None], result: dict[str, Any]) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_table(result, console)
    return capture.get()
