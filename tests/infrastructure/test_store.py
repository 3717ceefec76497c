"""Cases come back as they were recorded, with what the store knows about each fact."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from application.store import (
    Effects,
    IdempotencyKey,
    Provenance,
    Replay,
    Store,
    VersionConflict,
)
from domain.case import Case
from domain.events import CaseClaimed, CaseFiled, PlatformSteppedIn
from domain.policy_book import PolicyBook
from domain.values import Actor, Role
from infrastructure.policy_pack import default_pack
from infrastructure.store import PostgresStore

DEFAULT = default_pack()

AT = datetime(2026, 11, 6, 9, tzinfo=UTC)
CAUSE = uuid4()
APP = Provenance("buyer-app", Role.BUYER_INTEGRATION, "req-1")
REVIEWER = Provenance("reviewer-1", Role.REVIEWER, "req-2", CAUSE)
NewCase = Callable[..., Case]


def claimed(case: Case) -> Case:
    """The case with a claim pending: two facts."""
    case.claim(Actor("reviewer-1", Role.REVIEWER), DEFAULT, AT)
    return case


def loaded(store: Store, case_id: UUID) -> Case:
    case = store.load(Case, case_id)
    assert case is not None
    return case


def test_a_case_is_loaded_as_it_was_saved(store: PostgresStore, new_case: NewCase) -> None:
    case = new_case()
    store.save(case, APP)
    store.save(claimed(loaded(store, case.id)), REVIEWER)
    live = claimed(case)
    live.collect_events()
    assert loaded(store, case.id) == live


def test_a_case_is_loaded_as_it_was_at_a_version(store: PostgresStore, new_case: NewCase) -> None:
    case = claimed(new_case())
    store.save(case, APP)
    earlier = store.load(Case, case.id, version=1)
    assert earlier is not None
    assert (earlier.version, earlier.stage, case.stage) == (1, "filed", "in_review")


def test_an_unknown_case_is_none(store: PostgresStore) -> None:
    assert store.load(Case, uuid4()) is None
    assert store.facts(uuid4()) == []


def test_an_aggregate_is_loaded_as_its_own_kind_and_as_no_other(
    store: PostgresStore, new_case: NewCase
) -> None:
    case, book = new_case(), PolicyBook.open(AT)
    store.save(case, APP)
    store.save(book, APP)
    assert (loaded(store, case.id).id, store.load(PolicyBook, case.id)) == (case.id, None)
    found = store.load(PolicyBook, book.id)
    assert found is not None
    assert (found.id, store.load(Case, book.id)) == (book.id, None)


def test_of_two_who_begin_the_same_aggregate_one_conflicts(store: PostgresStore) -> None:
    one, other = PolicyBook.open(AT), PolicyBook.open(AT)
    store.save(one, APP)
    with pytest.raises(VersionConflict):
        store.save(other, APP)


def test_each_fact_carries_who_recorded_it_when_and_why(store: PostgresStore, new_case: NewCase) -> None:
    case = new_case()
    before = datetime.now(UTC) - timedelta(seconds=5)
    filed_at = store.save(case, APP)
    claimed_at = store.save(claimed(loaded(store, case.id)), REVIEWER)
    filing, claim, step_in = store.facts(case.id)
    assert [type(recorded.fact) for recorded in (filing, claim, step_in)] == [
        CaseFiled,
        CaseClaimed,
        PlatformSteppedIn,
    ]
    assert (filing.position, claim.position, step_in.position) == (filed_at, claimed_at - 1, claimed_at)
    assert filed_at < claimed_at - 1
    assert (filing.provenance, claim.provenance, step_in.provenance) == (APP, REVIEWER, REVIEWER)
    assert before < filing.recorded_at <= claim.recorded_at == step_in.recorded_at
    assert filing.recorded_at.tzinfo is not None
    assert len({filing.event_id, claim.event_id, step_in.event_id}) == 3


def test_facts_can_be_read_after_a_version(store: PostgresStore, new_case: NewCase) -> None:
    case = claimed(new_case())
    store.save(case, APP)
    assert [recorded.fact.originator_version for recorded in store.facts(case.id, after=1)] == [2, 3]


def test_the_end_of_a_save_is_found_from_any_of_its_versions(store: PostgresStore, new_case: NewCase) -> None:
    filed = new_case()
    first = store.save(filed, APP)
    case = store.load(Case, filed.id)
    assert case
    last = store.save(claimed(case), APP)
    assert store.end_of_save(case.id, 1) == (1, first)
    assert [store.end_of_save(case.id, version) for version in (2, 3)] == [(3, last)] * 2
    with pytest.raises(LookupError, match="has no version 4"):
        store.end_of_save(case.id, 4)


def test_the_second_of_two_commands_on_one_version_conflicts_and_leaves_nothing(
    store: PostgresStore, new_case: NewCase
) -> None:
    case = new_case()
    store.save(case, APP)
    one, other = loaded(store, case.id), loaded(store, case.id)
    store.save(claimed(one), REVIEWER)
    with pytest.raises(VersionConflict):
        store.save(claimed(other), REVIEWER, Effects(idempotency=IdempotencyKey("k", "1", b"f")))
    assert len(store.facts(case.id)) == 3
    assert store.replay("k", "1") is None


def test_a_replay_tells_what_the_key_led_to(store: PostgresStore, new_case: NewCase) -> None:
    case, thing = claimed(new_case()), uuid4()
    kept = Effects(idempotency=IdempotencyKey("key-1", "abc", b"\x00print"), subject=thing)
    last = store.save(case, APP, kept)
    assert store.replay("key-1", "abc") == Replay(b"\x00print", case.id, 3, last, thing)
    assert store.replay("key-2", "abc") is None


def test_a_replay_older_than_thirty_days_is_forgotten(
    store: PostgresStore, new_case: NewCase, migrated_database: str
) -> None:
    store.save(new_case(), APP, Effects(idempotency=IdempotencyKey("key-1", "abc", b"f")))
    with psycopg.connect(migrated_database) as connection:
        connection.execute("UPDATE idempotency SET created_at = now() - interval '30 days'")
    assert store.replay("key-1", "abc") is None
