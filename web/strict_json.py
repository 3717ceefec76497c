"""JSON as the API takes it: one value in UTF-8, nothing said twice, nothing that a database cannot keep."""

import json
import math
from typing import Any, NoReturn

from web.problems import Fault, Problem, malformed

DEEPEST = 32
_OPENING = b"[{"


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises Problem `invalid_request` and says what is wrong, never quoting it."""
    _refuse_deep(body)
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise _wrong("invalid_json", "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _wrong("invalid_json", f"not JSON: line {error.lineno}, column {error.colno}") from None
    except ValueError:
        # Python's own limit on the digits of an integer.
        raise _wrong("out_of_range", "a number is too large") from None
    if b"\\u" in body:
        _refuse_unstorable(value)
    return value


def canonical(value: Any) -> bytes:
    """One spelling for equal values, whatever their order of members and their white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _refuse_deep(body: bytes) -> None:
    # An upper bound first: most bodies do not even hold that many brackets.
    if sum(body.count(bracket) for bracket in (b"[", b"{")) <= DEEPEST:
        return
    depth = 0
    in_text = escaped = False
    for byte in body:
        if in_text:
            in_text = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_text = True
        elif byte in _OPENING:
            depth += 1
            if depth > DEEPEST:
                raise _wrong("too_deep", f"nested deeper than {DEEPEST} levels")
        elif byte in b"]}":
            depth -= 1


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise _wrong("duplicate_member", "an object names a member twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _wrong("out_of_range", "a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _wrong("invalid_json", f"{name} is not JSON")


def _refuse_unstorable(value: Any) -> None:
    """NUL and lone surrogates can only come in as escapes."""
    match value:
        case str():
            if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
                raise _wrong("invalid_text", "text holds NUL or half of a surrogate pair")
        case dict():
            for name, member in value.items():
                _refuse_unstorable(name)
                _refuse_unstorable(member)
        case list():
            for item in value:
                _refuse_unstorable(item)
        case _:
            pass


def _wrong(code: str, detail: str) -> Problem:
    return malformed(Fault("", code, detail))
