"""The policy that is shipped, and documents in files."""

from dataclasses import MISSING, fields
from datetime import date
from hashlib import sha256

import pytest

from application.policies import canonical
from domain.policy import PolicyFaults, compiled
from infrastructure.figures import confidence, figure
from infrastructure.policy_pack import LARGEST, default_document, default_pack, in_file


def test_the_shipped_policy_is_sound_and_read_once() -> None:
    assert default_pack() == compiled(default_document())
    assert default_pack() is default_pack()


def test_every_figure_stands_in_the_document_and_none_is_left_to_the_code() -> None:
    for name, rule in default_pack().rules.items():
        stated = default_document()["rules"][name]["terms"]
        for field in fields(rule.terms):
            assert field.name in stated or not field.default or field.default is MISSING, (name, field.name)


def test_its_digest_is_that_of_its_canonical_json() -> None:
    text = canonical(default_document())
    assert text.startswith('{"calendars":{"service_hours":{"closes":"18:00"')
    assert len(sha256(text.encode()).hexdigest()) == 64


def test_the_state_councils_schedule_of_2026_stands_in_it() -> None:
    calendar = default_pack().calendars["working_days"]
    assert len(calendar.holidays) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert "国办发明电〔2025〕7号" in calendar.source
    assert not calendar.open_on(date(2026, 2, 23))
    assert calendar.open_on(date(2026, 2, 28))
    assert [day.weekday() for day in sorted(calendar.workdays)] == [6, 5, 5, 5, 6, 5]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"\xff\xfe", "is not UTF-8: byte 0"),
        (b"", "must be an object"),
        (b"- a", "must be an object"),
        (b"a: 1\na: 2", "line 2, column 1: a member is named twice"),
        (b" " * (LARGEST + 1), f"is larger than {LARGEST} bytes"),
    ],
)
def test_what_holds_no_document_is_told(tmp_path, content, detail) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(content)
    with pytest.raises(PolicyFaults) as caught:
        in_file(file)
    assert [(fault.path, fault.detail) for fault in caught.value.faults] == [("", detail)]


def test_json_is_as_good_as_yaml(tmp_path) -> None:
    file = tmp_path / "policy.json"
    file.write_text("\ufeff" + canonical(default_document()), encoding="utf-8")
    assert compiled(in_file(file)) == default_pack()


@pytest.mark.parametrize(
    ("rule", "said", "known"),
    [
        ("NR-1", "window 7 days, refund 7 days", "A"),
        ("F-1", "times 3, floor 500.00 CNY", "A"),
        ("P-10", "times 10, promise fake_one_pay_ten", "A"),
        ("M-2", "term 4 hours (service_hours)", "A"),
        ("F-4", "default 5", "A/H"),
        ("O-5", "most 500.00 CNY", "H"),
        (
            "O-1",
            "limits agent: coupon 100.00 CNY, points 10000; reviewer: coupon 500.00 CNY, points 50000",
            "H",
        ),
        ("C-2", "percent 30, floor 5.00 CNY, cap percent 50", "A"),
        ("Z-1", "percent 5, floor 5.00 CNY", "C"),
        (
            "I-2",
            (
                "grounds visible: buyer merchant; hidden: merchant buyer; counterfeit: merchant buyer,"
                " reasons quality_defect: hidden; counterfeit: counterfeit, other reasons visible"
            ),
            "A/H",
        ),
    ],
)
def test_figures_are_said_in_a_line(rule, said, known) -> None:
    found = default_pack().rules[rule]
    assert figure(found, "CNY") == said
    assert confidence(found) == known


def test_what_is_nested_is_told_apart() -> None:
    found = figure(default_pack().rules["I-2"], "CNY")
    assert found.startswith("grounds visible: buyer merchant; hidden: merchant buyer; counterfeit: merchant")
    assert "quality_defect (buyer: photo video; " in figure(default_pack().rules["O-9"], "CNY")
