"""Terms and the calendars in which they run. Civil time is China's; due times are aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

SHANGHAI = timezone(timedelta(hours=8))
"""China has one civil time without daylight saving, so a fixed offset is exact."""

ALL_DAYS = frozenset(range(7))


class Unit(StrEnum):
    """What a term counts: elapsed hours, whole days that begin after the first one, or calendar months."""

    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Term:
    """A duration: `amount` of `unit`, counted only where the calendar is open (None: always)."""

    amount: int
    unit: Unit = Unit.HOURS
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When time counts: `opens` to `closes` on `weekdays` (Monday 0) and `workdays`, not on `holidays`."""

    opens: time = time.min
    closes: time = time.max
    weekdays: frozenset[int] = ALL_DAYS
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def open_on(self, day: date) -> bool:
        """Whether time counts at all on this day."""
        return day in self.workdays or (day.weekday() in self.weekdays and day not in self.holidays)


Calendars = Mapping[str, Calendar]


def due(start: datetime, term: Term, calendars: Calendars) -> datetime:
    """When a term that starts at this instant ends (UTC).

    Hours run from the instant itself. Days are whole days of Shanghai, the first being the day after; the
    term ends with the last one. Months end at the same time of day, on the last day of a shorter month.
    """
    calendar = calendars[term.calendar] if term.calendar else None
    local = start.astimezone(SHANGHAI)
    match term.unit:
        case Unit.HOURS:
            span = timedelta(hours=term.amount)
            return (_after_open_time(local, span, calendar) if calendar else local + span).astimezone(UTC)
        case Unit.DAYS:
            return _end_of_day_number(local.date(), term.amount, calendar).astimezone(UTC)
        case Unit.MONTHS:
            return _months_later(local, term.amount).astimezone(UTC)


def _after_open_time(local: datetime, left: timedelta, calendar: Calendar) -> datetime:
    day = local.date()
    while True:
        if calendar.open_on(day):
            opens = max(datetime.combine(day, calendar.opens, SHANGHAI), local)
            closes = datetime.combine(day, calendar.closes, SHANGHAI)
            if opens + left <= closes:
                return opens + left
            left -= max(closes - opens, timedelta())
        day += timedelta(days=1)


def _end_of_day_number(first: date, amount: int, calendar: Calendar | None) -> datetime:
    day = first
    while amount:
        day += timedelta(days=1)
        amount -= calendar is None or calendar.open_on(day)
    return datetime.combine(day + timedelta(days=1), time.min, SHANGHAI)


def _months_later(local: datetime, amount: int) -> datetime:
    year, month = divmod(local.month - 1 + amount, 12)
    first = local.replace(year=local.year + year, month=month + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(local.day, (following - timedelta(days=1)).day))
