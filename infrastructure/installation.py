"""A whole installation as children of one process: database, web, worker, ticker and sealer on one home."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from infrastructure import credentials, migrate, serving
from infrastructure.embedded import Embedded, for_application
from infrastructure.settings import PREFIX, Settings
from infrastructure.supervision import POLL_SECONDS, READY_SECONDS, Part, Supervisor


class NoDatabase(Exception):
    """No PostgreSQL is named, and none of ours runs in the home folder."""


def with_database(given: Settings) -> Settings:
    """The settings with the database that is named, or that runs in the home folder. Raises NoDatabase."""
    if given.database_url is not None:
        return replace(given, migration_url=given.migration_url or given.database_url)
    url = Embedded.running(given.home)
    if url is None:
        raise NoDatabase(f"no database: RECOURSE_DATABASE_URL is not set, and none runs in {given.home}")
    return with_embedded(given, url)


def with_embedded(given: Settings, url: str) -> Settings:
    """The settings with the embedded database whose owner's URL this is."""
    return replace(given, database_url=for_application(url), migration_url=url)


@dataclass(frozen=True)
class Running:
    """An installation that runs; `settings` name its database, `keys` are its API keys by name."""

    url: str
    settings: Settings
    keys: Mapping[str, str]
    supervisor: Supervisor

    @property
    def credentials(self) -> Path:
        """The file with its API keys."""
        return self.settings.home / credentials.FILE_NAME


Open = Callable[[Settings], AbstractContextManager[Any]]
"""Opens the parts that work on a database."""


@contextmanager
def running(
    given: Settings, open_parts: Open, program: Sequence[str], say: Callable[[str], None]
) -> Iterator[Running]:
    """Everything, ready; stopped at the end, the database last. `program` runs the command line as a child.

    Raises HomeTaken, HomeUnusable, AddressTaken, EmbeddedError, MigrationRefused, PartFailed, StopRequested.
    """
    with ExitStack() as stack:
        stack.enter_context(credentials.home_to_ourselves(given.home))
        listener = stack.enter_context(serving.listen(given.host, given.port))
        embedded = None if given.database_url else stack.enter_context(Embedded(given.home))
        given = with_embedded(given, embedded.url) if embedded else with_database(given)
        keys = prepared(given, open_parts)
        supervisor = Supervisor(children(given, listener, program), say, embedded)
        yield Running(url_of(listener), given, keys, stack.enter_context(supervisor))


def prepared(given: Settings, open_parts: Open) -> dict[str, str]:
    """Bring the database up to date and make the keys of the home; returns them by name."""
    migrate.migrate(str(given.migration_url))
    with open_parts(given) as parts:
        parts.projections.prepare()
        parts.vault.check()
        return credentials.provide(
            given.home, lambda key: parts.keys.authenticate(key) is not None, parts.keys.create
        )


def children(given: Settings, listener: socket.socket, program: Sequence[str]) -> list[Part]:
    """The parts in the order in which they start; the web server takes the socket that listens already."""
    environment = environment_of(given)
    inherited = listener.fileno()
    url = url_of(listener)
    return [
        Part("worker", [*program, "work"], environment),
        Part("ticker", [*program, "tick"], environment),
        Part("sealer", [*program, "seal"], environment),
        Part(
            "web",
            [*program, "serve", "--listener", str(inherited)],
            environment,
            descriptors=(inherited,),
            ready=lambda: is_alive(url),
        ),
    ]


def environment_of(given: Settings) -> dict[str, str]:
    """The environment of a child process: the same settings, but not how to connect as the owner."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    shared = [field.name for field in fields(given) if field.name != "migration_url"]
    named = {name: getattr(given, name) for name in shared}
    return others | {f"{PREFIX}{name.upper()}": str(value) for name, value in named.items()}


def url_of(listener: socket.socket) -> str:
    """Where the API is."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_alive(url: str) -> bool:
    """Whether the web server answers; read models may still be catching up."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def awaited(condition: Callable[[], bool], patience: float = READY_SECONDS) -> None:
    """Return when the condition holds. Raises TimeoutError after `patience` seconds."""
    give_up = time.monotonic() + patience
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not ready after {patience:.0f} s")
        time.sleep(POLL_SECONDS)
