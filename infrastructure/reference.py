"""The reference pages, written from the program itself: facts, refusals, endpoints, commands, rules, ..."""

import dataclasses
import enum
import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from inspect import cleandoc
from typing import Any, get_type_hints

import click

from application.access import COMMANDS, PERMISSIONS
from domain.case.state import LEADS_TO, STAGES
from domain.events import FACTS, Fact
from domain.policy import Policy
from domain.refusals import REFUSALS
from domain.values import Role, Stage
from infrastructure import policy_page
from projections.read_model import ReadModel

NOTICE = "<!-- Written by `recourse reference docs/reference`. Do not edit. -->\n"

ABOUT_FACTS = """\
Everything that can stand in a history, by stored name: in a case's, if nothing else is said. Every fact also
carries the id of what it is of, its version there, and `timestamp`: when it happened. The store keeps beside
it when, by whom and through which request it was recorded. `Sealed` is text that only the vault can open.
"""
ABOUT_REFUSALS = """\
What a case can say no to. Over HTTP each is a 409 `application/problem+json` with this `code`; nothing
was recorded. Codes never change their meaning and are never given out twice.
"""
ABOUT_ERRORS = """\
What can go wrong before or around the case. A request may always meet 401, 403, 422, 429, 500 and 503.
"""
ABOUT_ENDPOINTS = """\
The whole contract, with every schema, is the OpenAPI document: `recourse openapi`, or
`/api/v1/openapi.json` of a running server, which also shows it at `/api/v1/docs`.
"""
ABOUT_SETTINGS = """\
Read from the environment at the start. A fault ends the program with exit code 2; all faults are printed
at once.
"""

LIBRARY_FIELDS = frozenset({"originator_id", "originator_version", "originator_topic", "timestamp"})
"""What every fact has: whose it is, its number in the case, when it happened."""

Json = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorCode:
    """What a problem's code is sent with, and how it is titled."""

    code: str
    status: int
    english: str
    chinese: str


def pages(
    models: Sequence[ReadModel[Any]],
    errors: Sequence[ErrorCode],
    openapi: Json,
    settings: Mapping[str, str],
    command: click.Group,
    policy: Policy,
) -> dict[str, str]:
    """The pages by file name."""
    return {
        "facts.md": _facts(models),
        "refusals.md": _refusals(errors),
        "endpoints.md": _endpoints(openapi),
        "settings.md": _settings(settings),
        "commands.md": _commands(command),
        "stages.md": _stages(),
        "policy.md": policy_page.written(policy, NOTICE),
    }


# --- stages -----------------------------------------------------------------------------------------


ABOUT_STAGES = """\
From which stages each command on a case can be given, to which it can lead (nowhere: the case stays
where it is), and by whom. Each is a resource below `/api/v1/cases/{case_id}`. What a stage does not
allow is refused with `wrong_stage`, or with the first missing precondition.
"""


def _stages() -> str:
    lines = ["# Stages\n", NOTICE, ABOUT_STAGES, "| command | from | to | roles |", "|---|---|---|---|"]
    for command, stages in STAGES.items():
        leads = _named(Stage, LEADS_TO.get(command, frozenset()))
        roles = _named(Role, PERMISSIONS[COMMANDS[command]])
        lines.append(f"| `{command}` | {_named(Stage, stages)} | {leads} | {roles} |")
    return "\n".join(lines) + "\n"


def _named(every: type[StrEnum], some: Collection[StrEnum]) -> str:
    return ", ".join(str(one) for one in every if one in some)


# --- facts ------------------------------------------------------------------------------------------


def _facts(models: Sequence[ReadModel[Any]]) -> str:
    lines = [
        "# Facts\n",
        NOTICE,
        ABOUT_FACTS,
    ]
    for name, fact in FACTS.items():
        of = [] if fact.OF == "Case" else [f"Of `{fact.OF}`.\n"]
        lines += [f"## {name}\n", f"{_first_line(fact)}\n", *of, *_fields(fact), *_read_by(fact, models)]
    lines += ["# The values in them\n", *_values()]
    return "\n".join(lines)


def _fields(cls: type) -> Iterator[str]:
    hints = get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.name not in LIBRARY_FIELDS]
    if not fields:
        return
    yield "| field | type | |"
    yield "|---|---|---|"
    for field in fields:
        optional = "optional" if field.default is not dataclasses.MISSING else ""
        yield f"| `{field.name}` | `{_type_name(hints[field.name])}` | {optional} |"
    yield ""


def _read_by(fact: type[Fact], models: Sequence[ReadModel[Any]]) -> Iterator[str]:
    readers = [model.name for model in models if fact in model.steps]
    if readers:
        yield f"Read by: {', '.join(f'`{name}`' for name in readers)}.\n"


def _values() -> Iterator[str]:
    for value in sorted(set(_mentioned(FACTS.values())), key=lambda value: value.__name__):
        yield f"## {value.__name__}\n"
        yield f"{_first_line(value)}\n"
        if issubclass(value, enum.Enum):
            yield ", ".join(f"`{member.value}`" for member in value) + "\n"
        else:
            yield from _fields(value)


def _mentioned(classes: Iterable[type]) -> Iterator[type]:
    """The value types that fields of these classes name, and those that they name in turn."""
    for cls in classes:
        for hint in get_type_hints(cls).values():
            for part in _parts(hint):
                if part.__module__ == "domain.values":
                    yield part
                    yield from _mentioned([part] if dataclasses.is_dataclass(part) else [])


def _parts(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _parts(part)


def _type_name(hint: Any) -> str:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return " or ".join(_type_name(part) for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return f"list of {_type_name(typing.get_args(hint)[0])}"
    return str(hint.__name__)


# --- refusals and errors ----------------------------------------------------------------------------


def _refusals(errors: Sequence[ErrorCode]) -> str:
    refusals = {refusal.code for refusal in REFUSALS}
    said = [one for one in errors if one.code in refusals]
    others = sorted(
        (one for one in errors if one.code not in refusals), key=lambda one: (one.status, one.code)
    )
    return "\n".join(
        [
            "# Refusals and errors\n",
            NOTICE,
            ABOUT_REFUSALS,
            *_codes(said),
            "",
            "## Other errors\n",
            ABOUT_ERRORS,
            *_codes(sorted(others, key=lambda one: (one.status, one.code))),
            "",
        ]
    )


def _codes(errors: Iterable[ErrorCode]) -> Iterator[str]:
    yield "| status | code | title | 标题 |"
    yield "|---|---|---|---|"
    for one in errors:
        yield f"| {one.status} | `{one.code}` | {one.english} | {one.chinese} |"


# --- endpoints --------------------------------------------------------------------------------------

METHODS = ("get", "post", "put", "patch", "delete")


def _endpoints(openapi: Json) -> str:
    lines = ["# Endpoints\n", NOTICE, ABOUT_ENDPOINTS]
    for tag in openapi["tags"]:
        lines += [f"## {tag['name']}\n", f"{tag['description']}.\n"]
        lines += ["| | path | what | roles | refusals |", "|---|---|---|---|---|"]
        lines += [
            _endpoint(path, method, item[method])
            for path, item in openapi["paths"].items()
            for method in METHODS
            if method in item and item[method]["tags"] == [tag["name"]]
        ]
        lines.append("")
    return "\n".join(lines)


def _endpoint(path: str, method: str, operation: Json) -> str:
    roles = ", ".join(operation.get("x-roles", ["anybody"]))
    missed = operation["responses"].get("404", {}).get("x-codes", [])
    refused = operation["responses"].get("409", {}).get("x-codes", [])
    codes = ", ".join(f"`{code}`" for code in [*missed, *refused])
    return f"| {method.upper()} | `{path}` | {operation.get('summary', '')} | {roles} | {codes} |"


# --- settings and commands --------------------------------------------------------------------------


def _settings(settings: Mapping[str, str]) -> str:
    rows = [f"| `{variable}` | {meaning} |" for variable, meaning in settings.items()]
    return "\n".join(["# Settings\n", NOTICE, ABOUT_SETTINGS, "| variable | |", "|---|---|", *rows, ""])


def _commands(group: click.Group) -> str:
    lines = ["# Commands\n", NOTICE, f"{_help_of(group)}\n"]
    for path, command in _walk(group, "recourse"):
        context = click.Context(command, info_name=path)
        usage = f"{path} {' '.join(command.collect_usage_pieces(context))}"
        lines += [f"## {path}\n", f"`{usage}`\n", f"{_help_of(command)}\n", *_options(command, context)]
    return "\n".join(lines)


def _walk(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _walk(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [parameter.get_help_record(context) for parameter in command.params]
    shown = [record for record in records if record]
    if shown:
        yield "| option | |"
        yield "|---|---|"
        yield from (f"| `{option.replace('|', '/')}` | {meaning} |" for option, meaning in shown)
        yield ""


def _help_of(command: click.Command) -> str:
    """Without click's mark of a paragraph that keeps its lines."""
    return cleandoc(re.sub(r" *\x08\n", "", command.help or ""))


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]
