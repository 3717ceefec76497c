"""How every command runs: right, relation, replay, version, decision, recording."""

import inspect
import threading
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import uuid4

import pytest

from application.access import PERMISSIONS
from application.cases import Cases, case_number
from application.cases.appealing import Verdict
from application.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    PreconditionRequired,
    RequestInProgress,
    ServiceUnavailable,
    VersionMismatch,
)
from application.rulebook import OnePolicy
from application.running import RETRIES
from application.store import KeyAlreadyUsed, KeyInUse, StoreUnavailable, VersionConflict
from domain.case import Case
from domain.policy import Policy
from domain.refusals import CaseAlreadyOpenForOrderLine, CaseClaimedByAnother, CaseNotClaimed
from domain.values import (
    AppealAgainst,
    AppealOutcome,
    Channel,
    GoodsCondition,
    InspectionOutcome,
    Money,
    Party,
    Payer,
    Relation,
    Remedy,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Resolution,
    Role,
    Side,
    Stance,
    SuspensionGround,
    Visibility,
)
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

# --- filing ---


def test_a_filed_case_is_its_own_first_version(desk):
    answer = desk.file()
    assert (answer.aggregate.version, desk.facts(answer.aggregate.id)) == (1, ["CaseFiled"])
    assert (1, answer.position) == desk.store.end_of_save(answer.aggregate.id, 1)


def test_what_people_wrote_is_sealed_for_the_fact_that_carries_it(desk):
    contact = {"name": "王芳", "phone": "13800000000", "address": "杭州"}
    filing = desk.file(statement="拉链坏了", contact=contact).aggregate.filing
    assert filing.statement.box == "1:statement:拉链坏了"
    assert filing.contact.phone.box == "1:contact.phone:13800000000"
    assert filing.buyer != "b-1001"


def test_the_new_keys_are_recorded_with_the_facts(desk):
    case = desk.file(statement="拉链坏了").aggregate
    assert desk.rows("SELECT person FROM vault.data_keys WHERE case_id = %s", case.id) == [("buyer",)]


def test_an_order_line_has_one_open_case(desk, nothing_recorded):
    order = desk.order()
    desk.file(order=order)
    with nothing_recorded, pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.file(order=order)


def test_order_lines_whose_ids_read_alike_put_together_are_two(desk):
    order_id = desk.order().order_id
    desk.file(order=desk.order(order_id=f"{order_id}/1", line_id="2"))

    desk.file(order=desk.order(order_id=order_id, line_id="1/2"))


def test_a_withdrawn_case_frees_its_order_line(desk):
    order = desk.order()
    case = desk.file(order=order).aggregate
    desk.cases.withdraw(desk.request(desk.app, 1), case.id, "不要了")
    assert desk.file(order=order).aggregate.id != case.id


def test_an_expired_case_frees_its_order_line_and_reopening_takes_it_again(desk):
    case = desk.verified().aggregate
    order, leg = case.filing.order, Remedy(uuid4(), RemedyKind.RETURN)
    desk.cases.decide(desk.request(desk.reviewer, case.version), case.id, (leg,), ("Q-1",), "退货")
    case = desk.cases.authorise_return(desk.request(desk.agent), case.id, leg.remedy_id).aggregate
    (clock,) = case.clocks.running
    desk.clock.pass_time(days=8)
    assert desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock)
    assert desk.facts(case.id)[-1] == "CaseExpired"

    again = desk.file(order=order).aggregate
    desk.cases.withdraw(desk.request(desk.app, 1), again.id, "不要了")
    request = desk.request(desk.reviewer, desk.store.load(Case, case.id).version)
    desk.cases.reopen(request, case.id, ReopenGround.GRACE, "物流延误")
    with pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.file(order=order)


def test_a_closed_case_frees_its_order_line_and_reopening_needs_it_back(desk, nothing_recorded):
    order = desk.order()
    case = desk.file(order=order).aggregate
    desk.cases.close(desk.request(desk.agent, 1), case.id, Resolution.ANSWERED, "已答复")
    version = desk.store.load(Case, case.id).version
    desk.file(order=order)
    with nothing_recorded, pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.cases.reopen(desk.request(desk.reviewer, version), case.id, ReopenGround.NEW_FACTS, "新证据")


def test_reopening_takes_the_order_line_again(desk):
    order = desk.order()
    case = desk.file(order=order).aggregate
    closed = desk.cases.close(desk.request(desk.agent, 1), case.id, Resolution.ANSWERED, "已答复").aggregate
    request = desk.request(desk.reviewer, closed.version)
    desk.cases.reopen(request, case.id, ReopenGround.NEW_FACTS, "新证据")
    with pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.file(order=order)


def test_a_case_reopened_before_it_was_closed_still_holds_its_order_line(desk):
    case = desk.paid().aggregate
    reopened = desk.cases.reopen(
        desk.request(desk.reviewer, case.version), case.id, ReopenGround.GRACE, "复核"
    )
    assert reopened.aggregate.stage == "in_review"


@pytest.mark.parametrize("field", ["purchased_at", "delivered_at"])
def test_an_order_cannot_come_from_the_future(desk, nothing_recorded, field):
    order = desk.order(**{field: desk.clock.at + timedelta(minutes=6)})
    with nothing_recorded, pytest.raises(InvalidRequest) as caught:
        desk.file(order=order)
    assert caught.value.pointer == f"/order/{field}"


def test_a_clock_a_little_ahead_is_forgiven(desk):
    desk.file(order=desk.order(delivered_at=desk.clock.at + timedelta(minutes=5)))


def test_case_numbers_carry_the_day_and_differ(desk):
    numbers = {case_number(uuid4(), desk.clock.at) for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(number.startswith("AS-20261110-") and len(number) == 22 for number in numbers)


# --- right and relation ---

COMMANDS = {
    "deliver_notice": ("cases.notify", (Channel.APP,)),
    "answer": ("cases.answer", (Stance.AGREES, "t")),
    "make_offer": ("cases.negotiate", ((), (), "t")),
    "accept_offer": ("cases.negotiate", (uuid4(),)),
    "decline_offer": ("cases.negotiate", (uuid4(), "r")),
    "escalate": ("cases.escalate", ("r",)),
    "demand_review": ("decisions.contest", ("r",)),
    "make_promise": ("promises.make", ("t", None)),
    "keep_promise": ("promises.keep", (uuid4(),)),
    "claim": ("cases.claim", ()),
    "release": ("cases.claim", ()),
    "reassign": ("cases.reassign", ("reviewer-2", Role.REVIEWER)),
    "recuse": ("cases.recuse", ("r",)),
    "note": ("cases.note", ("t", Visibility.INTERNAL)),
    "request_evidence": ("evidence.request", (Side.BUYER, ("photo",))),
    "submit_evidence": ("evidence.submit", (Party.PLATFORM, "photo", "t", "0" * 64)),
    "accept_evidence": ("evidence.judge", (uuid4(),)),
    "challenge_evidence": ("evidence.judge", (uuid4(), "r")),
    "withdraw_evidence": ("evidence.withdraw", (uuid4(), "r")),
    "shift_burden": ("burden.shift", (Side.BUYER, "I-2", "r")),
    "order_inspection": ("inspections.order", ("s",)),
    "report_inspection": (
        "inspections.report",
        (uuid4(), InspectionOutcome.FAKE, Money(100, "CNY"), "r"),
    ),
    "verify": ("cases.verify", ("upheld", (), (), "r")),
    "decide": ("cases.decide", ((), ("Q-1",), "r")),
    "approve_decision": ("decisions.approve", (uuid4(), "0" * 64)),
    "reject_decision": ("decisions.approve", (uuid4(), "r")),
    "grant_goodwill": ("goodwill.grant", ("points", "r", None, 1)),
    "appeal": ("appeals.file", (AppealAgainst.DECISION, "r")),
    "withdraw_appeal": ("appeals.file", (uuid4(),)),
    "decide_appeal": ("appeals.decide", (uuid4(), Verdict(AppealOutcome.UPHELD, ("Q-1",), "r"))),
    "confirm_compensation": ("compensations.settle", (uuid4(), "pay-1", None)),
    "fail_compensation": ("compensations.settle", (uuid4(), "pay-1", "r")),
    "instruct_compensation": ("compensations.instruct", (uuid4(), Payer.FUND)),
    "reverse_compensation": ("compensations.reverse", (uuid4(), "r")),
    "record_recovery": ("recoveries.settle", (uuid4(), Money(100, "CNY"), "back-1")),
    "write_off_recovery": ("recoveries.write_off", (uuid4(), "r")),
    "ship_goods": ("goods.move", (uuid4(), "SF-1")),
    "receive_goods": ("goods.move", (uuid4(), "SF-1")),
    "accept_goods": ("goods.move", (uuid4(), "SF-1")),
    "lose_goods": ("goods.move", (uuid4(), "SF-1")),
    "authorise_return": ("goods.authorise", (uuid4(),)),
    "refuse_goods": ("goods.judge", (uuid4(), "r")),
    "reject_goods": ("goods.judge", (uuid4(), "NR-4", "r")),
    "inspect_goods": ("goods.inspect", (uuid4(), GoodsCondition.INTACT)),
    "start_repair": ("goods.repair", (uuid4(),)),
    "complete_repair": ("goods.repair", (uuid4(), RepairOutcome.FAILED)),
    "penalise": ("penalties.assess", (1, None, "S-1", "r")),
    "adjust_penalty": ("penalties.adjust", (uuid4(), 1, None, "r")),
    "order_rectification": ("rectification.order", ("t", None)),
    "submit_rectification": ("rectification.submit", ("t",)),
    "judge_rectification": ("rectification.judge", (True, "r")),
    "waive_rectification": ("rectification.waive", ("r",)),
    "attempt_follow_up": ("follow_ups.work", (uuid4(), "phone", "reached")),
    "complete_follow_up": ("follow_ups.work", (uuid4(), True)),
    "close": ("cases.close", (Resolution.ANSWERED, "r")),
    "reopen": ("cases.reopen", (ReopenGround.GRACE, "r")),
    "withdraw": ("cases.withdraw", ("r",)),
    "classify": ("cases.classify", ("counterfeit",)),
    "suspend": ("cases.suspend", (SuspensionGround.COURT, "r")),
    "confirm_suspension": ("cases.suspend", (uuid4(),)),
    "resume": ("cases.suspend", ("r",)),
    "link": ("cases.relate", (uuid4(), Relation.RELATED)),
    "merge": ("cases.merge", (uuid4(), "r")),
    "step_in": ("cases.step_in", ()),
    "verify_in_batch": ("cases.decide_in_batch", (None, "s", "r")),
    "decide_in_batch": ("cases.decide_in_batch", (None, "s", "r")),
}
READS = {
    "runs_clock",
    "get",
    "history",
    "as_known",
    "history_known",
    "allowed",
    "burden",
    "entitlements",
    "viewer_state",
}
NOT_ON_ONE_CASE = {"file", "claim_next", "miss_clock"}


def arguments(desk, name):
    soon = desk.clock.at + timedelta(days=1)
    moments = {
        "confirm_compensation": desk.clock.at,
        "order_rectification": soon,
        "make_promise": soon,
    }
    return [moments.get(name) if one is None and name != "penalise" else one for one in COMMANDS[name][1]]


def test_every_command_is_listed_here():
    public = {name for name, _ in inspect.getmembers(Cases, inspect.isfunction) if not name.startswith("_")}
    assert public == COMMANDS.keys() | NOT_ON_ONE_CASE | READS


FORBIDDEN = [
    (name, role) for name, (right, _) in COMMANDS.items() for role in Role if role not in PERMISSIONS[right]
]


@pytest.mark.parametrize(("name", "role"), FORBIDDEN)
def test_a_role_without_the_permission_is_forbidden_whatever_the_case(desk, nothing_recorded, name, role):
    actor = type(desk.app)("somebody", role, "m-2001")
    with nothing_recorded, pytest.raises(Forbidden):
        getattr(desk.cases, name)(desk.request(actor), uuid4(), *arguments(desk, name))


def test_another_merchants_case_is_not_there(desk):
    case = desk.file().aggregate
    assert desk.cases.get(desk.seller, case.id).id == case.id
    with pytest.raises(NotFound):
        desk.cases.get(desk.other_seller, case.id)
    with pytest.raises(NotFound):
        desk.cases.history(desk.other_seller, case.id)


def test_another_integrations_case_is_not_there(desk):
    case = desk.file().aggregate
    with pytest.raises(NotFound):
        desk.cases.withdraw(desk.request(desk.other_app, 1), case.id, "不要了")


def test_an_unknown_case_is_not_there(desk):
    with pytest.raises(NotFound):
        desk.cases.get(desk.auditor, uuid4())


def test_outside_callers_file_evidence_for_themselves_only(desk, nothing_recorded):
    case = desk.file().aggregate
    with nothing_recorded, pytest.raises(Forbidden):
        desk.cases.submit_evidence(desk.request(desk.seller), case.id, Party.BUYER, "photo", "t", "0" * 64)


def test_staff_file_evidence_for_any_party(desk):
    case = desk.file().aggregate
    for party in Party:
        desk.cases.submit_evidence(desk.request(desk.agent), case.id, party, "photo", "t", "0" * 64)
    assert desk.facts(case.id).count("EvidenceSubmitted") == 3


def test_what_is_not_on_the_case_is_not_found(desk):
    case = desk.paid().aggregate
    with pytest.raises(NotFound) as caught:
        desk.cases.complete_follow_up(desk.request(desk.agent), case.id, uuid4(), True)
    assert caught.value.kind == "follow_up"


def test_the_caller_is_told_what_it_could_do_now(desk):
    case = desk.file().aggregate
    ways_on = ["lease", "recusal", "notes", "promises", "evidence", "evidence-requests"]
    ways_out = ["closure", "classification", "suspension", "links", "merger"]
    assert desk.cases.allowed(desk.reviewer, case) == ways_on + ways_out
    assert desk.cases.allowed(desk.app, case) == ["promises", "evidence", "withdrawal"]
    assert desk.cases.allowed(desk.auditor, case) == ["legal-holds"]
    claimed = desk.cases.claim(desk.request(desk.reviewer, 1), case.id).aggregate
    assert "verification" in desk.cases.allowed(desk.reviewer, claimed)
    assert "verification" not in desk.cases.allowed(desk.other_reviewer, claimed)
    assert "lease" in desk.cases.allowed(desk.reviewer, claimed)
    assert {"lease", "evidence-requests"}.isdisjoint(desk.cases.allowed(desk.other_reviewer, claimed))
    assert {"burden", "inspections"} <= set(desk.cases.allowed(desk.reviewer, claimed))
    assert {"burden", "inspections"}.isdisjoint(desk.cases.allowed(desk.other_reviewer, claimed))
    assert "decisions" not in desk.cases.allowed(desk.reviewer, claimed)
    assert "decisions" in desk.cases.allowed(desk.reviewer, desk.verified().aggregate)


# --- versions ---


@pytest.mark.parametrize("name", ["claim", "verify", "decide", "penalise", "close", "reopen"])
def test_a_command_of_judgement_needs_the_version_that_was_seen(desk, nothing_recorded, name):
    case = desk.claimed().aggregate
    with nothing_recorded, pytest.raises(PreconditionRequired):
        getattr(desk.cases, name)(desk.request(desk.reviewer), case.id, *arguments(desk, name))


def test_a_stale_version_is_told_what_happened_since(desk, nothing_recorded):
    case = desk.claimed().aggregate
    with nothing_recorded, pytest.raises(VersionMismatch) as caught:
        desk.cases.claim(desk.request(desk.other_reviewer, 1), case.id)
    assert caught.value.aggregate.version == 3
    assert [type(one.fact).__name__ for one in caught.value.since] == ["CaseClaimed", "PlatformSteppedIn"]


def test_a_version_from_the_future_is_stale_too(desk):
    case = desk.file().aggregate
    with pytest.raises(VersionMismatch):
        desk.cases.claim(desk.request(desk.reviewer, 9), case.id)


def test_a_given_version_is_compared_even_where_none_is_needed(desk):
    case = desk.claimed().aggregate
    with pytest.raises(VersionMismatch):
        desk.cases.note(desk.request(desk.reviewer, 1), case.id, "备注", Visibility.INTERNAL)


def test_facts_from_outside_are_recorded_whatever_happens_meanwhile(desk):
    case = desk.file().aggregate
    desk_threads = [
        threading.Thread(
            target=desk.cases.note,
            args=(desk.request(desk.agent), case.id, f"备注 {number}", Visibility.INTERNAL),
        )
        for number in range(4)
    ]
    for thread in desk_threads:
        thread.start()
    for thread in desk_threads:
        thread.join()
    assert desk.facts(case.id).count("NoteAdded") == 4


class Interrupted:
    """A store in which something else happens just before the first saves, and then, perhaps, reads."""

    def __init__(self, store, times, error=VersionConflict, reading=None):
        self._store, self._times, self._error, self._reading = store, times, error, reading

    def __getattr__(self, name):
        return getattr(self._store, name)

    def load(self, kind, case_id, *, version=None):
        if self._reading == "load":
            raise self._error
        return self._store.load(kind, case_id, version=version)

    def replay(self, scope, key):
        if self._reading == "replay":
            raise self._error
        return self._store.replay(scope, key)

    def save(self, case, provenance, effects):
        if self._times:
            self._times -= 1
            raise self._error
        return self._store.save(case, provenance, effects)


def test_a_conflict_is_tried_again(desk):
    case = desk.file().aggregate
    desk.cases._store = Interrupted(desk.store, RETRIES - 1)
    desk.cases.note(desk.request(desk.agent), case.id, "备注", Visibility.INTERNAL)
    assert desk.facts(case.id) == ["CaseFiled", "NoteAdded"]


def test_but_not_for_ever(desk, nothing_recorded):
    case = desk.file().aggregate
    desk.cases._store = Interrupted(desk.store, RETRIES)
    with nothing_recorded, pytest.raises(ServiceUnavailable):
        desk.cases.note(desk.request(desk.agent), case.id, "备注", Visibility.INTERNAL)


def test_a_store_that_is_away_is_a_service_that_is_unavailable(desk):
    case = desk.file().aggregate
    desk.cases._store = Interrupted(desk.store, 1, StoreUnavailable)
    with pytest.raises(ServiceUnavailable):
        desk.cases.note(desk.request(desk.agent), case.id, "备注", Visibility.INTERNAL)


@pytest.mark.parametrize("reading", ["load", "replay"])
def test_and_so_is_one_that_cannot_be_read(desk, reading):
    case = desk.file().aggregate
    desk.cases._store = Interrupted(desk.store, 0, StoreUnavailable, reading)
    with pytest.raises(ServiceUnavailable):
        desk.cases.note(desk.request(desk.agent, key="k-0"), case.id, "备注", Visibility.INTERNAL)


def test_a_due_time_under_constant_conflict_is_left_for_later(desk, nothing_recorded):
    case = desk.paid().aggregate
    (clock,) = case.clocks.running
    desk.clock.pass_time(days=3)
    desk.cases._store = Interrupted(desk.store, RETRIES)
    with nothing_recorded, pytest.raises(ServiceUnavailable):
        desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock)


@pytest.mark.parametrize("error", [KeyInUse, KeyAlreadyUsed])
def test_a_key_whose_first_request_still_runs_is_in_progress(desk, nothing_recorded, error):
    desk.cases._store = Interrupted(desk.store, 1, error)
    with nothing_recorded, pytest.raises(RequestInProgress):
        desk.file(desk.request(desk.app, key="k-10"))


@pytest.mark.parametrize("role", [role for role in Role if role not in PERMISSIONS["cases.file"]])
def test_only_buyers_integrations_and_agents_file(desk, nothing_recorded, role):
    with nothing_recorded, pytest.raises(Forbidden):
        desk.file(desk.request(type(desk.app)("somebody", role)))


@pytest.mark.parametrize("role", [role for role in Role if role not in PERMISSIONS["cases.claim"]])
def test_only_agents_and_reviewers_take_the_next_case(desk, role):
    with pytest.raises(Forbidden):
        desk.cases.claim_next(desk.request(type(desk.app)("somebody", role)), [])


def test_of_two_claims_at_once_one_wins_and_the_other_is_told(desk):
    case = desk.file().aggregate
    outcomes = []

    def claim(by):
        try:
            outcomes.append(desk.cases.claim(desk.request(by, 1), case.id).aggregate.lease.holder)
        except VersionMismatch:
            outcomes.append("mismatch")

    threads = [threading.Thread(target=claim, args=(by,)) for by in (desk.reviewer, desk.other_reviewer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("mismatch") == 1
    assert desk.facts(case.id) == ["CaseFiled", "CaseClaimed", "PlatformSteppedIn"]


# --- replays ---


def test_the_same_key_gives_the_first_answer(desk):
    order = desk.order()
    first = desk.file(desk.request(desk.app, key="k-1"), order)
    again = desk.file(desk.request(desk.app, key="k-1"), order)
    assert (again.aggregate.id, again.aggregate.version, again.position) == (
        first.aggregate.id,
        1,
        first.position,
    )


def test_the_first_answer_stays_as_it_was(desk):
    case = desk.file().aggregate
    request = desk.request(desk.reviewer, 1, key="k-2")
    first = desk.cases.claim(request, case.id)
    desk.cases.note(desk.request(desk.agent), case.id, "备注", Visibility.INTERNAL)
    again = desk.cases.claim(request, case.id)
    assert (again.aggregate.version, again.aggregate.lease) == (
        first.aggregate.version,
        first.aggregate.lease,
    )


def test_it_names_what_the_first_one_created(desk):
    case = desk.file().aggregate
    request = desk.request(desk.agent, key="k-3")
    first, again = (desk.cases.note(request, case.id, "备注", Visibility.INTERNAL) for _ in range(2))
    assert first.subject == again.subject
    assert desk.facts(case.id).count("NoteAdded") == 1


def test_another_body_under_the_same_key_is_refused(desk, nothing_recorded):
    desk.file(desk.request(desk.app, key="k-4", body=b"one"))
    with nothing_recorded, pytest.raises(IdempotencyKeyReused):
        desk.file(desk.request(desk.app, key="k-4", body=b"two"))


def test_keys_of_different_callers_do_not_meet(desk):
    first = desk.file(desk.request(desk.app, key="k-5"))
    other = desk.file(desk.request(desk.other_app, key="k-5"))
    assert first.aggregate.id != other.aggregate.id


def test_a_key_sent_twice_at_once_is_carried_out_once(desk):
    order = desk.order()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(desk.file(desk.request(desk.app, key="k-6"), order)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.aggregate.id for answer in answers}) == 1
    assert len(answers) == 4


def test_a_request_that_its_twin_overtakes_gets_the_twins_answer(desk, monkeypatch):
    case = desk.file().aggregate
    request = desk.request(desk.app, 1, key="twice")
    load = desk.store.load

    def overtaken(kind, case_id, **options):
        monkeypatch.undo()
        desk.cases.withdraw(request, case_id, "不要了")
        return load(kind, case_id, **options)

    monkeypatch.setattr(desk.store, "load", overtaken)
    assert desk.cases.withdraw(request, case.id, "不要了").aggregate.version == 2
    assert desk.facts(case.id) == ["CaseFiled", "CaseWithdrawn"]


def test_a_replay_comes_before_the_version(desk):
    case = desk.file().aggregate
    desk.cases.claim(desk.request(desk.reviewer, 1, key="k-7"), case.id)
    assert desk.cases.claim(desk.request(desk.reviewer, key="k-7"), case.id).aggregate.version == 3


def test_a_refused_command_keeps_no_key(desk):
    case = desk.claimed().aggregate
    request = desk.request(desk.other_reviewer, case.version, key="k-8")
    with pytest.raises(CaseClaimedByAnother):
        desk.cases.claim(request, case.id)
    assert desk.rows("SELECT count(*) FROM idempotency WHERE key = 'k-8'") == [(0,)]


def test_the_same_payment_reference_gives_the_same_answer(desk):
    answer, line = desk.decided()
    request = desk.request(desk.finance)
    first, again = (
        desk.cases.confirm_compensation(request, answer.aggregate.id, line, "pay-1", desk.clock.at)
        for _ in range(2)
    )
    assert (again.aggregate.version, again.position) == (first.aggregate.version, first.position)


def test_even_when_the_case_has_moved_on_since(desk):
    answer, line = desk.decided()
    request = desk.request(desk.finance)
    first = desk.cases.confirm_compensation(request, answer.aggregate.id, line, "pay-1", desk.clock.at)
    desk.cases.note(desk.request(desk.agent), answer.aggregate.id, "备注", Visibility.INTERNAL)
    again = desk.cases.confirm_compensation(request, answer.aggregate.id, line, "pay-1", desk.clock.at)
    assert (again.aggregate.version, again.position) == (first.aggregate.version, first.position)
    assert again.aggregate.stage == "following_up"


def test_the_same_failure_gives_the_same_answer_too(desk):
    answer, line = desk.decided()
    request = desk.request(desk.finance)
    first = desk.cases.fail_compensation(request, answer.aggregate.id, line, "pay-1", "账户冻结")
    desk.cases.note(desk.request(desk.agent), answer.aggregate.id, "备注", Visibility.INTERNAL)
    again = desk.cases.fail_compensation(request, answer.aggregate.id, line, "pay-1", "账户冻结")
    assert (again.aggregate.version, again.position) == (first.aggregate.version, first.position)


# --- effects ---


def test_an_instruction_leaves_through_the_outbox_under_its_gateway_key(desk):
    answer, line = desk.decided()
    rows = desk.rows("SELECT message_id, kind, payload FROM outbox WHERE case_id = %s", answer.aggregate.id)
    key = next(
        one.fact.gateway_key
        for one in desk.store.facts(answer.aggregate.id)
        if type(one.fact).__name__ == "CompensationInstructed"
    )
    assert [(row[0], row[1], row[2]["compensation_id"]) for row in rows] == [(key, "payment", str(line))]


def deadlines(desk, case_id):
    return desk.rows("SELECT kind, state FROM deadlines WHERE case_id = %s ORDER BY kind", case_id)


def test_a_follow_up_sets_a_deadline_and_its_answer_ends_it(desk):
    case = desk.paid().aggregate
    assert deadlines(desk, case.id) == [("follow_up", "pending")]
    follow_up = case.follow_ups.current().follow_up_id
    desk.cases.complete_follow_up(desk.request(desk.agent), case.id, follow_up, True, comment="很好")
    assert deadlines(desk, case.id) == [("follow_up", "cancelled")]


def test_a_due_time_that_passed_is_acted_upon_once(desk):
    case = desk.paid().aggregate
    (clock,) = case.clocks.running
    desk.clock.pass_time(days=3)
    assert desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock)
    assert deadlines(desk, case.id) == [("follow_up", "done")]
    assert not desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock)
    assert desk.facts(case.id).count("ClockMissed") == 1


def test_a_due_time_to_come_is_not_acted_upon(desk, nothing_recorded):
    case = desk.paid().aggregate
    (clock,) = case.clocks.running
    with nothing_recorded:
        assert not desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_rectification_is_due_within_a_year(desk, nothing_recorded, days):
    case = desk.paid().aggregate
    request = desk.request(desk.reviewer, case.version)
    with nothing_recorded, pytest.raises(InvalidRequest):
        desk.cases.order_rectification(request, case.id, "整改", desk.clock.at + timedelta(days=days))


def test_a_payment_cannot_come_from_the_future(desk, nothing_recorded):
    answer, line = desk.decided()
    late = desk.clock.at + timedelta(hours=1)
    with nothing_recorded, pytest.raises(InvalidRequest):
        desk.cases.confirm_compensation(desk.request(desk.finance), answer.aggregate.id, line, "pay-1", late)


def test_the_actor_and_the_request_are_kept_beside_each_fact(desk):
    case = desk.claimed().aggregate
    kept = [(one.provenance.actor_id, one.provenance.actor_role) for one in desk.store.facts(case.id)]
    assert kept == [("app", "buyer-integration"), ("reviewer-1", "reviewer"), ("reviewer-1", "reviewer")]
    assert {one.provenance.request_id for one in desk.store.facts(case.id)} == {"req-1"}


# --- the next case of a queue ---


def test_the_next_case_is_the_first_that_can_be_had(desk):
    taken, free = desk.claimed().aggregate.id, desk.file().aggregate.id
    answer = desk.cases.claim_next(desk.request(desk.other_reviewer), [uuid4(), taken, free])
    assert answer.aggregate.id == free


def test_it_is_another_one_than_the_caller_already_has(desk):
    mine, free = desk.claimed().aggregate.id, desk.file().aggregate.id
    assert desk.cases.claim_next(desk.request(desk.reviewer), [mine, free]).aggregate.id == free


def test_nor_one_in_which_the_caller_has_an_interest(desk):
    partial, free = desk.file().aggregate.id, desk.file().aggregate.id
    desk.cases.recuse(desk.request(desk.reviewer), partial, "亲属")
    assert desk.cases.claim_next(desk.request(desk.reviewer), [partial, free]).aggregate.id == free


def test_there_may_be_none(desk):
    assert desk.cases.claim_next(desk.request(desk.reviewer), []) is None


def test_the_next_case_is_claimed_once_under_one_key(desk):
    first, second = desk.file().aggregate.id, desk.file().aggregate.id
    request = desk.request(desk.reviewer, key="k-9")
    answers = [desk.cases.claim_next(request, [first, second]) for _ in range(2)]
    assert [answer.aggregate.id for answer in answers] == [first, first]


def test_a_lease_is_given_back_by_its_holder(desk):
    case = desk.claimed().aggregate
    released = desk.cases.release(desk.request(desk.reviewer, case.version), case.id).aggregate
    assert released.lease is None
    with pytest.raises(CaseNotClaimed):
        desk.cases.release(desk.request(desk.reviewer, released.version), case.id)


# --- the policy ---


class NotedMoments(OnePolicy):
    """A rulebook that notes which moments it is asked for."""

    asked: ClassVar[list[tuple[datetime, datetime, datetime]]] = []

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        self.asked.append((act_at, filed_at, decided_at))
        return self.policy


def test_commands_are_judged_by_the_policy_of_the_purchase_the_filing_and_now(desk, monkeypatch):
    monkeypatch.setattr(desk.cases, "_rulebook", NotedMoments(DEFAULT))
    monkeypatch.setattr(NotedMoments, "asked", [])
    filed_at = desk.clock.at
    filing = desk.file().aggregate.filing
    purchased_at = filing.order.purchased_at
    desk.clock.pass_time(days=1)
    desk.cases.claim(desk.request(desk.reviewer, 1), filing.originator_id)
    assert NotedMoments.asked == [
        (purchased_at, filed_at, filed_at),
        (purchased_at, filed_at, filed_at + timedelta(days=1)),
    ]
