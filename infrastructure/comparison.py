"""Two states of the same page, compared member by member."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One member that differs; `path` is its JSON pointer, None stands for what was not there."""

    path: str
    before: Any
    after: Any


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Everything that differs, in the order of the page. Lists grow at their ends: items stay in place."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from changes(before.get(name), after.get(name), f"{path}/{name}")
    elif _items(before) and _items(after):
        for place in range(max(len(before), len(after))):
            yield from changes(_at(before, place), _at(after, place), f"{path}/{place}")
    elif before != after:
        yield Change(path, before, after)


def _items(value: Any) -> bool:
    """Whether it is a list of things that are compared one by one; one of plain values is compared whole."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _at(items: list[Any], place: int) -> Any:
    return items[place] if place < len(items) else None
