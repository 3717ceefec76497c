"""Erasure across the store, the keys and the ledger: whatever breaks off in between is completed."""

import inspect
from datetime import timedelta
from uuid import uuid4

import pytest

from application.access import PERMISSIONS
from application.cases import Forgetting
from application.cases.forgetting import Outcome
from application.erasures import Erasure, LedgerState
from application.errors import Forbidden, NotFound, ServiceUnavailable, VersionMismatch
from application.rulebook import OnePolicy
from application.store import StoreUnavailable
from domain.case import Case
from domain.refusals import LegalHoldInForce, SecondPersonRequired
from domain.values import Actor, Resolution, Role, SealedFor, Side
from infrastructure.policy_pack import default_pack

ADMIN = Actor("admin-1", Role.ADMIN)
LEDGER = Actor("ledger", Role.SYSTEM)
THREE_YEARS = timedelta(days=3 * 366)


class Keys:
    """The data keys as the database has them."""

    def __init__(self, desk):
        self.desk = desk

    def key_id(self, case_id, person):
        rows = self.desk.rows(
            "SELECT key_id FROM vault.data_keys WHERE case_id = %s AND person = %s", case_id, person
        )
        return rows[0][0] if rows else None

    def destroy(self, case_id, key_id):
        self.desk.write("SELECT vault.destroy_keys(%s, ARRAY[%s::uuid])", case_id, key_id)


class Ledger:
    """A ledger that remembers what it was told, in order."""

    def __init__(self):
        self.told = []

    def begin(self, erasure):
        self.told.append((LedgerState.BEGUN, erasure))

    def end(self, erasure_id, state):
        self.told.append((state, erasure_id))

    def entries(self):
        begun = {one.erasure_id: one for state, one in self.told if state is LedgerState.BEGUN}
        states = {getattr(one, "erasure_id", one): state for state, one in self.told}
        return [(erasure, states[erasure_id]) for erasure_id, erasure in begun.items()]

    @property
    def states(self):
        return [state.value for state, _ in self.told]


class Away:
    """A store whose every save is lost on the way: recorded, or not."""

    def __init__(self, store, recorded):
        self.store, self.recorded = store, recorded

    def __getattr__(self, name):
        return getattr(self.store, name)

    def save(self, aggregate, provenance, effects):
        if self.recorded:
            self.store.save(aggregate, provenance, effects)
        raise StoreUnavailable


class Between:
    """A store into which somebody else records something before the next save."""

    def __init__(self, store, meanwhile):
        self.store, self.meanwhile = store, meanwhile

    def __getattr__(self, name):
        return getattr(self.store, name)

    def save(self, aggregate, provenance, effects):
        self.meanwhile()
        return self.store.save(aggregate, provenance, effects)


class Office:
    """Everyone who has a say in what is forgotten, in few words."""

    def __init__(self, desk):
        self.desk, self.ledger, self.keys = desk, Ledger(), Keys(desk)
        self.forgetting = self.over(desk.store)

    def over(self, store):
        desk = self.desk
        return Forgetting(
            store, desk.vault, OnePolicy(default_pack()), desk.clock, uuid4, self.keys, self.ledger
        )

    def ended(self):
        """A case whose records need be kept no longer; its id."""
        case = self.desk.file(statement="拉链坏了").aggregate
        self.desk.cases.close(self.desk.request(self.desk.agent, 1), case.id, Resolution.ANSWERED, "已答复")
        self.desk.clock.at += THREE_YEARS
        return case.id

    def proposed(self):
        """And the erasure of its buyer's data waits."""
        case_id = self.ended()
        case = self.ask(case_id).aggregate
        (waiting,) = case.privacy.waiting
        return case, waiting

    def ask(self, case_id, by=ADMIN):
        return self.forgetting.request_erasure(self.desk.request(by), case_id, Side.BUYER, "本人申请")

    def agree(self, case, waiting, forgetting=None, by=None):
        request = self.desk.request(by or self.desk.supervisor, case.version)
        return (forgetting or self.forgetting).approve_erasure(
            request, case.id, waiting.proposal_id, waiting.proposal_hash
        )

    def apply(self):
        return self.forgetting.apply_ledger(self.desk.request(LEDGER))

    def keys_of(self, case_id):
        return [
            key for (key,) in self.desk.rows("SELECT person FROM vault.data_keys WHERE case_id = %s", case_id)
        ]


@pytest.fixture
def office(desk):
    return Office(desk)


COMMANDS = {
    "place_legal_hold": ("cases.hold", ("g",)),
    "release_legal_hold": ("cases.hold", (uuid4(), "r")),
    "request_erasure": ("erasures.request", (Side.BUYER, "r")),
    "approve_erasure": ("erasures.approve", (uuid4(), "0" * 64)),
    "reject_erasure": ("erasures.approve", (uuid4(), "r")),
}


def test_every_command_is_listed_here():
    public = {name for name, _ in inspect.getmembers(Forgetting, inspect.isfunction) if name[0] != "_"}
    assert public == COMMANDS.keys() | {"apply_ledger"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        (name, role)
        for name, (right, _) in COMMANDS.items()
        for role in Role
        if role not in PERMISSIONS[right]
    ],
)
def test_a_role_without_the_permission_is_forbidden(office, nothing_recorded, name, role):
    request = office.desk.request(Actor("somebody", role, "m-2001"))
    with nothing_recorded, pytest.raises(Forbidden):
        getattr(office.forgetting, name)(request, uuid4(), *COMMANDS[name][1])


def test_two_people_destroy_the_key_with_the_fact(office):
    case, waiting = office.proposed()
    assert office.keys_of(case.id) == ["buyer"]
    office.agree(case, waiting)
    assert office.keys_of(case.id) == []
    assert office.desk.facts(case.id)[-1] == "PersonalDataErased"


def test_the_ledger_is_told_before_the_database(office):
    case, waiting = office.proposed()
    seen = []
    between = Between(office.desk.store, lambda: seen.extend(office.ledger.states))
    office.agree(case, waiting, office.over(between))
    assert (seen, office.ledger.states) == (["begun"], ["begun", "recorded"])
    (_, told) = office.ledger.told[0]
    assert (told.case_id, told.party, told.by, told.proposed_by) == (
        case.id,
        Side.BUYER,
        "supervisor-1",
        "admin-1",
    )


def test_a_refused_approval_leaves_no_line(office, nothing_recorded):
    case, waiting = office.proposed()
    with nothing_recorded, pytest.raises(SecondPersonRequired):
        office.agree(case, waiting, by=ADMIN)
    assert office.ledger.told == []


def test_what_came_between_drops_what_was_begun(office):
    case, waiting = office.proposed()

    def somebody_holds():
        office.forgetting.place_legal_hold(office.desk.request(office.desk.auditor), case.id, "诉讼")

    with pytest.raises(VersionMismatch):
        office.agree(case, waiting, office.over(Between(office.desk.store, somebody_holds)))
    assert office.ledger.states == ["begun", "dropped"]
    assert office.apply() == []
    assert office.keys_of(case.id) == ["buyer"]


@pytest.mark.parametrize("recorded", [True, False])
def test_a_crash_after_the_ledger_was_told_is_completed_by_applying_it(office, recorded):
    case, waiting = office.proposed()
    with pytest.raises(ServiceUnavailable):
        office.agree(case, waiting, office.over(Away(office.desk.store, recorded)))
    assert office.ledger.states == ["begun"]
    (applied,) = office.apply()
    assert applied.outcome is Outcome.APPLIED
    assert office.keys_of(case.id) == []
    assert office.desk.facts(case.id).count("PersonalDataErased") == 1
    assert office.ledger.states[-1] == "recorded"
    told = office.desk.store.load(Case, case.id).privacy.erasures[0]
    assert (told.by, told.proposed_by) == ("supervisor-1", "admin-1")


def test_an_unfinished_erasure_is_dropped_where_a_legal_hold_has_come_between(office):
    case, waiting = office.proposed()
    with pytest.raises(ServiceUnavailable):
        office.agree(case, waiting, office.over(Away(office.desk.store, recorded=False)))
    office.forgetting.place_legal_hold(office.desk.request(office.desk.auditor), case.id, "诉讼")
    (applied,) = office.apply()
    assert (applied.outcome, office.ledger.states[-1]) == (Outcome.HELD, "dropped")
    assert office.keys_of(case.id) == ["buyer"]


def test_an_unfinished_erasure_is_dropped_where_a_rejection_has_come_between(office):
    case, waiting = office.proposed()
    with pytest.raises(ServiceUnavailable):
        office.agree(case, waiting, office.over(Away(office.desk.store, recorded=False)))
    request = office.desk.request(office.desk.supervisor, case.version)
    office.forgetting.reject_erasure(request, case.id, waiting.proposal_id, "仍有争议")
    (applied,) = office.apply()
    assert (applied.outcome, office.ledger.states[-1]) == (Outcome.REJECTED, "dropped")
    assert office.keys_of(case.id) == ["buyer"]


def test_an_older_database_forgets_again(office, nothing_recorded):
    """It knows neither the proposal nor the erasure, and holds the key still."""
    case = office.desk.file(statement="拉链坏了").aggregate
    key_id = office.keys.key_id(case.id, SealedFor.BUYER)
    erasure = Erasure(uuid4(), case.id, Side.BUYER, key_id, "supervisor-1", "admin-1", office.desk.clock.at)
    office.ledger.told = [(LedgerState.BEGUN, erasure), (LedgerState.RECORDED, erasure.erasure_id)]
    (applied,) = office.apply()
    assert applied.outcome is Outcome.APPLIED
    assert office.keys_of(case.id) == []
    assert office.desk.facts(case.id) == ["CaseFiled", "PersonalDataErased"]
    with nothing_recorded:
        office.apply()


def test_a_key_that_was_put_back_alone_goes_again(office):
    case, waiting = office.proposed()
    key_id = office.keys.key_id(case.id, SealedFor.BUYER)
    office.agree(case, waiting)
    office.desk.write("INSERT INTO vault.data_keys VALUES (%s, 'buyer', %s, %s)", case.id, key_id, b"wrapped")
    office.apply()
    assert office.keys_of(case.id) == []


def test_a_database_without_the_case_has_nothing_to_forget(office):
    erasure = Erasure(uuid4(), uuid4(), Side.BUYER, uuid4(), "a", "b", office.desk.clock.at)
    office.ledger.told = [(LedgerState.BEGUN, erasure)]
    (applied,) = office.apply()
    assert (applied.outcome, office.ledger.states) == (Outcome.NO_CASE, ["begun"])


def test_the_bytes_under_the_key_go_with_it_and_no_others(office):
    case, waiting = office.proposed()
    key_id = office.keys.key_id(case.id, SealedFor.BUYER)
    for blob, key in ((uuid4(), key_id), (other := uuid4(), uuid4())):
        office.desk.write(
            "INSERT INTO blobs (case_id, blob_id, person, key_id, chunks, kept)"
            " VALUES (%s, %s, 'buyer', %s, 1, true)",
            case.id,
            blob,
            key,
        )
    office.agree(case, waiting)
    assert office.desk.rows("SELECT blob_id FROM blobs WHERE case_id = %s", case.id) == [(other,)]


def test_a_hold_is_placed_by_an_auditor(office):
    case = office.desk.file().aggregate
    done = office.forgetting.place_legal_hold(office.desk.request(office.desk.auditor), case.id, "诉讼")
    hold = done.aggregate.privacy.hold(done.subject)
    assert hold.ground.box == "2:ground:诉讼"


def test_a_legal_hold_refuses_the_proposal(office, nothing_recorded):
    case_id = office.ended()
    office.forgetting.place_legal_hold(office.desk.request(office.desk.auditor), case_id, "诉讼")
    with pytest.raises(LegalHoldInForce):
        office.ask(case_id)


def test_an_unknown_hold_is_not_found(office):
    case = office.desk.file().aggregate
    with pytest.raises(NotFound) as caught:
        office.forgetting.release_legal_hold(office.desk.request(office.desk.auditor), case.id, uuid4(), "r")
    assert caught.value.kind == "legal_hold"
