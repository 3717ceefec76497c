"""The policy that is part of this installation, and the documents of others in files."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from domain.policy import Fault, Policy, PolicyFaults, compiled
from infrastructure.policy_documents import read

DEFAULT = "cn-2026"
"""The policy that is in force until an operator publishes another one."""

LARGEST = 1024 * 1024
"""Bytes; as much as the body of a request may hold."""


@cache
def default_document() -> Mapping[str, Any]:
    """The document of the built-in policy."""
    return _document((files("infrastructure") / "policies" / f"{DEFAULT}.yaml").read_bytes())


@cache
def default_pack() -> Policy:
    """The built-in policy."""
    return compiled(default_document())


def in_file(path: Path) -> Mapping[str, Any]:
    """The document in a YAML or JSON file. Raises PolicyFaults for what is none, and OSError."""
    with path.open("rb") as file:
        return _document(file.read(LARGEST + 1))


def _document(content: bytes) -> Mapping[str, Any]:
    if len(content) > LARGEST:
        raise PolicyFaults([Fault("", f"is larger than {LARGEST} bytes")])
    try:
        found = read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as garbled:
        raise PolicyFaults([Fault("", f"is not UTF-8: byte {garbled.start}")]) from None
    if not isinstance(found, Mapping):
        raise PolicyFaults([Fault("", "must be an object")])
    return found
