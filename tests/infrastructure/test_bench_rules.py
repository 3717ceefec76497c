"""The measurements of rules run, and measure what they say."""

import psycopg
from rich.console import Console

from infrastructure.bench import rules
from infrastructure.bench.append import scratch_database
from infrastructure.migrate import migrate

_PENDING = "SELECT count(*), count(*) FILTER (WHERE due < now()) FROM deadlines WHERE state = 'pending'"


def test_the_rules_are_measured_over_a_whole_log(database_url: str) -> None:
    pending: list[tuple[int, int]] = []

    def fire(url: str) -> float:
        with psycopg.connect(url) as connection:
            pending.extend(connection.execute(_PENDING).fetchall())
        return 1.0

    result = rules.run(database_url, fire, events=300, few=100, rounds=1, backlog=3)
    assert pending == [(3, 3)]
    assert result["backlog_left"] == 3
    assert result["past_seconds"] > 0
    assert 0 < result["past_cases"] < 100
    assert result["recompute_found"] == 0
    assert result["simulate_found"] > 0
    assert result["decide_milliseconds"] > 0
    assert 0 < result["recompute"] < 1.1 * result["recompute_core"]
    assert 10 < result["recompute_megabytes"] < 200
    console = Console(record=True, width=120)
    rules.print_table(result, console)
    assert "deciding a case of 60 facts" in console.export_text()


def test_the_long_case_is_in_review_and_has_at_least_sixty_facts() -> None:
    rows = rules._long_case()
    assert len(rows) >= rules.FACTS
    assert [version for *_, version in rows] == list(range(1, len(rows) + 1))


def test_a_backlog_is_of_as_many_cases_whose_buyers_are_to_be_asked(database_url: str) -> None:
    with scratch_database(database_url) as scratch:
        migrate(scratch)
        rules.fill_backlog(scratch, 5)
        with psycopg.connect(scratch) as connection:
            kinds = connection.execute("SELECT kind, count(*) FROM deadlines GROUP BY kind").fetchall()
    assert kinds == [("follow_up", 5)]
