"""A file of filings: each good line is filed once, each bad one handed back with its number and reason."""

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from application.errors import Forbidden, ServiceUnavailable
from application.intake import (
    AlreadyFiled,
    Filed,
    Intake,
    IntakeInterrupted,
    Line,
    LineRefused,
    Refused,
    Tally,
)
from domain.values import CaseType, Claim, OrderLine, RemedyKind


@pytest.fixture
def reception(desk):
    return Reception(desk)


class Reception:
    """Reads lines into the desk's cases, by a small stand-in for the interface's validation."""

    def __init__(self, desk) -> None:
        self.desk = desk
        self.file = uuid4().bytes  # tests share a database, not what their lines say
        self.orders: dict[str, OrderLine] = {}
        self.outcomes: list[object] = []
        self.rejected: list[bytes] = []

    def parse(self, text: bytes) -> Line:
        try:
            content = json.loads(text)
        except ValueError:
            raise LineRefused("invalid_request", "not JSON") from None
        if not isinstance(content, dict) or "order" not in content:
            raise LineRefused("invalid_request", "/order: missing")
        key = content.pop("idempotency_key", None)
        order = self.orders.setdefault(content["order"], self.desk.order())
        filing: dict[str, Any] = {
            "case_type": CaseType.REFUND_ONLY,
            "reason": "quality_defect",
            "channel": "app",
            "buyer_id": "b-1",
            "merchant_id": "m-2001",
            "order": order,
            "claim": Claim((RemedyKind.REFUND,)),
        }
        return Line(filing, self.file + json.dumps(content, sort_keys=True).encode(), key)

    def read(self, *lines: bytes, by=None) -> Tally:
        desk = self.desk
        intake = Intake(desk.cases, desk.store, desk.cases._vault, self.parse, by or desk.app)
        return intake.read(lines, progress=self.outcomes.append, reject=self.rejected.append)

    def refusals(self) -> list[tuple[int, str]]:
        return [(one.line, one.code) for one in self.outcomes if isinstance(one, Refused)]


def line(order: str, **content: object) -> bytes:
    return json.dumps({"order": order} | content).encode()


def test_every_line_becomes_a_case(reception):
    assert reception.read(line("a"), line("b")) == Tally(filed=2, already_filed=0, refused=0)
    for outcome in reception.outcomes:
        assert isinstance(outcome, Filed)
        assert reception.desk.facts(outcome.case_id) == ["CaseFiled"]


def test_read_again_nothing_is_filed_twice(reception, nothing_recorded):
    lines = (line("a"), line("b", idempotency_key="k-1"))
    reception.read(*lines)
    filed = [one.case_id for one in reception.outcomes]
    with nothing_recorded:
        assert reception.read(*lines) == Tally(filed=0, already_filed=2, refused=0)
    assert [one.case_id for one in reception.outcomes[2:]] == filed
    assert all(isinstance(one, AlreadyFiled) for one in reception.outcomes[2:])


def test_a_line_written_otherwise_is_the_same_line(reception):
    reception.read(b'{"order": "a", "note": 1}')
    tally = reception.read(b'\xef\xbb\xbf  {"note":1,"order":"a"}\r\n')
    assert tally == Tally(filed=0, already_filed=1, refused=0)


def test_the_key_kept_for_a_line_without_one_is_no_plain_digest_of_what_people_wrote(reception):
    reception.read(line("a", idempotency_key="k-9"), line("b"))
    keys = reception.desk.rows("SELECT key FROM idempotency WHERE scope = 'intake:app' ORDER BY key")
    assert ("k-9",) in keys
    assert sum(key.startswith("content-") for (key,) in keys) >= 1


def test_a_bad_line_is_handed_back_as_it_was_and_the_rest_is_filed(reception):
    tally = reception.read(line("a"), b"{not json\r\n", b"[]", line("b"))
    assert tally == Tally(filed=2, already_filed=0, refused=2)
    assert reception.refusals() == [(2, "invalid_request"), (3, "invalid_request")]
    assert reception.rejected == [b"{not json\n", b"[]\n"]


def test_blank_lines_count_as_lines_and_as_nothing_else(reception):
    assert reception.read(b"\n", line("a"), b"  \r\n", b"?") == Tally(1, 0, 1)
    assert reception.refusals() == [(4, "invalid_request")]


def test_a_second_case_for_an_order_line_is_refused_with_its_code(reception, desk):
    desk.file(order=reception.orders.setdefault("a", desk.order()))
    reception.read(line("a"), line("b"))
    assert reception.refusals() == [(1, "case_already_open_for_order_line")]
    assert reception.outcomes[0].reason == "Another case is open for this order line"


def test_a_key_with_another_content_is_refused(reception):
    reception.read(line("a", idempotency_key="same"), line("b", idempotency_key="same"))
    assert reception.refusals() == [(2, "idempotency_key_reused")]


@pytest.mark.parametrize("key", ["", "x" * 256, 7, "a\nb", []])
def test_a_key_that_is_none_is_refused(reception, key, nothing_recorded):
    with nothing_recorded:
        reception.read(line("a", idempotency_key=key))
    assert reception.refusals() == [(1, "invalid_request")]


def test_a_line_longer_than_a_request_may_be_is_refused_unread(reception):
    reception.parse = None
    reception.read(b"x" * (1024 * 1024 + 1))
    assert reception.refusals() == [(1, "body_too_large")]


def test_an_order_from_the_future_is_refused_with_its_place(reception, desk):
    reception.orders["a"] = desk.order(purchased_at=desk.clock.at.replace(year=2027))
    reception.read(line("a"))
    assert reception.outcomes[0].reason.startswith("/order/purchased_at: ")


def test_a_line_that_another_caller_is_filing_is_refused_for_now(reception, desk):
    with psycopg.connect(desk.store.url) as running:
        running.execute(
            "INSERT INTO idempotency (scope, key, fingerprint, case_id, version, position)"
            " VALUES ('intake:app', 'busy', '', gen_random_uuid(), 1, 1)"
        )
        reception.read(line("a", idempotency_key="busy"))
        running.rollback()
    assert reception.refusals() == [(1, "request_in_progress")]


def test_a_service_that_goes_away_stops_the_reading_at_its_line(reception, monkeypatch):
    file = reception.desk.cases.file
    calls = iter([file, None])

    def away_at_the_second(*args, **kwargs):
        if next(calls) is None:
            raise ServiceUnavailable
        return file(*args, **kwargs)

    monkeypatch.setattr(reception.desk.cases, "file", away_at_the_second)
    with pytest.raises(IntakeInterrupted) as interrupted:
        reception.read(line("a"), line("b"), line("c"))
    assert interrupted.value.line == 2
    monkeypatch.undo()
    assert reception.read(line("a"), line("b"), line("c")) == Tally(filed=2, already_filed=1, refused=0)
    assert reception.rejected == []


def test_who_may_not_file_is_told_at_once(reception, desk, nothing_recorded):
    with nothing_recorded, pytest.raises(Forbidden):
        reception.read(line("a"), by=desk.auditor)
