"""A case whose fact cannot be folded waits; every other case flows."""

from dataclasses import replace
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from application.store import Provenance
from domain.events import FACTS, CaseClaimed, Fact
from infrastructure.projection_supervisor import NotParked, ReplayFailed
from infrastructure.projector import LeadershipLost, Projector
from infrastructure.store import PostgresStore
from projections.catalogue import ALL
from projections.open_loops import OPEN_LOOPS
from projections.read_model import ReadModel, Rows
from projections.review_queue import REVIEW_QUEUE, Queued


class Refusing:
    """The review queue with a step that fails on the chosen case, as often as told."""

    def __init__(self, case_id: UUID, failures: float = float("inf")) -> None:
        self.left = failures
        self.model: ReadModel[Queued] = replace(
            REVIEW_QUEUE, steps={**REVIEW_QUEUE.steps, CaseClaimed: self._step}
        )
        self._case_id = case_id

    def _step(self, rows: Rows[Queued], fact: Fact) -> Rows[Queued]:
        if fact.originator_id == self._case_id and self.left > 0:
            self.left -= 1
            raise ValueError("this case cannot be claimed")
        return REVIEW_QUEUE.fold(rows, fact)


@pytest.fixture
def chosen(kept: Any) -> tuple[UUID, int, int]:
    """A case first claimed in the middle of its life: its id, the claim's version and position."""
    (row,) = kept.ask(
        "SELECT originator_id, originator_version, position FROM events AS claimed"
        " WHERE topic = 'CaseClaimed' AND position BETWEEN 400 AND 900 AND (SELECT max(originator_version)"
        " FROM events WHERE originator_id = claimed.originator_id) > claimed.originator_version + 5"
        " AND NOT EXISTS (SELECT FROM events AS earlier WHERE earlier.originator_id = claimed.originator_id"
        " AND earlier.topic = 'CaseClaimed' AND earlier.originator_version < claimed.originator_version)"
        " ORDER BY position LIMIT 1"
    )
    found: tuple[UUID, int, int] = row
    return found


@pytest.fixture
def undisturbed(kept: Any) -> list[tuple[Any, ...]]:
    """The rows as they are when nothing fails; the table is empty again afterwards."""
    projector = Projector(kept.url, REVIEW_QUEUE, holder="test")
    projector.catch_up()
    projector.close()
    rows: list[tuple[Any, ...]] = kept.rows(REVIEW_QUEUE)
    kept.execute("TRUNCATE review_queue_v3")
    kept.execute("UPDATE projections SET position = 0")
    return rows


def caught_up(kept: Any, model: ReadModel[Any], batch: int = 300) -> None:
    projector = Projector(kept.url, model, holder="test", batch=batch)
    projector.catch_up()
    projector.close()


@pytest.mark.parametrize("batch", [2000, 100, 1])
def test_a_failing_case_is_parked_and_marked_while_all_others_flow(kept, chosen, undisturbed, batch) -> None:
    case_id, version, position = chosen
    caught_up(kept, Refusing(case_id).model, batch)

    (parked,) = kept.supervisor().parked()
    rows = kept.rows(REVIEW_QUEUE)
    (waiting,) = kept.ask(
        "SELECT count(*) FROM events WHERE originator_id = %s AND originator_version >= %s", case_id, version
    )
    assert (parked.name, parked.case_id, parked.version, parked.position, parked.topic) == (
        "review_queue",
        case_id,
        version,
        position,
        "CaseClaimed",
    )
    assert parked.error == "ValueError: this case cannot be claimed"
    assert (parked.waiting,) == waiting
    assert [row[0] for row in rows if row[-1]] == [case_id]
    assert [row for row in rows if row[0] != case_id] == [row for row in undisturbed if row[0] != case_id]
    assert kept.position(REVIEW_QUEUE) == kept.events


def test_a_parked_case_shows_what_was_known_before_its_failure(kept, chosen) -> None:
    case_id, _, _ = chosen
    caught_up(kept, Refusing(case_id).model, batch=2000)

    ((stage, holder),) = kept.ask("SELECT stage, holder FROM review_queue_v3 WHERE case_id = %s", case_id)
    assert (stage, holder) == ("filed", None)


def test_a_failure_that_passes_parks_nothing(kept, chosen, undisturbed) -> None:
    caught_up(kept, Refusing(chosen[0], failures=2).model)

    assert kept.supervisor().parked() == []
    assert kept.rows(REVIEW_QUEUE) == undisturbed


def test_a_replay_mends_the_case(kept, chosen, undisturbed) -> None:
    caught_up(kept, Refusing(chosen[0]).model)

    assert kept.supervisor().replay(chosen[0]) == ["review_queue"]

    assert kept.supervisor().parked() == []
    assert kept.rows(REVIEW_QUEUE) == undisturbed


def test_a_case_that_an_older_version_parked_is_mended_in_the_present_one(kept, chosen) -> None:
    """The older table has other columns, and nobody reads it any more."""
    caught_up(kept, Refusing(chosen[0]).model)
    newer = replace(Refusing(chosen[0]).model, version=4)
    kept.supervisor(models=[newer]).prepare()
    kept.supervisor(models=[newer]).catch_up()
    kept.execute("ALTER TABLE review_queue_v3 DROP COLUMN due")
    assert len(kept.supervisor(models=[newer]).parked()) == 2

    mended = replace(REVIEW_QUEUE, version=4)
    assert kept.supervisor(models=[mended]).replay(chosen[0]) == ["review_queue"]

    assert [one.table for one in kept.supervisor(models=[mended]).parked()] == ["review_queue_v3"]


def test_a_replay_that_fails_again_leaves_the_case_parked(kept, chosen) -> None:
    refusing = Refusing(chosen[0])
    caught_up(kept, refusing.model)
    before = kept.rows(REVIEW_QUEUE)

    with pytest.raises(ReplayFailed, match="this case cannot be claimed"):
        kept.supervisor(models=[refusing.model]).replay(chosen[0])

    assert len(kept.supervisor().parked()) == 1
    assert kept.rows(REVIEW_QUEUE) == before


def test_a_case_that_is_not_parked_cannot_be_replayed(kept) -> None:
    with pytest.raises(NotParked):
        kept.supervisor().replay(uuid4())


def test_a_replay_loses_nothing_of_the_batch_that_the_leader_has_in_hand(kept, chosen, undisturbed) -> None:
    """The leader skipped facts of the parked case in its batch: it must not write past them."""
    case_id, _, position = chosen
    refusing = Refusing(case_id)
    leader = Projector(kept.url, refusing.model, holder="leader", batch=200)
    leader.catch_up(until=position + 5)
    assert len(kept.supervisor().parked()) == 1
    refusing.left = 0
    fold = leader._fold

    def replayed_meanwhile(*arguments: Any) -> Any:
        folded = fold(*arguments)
        leader._fold = fold  # type: ignore[method-assign]
        kept.supervisor(models=[refusing.model]).replay(case_id)
        return folded

    leader._fold = replayed_meanwhile  # type: ignore[assignment,method-assign]
    with pytest.raises(LeadershipLost):
        leader.advance()
    leader.catch_up()
    leader.close()

    assert kept.rows(REVIEW_QUEUE) == undisturbed


def test_a_row_that_the_table_refuses_parks_its_case_alone(kept, chosen, undisturbed) -> None:
    case_id, _, _ = chosen
    kept.execute(
        sql.SQL("ALTER TABLE review_queue_v3 ADD CHECK (case_id <> {} OR stage = 'filed')")
        .format(sql.Literal(case_id))
        .as_string(None)
    )
    caught_up(kept, REVIEW_QUEUE)

    (parked,) = kept.supervisor().parked()
    assert parked.case_id == case_id
    assert parked.error.startswith("CheckViolation")
    rows = kept.rows(REVIEW_QUEUE)
    assert [row for row in rows if row[0] != case_id] == [row for row in undisturbed if row[0] != case_id]


def test_a_row_that_no_index_can_hold_parks_its_case_alone(kept, new_case) -> None:
    case = new_case()
    case.pending_events[0].__dict__["filed_by"] = token_hex(8000)
    with PostgresStore(kept.url) as store:
        store.save(case, Provenance("shop-1", "buyer-integration", "req-1"))
    caught_up(kept, OPEN_LOOPS)

    (parked,) = kept.supervisor().parked()
    assert (parked.name, parked.case_id) == ("open_loops", case.id)
    assert parked.error.startswith("ProgramLimitExceeded")
    assert kept.position(OPEN_LOOPS) > kept.events


@pytest.mark.parametrize(
    ("topic", "state", "error"),
    [
        ("CaseUnheardOf", "{}", "UnknownFact"),
        ("CaseFiled", '{"class_version": 99}', "NewerSchema"),
        ("CaseFiled", '{"number"', "MalformedFact"),
    ],
)
def test_a_fact_that_cannot_be_read_is_never_guessed(kept, chosen, topic, state, error) -> None:
    case_id = uuid4()
    kept.execute(
        "INSERT INTO events VALUES (%s, 1, %s, %s, %s, %s, now(), 'a', 'system', '', NULL, 1)",
        case_id,
        kept.events + 1,
        topic,
        state.encode(),
        uuid4(),
    )
    kept.supervisor().catch_up()

    parked = kept.supervisor().parked()
    read_by = [model for model in ALL if topic not in FACTS or not model.passes_over(FACTS[topic])]
    assert {one.name for one in parked} == {model.name for model in read_by}
    assert len(read_by) > 3
    assert {one.case_id for one in parked} == {case_id}
    assert all(one.error.startswith(error) for one in parked)


def test_read_models_park_apart(kept, chosen) -> None:
    kept.supervisor(models=[Refusing(chosen[0]).model, OPEN_LOOPS]).catch_up()

    counts = {row.name: row.parked for row in kept.supervisor().status()}
    assert counts["review_queue"] == 1
    assert counts["open_loops"] == 0


def test_a_rebuild_parks_what_it_cannot_fold_either(kept, chosen) -> None:
    case_id, version, _ = chosen
    refusing = kept.supervisor(models=[Refusing(case_id).model])
    refusing.catch_up()
    before = kept.rows(REVIEW_QUEUE)

    refusing.rebuild("review_queue")

    (parked,) = kept.supervisor().parked()
    assert (parked.table, parked.case_id, parked.version) == ("review_queue_v3", case_id, version)
    assert kept.rows(REVIEW_QUEUE) == before
    assert kept.supervisor().replay(case_id) == ["review_queue"]
