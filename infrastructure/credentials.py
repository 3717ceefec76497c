"""The API keys of a development home: one for every role, made once, in a file that only its owner reads."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from domain.values import Actor, Role

FILE_NAME = "credentials.json"

_STAFF = (Role.AGENT, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR, Role.FINANCE, Role.ADMIN)

HOLDERS: Mapping[str, Actor] = {
    "buyer-integration": Actor("buyer-app", Role.BUYER_INTEGRATION),
    **{role.value: Actor(f"{role}-1", role) for role in _STAFF},
    "reviewer:2": Actor("reviewer-2", Role.REVIEWER),
    "supervisor:2": Actor("supervisor-2", Role.SUPERVISOR),
    "merchant:m-2001": Actor("seller-m-2001", Role.MERCHANT, "m-2001"),
    "merchant:m-2002": Actor("seller-m-2002", Role.MERCHANT, "m-2002"),
}
"""Everybody whom a development home knows, by the name that the file gives their key."""


class HomeUnusable(Exception):
    """The home folder cannot be made or written."""


class HomeTaken(Exception):
    """Another `recourse dev` or `recourse demo` runs on this home."""


def provide(home: Path, valid: Callable[[str], bool], make: Callable[[Actor], str]) -> dict[str, str]:
    """The keys by name; those that are missing, or that this database does not know, are made."""
    path = home / FILE_NAME
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    keys = {
        name: kept[name] if name in kept and valid(kept[name]) else make(actor)
        for name, actor in HOLDERS.items()
    }
    if keys != kept:
        _write(path, keys)
    return keys


def _write(path: Path, keys: Mapping[str, str]) -> None:
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, 0o600)
        json.dump(keys, file, indent=2)
        file.write("\n")
    draft.replace(path)


@contextmanager
def home_to_ourselves(home: Path) -> Iterator[None]:
    """Hold the home while its parts run, so that nobody else does. Raises HomeTaken and HomeUnusable."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_file = (home / "running.lock").open("a+")
    except OSError as error:
        raise HomeUnusable(f"{home} cannot be used as a home: {error.strerror}") from error
    with lock_file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise HomeTaken(f"process {holder} already runs {home}; stop it with: kill {holder}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
