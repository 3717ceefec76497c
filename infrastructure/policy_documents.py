"""Policy documents as YAML: the values that JSON has too, so that a document means the same in both.

YAML's own reading turns 18:00 into 1080, `no` into false and 2026-01-01 into a date; here they stay text.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from domain.policy import Fault, PolicyFaults

DEEPEST = 32
"""As deep as the JSON of a request may be."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # published without types
    """Reads only what JSON knows: no aliases, no tags, no member twice."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _fault_at(event.start_mark, "aliases are not known here")
        if getattr(event, "tag", None) is not None:
            raise _fault_at(event.start_mark, "tags are not known here")
        if isinstance(event, yaml.ScalarEvent) and _UNSTORABLE.search(event.value):
            raise _fault_at(event.start_mark, "text holds NUL or half of a surrogate pair")
        self.depth += 1
        if self.depth > DEEPEST:
            raise _fault_at(event.start_mark, f"nested deeper than {DEEPEST} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _fault_at(key.start_mark, "members are named by text")
            if key.value in seen:
                raise _fault_at(key.start_mark, "a member is named twice")
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_form})$"), _first)


def read(text: str) -> object:
    """The value that a text in YAML holds. Raises PolicyFaults that say where the text is at fault."""
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506  # a SafeLoader, with less
    except yaml.MarkedYAMLError as error:
        raise _fault_at(error.problem_mark, error.problem or "not YAML") from error
    except (yaml.YAMLError, ValueError) as error:
        # A character that no YAML holds; an integer longer than Python reads.
        raise PolicyFaults([Fault("", f"not YAML: {type(error).__name__}")]) from error


def _fault_at(mark: Any, what: str) -> PolicyFaults:
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return PolicyFaults([Fault("", f"{where}{what}")])
