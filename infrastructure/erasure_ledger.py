"""The erasures that were agreed to, one JSON line for each step, in a file outside the database.

A database can be put back as it was before an erasure; this file is not, and is applied to it. It names
cases, keys and those who agreed, and nobody whose data were erased.
"""

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from application.erasures import Erasure, LedgerState
from application.errors import ServiceUnavailable
from infrastructure import secret_file

FILE_NAME = "erasures.ledger"
"""The ledger's name in the home folder."""

LARGEST_BYTES = 1 << 30


class LedgerRefused(Exception):
    """The ledger cannot be used as it is; the message says what mends it."""


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    state: LedgerState
    erasure: UUID
    begun: Erasure | None = None


class ErasureLedgerFile:
    """Implements `application.erasures.ErasureLedger`. Safe to share between threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(_Line).decode

    def begin(self, erasure: Erasure) -> None:
        """Note, durably, that this is about to be destroyed."""
        self._append(_Line(LedgerState.BEGUN, erasure.erasure_id, erasure))

    def end(self, erasure_id: UUID, state: LedgerState) -> None:
        """Note, durably, how it ended."""
        self._append(_Line(state, erasure_id))

    def entries(self) -> list[tuple[Erasure, LedgerState]]:
        """Every erasure in the order of its beginning, and how far it came. Raises LedgerRefused.

        Several may attempt the same one at once: one that is dropped says nothing of the others, and what was
        recorded once stays recorded.
        """
        begun: dict[UUID, Erasure] = {}
        under_way: Counter[UUID] = Counter()
        recorded: set[UUID] = set()
        for line in self._lines():
            if line.begun:
                begun.setdefault(line.erasure, line.begun)
            match line.state:
                case LedgerState.BEGUN:
                    under_way[line.erasure] += 1
                case LedgerState.DROPPED:
                    under_way[line.erasure] -= 1
                case LedgerState.RECORDED:
                    recorded.add(line.erasure)

        def state(erasure_id: UUID) -> LedgerState:
            if erasure_id in recorded:
                return LedgerState.RECORDED
            return LedgerState.BEGUN if under_way[erasure_id] > 0 else LedgerState.DROPPED

        return [(erasure, state(erasure_id)) for erasure_id, erasure in begun.items()]

    def _lines(self) -> Iterator[_Line]:
        try:
            content = secret_file.read(self._path, "ledger of erasures", LARGEST_BYTES)
        except secret_file.FileMissing:
            return
        except secret_file.FileExposed as exposed:
            raise LedgerRefused(str(exposed)) from exposed
        # A last line without its end was being written when the power failed: nothing had followed from it.
        for number, line in enumerate(content.split(b"\n")[:-1], 1):
            try:
                yield self._decode(line)
            except msgspec.DecodeError:
                raise LedgerRefused(
                    f"line {number} of {self._path} is damaged; put your copy of the ledger back"
                ) from None

    def _append(self, line: _Line) -> None:
        try:
            with self._locked() as handle:
                _drop_torn_line(handle)
                content = self._encode(line) + b"\n"
                if os.write(handle, content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
        except OSError as error:
            raise ServiceUnavailable from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        secret_file.create(self._path, b"")
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)


def _drop_torn_line(handle: int) -> None:
    """A line without its end would spoil the next one."""
    size = os.fstat(handle).st_size
    content = os.pread(handle, size, 0)
    whole = content.rfind(b"\n") + 1
    if whole < size:
        os.ftruncate(handle, whole)
