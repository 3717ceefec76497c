"""Facts as compact JSON and back, each through a decoder compiled from its own type hints.

The library's transcoder loses tuples, enums and int keys, lets naive times pass, types values before they are
upcast, and imports a name that it does not know. This one keeps exact types, upcasts plain JSON first, and
refuses what it cannot know.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from domain.events import FACTS, Fact
from infrastructure.event_store.append_call import PendingEvent

VERSION_KEY = "class_version"
"""Stands in the state from version 2 on, as in the library's own form."""

_IDENTITY = ("originator_id", "originator_version")
_encode = msgspec.json.Encoder().encode

Check = Callable[[Any], None]


class UnreadableFact(MapperDeserialisationError):
    """A stored event that cannot become a fact."""


class UnknownFact(UnreadableFact):
    """No fact is registered under this stored name."""


class NewerSchema(UnreadableFact):
    """The fact was stored by a newer version of this code."""


class MalformedFact(UnreadableFact):
    """The stored state does not fit the fact's fields."""


class NaiveTime(ValueError):
    """A time without its offset is no point in time."""


class FactMapper(Mapper[UUID]):
    """Converts between facts and stored events; a hint that it cannot keep raises TypeError at once."""

    def __init__(self, facts: Mapping[str, type[Fact]] = FACTS) -> None:
        # The library's Mapper keeps a transcoder, a compressor and a cipher; none of them is used here.
        self._by_name = {name: _Form.compiled(name, cls) for name, cls in facts.items()}
        self._by_class: dict[type, _Form] = {form.cls: form for form in self._by_name.values()}

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> PendingEvent:
        """The fact ready to be recorded, with the event id that it keeps; raises NaiveTime, UnknownFact."""
        form = self._by_class.get(type(domain_event))
        if form is None:
            raise UnknownFact(f"{type(domain_event).__name__} has no stored name")
        return PendingEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            form.name,
            form.encode(domain_event),
            uuid4(),
            form.version,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The stored fact. Raises UnknownFact, NewerSchema and MalformedFact."""
        return self.decode(
            stored_event.topic,
            stored_event.state,
            stored_event.originator_id,  # type: ignore[arg-type]  # the library allows text, our column does not
            stored_event.originator_version,
        )

    def decode(self, name: str, state: bytes, case_id: UUID, version: int) -> Fact:
        """The fact stored under `name`. Raises UnknownFact, NewerSchema and MalformedFact."""
        form = self._by_name.get(name)
        if form is None:
            raise UnknownFact(f"no fact is stored as {name!r} (case {case_id}, version {version})")
        try:
            values = form.decode(state)
        except NewerSchema:
            raise
        except (msgspec.MsgspecError, ValueError, LookupError, TypeError, AttributeError) as error:
            # The last three come from an upcast that found something else than it was written for.
            raise MalformedFact(f"{name} of case {case_id}, version {version}: {error}") from error
        values["originator_id"] = case_id
        values["originator_version"] = version
        fact = object.__new__(form.cls)
        fact.__dict__.update(values)
        return fact


@dataclass(frozen=True, slots=True)
class _Form:
    """How one fact is stored."""

    name: str
    cls: type[Fact]
    version: int
    decoder: msgspec.json.Decoder[msgspec.Struct]
    times: tuple[tuple[str, Check], ...]

    @classmethod
    def compiled(cls, name: str, fact: type[Fact]) -> "_Form":
        hints = get_type_hints(fact)
        kept = [field for field in fields(fact) if field.name not in _IDENTITY]
        typed = [(field.name, hints[field.name], *_default(field)) for field in kept]
        state = msgspec.defstruct(
            name, [*typed, (VERSION_KEY, int, 1)], kw_only=True, forbid_unknown_fields=True
        )
        checks = ((field.name, _time_check(hints[field.name])) for field in kept)
        return cls(
            name=name,
            cls=fact,
            version=getattr(fact, VERSION_KEY, 1),
            decoder=msgspec.json.Decoder(state),
            times=tuple((field, check) for field, check in checks if check is not None),
        )

    def encode(self, fact: Any) -> bytes:
        state = dict(vars(fact))
        for name in _IDENTITY:
            del state[name]
        self._refuse_naive(state)
        if self.version > 1:
            state[VERSION_KEY] = self.version
        return _encode(state)

    def decode(self, state: bytes) -> dict[str, Any]:
        values = msgspec.structs.asdict(self.decoder.decode(self._current(state)))
        del values[VERSION_KEY]
        self._refuse_naive(values)
        return values

    def _current(self, state: bytes) -> bytes:
        """The state in the present schema: older ones are upcast as plain JSON, one version at a time."""
        if self.version == 1 and VERSION_KEY.encode() not in state:
            return state
        plain = msgspec.json.decode(state)
        stored = plain.get(VERSION_KEY, 1)
        if stored > self.version:
            raise NewerSchema(f"{self.name} was stored in schema {stored}, this code knows {self.version}")
        if stored == self.version:
            return state
        for version in range(stored, self.version):
            getattr(self.cls, f"upcast_v{version}_v{version + 1}")(plain)
        plain[VERSION_KEY] = self.version
        return _encode(plain)

    def _refuse_naive(self, state: dict[str, Any]) -> None:
        for field, check in self.times:
            check(state[field])


def _default(field: Field[Any]) -> tuple[Any, ...]:
    if field.default_factory is not MISSING:
        return (msgspec.field(default_factory=field.default_factory),)
    return () if field.default is MISSING else (field.default,)


def _time_check(hint: Any) -> Check | None:
    """A check that every time inside a value of this type is aware; None where there is no time inside."""
    if hint is datetime:
        return _refuse_naive
    if isinstance(hint, type) and is_dataclass(hint):
        return _all_fields(hint)
    arguments = [argument for argument in get_args(hint) if argument not in (Ellipsis, type(None))]
    container = get_origin(hint)
    if isinstance(container, type) and issubclass(container, Mapping):
        return _each_value(arguments)
    if isinstance(container, type) and issubclass(container, Collection):
        return _each(arguments)
    checks = [check for check in map(_time_check, arguments) if check is not None]
    return _unless_none(checks[0]) if checks else None


def _refuse_naive(value: datetime) -> None:
    if value.tzinfo is None:
        raise NaiveTime(f"{value.isoformat()} has no offset")


def _all_fields(cls: type[Any]) -> Check | None:
    hints = get_type_hints(cls)
    named = [(field.name, _time_check(hints[field.name])) for field in fields(cls)]
    checks = [(name, check) for name, check in named if check is not None]

    def check_fields(value: Any) -> None:
        for name, check in checks:
            check(getattr(value, name))

    return check_fields if checks else None


def _each(arguments: list[Any]) -> Check | None:
    checks = [_time_check(argument) for argument in arguments]
    if checks == [None] * len(checks):
        return None
    if len(checks) > 1:
        raise TypeError(f"a tuple of differing parts with times in them: {arguments}")
    (check,) = checks

    def check_each(values: Any) -> None:
        for value in values:
            check(value)  # type: ignore[misc]

    return check_each


def _each_value(arguments: list[Any]) -> Check | None:
    check = _each(arguments[1:])
    return None if check is None else lambda mapping: check(mapping.values())


def _unless_none(check: Check) -> Check:
    return lambda value: None if value is None else check(value)
