"""A policy document is validated as a whole: every fault is told with its place, and none is a traceback."""

import copy
import math
from contextlib import suppress
from dataclasses import replace
from datetime import date, time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from domain.policy import PolicyFaults, compiled, document, pack
from domain.policy.calendar import Calendar, Term, Unit
from domain.policy.pack import Confidence, Deadline, Multiple, Percentage
from domain.values import Role
from infrastructure.policy_pack import default_document, default_pack


def faults_of(changed: Any) -> dict[str, str]:
    """The faults of a document by their places."""
    with pytest.raises(PolicyFaults) as caught:
        compiled(changed)
    return {fault.path: fault.detail for fault in caught.value.faults}


def changed(path: str, value: Any = None, *, without: bool = False) -> Any:
    """The default document with another value at a place, or without it."""
    whole = copy.deepcopy(default_document())
    *parents, name = path.strip("/").split("/")
    place: Any = whole
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    key = int(name) if isinstance(place, list) else name
    if without:
        del place[key]
    else:
        place[key] = value
    return whole


def test_the_document_of_a_policy_makes_the_same_policy():
    assert compiled(document(default_pack())) == default_pack()


def test_every_rule_that_is_known_stands_in_the_default_pack():
    assert default_pack().rules.keys() == pack.KEYS.keys()


def test_every_figure_has_a_source_and_what_nobody_verified_is_disabled():
    for rule in default_pack().rules.values():
        assert rule.source
        assert rule.enabled is (rule.confidence is not Confidence.C)
    assert [rule.key.id for rule in default_pack().rules.values() if not rule.enabled] == ["Z-1"]


BROKEN: list[tuple[str, Any, str, str]] = [
    # what is written, where, the place of the fault, what it says
    ("/version", 5, "/version", "must be text"),
    ("/version", "cn 2027", "/version", "must match [A-Za-z0-9][A-Za-z0-9_.-]{0,63}"),
    ("/version", "", "/version", "must be 1 to 1000 printable characters without space around them"),
    ("/currency", "yuan", "/currency", "must be the three letters of a currency"),
    ("/effective_from", "01.01.2026", "/effective_from", "must be a day as YYYY-MM-DD"),
    ("/effective_from", "2026-02-30", "/effective_from", "must be a day as YYYY-MM-DD"),
    ("/title", "x", "/title", "must be an object"),
    ("/title/fr", "x", "/title/fr", "is not known here"),
    ("/more", 1, "/more", "is not known here"),
    ("/rules", [], "/rules", "must be an object"),
    ("/rules/XX-1", {}, "/rules/XX-1", "is not a rule that is known here"),
    ("/rules/NR-1", None, "/rules/NR-1", "must be an object"),
    ("/rules/NR-1/sauce", "x", "/rules/NR-1/sauce", "is not known here"),
    (
        "/rules/NR-1/source",
        "operator",
        "/rules/NR-1/source",
        "must be `operator` where the confidence is H, and nowhere else",
    ),
    (
        "/rules/O-3/source",
        "消法",
        "/rules/O-3/source",
        "must be `operator` where the confidence is H, and nowhere else",
    ),
    ("/rules/NR-1/confidence", "Z", "/rules/NR-1/confidence", "must be one of A, B, C, H"),
    ("/rules/NR-1/applies", "never", "/rules/NR-1/applies", "must be one of at_act, at_filing, at_decision"),
    ("/rules/NR-1/enabled", "yes", "/rules/NR-1/enabled", "must be true or false"),
    (
        "/rules/NR-1/effective_from",
        "2026-01-02",
        "/rules/NR-1/effective_from",
        "must not be later than that of the whole policy",
    ),
    ("/rules/NR-1/chosen", ["colour"], "/rules/NR-1/chosen", "the terms have no colour"),
    (
        "/rules/NR-1/terms/window",
        {},
        "/rules/NR-1/terms/window",
        "must be an amount of one of hours, days, months",
    ),
    (
        "/rules/NR-1/terms/window",
        {"days": 7, "hours": 1},
        "/rules/NR-1/terms/window",
        "must be an amount of one of hours, days, months",
    ),
    ("/rules/NR-1/terms/window", {"days": 0}, "/rules/NR-1/terms/window/days", "must be from 1 to 3660"),
    ("/rules/NR-1/terms/window", {"days": 3661}, "/rules/NR-1/terms/window/days", "must be from 1 to 3660"),
    ("/rules/NR-1/terms/window", {"days": 7.0}, "/rules/NR-1/terms/window/days", "must be a whole number"),
    ("/rules/NR-1/terms/window", {"days": True}, "/rules/NR-1/terms/window/days", "must be a whole number"),
    (
        "/rules/NR-1/terms/window",
        {"days": 7, "calendar": "lunar"},
        "/rules/NR-1/terms/window/calendar",
        "there is no calendar lunar",
    ),
    (
        "/rules/NR-1/terms/window",
        {"months": 1, "calendar": "working_days"},
        "/rules/NR-1/terms/window",
        "months run in no calendar of their own",
    ),
    (
        "/rules/NR-2/terms/categories",
        ["food", "food"],
        "/rules/NR-2/terms/categories",
        "names something twice",
    ),
    ("/rules/NR-2/terms/categories", "food", "/rules/NR-2/terms/categories", "must be a list"),
    ("/rules/NR-4/terms/allowed", ["damaged"], "/rules/NR-4/terms/allowed", "damaged also breaks the goods"),
    (
        "/rules/NR-4/terms/allowed",
        ["tag_removed"],
        "/rules/NR-4/terms/categories/bags",
        "tag_removed is always allowed",
    ),
    (
        "/rules/NR-6/terms/default",
        "nobody",
        "/rules/NR-6/terms/default",
        "must be one of merchant, buyer, courier, platform, supplier",
    ),
    (
        "/rules/NR-6/terms/grounds",
        {"boredom": "buyer"},
        "/rules/NR-6/terms/grounds/boredom",
        "is not a reason of the taxonomy",
    ),
    ("/rules/F-1/terms/times", 0, "/rules/F-1/terms/times", "must be at least 1"),
    ("/rules/F-1/terms/floor_minor", -1, "/rules/F-1/terms/floor_minor", "must be from 0 to 1000000000000"),
    (
        "/rules/F-2/terms/needs",
        ["luck"],
        "/rules/F-2/terms/needs/0",
        "must be one of seller_knew, seller_is_producer, buyer_knew, harmless_label_flaw",
    ),
    (
        "/rules/F-2/terms/excludes",
        ["seller_knew"],
        "/rules/F-2/terms/excludes",
        "seller_knew is both needed and excluded",
    ),
    ("/rules/F-4/terms/default", 0, "/rules/F-4/terms/default", "must be at least 1"),
    ("/rules/C-1/terms/percent", 101, "/rules/C-1/terms/percent", "must be from 1 to 100"),
    ("/rules/C-1/terms/floor_minor", 20001, "/rules/C-1/terms/floor_minor", "is above the cap"),
    ("/rules/C-2/terms/cap_percent", 29, "/rules/C-2/terms/cap_percent", "must be from the percent to 100"),
    ("/rules/Z-1/enabled", True, "/rules/Z-1/enabled", "must be false: nobody verified this figure (C)"),
    ("/rules/M-1/enabled", False, "/rules/M-1/enabled", "must be true: no case can be worked on without it"),
    ("/rules/M-4/terms/per_round", 0, "/rules/M-4/terms/per_round", "must be at least 1"),
    (
        "/rules/M-6/terms/grounds",
        {"settlement": {"days": 1}, "police": {"months": 6}},
        "/rules/M-6/terms/grounds/receipt",
        "is missing",
    ),
    ("/rules/X-1/terms/facts", {"hours": 2}, "/rules/X-1/terms/facts", "must be longer than the term before"),
    (
        "/rules/O-10/terms/baseline",
        {"hours": 24},
        "/rules/O-10/terms/baseline",
        "must be longer than the term before",
    ),
    ("/rules/O-10/terms/factor", 0, "/rules/O-10/terms/factor", "must be at least 1"),
    (
        "/rules/I-2/terms/grounds/hidden",
        ["courier"],
        "/rules/I-2/terms/grounds/hidden",
        "must be buyer or merchant in turn",
    ),
    (
        "/rules/I-2/terms/grounds/hidden",
        [],
        "/rules/I-2/terms/grounds/hidden",
        "must be buyer or merchant in turn",
    ),
    (
        "/rules/I-2/terms/reasons/counterfeit",
        "obvious",
        "/rules/I-2/terms/reasons/counterfeit",
        "obvious is not one of the grounds",
    ),
    (
        "/rules/I-2/terms/other_reasons",
        "obvious",
        "/rules/I-2/terms/other_reasons",
        "obvious is not one of the grounds",
    ),
    (
        "/rules/I-2/terms/reasons/boredom",
        "hidden",
        "/rules/I-2/terms/reasons/boredom",
        "is not a reason of the taxonomy",
    ),
    ("/rules/O-14/terms/pieces", 0, "/rules/O-14/terms/pieces", "must be at least 1"),
    (
        "/rules/O-1/terms/limits",
        {"boss": {}},
        "/rules/O-1/terms/limits/boss",
        f"must be one of {', '.join(Role)}",
    ),
    (
        "/rules/I-2/terms/reasons",
        {"boredom": "hidden"},
        "/rules/I-2/terms/reasons/boredom",
        "is not a reason of the taxonomy",
    ),
    (
        "/rules/O-9/terms/reasons",
        {"boredom": {}},
        "/rules/O-9/terms/reasons/boredom",
        "is not a reason of the taxonomy",
    ),
    (
        "/rules/O-9/terms/reasons",
        {"damaged": {"courier": []}},
        "/rules/O-9/terms/reasons/damaged/courier",
        "must be buyer or merchant",
    ),
    ("/rules/S-1/terms/tiers", [], "/rules/S-1/terms/tiers", "names no tier"),
    (
        "/rules/S-1/terms/tiers/1/from_points",
        3,
        "/rules/S-1/terms/tiers/1/from_points",
        "must be above that of the tier before",
    ),
    ("/rules/S-1/terms/tiers/0/measures", [], "/rules/S-1/terms/tiers/0/measures", "names no measure"),
    (
        "/rules/S-1/terms/published_from",
        6,
        "/rules/S-1/terms/published_from",
        "must be the number of a tier, or 0 for none",
    ),
    (
        "/rules/S-1/terms/tariff",
        {"S-9": {"max_points": 1, "max_fine_minor": 1}},
        "/rules/S-1/terms/tariff/S-9",
        "is not a rule",
    ),
    (
        "/rules/S-1/terms/tariff",
        {"Z-1": {"max_points": 1, "max_fine_minor": 1}},
        "/rules/S-1/terms/tariff/Z-1",
        "is disabled: nobody is penalised under it",
    ),
    (
        "/rules/S-1/terms/tiers/0/from_points",
        0,
        "/rules/S-1/terms/tiers/0/from_points",
        "must be at least 1: nothing reaches it",
    ),
    (
        "/calendars/service_hours/closes",
        "9am",
        "/calendars/service_hours/closes",
        "must be a time of the day as HH:MM",
    ),
    (
        "/calendars/service_hours/closes",
        "08:00",
        "/calendars/service_hours",
        "a calendar is open on some weekday, from its opening to a later closing",
    ),
    (
        "/calendars/service_hours/weekdays",
        ["someday"],
        "/calendars/service_hours/weekdays",
        "must be a list of mon, tue, wed, thu, fri, sat, sun",
    ),
    (
        "/calendars/service_hours/weekdays",
        ["mon", "mon"],
        "/calendars/service_hours/weekdays",
        "names something twice",
    ),
    (
        "/calendars/working_days/holidays",
        ["2026-01-04"],
        "/calendars/working_days",
        "2026-01-04 is both a holiday and a workday",
    ),
    (
        "/calendars/working_days/holidays",
        ["2026-01-03/2026-01-01"],
        "/calendars/working_days/holidays/0",
        "must be a day, or the first and the last of at most 366 as first/last",
    ),
    (
        "/calendars/working_days/holidays",
        ["0001-01-01/9999-12-31"],
        "/calendars/working_days/holidays/0",
        "must be a day, or the first and the last of at most 366 as first/last",
    ),
    ("/calendars/working_days/more", 1, "/calendars/working_days/more", "is not known here"),
    (
        "/taxonomy/reasons/no_reason/eligibility",
        ["NR-9"],
        "/taxonomy/reasons/no_reason/eligibility/0",
        "there is no rule NR-9",
    ),
    (
        "/taxonomy/reasons/no_reason/eligibility",
        ["M-1"],
        "/taxonomy/reasons/no_reason/eligibility/0",
        "M-1 asks nothing of a filing",
    ),
    (
        "/taxonomy/reasons/no_reason/clauses",
        ["XX"],
        "/taxonomy/reasons/no_reason/clauses/0",
        "there is no rule XX",
    ),
    (
        "/taxonomy/reasons/no_reason/case_types",
        [],
        "/taxonomy/reasons/no_reason/case_types",
        "names no kind of case",
    ),
    ("/taxonomy/reasons/a b", {}, "/taxonomy/reasons/a b", "is not a code"),
    (
        "/taxonomy/case_types/repair/eligibility",
        ["M-1"],
        "/taxonomy/case_types/repair/eligibility/0",
        "M-1 asks nothing of a filing",
    ),
]


@pytest.mark.parametrize(("path", "value", "place", "detail"), BROKEN)
def test_a_fault_is_told_with_its_place(path, value, place, detail):
    assert faults_of(changed(path, value))[place] == detail


@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/title",
        "/title/zh",
        "/effective_from",
        "/currency",
        "/taxonomy",
        "/taxonomy/case_types/repair",
        "/rules",
        "/rules/NR-1/title",
        "/rules/NR-1/source",
        "/rules/NR-1/confidence",
        "/rules/NR-1/terms",
        "/rules/NR-1/terms/window",
        "/calendars/working_days/source",
    ],
)
def test_what_must_be_there_is_missed(path):
    assert faults_of(changed(path, without=True))[path].startswith("is missing")


@pytest.mark.parametrize("rule", sorted(key.id for key in pack.NEEDED))
def test_a_rule_without_which_no_case_can_be_worked_on_is_missed(rule):
    found = faults_of(changed(f"/rules/{rule}", without=True))
    assert found[f"/rules/{rule}"] == "is missing: no case can be worked on without it"


def test_a_missing_calendar_is_missed_by_every_term_in_it():
    assert faults_of(changed("/calendars", without=True)).keys() == {
        "/rules/G-1/terms/grounds/answer/calendar",
        "/rules/M-2/terms/term/calendar",
        "/rules/M-6/terms/grounds/receipt/calendar",
        "/rules/O-3/terms/term/calendar",
    }


def test_all_faults_are_told_at_once_and_each_once():
    broken = changed("/currency", "yuan")
    broken["rules"]["F-1"]["terms"]["times"] = 0
    broken["rules"]["C-1"]["source"] = ""
    broken["rules"]["NR-1"]["terms"]["window"] = {"days": 7, "calendar": "lunar"}
    assert list(faults_of(broken)) == [
        "/currency",
        "/rules/C-1/source",
        "/rules/F-1/terms/times",
        "/rules/NR-1/terms/window/calendar",
    ]


@pytest.mark.parametrize("nothing", [None, [], "", 0, {}, {1: 2}])
def test_what_is_no_document_at_all_is_faulty_too(nothing):
    assert faults_of(nothing)


def test_a_place_is_a_json_pointer():
    assert faults_of(changed("/odd", 1) | {"a/b~c": 1}).keys() == {"/odd", "/a~1b~0c"}


# --- whatever is written ------------------------------------------------------------------------------

minutes = st.times(time(0, 1), time(23, 59)).map(lambda moment: moment.replace(second=0, microsecond=0))
days = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5)
calendars = st.builds(
    lambda closes, weekdays, holidays, workdays: Calendar(
        time(0), closes, weekdays, holidays - workdays, workdays, "国务院办公厅"
    ),
    minutes,
    st.frozensets(st.integers(0, 6), min_size=1),
    days,
    days,
)
terms = st.builds(
    Term, st.integers(1, 3000), st.sampled_from([Unit.HOURS, Unit.DAYS]), st.sampled_from([None, "c"])
)
multiples = st.builds(
    Multiple,
    st.integers(1, 100),
    st.integers(0, 10**9),
    st.integers(0, 10),
    st.none() | st.just("fake_one_pay_ten"),
    within_need=st.booleans(),
)
shares = st.builds(
    Percentage, st.integers(1, 50), st.just(100), st.none() | st.integers(100, 10**6), st.none()
)


@given(calendar=calendars, term=terms, multiple=multiples, share=shares, enabled=st.booleans())
@settings(deadline=None, max_examples=50)
def test_whatever_policy_there_is_its_document_makes_it_again(calendar, term, multiple, share, enabled):
    policy = default_pack()
    said = {"M-1": Deadline(term), "F-1": multiple, "C-1": share}
    rules = {key: replace(rule, terms=said.get(key, rule.terms)) for key, rule in policy.rules.items()}
    rules["F-1"] = replace(rules["F-1"], enabled=enabled)
    made = replace(policy, calendars={**policy.calendars, "c": calendar}, rules=rules)
    assert compiled(document(made)) == made


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["operator", "A"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: str = "") -> list[str]:
    """Every place in a document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in below for place in places(one, f"{path}/{name}"))]


PLACES = [place for place in places(default_document()) if place]


@given(place=st.sampled_from(PLACES), value=plain)
@example(place="/rules/NR-1/terms/window/days", value=math.nan)
@example(place="/calendars/working_days/holidays/0", value="2026-01-01/")
@settings(deadline=None, max_examples=300)
def test_a_document_that_is_broken_anywhere_is_never_a_traceback(place, value):
    with suppress(PolicyFaults):
        compiled(changed(place, value))


@given(place=st.sampled_from(PLACES))
@settings(deadline=None, max_examples=200)
def test_a_document_from_which_anything_is_missing_is_never_a_traceback(place):
    with suppress(PolicyFaults):
        compiled(changed(place, without=True))


@given(value=plain)
@settings(deadline=None)
def test_anything_else_is_never_a_traceback(value):
    with pytest.raises(PolicyFaults):
        compiled(value)
