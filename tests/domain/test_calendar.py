"""Terms in their calendars: the vectors of the rules' own texts, and what always holds."""

from datetime import UTC, date, datetime, time, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.policy.calendar import SHANGHAI, Calendar, Term, Unit, due, quarter_end, remaining, resumed

CALENDARS = {
    "service_hours": Calendar(opens=time(9), closes=time(18)),
    "working_days": Calendar(
        weekdays=frozenset(range(5)),
        # The National Day of 2026, and the two days that were worked for it.
        holidays=frozenset(date(2026, 10, day) for day in range(1, 8)),
        workdays=frozenset({date(2026, 9, 20), date(2026, 10, 10)}),
    ),
    "office": Calendar(time(9), time(18), frozenset(range(5)), frozenset({date(2026, 10, 1)})),
}
FOUR_HOURS = Term(4, Unit.HOURS, "service_hours")


def shanghai(month, day, hour=0, minute=0):
    """Of 2026; hour 24 is the end of the day."""
    return datetime(2026, month, day, tzinfo=SHANGHAI) + timedelta(hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("notice", "end"),
    [
        ((11, 10, 10, 0), (11, 10, 14, 0)),
        ((11, 10, 14, 0), (11, 10, 18, 0)),
        ((11, 10, 14, 1), (11, 11, 9, 1)),
        ((11, 10, 8, 0), (11, 10, 13, 0)),
        ((11, 10, 9, 0), (11, 10, 13, 0)),
        ((11, 10, 17, 59), (11, 11, 12, 59)),
        ((11, 10, 18, 0), (11, 11, 13, 0)),
        ((11, 10, 23, 30), (11, 11, 13, 0)),
        # Every day has service hours, Sunday included.
        ((11, 14, 17, 0), (11, 15, 12, 0)),
    ],
)
def test_four_hours_are_counted_inside_the_service_hours(notice, end):
    assert due(shanghai(*notice), FOUR_HOURS, CALENDARS) == shanghai(*end)


def test_a_due_time_is_in_utc():
    assert due(shanghai(11, 10, 10), FOUR_HOURS, CALENDARS).tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        # On a holiday nothing counts: the hours begin on the next day that is open.
        ((10, 1, 10, 0), Term(1, Unit.HOURS, "office"), (10, 2, 10, 0)),
        ((9, 30, 17, 30), Term(1, Unit.HOURS, "office"), (10, 2, 9, 30)),
        # Friday evening, over the weekend.
        ((11, 13, 17, 0), Term(2, Unit.HOURS, "office"), (11, 16, 10, 0)),
        # Over the National Day; the Saturday that is worked for it counts.
        ((9, 30, 12, 0), Term(1, Unit.DAYS, "working_days"), (10, 8, 24, 0)),
        ((9, 30, 12, 0), Term(2, Unit.DAYS, "working_days"), (10, 9, 24, 0)),
        ((9, 30, 12, 0), Term(3, Unit.DAYS, "working_days"), (10, 10, 24, 0)),
        ((9, 30, 12, 0), Term(4, Unit.DAYS, "working_days"), (10, 12, 24, 0)),
        # The Sunday that is worked before it.
        ((9, 18, 12, 0), Term(1, Unit.DAYS, "working_days"), (9, 20, 24, 0)),
        # From a holiday on, and from the last minute of a Friday.
        ((10, 3, 12, 0), Term(1, Unit.DAYS, "working_days"), (10, 8, 24, 0)),
        ((11, 13, 23, 59), Term(1, Unit.DAYS, "working_days"), (11, 16, 24, 0)),
        # A day with business hours ends when they do (民法典 203).
        ((11, 13, 12, 0), Term(1, Unit.DAYS, "office"), (11, 16, 18, 0)),
        ((11, 10, 12, 0), Term(24, Unit.HOURS), (11, 11, 12, 0)),
        ((11, 10, 12, 0), Term(24, Unit.HOURS, "working_days"), (11, 11, 12, 0)),
        ((11, 10, 12, 0), Term(7, Unit.DAYS), (11, 17, 24, 0)),
    ],
)
def test_hours_and_days_count_where_their_calendar_is_open(start, term, end):
    assert due(shanghai(*start), term, CALENDARS) == shanghai(*end)


@pytest.mark.parametrize(
    ("start", "months", "last_day"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 1, 30), 1, date(2026, 2, 28)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 11, 5), 2, date(2027, 1, 5)),
        (date(2026, 12, 31), 6, date(2027, 6, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 11, 10), 36, date(2029, 11, 10)),
    ],
)
def test_months_end_with_the_day_of_the_same_number_or_the_months_last(start, months, last_day):
    started = datetime.combine(start, time(15, 30), SHANGHAI)
    following = last_day + timedelta(days=1)
    assert due(started, Term(months, Unit.MONTHS), {}) == datetime.combine(following, time(), SHANGHAI)


def test_the_day_is_shanghais_whatever_the_offset_of_the_start():
    late_in_utc = datetime(2026, 11, 9, 16, 30, tzinfo=UTC)
    assert due(late_in_utc, Term(1, Unit.DAYS), {}) == shanghai(11, 12)


@pytest.mark.parametrize(
    ("paused", "resumed_at", "end"),
    [
        # Due at 14:00, paused at 12:00 with two hours left.
        ((11, 10, 12, 0), (11, 20, 9, 30), (11, 20, 11, 30)),
        ((11, 10, 12, 0), (11, 20, 17, 0), (11, 21, 10, 0)),
        ((11, 10, 12, 0), (11, 20, 20, 0), (11, 21, 11, 0)),
    ],
)
def test_paused_hours_go_on_in_their_own_calendar(paused, resumed_at, end):
    first_due = due(shanghai(11, 10, 10), FOUR_HOURS, CALENDARS)
    left = remaining(shanghai(*paused), first_due, FOUR_HOURS, CALENDARS)
    assert left == timedelta(hours=2)
    assert resumed(shanghai(*resumed_at), left, FOUR_HOURS, CALENDARS) == shanghai(*end)


def test_paused_days_still_end_with_a_day():
    term = Term(7, Unit.DAYS)
    first_due = due(shanghai(11, 1, 12), term, {})
    left = remaining(shanghai(11, 6, 12), first_due, term, {})
    assert left == timedelta(days=2, hours=12)
    assert resumed(shanghai(12, 1, 15), left, term, {}) == shanghai(12, 5)


def test_paused_working_days_skip_the_weekend():
    term = Term(2, Unit.DAYS, "working_days")
    first_due = due(shanghai(11, 9, 12), term, CALENDARS)
    left = remaining(shanghai(11, 11, 0), first_due, term, CALENDARS)
    assert left == timedelta(days=1)
    assert resumed(shanghai(11, 13, 8), left, term, CALENDARS) == shanghai(11, 17)


def test_nothing_is_left_of_a_term_that_is_over():
    end = due(shanghai(11, 10, 10), FOUR_HOURS, CALENDARS)
    assert remaining(end, end, FOUR_HOURS, CALENDARS) == timedelta()
    assert remaining(end + timedelta(days=3), end, FOUR_HOURS, CALENDARS) == timedelta()
    assert resumed(end, timedelta(), FOUR_HOURS, CALENDARS) == end


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-10-01T00:00+08:00", "2027-01-01T00:00+08:00"),
        ("2026-12-31T23:59+08:00", "2027-01-01T00:00+08:00"),
        ("2026-12-31T16:00+00:00", "2027-04-01T00:00+08:00"),
        ("2027-05-31T12:00+08:00", "2027-07-01T00:00+08:00"),
        ("2027-09-30T23:59+08:00", "2027-10-01T00:00+08:00"),
    ],
)
def test_a_quarter_is_one_of_shanghai_and_ends_when_the_next_one_begins(moment, end):
    assert quarter_end(datetime.fromisoformat(moment)) == datetime.fromisoformat(end)
    assert quarter_end(datetime.fromisoformat(moment)).tzinfo is UTC


@pytest.mark.parametrize(
    "never_open",
    [
        {"weekdays": frozenset()},
        {"opens": time(18), "closes": time(9)},
        {"opens": time(9), "closes": time(9)},
    ],
)
def test_a_calendar_that_never_opens_is_refused(never_open):
    with pytest.raises(ValueError, match="open on some weekday"):
        Calendar(**never_open)


def test_a_term_reads_as_people_say_it():
    assert str(FOUR_HOURS) == "4 hours (service_hours)"
    assert str(Term(1, Unit.MONTHS)) == "1 month"


# --- what always holds --------------------------------------------------------------------------------

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
terms = st.builds(
    Term, st.integers(1, 60), st.sampled_from([Unit.HOURS, Unit.DAYS]), st.sampled_from([None, *CALENDARS])
) | st.builds(Term, st.integers(1, 36), st.just(Unit.MONTHS))
shares = st.floats(0, 1)


@given(start=moments, term=terms, share=shares)
def test_a_pause_of_no_time_changes_no_due_time(start, term, share):
    end = due(start, term, CALENDARS)
    paused = start + (end - start) * share
    left = remaining(paused, end, term, CALENDARS)
    assert resumed(paused, left, term, CALENDARS) == end


@given(one=moments, other=moments, term=terms)
def test_what_starts_later_is_never_due_earlier(one, other, term):
    earlier, later = sorted([one, other])
    assert due(earlier, term, CALENDARS) <= due(later, term, CALENDARS)


@given(start=moments, term=terms)
def test_nothing_is_due_before_it_starts(start, term):
    assert due(start, term, CALENDARS) > start


@given(start=moments, term=terms, shares=st.tuples(shares, shares))
def test_less_is_left_the_later_it_is(start, term, shares):
    end = due(start, term, CALENDARS)
    earlier, later = (start + (end - start) * share for share in sorted(shares))
    assert remaining(earlier, end, term, CALENDARS) >= remaining(later, end, term, CALENDARS) >= timedelta()


@given(
    start=moments, term=terms, share=shares, pauses=st.tuples(st.timedeltas(timedelta(0), timedelta(days=90)),
    st.timedeltas(timedelta(0), timedelta(days=90)))
)  # fmt: skip
def test_a_longer_pause_is_never_due_earlier(start, term, share, pauses):
    end = due(start, term, CALENDARS)
    paused = start + (end - start) * share
    left = remaining(paused, end, term, CALENDARS)
    shorter, longer = (resumed(paused + pause, left, term, CALENDARS) for pause in sorted(pauses))
    assert end <= shorter <= longer or paused == end
