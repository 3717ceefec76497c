"""The parts as processes: what they print, and how they end."""

import json
import re
import signal
import stat
from contextlib import closing
from http.client import HTTPConnection

import psutil
import psycopg
import pytest

from infrastructure.demo.cases import COUNT
from infrastructure.embedded import Embedded
from infrastructure.serving import listen


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory):
    """The home that the demos of this module share."""
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture
def demo(bare, demo_home):
    """Runs the demo once; its output."""

    def run(port=0):
        bare.home = demo_home
        process = bare.start("demo", "--once", "--port", str(port))
        children = psutil.Process(process.pid)
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert not children.is_running()
        assert stderr.rstrip().endswith(f"recourse dev --home {demo_home}")
        return stdout

    return run


def test_the_demo_files_its_cases_drives_one_to_its_end_and_stops(demo, demo_home):
    printed = demo()
    assert f"{COUNT} example cases filed" in printed
    assert re.search(r"✓ reviewer +closes the case as compensated +closed", printed)
    for section in (
        "History of AS-",
        "Queue review",
        "Penalties of merchant m-2001",
        "Closed-loop",
        "Open loops",
    ):
        assert section in printed
    assert f"{COUNT} open" in printed
    assert str(demo_home / "credentials.json") in printed
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(demo_home) in str(process.info["cmdline"])
    ]


def test_the_demo_can_be_given_again_on_the_same_home_even_when_its_port_is_taken(demo):
    with listen("127.0.0.1", 0) as taken:
        printed = demo(taken.getsockname()[1])
    assert f"0 example cases filed, {COUNT} were filed before" in printed


CONNECTED = b"""
    SELECT DISTINCT usename FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def test_everything_that_runs_connects_as_the_role_that_changes_no_fact(bare):
    dev = bare.start("dev", "--port", "0")
    try:
        assert dev.stdout.readline()
        with psycopg.connect(str(Embedded.running(bare.home))) as connection:
            assert connection.execute(CONNECTED).fetchall() == [("recourse_app",)]
    finally:
        dev.terminate()
        dev.communicate()


def test_dev_prints_one_line_of_json_and_nothing_else(bare):
    process = bare.start("dev", "--port", "0")
    ready = json.loads(process.stdout.readline())
    assert ready == {
        "url": ready["url"],
        "home": str(bare.home),
        "credentials": str(bare.home / "credentials.json"),
    }
    assert stat.S_IMODE((bare.home / "credentials.json").stat().st_mode) == 0o600
    listed = bare("projections", "status").stdout  # finds the database of the home by itself
    assert "review_queue" in listed
    process.send_signal(signal.SIGTERM)
    rest, stderr = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    assert stderr.rstrip().endswith("stopped")


def test_the_web_server_alone_says_where_it_listens_and_finishes_what_it_began(recourse_on):
    process = recourse_on.start("serve", "--port", "0", WEB_WORKERS="1")
    where = re.search(r"listening on 127\.0\.0\.1:(\d+)", process.stderr.readline())
    assert where
    with closing(HTTPConnection("127.0.0.1", int(where.group(1)), timeout=30)) as connection:
        connection.request("GET", "/livez")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        connection.putrequest("POST", "/api/v1/cases")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "2")
        connection.endheaders()
        connection.send(b"{")
        process.send_signal(signal.SIGTERM)
        connection.send(b"}")
        with connection.getresponse() as answer:
            assert answer.status == 401
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("part", ["work", "tick", "seal"])
def test_a_duty_says_that_it_runs_and_ends_when_it_is_asked_to(recourse_on, part):
    process = recourse_on.start(part)
    first = json.loads(process.stderr.readline())
    assert first["level"] == "info", first
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")


WORK_WITH_A_PROCESS = """
import sys
import recourse
from domain.events import CaseFiled

class Noticing:
    name = "noticing"
    reads = frozenset({CaseFiled})

    def react(self, recorded):
        print(recorded.fact.originator_id, flush=True)

recourse.Parts.processes = (Noticing(),)
recourse.main(["work"])
"""


def test_the_worker_carries_the_processes_along(recourse_on, three_cases):
    process = recourse_on.start(code=WORK_WITH_A_PROCESS)
    noticed = [process.stdout.readline().strip() for _ in three_cases]
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert sorted(noticed) == sorted(row["case_id"] for row in three_cases)
    assert process.returncode == 0, stderr
