"""What can be set from outside: environment variables that start with RECOURSE_, read once at the start.

A value is never guessed and a typing error never ignored: every fault is reported, all of them at once.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast, get_args
from urllib.parse import quote, urlsplit

import psycopg
from environs import Env, EnvValidationError
from marshmallow.validate import OneOf, Range
from psycopg.conninfo import conninfo_to_dict

from infrastructure.key_file import FILE_NAME
from infrastructure.transparency.notes import name_allowed
from infrastructure.transparency.signing import KEY_FILE as LOG_KEY_FILE
from infrastructure.transparency.witnesses import parsed_witnesses

PREFIX = "RECOURSE_"
Payments = Literal["manual", "sandbox"]
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "RECOURSE_DATABASE_URL": "PostgreSQL 15 to 18, as postgresql://user@host:5432/name; "
        "without it, a PostgreSQL of its own runs in the home folder.",
        "RECOURSE_HOME": "Folder of the key files, log.checkpoint, the ledger of erasures, the own database "
        "and its credentials; default ~/.recourse.",
        "RECOURSE_HOST": "Address to listen on; default 127.0.0.1, this machine only.",
        "RECOURSE_KEY_FILE": "File of the key that seals personal data; "
        f"default {FILE_NAME} in the home folder.",
        "RECOURSE_LOG_KEY_FILE": "File of the key that signs the transparency log; "
        f"default {LOG_KEY_FILE} in the home folder.",
        "RECOURSE_LOG_ORIGIN": "Name of the transparency log that the first start opens, such as "
        "example.com/after-sales; default one made up then.",
        "RECOURSE_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR; default INFO.",
        "RECOURSE_MIGRATION_URL": "The database as its owner, for `recourse migrate` alone; "
        "default RECOURSE_DATABASE_URL. The application connects as recourse_app, which changes no fact.",
        "RECOURSE_PAYMENTS": "manual: the finance role confirms payments; sandbox: a built-in gateway does; "
        "default manual (`recourse demo`: sandbox).",
        "RECOURSE_POOL_OVERFLOW": "Connections a process may open beyond its pool; 0 to 100, default 5.",
        "RECOURSE_POOL_SIZE": "Database connections a process keeps; 1 to 100, default 5.",
        "RECOURSE_PORT": "Port to listen on, 0 for any that is free; default 8080.",
        "RECOURSE_TEST_DATABASE_URL": "PostgreSQL for the test suite, with the right to create databases.",
        "RECOURSE_WEB_RATE": "Requests a second that one key, or one address without a key, may make of "
        "each web worker, 0 for any number; default 500.",
        "RECOURSE_WEB_THREADS": "Requests that a web worker serves at the same time; 1 to 100, default 8.",
        "RECOURSE_WEB_WORKERS": "Web worker processes; 1 to 64, default 2.",
        "RECOURSE_WITNESSES": "Who is asked to cosign the checkpoints of the transparency log; "
        "reads URL VKEY; URL VKEY.",
    }
)
"""Every variable there is, and what it does. Any other that starts with RECOURSE_ is a fault."""


class BadSettings(Exception):
    """What is wrong with the settings: every fault, one a line, and no secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Settings:
    """Checked settings; the meanings stand in DESCRIPTIONS."""

    home: Path
    key_file: Path
    database_url: str | None = field(repr=False)
    host: str
    port: int
    payments: Payments
    log_level: str
    migration_url: str | None = field(repr=False)
    log_key_file: Path
    log_origin: str
    pool_size: int
    pool_overflow: int
    web_rate: int
    web_threads: int
    web_workers: int
    witnesses: str

    @property
    def shown_database_url(self) -> str | None:
        """The database as it may be printed."""
        return None if self.database_url is None else without_password(self.database_url)


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in this environment. An empty variable counts as not set.

    Raises BadSettings with every fault.
    """
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value.strip()}
    env = _Given(given)
    values: dict[str, Any] = {
        "home": env.str("HOME", "~/.recourse"),
        "key_file": env.str("KEY_FILE", None),
        "database_url": env.str("DATABASE_URL", None),
        "host": env.str("HOST", "127.0.0.1"),
        "port": env.int("PORT", 8080, validate=Range(0, 65535)),
        "payments": env.str("PAYMENTS", "manual", validate=OneOf(get_args(Payments))),
        "log_level": env.str("LOG_LEVEL", "INFO", validate=OneOf(LOG_LEVELS)),
        "migration_url": env.str("MIGRATION_URL", None),
        "log_key_file": env.str("LOG_KEY_FILE", None),
        "log_origin": env.str("LOG_ORIGIN", "").strip(),
        "pool_size": env.int("POOL_SIZE", 5, validate=Range(1, 100)),
        "pool_overflow": env.int("POOL_OVERFLOW", 5, validate=Range(0, 100)),
        "web_rate": env.int("WEB_RATE", 500, validate=Range(0, 100_000)),
        "web_threads": env.int("WEB_THREADS", 8, validate=Range(1, 100)),
        "web_workers": env.int("WEB_WORKERS", 2, validate=Range(1, 64)),
        "witnesses": env.str("WITNESSES", "").strip(),
    }
    faults = [*_unknown(given), *env.faults(), *_address_faults(values), *_log_faults(values)]
    try:
        home = values["home"] = Path(values["home"]).expanduser().absolute()
        for name, default in (("key_file", FILE_NAME), ("log_key_file", LOG_KEY_FILE)):
            values[name] = Path(values[name] or home / default).expanduser().absolute()
    except RuntimeError:
        faults.append(f"{PREFIX}HOME: this user has no home folder of its own; name a folder.")
    if faults:
        raise BadSettings(sorted(faults))
    return Settings(**values)


class _Given(Env):
    """Reads from the variables that are handed in and collects faults until they are asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(eager=False, prefix=PREFIX)
        self._given = given

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, default)

    def faults(self) -> Iterator[str]:
        try:
            self.seal()
        except EnvValidationError as found:
            by_name = cast("Mapping[str, list[str]]", found.error_messages)
            for name, messages in by_name.items():
                yield f"{name}: {' '.join(messages)}"


def _unknown(given: Mapping[str, str]) -> Iterator[str]:
    for name in given:
        if name not in DESCRIPTIONS:
            names = [known.removeprefix(PREFIX) for known in DESCRIPTIONS]
            near = get_close_matches(name.removeprefix(PREFIX), names, n=1, cutoff=0.75)
            hint = f" did you mean {PREFIX}{near[0]}?" if near else " unset it."
            yield f"{name}: there is no such setting;{hint}"


def _address_faults(values: Mapping[str, Any]) -> Iterator[str]:
    host = values["host"]
    for name in ("DATABASE_URL", "MIGRATION_URL"):
        url = values[name.lower()]
        if url is not None and not _is_database_url(url):
            # Not quoted, because it may hold a password.
            yield f"{PREFIX}{name}: not a PostgreSQL URL such as postgresql://user@host:5432/name."
    if not _is_host(host):
        yield f"{PREFIX}HOST: neither an address nor a host name."


def _log_faults(values: Mapping[str, Any]) -> Iterator[str]:
    if values["log_origin"] and not name_allowed(values["log_origin"]):
        yield f"{PREFIX}LOG_ORIGIN: a log's name holds no space and no plus sign."
    try:
        parsed_witnesses(values["witnesses"])
    except ValueError as fault:
        yield f"{PREFIX}WITNESSES: {fault}; it reads: URL VKEY; URL VKEY."


def _is_database_url(url: str) -> bool:
    try:
        ports = str(conninfo_to_dict(url).get("port", "")).split(",")
        scheme = urlsplit(url).scheme
    except (ValueError, psycopg.Error):
        return False
    return scheme in ("postgresql", "postgres") and all(re.fullmatch(r"[0-9]{0,5}", port) for port in ports)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        letters = not labels[-1].isdigit()
        return letters and all(re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", label) for label in labels)
    return True


def without_password(url: str) -> str:
    """Where a PostgreSQL URL leads: user, host, port and database; a password may hide in anything else."""
    parts = {name: quote(str(value), safe="/,") for name, value in conninfo_to_dict(url).items()}
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{parts['port']}" if "port" in parts else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"
