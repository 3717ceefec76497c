"""What the domain may import is listed here; a list of what it may not would always be too short."""

import ast
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]

# The standard library without input, output, clocks, chance, processes or threads.
STANDARD = {
    "__future__", "abc", "bisect", "calendar", "collections", "collections.abc", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools",
    "math", "numbers", "operator", "re", "string", "types", "typing", "unicodedata", "uuid",
}  # fmt: skip
LIBRARY = {"eventsourcing.domain": None, "eventsourcing.utils": {"register_topic"}}


def strangers(source: str) -> list[str]:
    """The imports in this source that the domain's law does not allow."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if not _allowed(alias.name, None)]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [f"{module}.{alias.name}" for alias in node.names if not _allowed(module, alias.name)]
    return found


def _allowed(module: str, name: str | None) -> bool:
    if module in STANDARD or module.split(".")[0] == "domain":
        return True
    names = LIBRARY.get(module, set())
    return names is None or name in names


def test_the_domain_imports_only_what_its_law_allows() -> None:
    files = sorted((TREE / "domain").rglob("*.py"))
    assert len(files) > 5
    assert {str(file.relative_to(TREE)): strangers(file.read_text()) for file in files} == {
        str(file.relative_to(TREE)): [] for file in files
    }


@pytest.mark.parametrize(
    "violation",
    [
        "import os",
        "import time",
        "from pathlib import Path",
        "import random",
        "import secrets",
        "import asyncio, threading",
        "import msgspec",
        "from eventsourcing.application import Application",
        "from eventsourcing.persistence import Mapper",
        "from eventsourcing.utils import get_topic",
        "import eventsourcing.postgres",
        "from application import store",
        "from . import case",
        "def late():\n    import socket",
    ],
)
def test_a_planted_import_is_found(violation: str) -> None:
    assert strangers(violation)


@pytest.mark.parametrize(
    "lawful",
    [
        "from collections.abc import Iterator",
        "from eventsourcing.domain import Aggregate, AggregateEvent",
        "from eventsourcing.utils import register_topic",
        "from domain.values import Money",
    ],
)
def test_what_the_law_allows_is_not_found(lawful: str) -> None:
    assert strangers(lawful) == []
