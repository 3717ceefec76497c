"""What is opened, audited, handed out or refused is on record, and what cannot be recorded is not shown."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from application.accesses import Accesses
from application.errors import AccessReasonRequired, Forbidden, NotFound, ServiceUnavailable
from application.store import StoreUnavailable
from domain.access_log import log_id
from domain.events import AccessLogOpened, AccessRefused, CaseExported, PageRead, SealedDataOpened
from domain.values import Role, Sealed

WHY = "投诉复核"


@pytest.fixture
def case_id(desk):
    return desk.file(statement="拉链坏了").aggregate.id


@pytest.fixture
def statement(desk, case_id):
    """What stands sealed in the case."""
    return {(1, "statement"): desk.cases.get(desk.agent, case_id).filing.statement}


def kept(desk, case_id):
    """Everything in the case's log of the day."""
    return desk.store.facts(log_id(case_id, desk.clock.at.date()))


def facts(desk, case_id):
    return [one.fact for one in kept(desk, case_id)]


def test_opening_texts_is_recorded_once_with_the_names_of_what_was_opened(desk, case_id, statement):
    assert desk.accesses.open(desk.access(desk.agent), case_id, statement) == {(1, "statement"): "拉链坏了"}
    begun, opened = facts(desk, case_id)
    assert isinstance(begun, AccessLogOpened)
    assert isinstance(opened, SealedDataOpened)
    assert (opened.permission, opened.fields, opened.reason) == ("cases.read", ("statement",), None)


def test_the_record_says_who_it_was_and_through_which_request(desk, case_id, statement):
    desk.accesses.open(desk.access(desk.agent), case_id, statement)
    *_, opened = kept(desk, case_id)
    assert (opened.provenance.actor_id, opened.provenance.actor_role) == ("agent-1", "agent")
    assert opened.provenance.request_id == "req-1"


def test_a_reason_is_sealed_for_the_platform_in_its_own_place(desk, case_id, statement):
    desk.accesses.open(desk.access(desk.agent), case_id, statement)
    desk.accesses.open(desk.access(desk.auditor, reason=WHY), case_id, statement)
    *_, opened = facts(desk, case_id)
    assert isinstance(opened.reason, Sealed)
    assert (opened.reason.person, opened.reason.box) == ("platform", f"0:reason of {opened.access_id}:{WHY}")


def test_a_text_whose_key_was_destroyed_was_not_opened(desk, case_id, statement, monkeypatch):
    monkeypatch.setattr(desk.vault, "open", lambda _, values: dict.fromkeys(values))
    desk.accesses.open(desk.access(desk.agent), case_id, statement)
    assert kept(desk, case_id) == []


def test_whoever_works_on_a_case_and_opens_nothing_leaves_no_record(desk, case_id):
    desk.accesses.open(desk.access(desk.agent), case_id, {})
    assert kept(desk, case_id) == []


def test_an_auditor_who_opens_nothing_has_read_all_the_same(desk, case_id):
    desk.accesses.open(desk.access(desk.auditor), case_id, {})
    assert [type(one) for one in facts(desk, case_id)] == [AccessLogOpened, PageRead]


def test_what_is_seen_changes_no_version_of_the_case(desk, case_id, statement):
    desk.accesses.open(desk.access(desk.auditor, reason=WHY), case_id, statement)
    assert desk.cases.get(desk.agent, case_id).version == 1


def test_each_day_has_a_log_of_its_own(desk, case_id, statement):
    desk.accesses.open(desk.access(desk.agent), case_id, statement)
    desk.clock.pass_time(days=1)
    desk.accesses.open(desk.access(desk.agent), case_id, statement)
    assert len(facts(desk, case_id)) == 2


def test_handing_out_needs_a_reason_and_is_recorded(desk, case_id):
    with pytest.raises(AccessReasonRequired):
        desk.accesses.exported(desk.access(desk.auditor), case_id, "proof", ())
    assert kept(desk, case_id) == []
    desk.accesses.exported(desk.access(desk.auditor, reason=WHY), case_id, "proof", ("statement",))
    *_, exported = facts(desk, case_id)
    assert isinstance(exported, CaseExported)
    assert (exported.export, exported.fields) == ("proof", ("statement",))


def test_a_refusal_is_recorded_of_a_case_that_there_is(desk, case_id):
    desk.accesses.refused(desk.access(desk.other_seller, "cases.read"), case_id)
    *_, refused = facts(desk, case_id)
    assert isinstance(refused, AccessRefused)
    assert refused.permission == "cases.read"
    nowhere = uuid4()
    desk.accesses.refused(desk.access(desk.other_seller), nowhere)
    assert kept(desk, nowhere) == []


class Deaf:
    """A store that can be read and takes nothing."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def add(self, *_):
        raise StoreUnavailable


def test_what_cannot_be_recorded_is_not_shown(desk, case_id, statement):
    accesses = Accesses(Deaf(desk.store), desk.vault, desk.clock, uuid4)
    with pytest.raises(ServiceUnavailable):
        accesses.open(desk.access(desk.agent), case_id, statement)


def test_those_who_look_at_once_are_all_on_record(desk, case_id, statement):
    together = Barrier(8)

    def look(number):
        together.wait()
        for _ in range(5):
            reason = WHY if number % 2 else None
            desk.accesses.open(desk.access(desk.auditor, reason=reason), case_id, statement)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(8)))
    found = facts(desk, case_id)
    assert [one.originator_version for one in found] == list(range(1, 42))
    assert sum(bool(one.reason) for one in found[1:]) == 20


# --- reading the log ---


@pytest.fixture
def seen(desk, case_id, statement):
    """A case that was looked at on three days, by others each day."""
    for by, reason in ((desk.agent, None), (desk.auditor, WHY), (desk.reviewer, None)):
        desk.accesses.open(desk.access(by, reason=reason), case_id, statement)
        desk.clock.pass_time(days=1)
    return case_id


def asking(desk, by=None):
    return desk.access(by or desk.supervisor, "accesses.read", "年度审计")


def test_the_newest_come_first_with_their_reasons_opened(desk, seen):
    entries = desk.accesses.entries(asking(desk), seen, None, 10)
    told = [(one.recorded.provenance.actor_id, one.reason) for one in entries]
    assert told == [("reviewer-1", None), ("auditor-1", WHY), ("agent-1", None)]


def test_a_page_goes_on_where_the_last_one_ended(desk, seen):
    first = desk.accesses.entries(asking(desk), seen, None, 2)
    then = desk.accesses.entries(asking(desk), seen, first[-1].recorded.position, 2)
    assert [one.recorded.provenance.actor_id for one in then] == ["agent-1"]


def test_whoever_reads_the_log_is_on_record_too(desk, seen):
    desk.accesses.entries(asking(desk), seen, None, 10)
    newest, *_ = desk.accesses.entries(asking(desk, desk.auditor), seen, None, 1)
    assert newest.recorded.provenance.actor_id == "supervisor-1"
    assert (newest.recorded.fact.fields, newest.reason) == (("access reasons",), "年度审计")


def test_reading_the_log_needs_a_reason_the_right_and_a_case(desk, seen):
    with pytest.raises(AccessReasonRequired):
        desk.accesses.entries(desk.access(desk.supervisor), seen, None, 1)
    with pytest.raises(Forbidden):
        desk.accesses.entries(asking(desk, desk.reviewer), seen, None, 1)
    with pytest.raises(NotFound):
        desk.accesses.entries(asking(desk), uuid4(), None, 1)


@pytest.mark.parametrize("role", Role)
def test_everybody_who_sees_or_is_refused_something_can_be_recorded(desk, case_id, role):
    by = type(desk.agent)("somebody", role, "m-2001" if role is Role.MERCHANT else None)
    desk.accesses.refused(desk.access(by), case_id)
    assert len(kept(desk, case_id)) == 2
