"""What every command shares: how it gets its settings and parts, how it prints, how it fails."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Protocol

import click
import msgspec
import psycopg
from rich.console import Console
from rich.text import Text

from application.cases import Forgetting
from application.clock import Clock
from application.erasures import ErasureLedger
from application.errors import NotFound
from application.intake import IntakeInterrupted, Parse
from application.policies import Policies
from application.rulebook import Rulebook
from application.transparency import Transparency
from infrastructure import settings
from infrastructure.epochs import Epochs
from infrastructure.event_store.connections import Datastore
from infrastructure.keys import ApiKeys
from infrastructure.process_supervisor import ProcessSupervisor
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.read_models import ReadModels
from infrastructure.settings import Settings
from infrastructure.ticker import Ticker
from infrastructure.vault import PostgresVault

PLAIN_WIDTH = 160

out = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
err = Console(stderr=True, width=None if sys.stderr.isatty() else PLAIN_WIDTH)

Command = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
port_option = click.option("--port", type=int, help="Port to listen on; 0: any that is free.")


class Parts(Protocol):
    """What the commands of this room work with."""

    @property
    def settings(self) -> Settings:
        """What they were built from."""
        ...

    @property
    def url(self) -> str:
        """Of the database."""
        ...

    @property
    def datastore(self) -> Datastore:
        """Its connections."""
        ...

    @property
    def clock(self) -> Clock:
        """Its time."""
        ...

    @property
    def rulebook(self) -> Rulebook:
        """The policies that count."""
        ...

    @property
    def keys(self) -> ApiKeys:
        """The API keys."""
        ...

    @property
    def projections(self) -> ProjectionSupervisor:
        """The keeper of the read models."""
        ...

    @property
    def ticker(self) -> Ticker:
        """What acts upon due times."""
        ...

    @property
    def followers(self) -> ProcessSupervisor:
        """What carries the processes along."""
        ...

    @property
    def vault(self) -> PostgresVault:
        """The keeper of texts."""
        ...

    @property
    def epochs(self) -> Epochs:
        """The secrets in which data keys are wrapped."""
        ...

    @property
    def ledger(self) -> ErasureLedger:
        """The ledger of erasures."""
        ...

    @property
    def forgetting(self) -> Forgetting:
        """The use cases on personal data."""
        ...

    @property
    def policies(self) -> Policies:
        """The use cases of the policy book."""
        ...

    @property
    def reader(self) -> ReadModels:
        """Queries of read models."""
        ...

    @property
    def transparency(self) -> Transparency:
        """The use cases of reading the transparency log."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """What only the front door knows.

    open: opens the parts on a database · program: the command line, to be run as a child · parse: reads a
    line as the interface reads a request.
    """

    open: Callable[[Settings], AbstractContextManager[Any]]
    program: Sequence[str]
    parse: Parse


LONGEST_NAME = 128


def a_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that names somebody, by the rule that names in requests follow."""
    if value is None or (0 < len(value) <= LONGEST_NAME and value.isprintable() and value == value.strip()):
        return value
    raise click.BadParameter(f"1 to {LONGEST_NAME} printable characters, no space at either end")


def an_instant(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """The callback of an option that names an instant; one without an offset is in UTC."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("must be an instant, such as 2026-11-10T08:00:00+08:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


# --- failing ------------------------------------------------------------------------------------------


class Failure(click.ClickException):
    """A command that failed in a way that its user can mend; `then` is what to run next."""

    def __init__(self, message: str, then: str) -> None:
        super().__init__(message)
        self.then = then

    def show(self, file: Any = None) -> None:
        """What is wrong, and the next command to run."""
        err.print(Text.assemble(("recourse: ", "bold red"), self.message), soft_wrap=True)
        err.print(Text.assemble(("next: ", "dim"), self.then), soft_wrap=True)


class Unusable(Failure):
    """Settings or arguments that nothing can be done with."""

    exit_code = 2


class DoneInPart(Failure):
    """Some of the work was done, and some was refused."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Advice:
    """Failures that are expected, how they end the command, and what to run next."""

    kinds: tuple[type[Exception], ...]
    then: str
    failure: type[Failure] = Failure


class Listing(click.Group):
    """Lists each of its commands with a whole sentence: click would cut long ones off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the first sentence of its help, over as many lines as it takes."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(LONGEST_SENTENCE)) for name, one in commands if one]
            )


LONGEST_SENTENCE = 200


class AdvisedGroup(Listing):
    """Turns expected failures into advice; an unexpected one stays a traceback."""

    advice: Sequence[Advice] = ()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as fault:
            for one in self.advice:
                if isinstance(fault, one.kinds):
                    raise one.failure(said(fault), one.then) from fault
            raise


def said(fault: Exception) -> str:
    """What an expected failure says of itself; its docstring, when it says nothing."""
    match fault:
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedFunction():
            return "the database is not up to date"
        case psycopg.Error():
            return str(fault).strip().splitlines()[0]
        case NotFound(kind):
            return f"there is no {kind}"
        case IntakeInterrupted(line=line):
            return f"the service went away before line {line}"
        case _:
            return str(fault).strip() or (type(fault).__doc__ or type(fault).__name__).strip()


# --- what commands are handed -------------------------------------------------------------------------


def with_settings(**forced: str) -> Callable[[Command], Command]:
    """Hand the command its settings; `forced` variables win over the environment."""

    def decorate(command: Command) -> Command:
        @click.option(
            "--home", type=click.Path(file_okay=False), help="Home folder, instead of RECOURSE_HOME."
        )
        @wraps(command)
        def run(*args: Any, home: str | None, **options: Any) -> Any:
            given = {"RECOURSE_HOME": home, "RECOURSE_PORT": options.pop("port", None)} | forced
            named = {name: str(value) for name, value in given.items() if value is not None}
            return command(settings.load({**os.environ, **named}), *args, **options)

        return run

    return decorate


def with_parts(command: Command) -> Command:
    """Hand the command everything that works on the database, closed when it ends."""

    @with_settings()
    @wraps(command)
    def run(given: Settings, *args: Any, **options: Any) -> Any:
        door: Door = click.get_current_context().obj
        with door.open(given) as parts:
            return command(parts, *args, **options)

    return run


def print_json(value: Any) -> None:
    """JSON for scripts, on standard output."""
    click.echo(msgspec.json.encode(value))
