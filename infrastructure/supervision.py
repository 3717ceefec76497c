"""The parts of a whole installation as child processes.

They are started in order, restarted when they crash and stopped in reverse order. Each part leads its own
process group, which ends with it: what a part starts cannot outlive it.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Protocol, Self

from infrastructure.child_process import end_with_parent

STDERR = 2  # standard output belongs to the line of JSON that tells scripts where we are
READY_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
FIRST_PAUSE = 0.5  # seconds before a crashed part starts again; doubled with each crash
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # a part that ran this long starts again with the first pause


class StopRequested(KeyboardInterrupt):
    """SIGTERM, SIGINT or SIGHUP came before the parts were attended to."""


class PartFailed(Exception):
    """A part ended, or did not become ready, while everything was being started."""


class Database(Protocol):
    """A server of ours, which is a child of this process too."""

    def revive(self) -> bool:
        """Start it again if it has died; True if it had."""


def at_once() -> bool:
    """Readiness of a part that nobody has to wait for."""
    return True


@dataclass(frozen=True)
class Part:
    """One process: its arguments, its whole environment, descriptors to inherit, and how to see it works."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    ready: Callable[[], bool] = at_once


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    due: float | None = None  # monotonic time of the next start, while there is no process


class Supervisor:
    """Starts the parts on entry and stops them on exit; use it in the main thread.

    A stop signal in between raises StopRequested, except while `attend` runs, which then returns.
    """

    def __init__(
        self, parts: Sequence[Part], say: Callable[[str], None], database: Database | None = None
    ) -> None:
        self._children = [_Child(part) for part in parts]
        self._say = say
        self._database = database
        self._signals = _Signals()

    def __enter__(self) -> Self:
        """Start the parts in their order, each when the one before is ready.

        Raises PartFailed or StopRequested; then nothing is left running.
        """
        self._signals.catch()
        try:
            for child in self._children:
                self._start(child)
                self._await_ready(child)
            self._signals.raise_at_once()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.hold()
        asked = self._signals.requests
        for child in reversed(self._children):
            self._stop(child, asked)
        self._signals.release()

    def attend(self) -> None:
        """Keep everything running until SIGTERM, SIGINT or SIGHUP."""
        self._signals.hold()
        while not self._signals.requests:
            if self._database is not None and self._database.revive():
                self._say("the database had ended; it runs again")
            for child in self._children:
                self._restart_if_due(child)
            self._signals.wait(self._pause())

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            child.part.command,
            env=child.part.environment,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
            pass_fds=child.part.descriptors,
            process_group=0,
            preexec_fn=end_with_parent(signal.SIGTERM),
        )
        child.started, child.due = time.monotonic(), None

    def _await_ready(self, child: _Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not child.part.ready():
            if self._signals.requests:
                raise StopRequested
            if child.process is not None and child.process.poll() is not None:
                raise PartFailed(f"{child.part.name} {_ending(child.process.returncode)} while starting")
            if time.monotonic() > deadline:
                raise PartFailed(f"{child.part.name} was not ready after {READY_SECONDS:.0f} s")
            self._signals.wait(POLL_SECONDS)

    def _restart_if_due(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            _kill_group(child.process)
            steady = now - child.started > STEADY_SECONDS
            child.crashes = 1 if steady else child.crashes + 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (child.crashes - 1))
            self._say(
                f"{child.part.name} {_ending(child.process.returncode)}; it starts again in {pause:.1f} s"
            )
            child.process, child.due = None, now + pause
        if child.due is not None and child.due <= now:
            self._start(child)
            self._say(f"{child.part.name} runs again")

    def _pause(self) -> float | None:
        """Seconds until something is due; None when only a signal can bring news."""
        due = [child.due for child in self._children if child.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _stop(self, child: _Child, asked: int) -> None:
        """Ask the part to end, and end its whole group when it has, takes too long, or we are asked again."""
        if child.process is None:
            return
        if child.process.poll() is None:
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while (
            child.process.poll() is None and self._signals.requests == asked and time.monotonic() < deadline
        ):
            self._signals.wait(max(0.0, deadline - time.monotonic()))
        if child.process.poll() is None:
            self._say(f"{child.part.name} did not stop when asked; it is killed")
        _kill_group(child.process)
        child.process.wait()
        child.process = None


def _ending(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """What a part leaves behind must not hold its port or its place."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class _Signals:
    """Counts the requests to stop, and wakes whoever waits for those and for the end of a child."""

    def __init__(self) -> None:
        self.requests = 0
        self._raising = False
        self._former: dict[signal.Signals, object] = {}

    def catch(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._former_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                self._former[number] = signal.signal(number, self._request)
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)

    def release(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def raise_at_once(self) -> None:
        self._raising = True
        if self.requests:
            raise StopRequested

    def hold(self) -> None:
        self._raising = False

    def wait(self, seconds: float | None) -> None:
        """Until a signal comes or the time is over."""
        select.select([self._reader], [], [], seconds)
        try:
            os.read(self._reader, 4096)
        except BlockingIOError:
            return

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requests += 1
        if self._raising:
            raise StopRequested
