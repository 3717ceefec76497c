"""What two people agree to is named by its digest."""

from dataclasses import fields
from hashlib import sha256
from uuid import UUID


def digest(*content: object) -> str:
    """The SHA-256 of values in a form that is the same for the same values alone, in hexadecimal."""
    return sha256(_form(content).encode()).hexdigest()


def _form(value: object) -> str:
    """Every text says its length, so that no two values read alike."""
    match value:
        case None:
            return "-"
        case str() | int() | UUID():
            return f"{len(str(value))}:{value!s}"
        case tuple():
            return f"[{''.join(map(_form, value))}]"
        case _:
            named = ((one.name, getattr(value, one.name)) for one in fields(value))  # type: ignore[arg-type]
            return f"({''.join(_form(one) for one in named)})"
