"""Terms and the calendars in which they run. Civil time is China's; due times are aware UTC.

Terms are counted as 民法典 200-204 counts them: hours from the instant itself; days and months from the day
after, to the end of the last day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

SHANGHAI = timezone(timedelta(hours=8))
"""China has one civil time without daylight saving, so a fixed offset is exact."""

ALL_DAYS = frozenset(range(7))
ONE_DAY = timedelta(days=1)


class Unit(StrEnum):
    """What a term counts: elapsed hours, whole days that begin after the first one, or calendar months."""

    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Term:
    """A duration: `amount` of `unit`, counted only where the calendar is open (None: always).

    Months run by the calendar of the year alone.
    """

    amount: int
    unit: Unit = Unit.HOURS
    calendar: str | None = None

    def __str__(self) -> str:
        """As people read it: `4 hours (service_hours)`."""
        unit = self.unit if self.amount != 1 else self.unit.removesuffix("s")
        return f"{self.amount} {unit}" + (f" ({self.calendar})" if self.calendar else "")


@dataclass(frozen=True, slots=True)
class Calendar:
    """When time counts: `opens` to `closes` on `weekdays` (Monday 0) and `workdays`, not on `holidays`.

    It closes at midnight, the end of the day, unless said otherwise. `source` is who gave its days. Raises
    ValueError for one that is never open.
    """

    opens: time = time.min
    closes: time = time.min
    weekdays: frozenset[int] = ALL_DAYS
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a calendar in which no term would ever end."""
        if not self.weekdays or (self.closes != time.min and self.closes <= self.opens):
            raise ValueError("a calendar is open on some weekday, from its opening to a later closing")

    def open_on(self, day: date) -> bool:
        """Whether time counts at all on this day."""
        return day in self.workdays or (day.weekday() in self.weekdays and day not in self.holidays)

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """From when to when time counts on a day that is open."""
        last = day + ONE_DAY if self.closes == time.min else day
        return datetime.combine(day, self.opens, SHANGHAI), datetime.combine(last, self.closes, SHANGHAI)


ALWAYS = Calendar()

Calendars = Mapping[str, Calendar]


def due(start: datetime, term: Term, calendars: Calendars) -> datetime:
    """When a term that starts at this instant ends (UTC).

    Hours run from the instant itself. Days are whole days of Shanghai, the first being the day after; the
    term ends when the last one does. Months end with the day of the same number, or with the last one of a
    shorter month.
    """
    calendar = _calendar_of(term, calendars)
    local = start.astimezone(SHANGHAI)
    match term.unit:
        case Unit.HOURS:
            return _after_open_time(local, timedelta(hours=term.amount), calendar).astimezone(UTC)
        case Unit.DAYS:
            return _end_of_day_number(local.date(), term.amount, calendar).astimezone(UTC)
        case Unit.MONTHS:
            return calendar.hours_of(_months_later(local.date(), term.amount))[1].astimezone(UTC)


def remaining(at: datetime, due: datetime, term: Term, calendars: Calendars) -> timedelta:
    """How much is left at this instant of a term that is due then: open time; nothing once it is due."""
    calendar = _calendar_of(term, calendars)
    local, end = at.astimezone(SHANGHAI), due.astimezone(SHANGHAI)
    if calendar is ALWAYS:
        return max(end - local, timedelta())
    left = timedelta()
    day = local.date()
    while day <= end.date():
        if calendar.open_on(day):
            opens, closes = calendar.hours_of(day)
            left += max(min(closes, end) - max(opens, local), timedelta())
        day += ONE_DAY
    return left


def resumed(at: datetime, left: timedelta, term: Term, calendars: Calendars) -> datetime:
    """When a term of which so much is `left` ends (UTC), if it goes on at this instant.

    It runs in its own calendar; one of days or months still ends when a day does. Resumed at the instant at
    which it was paused, it is due when it was.
    """
    if not left:
        return at.astimezone(UTC)
    calendar = _calendar_of(term, calendars)
    end = _after_open_time(at.astimezone(SHANGHAI), left, calendar)
    if term.unit is not Unit.HOURS:
        end = calendar.hours_of((end - timedelta.resolution).date())[1]
    return end.astimezone(UTC)


def quarter_end(moment: datetime) -> datetime:
    """When the calendar quarter of Shanghai ends in which this instant lies (UTC)."""
    local = moment.astimezone(SHANGHAI)
    first = local.date().replace(month=(local.month - 1) // 3 * 3 + 1, day=1)
    return datetime.combine(_months_later(first, 3), time.min, SHANGHAI).astimezone(UTC)


def _calendar_of(term: Term, calendars: Calendars) -> Calendar:
    return calendars[term.calendar] if term.calendar and term.unit is not Unit.MONTHS else ALWAYS


def _after_open_time(local: datetime, left: timedelta, calendar: Calendar) -> datetime:
    if calendar is ALWAYS:
        return local + left
    day = local.date()
    while True:
        if calendar.open_on(day):
            opens, closes = calendar.hours_of(day)
            begins = max(opens, local)
            if begins + left <= closes:
                return begins + left
            left -= max(closes - begins, timedelta())
        day += ONE_DAY


def _end_of_day_number(first: date, amount: int, calendar: Calendar) -> datetime:
    day = first
    while amount:
        day += ONE_DAY
        amount -= calendar.open_on(day)
    return calendar.hours_of(day)[1]


def _months_later(day: date, amount: int) -> date:
    year, month = divmod(day.month - 1 + amount, 12)
    first = day.replace(year=day.year + year, month=month + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(day.day, (following - ONE_DAY).day))
