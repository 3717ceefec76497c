"""One access log for each subject and day, beside the subject's own stream."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.access_log import AccessLog, Look, evolve, log_id, log_ids
from domain.events import AccessLogOpened, AccessRefused, CaseExported, CaseFiled, PageRead, SealedDataOpened
from domain.values import Sealed, SealedFor

CASE, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
WHY = Sealed(SealedFor.PLATFORM, UUID(int=3), "AQ")


def test_each_subject_has_one_log_a_day():
    days = log_ids(CASE, date(2026, 10, 31), date(2026, 11, 2))
    assert days == [log_id(CASE, day) for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2))]
    assert len({*days, *log_ids(OTHER, date(2026, 10, 31), date(2026, 11, 2)), CASE, OTHER}) == 8


def test_a_log_belongs_to_its_day_whenever_it_is_begun():
    log = AccessLog.open(CASE, date(2026, 11, 9), AT)
    opened: Any
    (opened,) = log.new_facts
    assert (log.id, opened.day, opened.timestamp) == (log_id(CASE, date(2026, 11, 9)), date(2026, 11, 9), AT)


def test_a_log_tells_what_was_seen_with_the_reason():
    log = AccessLog.open(CASE, AT.date(), AT)
    stated, unstated = Look(UUID(int=4), "cases.read", WHY), Look(UUID(int=5), "cases.read", None)
    log.opened(unstated, ("statement",), AT)
    log.read(stated, AT)
    log.exported(stated, "proof", ("statement",), AT)
    log.refused(unstated, AT)
    told: list[Any] = [*log.new_facts]
    opened, seen, read, exported, refused = told
    assert [type(one) for one in told] == [
        AccessLogOpened,
        SealedDataOpened,
        PageRead,
        CaseExported,
        AccessRefused,
    ]
    assert opened.subject_id == CASE
    assert (seen.permission, seen.fields, seen.reason) == ("cases.read", ("statement",), None)
    assert (exported.export, exported.fields, exported.reason) == ("proof", ("statement",), WHY)
    assert (read.access_id, read.reason) == (UUID(int=4), WHY)
    assert (refused.access_id, refused.reason) == (UUID(int=5), None)


def test_a_fact_of_something_else_is_no_part_of_a_log():
    with pytest.raises(TypeError):
        evolve(object.__new__(CaseFiled), AccessLog.open(CASE, AT.date(), AT))
