"""A read model is filled anew beside the live table, compared, and swapped while it is read and written."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.store import Provenance
from domain.case import Case
from infrastructure import projection_rebuild
from infrastructure.projection_rebuild import Rebuild, RebuildUnderWay, SwapRefused
from infrastructure.projection_supervisor import UnknownProjection
from infrastructure.projection_tables import Difference
from infrastructure.projector import LeadershipLost, Projector
from infrastructure.store import PostgresStore
from projections.catalogue import ALL
from projections.read_model import ReadModel
from projections.review_queue import REVIEW_QUEUE

WHO = Provenance("shop-1", "buyer-integration", "req-1")
SAME = Difference(0, 0, 0, ())

OF_CASES = [model for model in ALL if "Case" in model.kinds]
"""The read models that the history of cases in these tests' database has something to say to."""

each_model = pytest.mark.parametrize("model", OF_CASES, ids=lambda model: model.name)


def names_of_tables(kept: Any) -> set[str]:
    return {row[0] for row in kept.ask("SELECT tablename FROM pg_tables WHERE tablename ~ '_v[0-9]'")}


@each_model
def test_a_rebuild_leaves_the_rows_of_the_live_table(kept: Any, model: ReadModel[Any]) -> None:
    kept.supervisor().catch_up()
    before = kept.rows(model)

    rebuilt = kept.supervisor().rebuild(model.name)

    assert rebuilt.difference == SAME
    assert rebuilt.events == kept.events
    assert kept.rows(model) == before != []
    assert kept.position(model) == kept.events
    assert names_of_tables(kept) == {model.table for model in ALL}


def test_a_rebuilt_table_has_statistics_from_its_first_page_on(kept: Any) -> None:
    kept.supervisor().catch_up()
    kept.supervisor().rebuild("review_queue")
    ((rows,),) = kept.ask("SELECT reltuples FROM pg_class WHERE relname = 'review_queue_v3'")
    assert rows == len(kept.rows(REVIEW_QUEUE))


def test_a_rebuild_mends_what_was_wrong_and_tells_what_it_was(kept: Any) -> None:
    kept.supervisor().catch_up()
    before = kept.rows(REVIEW_QUEUE)
    spoilt, lost = before[0][0], before[1][0]
    kept.execute("UPDATE review_queue_v3 SET number = 'spoilt' WHERE case_id = %s", spoilt)
    kept.execute("DELETE FROM review_queue_v3 WHERE case_id = %s", lost)
    kept.execute(
        "INSERT INTO review_queue_v3"
        " (case_id, queue, stage, number, case_type, merchant_id, filed_by, filed_at, due, escalated)"
        " SELECT %s, queue, stage, number, case_type, merchant_id, filed_by, filed_at, due, escalated"
        " FROM review_queue_v3 LIMIT 1",
        UUID(int=1),
    )

    difference = kept.supervisor().diff("review_queue")
    assert (difference.missing, difference.extra, difference.changed) == (1, 1, 1)
    assert set(difference.cases) == {spoilt, lost, UUID(int=1)}
    assert kept.rows(REVIEW_QUEUE) != before

    assert kept.supervisor().rebuild("review_queue").difference == difference
    assert kept.rows(REVIEW_QUEUE) == before
    assert kept.supervisor().diff("review_queue") == SAME


def test_a_rebuild_forgets_the_parked_cases_that_it_could_fold(kept: Any) -> None:
    kept.supervisor().catch_up()
    case_id = kept.rows(REVIEW_QUEUE)[0][0]
    kept.execute(
        "INSERT INTO parked_cases (table_name, case_id, version, position, topic, error)"
        " VALUES ('review_queue_v3', %s, 1, 1, 'CaseFiled', 'mended since')",
        case_id,
    )

    kept.supervisor().rebuild("review_queue")

    assert kept.supervisor().parked() == []


def test_progress_is_told_from_nothing_to_all(kept: Any) -> None:
    told: list[tuple[int, int]] = []

    kept.supervisor(batch=100).rebuild("review_queue", lambda done, total: told.append((done, total)))

    assert told[0] == (0, kept.events)
    assert told[-1] == (kept.events, kept.events)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_indexes_are_those_of_the_live_table(kept: Any) -> None:
    def indexes() -> set[str]:
        rows = kept.ask("SELECT indexdef FROM pg_indexes WHERE tablename = 'review_queue_v3'")
        return {definition.split(" USING ")[1] for (definition,) in rows}

    before = indexes()
    kept.supervisor().rebuild("review_queue")
    kept.supervisor().rebuild("review_queue")

    assert indexes() == before
    assert len(before) == 4


def test_reads_and_writes_go_on_while_the_tables_are_swapped(kept: Any, new_case: Callable[[], Case]) -> None:
    kept.supervisor().catch_up()
    seen: list[list[int]] = [[], [], []]
    failures: list[BaseException] = []
    stop = Event()

    def read(counts: list[int]) -> None:
        try:
            with psycopg.connect(kept.url, autocommit=True) as connection:
                while not stop.is_set():
                    found = connection.execute("SELECT count(*) FROM review_queue_v3", prepare=True)
                    counts.append(found.fetchall()[0][0])
        except psycopg.Error as error:
            failures.append(error)

    readers = [Thread(target=read, args=(counts,)) for counts in seen]
    for reader in readers:
        reader.start()
    try:
        with kept.running(kept.supervisor(holder="leader")), PostgresStore(kept.url) as store:
            position = 0
            for _ in range(3):
                position = store.save(new_case(), WHO)
                assert kept.supervisor(holder="rebuilder").rebuild("review_queue").difference == SAME
            assert kept.supervisor().wait_for("review_queue", position, timeout=20)
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    assert failures == []
    assert all(counts == sorted(counts) for counts in seen), "a reader went back in time"
    assert all(counts[-1] == counts[0] + 3 for counts in seen)
    assert kept.supervisor().diff("review_queue") == SAME


def test_what_the_leader_wrote_after_the_comparison_is_not_lost(
    kept: Any, new_case: Callable[[], Case]
) -> None:
    kept.supervisor().catch_up()
    with PostgresStore(kept.url) as store:
        case = new_case()

        class Late(Rebuild[Any]):
            def _compared(self) -> Difference:
                found = super()._compared()
                store.save(case, WHO)
                kept.supervisor().catch_up()
                return found

        Late(kept.url, REVIEW_QUEUE, holder="rebuilder").swap()

    assert case.id in {row[0] for row in kept.rows(REVIEW_QUEUE)}


def test_a_live_table_that_was_taken_back_is_not_swapped_for_an_older_one(
    kept: Any, new_case: Callable[[], Case]
) -> None:
    kept.supervisor().catch_up()
    with PostgresStore(kept.url) as store:
        cases = [new_case()]
        saved = []

        class Slow(Rebuild[Any]):
            """So slow that its lease on the live table ran out."""

            def _exchanged(self, connection: Any) -> bool:
                if cases:
                    saved.append(cases.pop())
                    store.save(saved[0], WHO)
                    connection.execute("ROLLBACK")
                    kept.execute(
                        "UPDATE projections SET lease_until = now() WHERE table_name = 'review_queue_v3'"
                    )
                    kept.supervisor().catch_up()
                    connection.execute("BEGIN")
                return super()._exchanged(connection)

        Slow(kept.url, REVIEW_QUEUE, holder="rebuilder").swap()

    assert saved[0].id in {row[0] for row in kept.rows(REVIEW_QUEUE)}


def test_tables_that_stand_at_different_positions_can_be_compared(kept: Any) -> None:
    behind = Projector(kept.url, REVIEW_QUEUE, holder="test")
    behind.catch_up(until=kept.events // 2)
    behind.close()

    assert kept.supervisor().diff("review_queue") == SAME

    finished = kept.ask(
        "SELECT originator_id FROM events GROUP BY 1 HAVING max(position) < %s LIMIT 1", kept.events // 2
    )[0][0]
    kept.execute("UPDATE review_queue_v3 SET number = 'spoilt' WHERE case_id = %s", finished)
    assert kept.supervisor().diff("review_queue").cases == (finished,)


def test_a_leader_that_was_overtaken_by_a_swap_goes_on_with_the_new_table(
    kept: Any, new_case: Callable[[], Case]
) -> None:
    with kept.running(kept.supervisor(holder="leader")), PostgresStore(kept.url) as store:
        kept.eventually(lambda: kept.position(REVIEW_QUEUE) == kept.events)
        kept.supervisor(holder="rebuilder").rebuild("review_queue")
        position = store.save(new_case(), WHO)

        assert kept.supervisor().wait_for("review_queue", position, timeout=20)
        (status,) = [row for row in kept.supervisor().status() if row.name == "review_queue"]
        assert status.holder == "leader"


@pytest.mark.parametrize("epoch", range(4))
def test_a_leader_drops_the_batch_that_it_had_in_hand_during_a_swap(kept: Any, epoch: int) -> None:
    """Whatever the epoch: those of the live table and of the one beside it are counted apart."""
    kept.execute("UPDATE projections SET epoch = %s", epoch)
    leader = Projector(kept.url, REVIEW_QUEUE, holder="leader", batch=100)
    fold = leader._fold

    def swapped_meanwhile(*arguments: Any) -> Any:
        folded = fold(*arguments)
        kept.supervisor(holder="rebuilder").rebuild("review_queue")
        return folded

    leader._fold = swapped_meanwhile  # type: ignore[assignment,method-assign]
    with pytest.raises(LeadershipLost):
        leader.advance()
    leader.close()

    assert kept.position(REVIEW_QUEUE) == kept.events


def test_one_rebuild_of_a_read_model_at_a_time(kept: Any) -> None:
    with pytest.raises(RebuildUnderWay):
        kept.supervisor().rebuild("review_queue", lambda done, total: rebuilt_again(kept))

    assert names_of_tables(kept) == {model.table for model in ALL}


def rebuilt_again(kept: Any) -> None:
    kept.supervisor(holder="second").rebuild("review_queue")


def test_a_rebuild_that_has_only_just_begun_is_not_taken_for_an_aborted_one(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginning = Rebuild(kept.url, REVIEW_QUEUE, holder="first")
    lead = beginning._projector.lead

    def overtaken() -> Any:
        with pytest.raises(RebuildUnderWay):
            rebuilt_again(kept)
        return lead()

    monkeypatch.setattr(beginning._projector, "lead", overtaken)
    beginning.swap()

    assert names_of_tables(kept) == {model.table for model in ALL}


def test_a_rebuild_that_ends_leaves_the_table_of_one_that_began_after_it(kept: Any) -> None:
    kept.supervisor().catch_up()
    next_one = Rebuild(kept.url, REVIEW_QUEUE, holder="next")

    class Overtaken(Rebuild[Any]):
        def _replace(self, connection: Any) -> None:
            super()._replace(connection)
            next_one._begin(connection)

    Overtaken(kept.url, REVIEW_QUEUE, holder="first").swap()

    assert "review_queue_v3_rebuild" in names_of_tables(kept)
    next_one._projector.catch_up()
    next_one._projector.close()


def test_a_rebuild_whose_connection_breaks_does_not_hold_up_the_next_one(kept: Any) -> None:
    class Broken(Rebuild[Any]):
        def _replace(self, connection: Any) -> None:
            connection.close()
            super()._replace(connection)

    with pytest.raises(psycopg.OperationalError):
        Broken(kept.url, REVIEW_QUEUE, holder="broken").swap()

    rebuilt_again(kept)
    assert names_of_tables(kept) == {model.table for model in ALL}


def test_what_an_aborted_rebuild_left_is_cleared_away(kept: Any) -> None:
    kept.supervisor().catch_up()
    abandoned = Rebuild(kept.url, REVIEW_QUEUE, holder="gone")
    with psycopg.connect(kept.url, autocommit=True) as connection:
        abandoned._begin(connection)
        abandoned._projector.advance()
        abandoned._projector.close()
    assert "review_queue_v3_rebuild" in names_of_tables(kept)

    assert kept.supervisor().rebuild("review_queue").difference == SAME
    assert names_of_tables(kept) == {model.table for model in ALL}


def test_a_reader_that_never_ends_keeps_the_live_table(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection_rebuild, "SWAP_ATTEMPTS", 2)
    kept.supervisor().catch_up()
    before = kept.rows(REVIEW_QUEUE)

    with psycopg.connect(kept.url) as reader:
        reader.execute("SELECT count(*) FROM review_queue_v3")
        with pytest.raises(SwapRefused):
            kept.supervisor().rebuild("review_queue")

    assert kept.rows(REVIEW_QUEUE) == before
    assert names_of_tables(kept) == {model.table for model in ALL}
    assert {row.holder for row in kept.supervisor().status()} == {None}


def test_an_unknown_read_model_cannot_be_rebuilt_or_compared(kept: Any) -> None:
    with pytest.raises(UnknownProjection):
        kept.supervisor().rebuild("nonsense")
    with pytest.raises(UnknownProjection):
        kept.supervisor().diff("nonsense")


def test_a_new_version_is_filled_beside_the_old_one_which_can_then_go(kept: Any) -> None:
    newer = replace(REVIEW_QUEUE, version=4)
    kept.supervisor(models=[REVIEW_QUEUE]).catch_up()

    assert kept.supervisor(models=[newer]).prepare() == ["review_queue_v4"]
    assert kept.supervisor(models=[newer]).drop_superseded() == []
    kept.supervisor(models=[newer]).catch_up()
    assert kept.rows(newer) == kept.rows(REVIEW_QUEUE)
    assert kept.supervisor(models=[newer]).drop_superseded() == ["review_queue_v3"]
    assert "review_queue_v3" not in names_of_tables(kept)
