"""Supervision of parts, with real processes that are really killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

TREE = Path(__file__).parents[2]

# A part notes that it started and that it was asked to stop, and may have a child of its own.
PART = """
import os, signal, subprocess, sys, time
name, diary, mode = sys.argv[1:]
def note(what):
    with open(diary, "a") as stream:
        stream.write(f"{what} {name} {os.getpid()}\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, (lambda *_: note("heard")) if mode == "deaf" else stop)
if mode == "parent":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note(f"child={child.pid}")
if mode == "broken":
    sys.exit(3)
note("started")
while True:
    time.sleep(600)
"""

# The parent: prints one line when all parts run; what it says goes to standard error.
PARENT = """
import json, os, sys
from pathlib import Path
from infrastructure import supervision
from infrastructure.supervision import Part, PartFailed, StopRequested, Supervisor

diary, attends, *modes = sys.argv[1:]
supervision.FIRST_PAUSE = 0.05
supervision.STOP_SECONDS = 0.5 if "deaf-briefly" in modes else 60

class Database:
    asked = 0
    def revive(self):
        self.asked += 1
        return self.asked == 1

def started(name):
    return lambda: Path(diary).exists() and f"started {name} " in Path(diary).read_text()

def part(mode):
    name, _, mode = mode.partition(":")
    command = [sys.executable, "-c", os.environ["PART"], name, diary, mode or "plain"]
    return Part(name, command, dict(os.environ), ready=started(name))

try:
    with Supervisor(
        [part(mode) for mode in modes if mode != "deaf-briefly"],
        say=lambda line: print(line, file=sys.stderr, flush=True),
        database=Database() if attends == "database" else None,
    ) as supervisor:
        print("ready", flush=True)
        if attends == "no":
            sys.stdin.read()
        supervisor.attend()
    print("stopped", flush=True)
except StopRequested:
    print("asked to stop" if attends == "no" else "stopped", flush=True)
except PartFailed as failure:
    print(failure, flush=True)
"""


class Parent:
    """The parent process, what it says, and the diary of its parts."""

    def __init__(self, diary: Path, *arguments: str) -> None:
        self._diary = diary
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, diary, *arguments],
            cwd=TREE,
            env=os.environ | {"PART": PART},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def printed(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()

    def diary(self, what: str) -> list[tuple[str, int]]:
        notes = [line.split() for line in self._diary.read_text().splitlines()]
        return [(name, int(pid)) for noted, name, pid in notes if noted == what]

    def pid(self, name: str) -> int:
        return dict(self.diary("started"))[name]

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def left(self) -> list[int]:
        """Every process that any part was, if it still lives."""
        pids = [int(word) for word in self._diary.read_text().replace("child=", "").split() if word.isdigit()]
        _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], 20)
        return [process.pid for process in alive]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Parent]]:
    started: list[Parent] = []

    def start(*arguments: str) -> Parent:
        started.append(Parent(tmp_path / "diary", *arguments))
        return started[-1]

    yield start
    for parent in started:
        with parent.process as process:
            process.kill()
        assert parent.left() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_parts_start_in_order_and_stop_in_reverse_order(
    start: Callable[..., Parent], number: signal.Signals
) -> None:
    parent = start("yes", "store", "web", "clock")
    assert parent.printed() == "ready"
    assert [name for name, _ in parent.diary("started")] == ["store", "web", "clock"]
    parent.tell(number)
    assert parent.printed() == "stopped"
    assert parent.process.wait(20) == 0
    assert [name for name, _ in parent.diary("stopped")] == ["clock", "web", "store"]


def test_a_part_leads_its_own_process_group(start: Callable[..., Parent]) -> None:
    parent = start("yes", "web")
    parent.printed()
    assert os.getpgid(parent.pid("web")) == parent.pid("web") != os.getpgid(parent.process.pid)


def test_a_part_that_is_killed_starts_again_and_it_is_said(start: Callable[..., Parent]) -> None:
    parent = start("yes", "store", "web")
    parent.printed()
    first, other = parent.pid("web"), parent.pid("store")
    os.kill(first, signal.SIGKILL)
    assert parent.said() == "web was killed by SIGKILL; it starts again in 0.1 s"
    assert parent.said() == "web runs again"
    parent.tell(signal.SIGTERM)
    assert parent.printed() == "stopped"
    assert parent.pid("store") == other
    assert parent.left() == []


def test_a_part_that_keeps_crashing_is_started_less_and_less_often(start: Callable[..., Parent]) -> None:
    parent = start("yes", "web")
    parent.printed()
    pauses = []
    for _ in range(4):
        started = len(parent.diary("started"))
        os.kill(parent.pid("web"), signal.SIGKILL)
        pauses.append(parent.said().split()[-2])
        assert parent.said() == "web runs again"
        while len(parent.diary("started")) == started:
            os.sched_yield()
    assert pauses == ["0.1", "0.1", "0.2", "0.4"]


def test_what_a_crashed_part_had_started_ends_with_it(start: Callable[..., Parent]) -> None:
    parent = start("yes", "web:parent")
    parent.printed()
    child = int(parent._diary.read_text().split("child=")[1].split()[0])
    os.kill(parent.pid("web"), signal.SIGKILL)
    parent.said()
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], 20)
    assert not psutil.pid_exists(child)
    parent.tell(signal.SIGTERM)
    assert parent.printed() == "stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_parent_leaves_no_part_behind(start: Callable[..., Parent]) -> None:
    parent = start("yes", "store", "web")
    parent.printed()
    parent.tell(signal.SIGKILL)
    parent.process.wait(20)
    assert parent.left() == []


def test_a_part_that_is_deaf_to_the_request_is_killed(start: Callable[..., Parent]) -> None:
    parent = start("yes", "web:deaf", "deaf-briefly")
    parent.printed()
    parent.tell(signal.SIGTERM)
    assert parent.said() == "web did not stop when asked; it is killed"
    assert parent.printed() == "stopped"
    assert parent.left() == []


def test_a_second_request_does_not_wait(start: Callable[..., Parent]) -> None:
    parent = start("yes", "web:deaf")
    parent.printed()
    parent.tell(signal.SIGINT)
    while not parent.diary("heard"):
        os.sched_yield()
    parent.tell(signal.SIGINT)
    assert parent.said() == "web did not stop when asked; it is killed"
    assert parent.printed() == "stopped"


def test_a_part_that_fails_at_the_start_stops_the_others(start: Callable[..., Parent]) -> None:
    parent = start("yes", "store", "web:broken")
    assert parent.printed() == "web ended with status 3 while starting"
    assert [name for name, _ in parent.diary("stopped")] == ["store"]


def test_a_request_before_they_are_attended_to_stops_everything(start: Callable[..., Parent]) -> None:
    parent = start("no", "store")
    assert parent.printed() == "ready"
    parent.tell(signal.SIGTERM)
    assert parent.printed() == "asked to stop"
    assert [name for name, _ in parent.diary("stopped")] == ["store"]


def test_a_database_that_died_is_revived_and_it_is_said(start: Callable[..., Parent]) -> None:
    parent = start("database", "web")
    parent.printed()
    assert parent.said() == "the database had ended; it runs again"


def test_nothing_but_the_parent_writes_to_standard_output(
    start: Callable[..., Parent], tmp_path: Path
) -> None:
    loud = "import sys; print('loud', flush=True); sys.stdin.read()"
    script = (
        "import os, sys\n"
        "from infrastructure.supervision import Part, Supervisor\n"
        f"part = Part('loud', [sys.executable, '-c', {loud!r}], dict(os.environ))\n"
        "with Supervisor([part], say=print) as supervisor:\n"
        "    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TREE, capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "loud\n")
