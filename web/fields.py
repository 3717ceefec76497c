"""Fields of a request: each takes exactly its type, within bounds. Messages read `code: detail`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, missing, post_load, validates_schema

from web.problems import Fault

Messages = dict[str, str | list[Any] | dict[Any, Any]]


def _messages(**own: str) -> Messages:
    return {"required": "required: must be given", "null": "required: must not be null", **own}


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside these are taken for mistakes; rules about the present are the use case's."""

LARGEST_AMOUNT = 10**12
"""In minor units: ten thousand million yuan."""


class Text(fields.String):
    """Text that says something, of bounded length, without control characters other than white space."""

    default_error_messages = _messages(
        invalid="invalid_type: must be text",
        blank="blank: must not be empty",
        long="too_long: at most {longest} characters",
        control="invalid_text: must not hold control characters",
        form="invalid_format: must match {pattern}",
    )

    def __init__(self, longest: int, pattern: str | None = None, **options: Any) -> None:
        limits = {"minLength": 1, "maxLength": longest} | ({"pattern": f"^{pattern}$"} if pattern else {})
        super().__init__(metadata=limits | options.pop("metadata", {}), **options)
        self.longest = longest
        self.pattern = re.compile(pattern) if pattern else None

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not value.strip():
            raise self.make_error("blank")
        if len(value) > self.longest:
            raise self.make_error("long", longest=self.longest)
        if _CONTROL.search(value):
            raise self.make_error("control")
        if self.pattern and not self.pattern.fullmatch(value):
            raise self.make_error("form", pattern=self.pattern.pattern)
        return value


class Whole(fields.Integer):
    """A whole number between two bounds, both included. `textual` takes it from a query."""

    default_error_messages = _messages(
        invalid="invalid_type: must be a whole number", bounds="out_of_range: must be from {least} to {most}"
    )

    def __init__(self, least: int, most: int, *, textual: bool = False, **options: Any) -> None:
        super().__init__(metadata={"minimum": least, "maximum": most}, **options)
        self.least = least
        self.most = most
        self.textual = textual

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if self.textual and isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
            value = int(value)
        if type(value) is not int:
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise self.make_error("bounds", least=self.least, most=self.most)
        return value


class Position(fields.String):
    """A command's `position`, as it was answered: a string of digits."""

    default_error_messages = _messages(invalid="invalid_format: must be a position that was answered")

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"pattern": "^[0-9]{1,19}$"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # type: ignore[override]
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,19}", value) or int(value) >= 2**63:
            raise self.make_error("invalid")
        return int(value)


class Flag(fields.Boolean):
    """True or false. `textual` takes the words from a query."""

    default_error_messages = _messages(invalid="invalid_type: must be true or false")

    def __init__(self, *, textual: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.textual = textual

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if self.textual and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Moment(fields.DateTime):
    """A point in time as RFC 3339 with its offset; given on as UTC."""

    default_error_messages = _messages(
        invalid="invalid_format: must be a time as RFC 3339 with its offset",
        bounds="out_of_range: must lie between 2000 and 2100",
    )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise self.make_error("invalid")
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None
        if not EARLIEST <= moment < LATEST:
            raise self.make_error("bounds")
        return moment


class Id(fields.UUID):
    """A UUID in its usual form."""

    default_error_messages = _messages(invalid_uuid="invalid_format: must be a UUID")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return UUID(value)


class OneOf(fields.Enum[StrEnum]):
    """One of an enumeration's values."""

    default_error_messages = _messages(unknown="unknown_value: must be one of {choices}")

    def __init__(self, enum: type[StrEnum], **options: Any) -> None:
        super().__init__(enum, by_value=fields.String, **options)
        self._members = {member.value: member for member in enum}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        member = self._members.get(value) if isinstance(value, str) else None
        if member is None:
            raise self.make_error("unknown", choices=", ".join(self._members))
        return member


class Part(fields.Nested):
    """An object inside the body."""

    default_error_messages = _messages(type="invalid_type: must be an object")


class Document(fields.Raw):
    """A document: an object, or its text in YAML of bounded length. What it says is not looked at here."""

    default_error_messages = _messages(
        invalid="invalid_type: must be an object, or text in YAML",
        long="too_long: at most {longest} characters",
    )

    def __init__(self, longest: int, **options: Any) -> None:
        shapes = [{"type": "object"}, {"type": "string", "maxLength": longest}]
        super().__init__(metadata={"oneOf": shapes}, **options)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict | str):
            raise self.make_error("invalid")
        if isinstance(value, str) and len(value) > self.longest:
            raise self.make_error("long", longest=self.longest)
        return value


class Several(fields.List[Any]):
    """A list of bounded length, given on as a tuple."""

    default_error_messages = _messages(
        invalid="invalid_type: must be a list",
        long="too_long: at most {most} items",
        short="too_short: at least {least} items",
    )

    def __init__(self, item: fields.Field[Any], *, most: int, least: int = 0, **options: Any) -> None:
        super().__init__(item, metadata={"minItems": least, "maxItems": most}, **options)
        self.most = most
        self.least = least

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.most:
            raise self.make_error("long", most=self.most)
        if len(value) < self.least:
            raise self.make_error("short", least=self.least)
        return tuple(super()._deserialize(value, attr, data, **kwargs) or ())


def _schema_messages() -> dict[str, str]:
    return {"type": "invalid_type: must be an object", "unknown": "unknown_field: is not known here"}


class Strict(Schema):
    """An object that takes no member it does not know.

    What is right is read directly, in half of the library's time; what is not is left to the library, which
    collects every fault. Both ways read each member by its field, `check` the whole and `build` the value.
    """

    error_messages = _schema_messages()

    class Meta:
        """Nothing is passed over."""

        unknown = RAISE

    def check(self, data: dict[str, Any]) -> None:
        """Raises ValidationError for members that do not go together."""

    def build(self, data: dict[str, Any]) -> Any:
        """The value that the members make."""
        return data

    def load(self, data: Any, **options: Any) -> Any:
        """The value of an object. Raises ValidationError with every fault."""
        try:
            return self._read(data)
        except ValidationError:
            return super().load(data, **options)

    def _read(self, data: Any) -> Any:
        known = self.load_fields
        if type(data) is not dict or not data.keys() <= known.keys():
            raise ValidationError([])
        members = {}
        for name, field in known.items():
            value = data.get(name, missing)
            if value is missing:
                value = field.load_default
                if field.required:
                    raise ValidationError([])
            elif value is not None:
                value = field._deserialize(value, name, data)
            elif not field.allow_none:
                raise ValidationError([])
            if value is not missing:
                members[name] = value
        self.check(members)
        return self.build(members)

    @validates_schema
    def checked(self, data: dict[str, Any], **_: Any) -> None:
        """The library's way to `check`."""
        self.check(data)

    @post_load
    def built(self, data: dict[str, Any], **_: Any) -> Any:
        """The library's way to `build`."""
        return self.build(data)


def faults(error: ValidationError, part: str) -> list[Fault]:
    """What a schema found wrong, each with its JSON pointer."""
    return list(_faults(error.messages, "", part))


def _faults(messages: Any, pointer: str, part: str) -> list[Fault]:
    if isinstance(messages, Mapping):
        return [
            fault
            for name, inner in messages.items()
            for fault in _faults(inner, pointer if name == "_schema" else f"{pointer}/{_escaped(name)}", part)
        ]
    return [_fault(message, pointer, part) for message in messages]


def _fault(message: str, pointer: str, part: str) -> Fault:
    code, _, detail = message.partition(": ")
    return Fault(pointer, code, detail, part)


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
