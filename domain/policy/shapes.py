"""Typed values from the plain values of a document (what JSON knows), and back, by the types of their fields.

Reading never stops at a fault: it notes each with its place, and puts `BROKEN` where a value should be.
"""

import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

from domain.policy.calendar import Term, Unit
from domain.policy.faults import Fault

BROKEN: Final = object()
"""Stands where a value could not be read; the fault is noted."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LARGEST = 10**12
LONGEST = {Unit.HOURS: 24 * 3660, Unit.DAYS: 3660, Unit.MONTHS: 600}
"""No term of a rule is longer: ten years of hours or days, fifty of months."""

LONGEST_RANGE = timedelta(days=366)

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def below(path: str, name: object) -> str:
    """The JSON pointer of a member or an item of what stands at this one."""
    return f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"


class Reading:
    """Reads the values of one document; `faults` and `terms` are what it came across, with their places."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.terms: list[tuple[str, Term]] = []

    def fault(self, path: str, detail: str) -> Any:
        """Note a fault; BROKEN."""
        self.faults.append(Fault(path, detail))
        return BROKEN

    def read(self, hint: Any, value: Any, path: str) -> Any:
        """The value as this type, or BROKEN."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (types.UnionType, typing.Union):
            (some,) = (one for one in arguments if one is not types.NoneType)
            return None if value is None else self.read(some, value, path)
        if origin is not None:
            return self._container(origin, arguments, value, path)
        if hint is Term:
            return self._term(value, path)
        if is_dataclass(hint):
            return self.members(hint, value, path)
        return self._plain(hint, value, path)

    def mapping(self, value: Any, path: str) -> Mapping[str, Any]:
        """The members of an object; none of what is not one, which is noted."""
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return value
        self.fault(path, "must be an object")
        return {}

    def members(self, cls: Any, value: Any, path: str) -> Any:
        """An instance of a dataclass from an object with its fields, or BROKEN."""
        if not isinstance(value, Mapping):
            return self.fault(path, "must be an object")
        given = self.mapping(value, path)
        hints, known = _hints(cls), {field.name: field for field in fields(cls)}
        self.unknown(given, known, path)
        found = {name: self._member(field, hints[name], given, path) for name, field in known.items()}
        if BROKEN in found.values():
            return BROKEN
        return cls(**{name: one for name, one in found.items() if one is not MISSING})

    def unknown(self, given: Mapping[str, Any], known: Iterable[str], path: str) -> None:
        """Note every member that is not known."""
        for name in given.keys() - set(known):
            self.fault(below(path, name), "is not known here")

    def required(self, hint: Any, given: Mapping[str, Any], name: str, path: str) -> Any:
        """A member that must be given, or BROKEN."""
        if name not in given:
            return self.fault(below(path, name), "is missing")
        return self.read(hint, given[name], below(path, name))

    def _member(self, field: Field[Any], hint: Any, given: Mapping[str, Any], path: str) -> Any:
        if field.name in given:
            return self.read(hint, given[field.name], below(path, field.name))
        if field.default is MISSING and field.default_factory is MISSING:
            return self.fault(below(path, field.name), "is missing")
        return MISSING

    def _container(self, origin: Any, arguments: tuple[Any, ...], value: Any, path: str) -> Any:
        if issubclass(origin, Mapping):
            return self._by_name(arguments, value, path)
        if not isinstance(value, list):
            return self.fault(path, "must be a list")
        items = [self.read(arguments[0], one, below(path, index)) for index, one in enumerate(value)]
        if BROKEN in items:
            return BROKEN
        if issubclass(origin, frozenset) and len(set(items)) != len(items):
            return self.fault(path, "names something twice")
        return origin(items)

    def _by_name(self, arguments: tuple[Any, ...], value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self.fault(path, "must be an object")
        found = {}
        for name, one in self.mapping(value, path).items():
            key = self._plain(arguments[0], name, below(path, name))
            if key is not BROKEN and arguments[0] is str and not _CODE.fullmatch(key):
                key = self.fault(below(path, name), "is not a code")
            found[key] = self.read(arguments[1], one, below(path, name))
        return BROKEN if BROKEN in (*found, *found.values()) else found

    def _plain(self, hint: Any, value: Any, path: str) -> Any:
        if isinstance(hint, type) and issubclass(hint, Enum):
            known = {member.value: member for member in hint}
            if isinstance(value, str) and value in known:
                return known[value]
            return self.fault(path, f"must be one of {', '.join(known)}")
        if hint is bool:
            return value if isinstance(value, bool) else self.fault(path, "must be true or false")
        if hint is int:
            return self._whole(value, path, LARGEST)
        if hint is date:
            return self._day(value, path)
        return self._text(value, path)

    def _text(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self.fault(path, "must be text")
        if not 0 < len(value) <= 1000 or not value.isprintable() or value != value.strip():
            return self.fault(path, "must be 1 to 1000 printable characters without space around them")
        return value

    def _whole(self, value: Any, path: str, most: int, least: int = 0) -> Any:
        if type(value) is not int:
            return self.fault(path, "must be a whole number")
        return value if least <= value <= most else self.fault(path, f"must be from {least} to {most}")

    def _term(self, value: Any, path: str) -> Any:
        given = self.mapping(value, path)
        units = [unit for unit in Unit if unit in given]
        if len(units) != 1:
            return self.fault(path, f"must be an amount of one of {', '.join(Unit)}")
        (unit,) = units
        self.unknown(given, (unit, "calendar"), path)
        amount = self._whole(given[unit], below(path, unit), LONGEST[unit], least=1)
        calendar = self.read(str, given["calendar"], below(path, "calendar")) if "calendar" in given else None
        if BROKEN in (amount, calendar):
            return BROKEN
        term = Term(amount, unit, calendar)
        self.terms.append((path, term))
        return term

    def _day(self, value: Any, path: str) -> Any:
        try:
            return (
                date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else self._no_day(path)
            )
        except (TypeError, ValueError):
            return self._no_day(path)

    def _no_day(self, path: str) -> Any:
        return self.fault(path, "must be a day as YYYY-MM-DD")

    # --- calendars ---

    def days(self, value: Any, path: str) -> Any:
        """A set of days: each a day, or the first and the last of a range as `first/last`."""
        if not isinstance(value, list):
            return self.fault(path, "must be a list")
        found: set[date] = set()
        for index, one in enumerate(value):
            found |= self._range(one, below(path, index))
        return frozenset(found)

    def _range(self, value: Any, path: str) -> set[date]:
        ends = value.split("/") if isinstance(value, str) else [value]
        read = [self._day(end, path) for end in ends]
        if BROKEN in read:
            return set()
        first, last = read[0], read[-1]
        if len(read) > 2 or not timedelta(0) <= last - first <= LONGEST_RANGE:
            self.fault(path, "must be a day, or the first and the last of at most 366 as first/last")
            return set()
        return {first + timedelta(days=day) for day in range((last - first).days + 1)}

    def weekdays(self, value: Any, path: str) -> Any:
        """Days of the week by their English abbreviations."""
        if not isinstance(value, list) or not all(isinstance(one, str) and one in WEEKDAYS for one in value):
            return self.fault(path, f"must be a list of {', '.join(WEEKDAYS)}")
        if len(set(value)) != len(value):
            return self.fault(path, "names something twice")
        return frozenset(WEEKDAYS.index(one) for one in value)

    def clock(self, value: Any, path: str) -> Any:
        """A time of the day as HH:MM; 24:00 is the midnight that ends it."""
        if not isinstance(value, str) or not _CLOCK.fullmatch(value):
            return self.fault(path, "must be a time of the day as HH:MM")
        return time.min if value == "24:00" else time.fromisoformat(value)


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    return get_type_hints(cls)


# --- back ---------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value as a document holds it. What has no order of its own is put in one."""
    match value:
        case Term():
            calendar = {"calendar": value.calendar} if value.calendar else {}
            return {str(value.unit): value.amount, **calendar}
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case frozenset():
            return sorted(plain(one) for one in value)
        case tuple():
            return [plain(one) for one in value]
        case Mapping():
            return {str(plain(name)): plain(one) for name, one in value.items()}
        case _ if is_dataclass(value):
            return {
                field.name: plain(getattr(value, field.name))
                for field in fields(value)
                if _said(value, field)
            }
        case _:
            return value


def _said(value: Any, field: Field[Any]) -> bool:
    """Defaults go without saying."""
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(value, field.name) != default)
