"""Looking at cases, queues, read models, keys, messages and the clock."""

import json
from uuid import UUID, uuid4

import click
import psycopg
import pytest

import recourse
from domain.events import CaseFiled
from infrastructure.demo.cases import example_cases


def test_a_case_is_shown_by_its_id_and_by_its_number(recourse_on, three_cases):
    by_id = recourse_on.json("case", "show", three_cases[0]["case_id"])
    by_number = recourse_on.json("case", "show", three_cases[0]["number"])
    assert by_id == by_number
    assert by_id["stage"] == "filed"
    assert three_cases[0]["number"] in recourse_on("case", "show", three_cases[0]["case_id"]).stdout


def test_texts_and_contacts_stay_sealed_on_the_command_line(recourse_on, three_cases):
    written = [case["statement"] for case in list(example_cases())[:3]]
    for row in three_cases:
        shown = "".join(
            recourse_on("case", command, row["case_id"], *form).output
            for command in ("show", "history", "replay")
            for form in ((), ("--json",))
        )
        assert not [text for text in written if text in shown]


def test_the_history_names_every_fact_and_who_recorded_it(recourse_on, three_cases):
    (fact,) = recourse_on.json("case", "history", three_cases[0]["number"])["data"]
    assert (fact["type"], fact["version"]) == ("CaseFiled", 1)
    assert fact["actor"] == {"id": "buyer-app", "role": "buyer-integration"}
    assert "CaseFiled" in recourse_on("case", "history", three_cases[0]["number"]).stdout


def test_a_replay_tells_what_the_case_was_after_each_fact(recourse_on, three_cases):
    (step,) = recourse_on.json("case", "replay", three_cases[0]["case_id"], "--version", "1")["data"]
    assert (step["version"], step["fact"], step["stage"]) == (1, "CaseFiled", "filed")
    assert "CaseFiled" in recourse_on("case", "replay", three_cases[0]["case_id"]).stdout


@pytest.mark.parametrize(
    "group",
    [(), *((name,) for name, one in recourse.main.commands.items() if isinstance(one, click.Group))],
    ids=" ".join,
)
def test_help_says_of_every_command_what_it_does_in_a_whole_sentence(bare, group):
    shown = " ".join(bare(*group, "--help").output.partition("Commands:")[2].split())
    command = recourse.main.commands[group[0]] if group else recourse.main
    assert isinstance(command, click.Group)
    for name, one in command.commands.items():
        assert f"{name} {one.get_short_help_str(10_000)}" in shown


@pytest.mark.parametrize("name", [str(uuid4()), "AS-20260101-0000000000"])
def test_a_case_that_is_not_there_is_told(recourse_on, name):
    result = recourse_on("case", "show", name, code=1)
    assert "there is no case" in result.stderr
    assert "next: recourse queue" in result.stderr


def test_the_queue_is_shown_with_its_counts(recourse_on, three_cases):
    shown = recourse_on("queue").stdout
    assert "3 open, 0 overdue" in shown
    assert all(row["number"] in shown for row in three_cases)
    assert recourse_on.json("queue", "execution")["data"] == []


def test_the_read_models_are_shown_with_their_lag(recourse_on, three_cases):
    found = {one["name"]: one for one in recourse_on.json("projections", "status")["data"]}
    assert found["review_queue"]["lag_events"] == 0
    assert "review_queue" in recourse_on("projections", "status").stdout


def test_a_difference_is_found_ends_with_3_and_a_rebuild_mends_it(recourse_on, three_cases):
    recourse_on("projections", "diff", "review_queue")
    with psycopg.connect(recourse_on.url) as connection:
        connection.execute("DELETE FROM review_queue_v3 WHERE number = %s", (three_cases[0]["number"],))
    result = recourse_on("projections", "diff", "review_queue", code=3)
    assert "1 missing" in result.stdout
    assert three_cases[0]["case_id"] in result.stdout
    recourse_on("projections", "rebuild", "review_queue", "--dry-run", code=3)
    assert len(recourse_on.json("queue")["data"]) == 2
    recourse_on("projections", "rebuild", "review_queue")
    assert len(recourse_on.json("queue")["data"]) == 3
    recourse_on("projections", "diff", "review_queue")


def test_a_read_model_is_shown_as_it_stood_at_an_instant(recourse_on, three_cases):
    with psycopg.connect(recourse_on.url) as connection:
        recorded = connection.execute("SELECT recorded_at FROM events ORDER BY position").fetchall()
    show = ("projections", "show", "review_queue", "--at")
    lines = recourse_on(*show, recorded[1][0].isoformat(), "--json").stdout.splitlines()
    assert {json.loads(line)["number"] for line in lines} == {row["number"] for row in three_cases[:2]}
    assert recourse_on(*show, "2020-01-01", "--json").stdout == ""
    shown = recourse_on(*show, "2099-01-01T00:00:00Z", "--limit", "1")
    assert "review_queue: 3 rows" in shown.stdout
    assert sum(row["case_id"] in shown.stdout for row in three_cases) == 1
    assert "1 of 3 rows" in shown.stderr
    recourse_on(*show, "yesterday", code=2)


def test_parked_cases_are_listed_and_one_that_is_not_parked_is_told(recourse_on, three_cases):
    assert recourse_on.json("projections", "parked")["data"] == []
    assert recourse_on("projections", "parked").stdout == "Parked cases: none\n"
    result = recourse_on("projections", "replay", three_cases[0]["case_id"], code=1)
    assert f"no read model waits with case {three_cases[0]['case_id']}" in result.stderr
    assert "next: recourse projections parked" in result.stderr


class Noticing:
    """A process that does nothing but take notice."""

    name = "noticing"
    reads = frozenset({CaseFiled})

    def __init__(self):
        self.noticed = []

    def react(self, recorded):
        self.noticed.append(recorded.fact.originator_id)


@pytest.fixture
def noticing(monkeypatch):
    process = Noticing()
    monkeypatch.setattr(recourse.Parts, "processes", (process,))
    return process


def test_the_processes_are_shown_with_their_lag(recourse_on, three_cases, noticing):
    (found,) = recourse_on.json("processes", "status")["data"]
    assert (found["name"], found["lag_events"], found["holder"]) == ("noticing", 3, None)
    assert "noticing" in recourse_on("processes", "status").stdout


def test_parked_streams_are_listed_and_a_replay_mends_them(recourse_on, three_cases, noticing):
    case_id = UUID(three_cases[0]["case_id"])
    with psycopg.connect(recourse_on.url) as connection:
        connection.execute("INSERT INTO processes (name, position) VALUES ('noticing', %s)", (1 << 62,))
        connection.execute(
            "INSERT INTO parked_streams (process, stream_id, version, position, topic, error)"
            " VALUES ('noticing', %s, 1, 1, 'CaseFiled', 'ValueError')",
            (case_id,),
        )
    (parked,) = recourse_on.json("processes", "parked")["data"]
    assert (parked["process"], parked["stream_id"], parked["error"]) == (
        "noticing",
        str(case_id),
        "ValueError",
    )
    assert str(case_id) in recourse_on("processes", "parked").stdout
    assert "noticing: mended" in recourse_on("processes", "replay", "noticing", str(case_id)).stdout
    assert noticing.noticed == [case_id]
    assert recourse_on.json("processes", "parked")["data"] == []


def test_what_no_process_waits_with_is_told(recourse_on, noticing):
    stream = str(uuid4())
    unknown = recourse_on("processes", "replay", "nonsense", stream, code=1)
    assert "there is no process nonsense" in unknown.stderr
    assert "next: recourse processes status" in unknown.stderr
    idle = recourse_on("processes", "replay", "noticing", stream, code=1)
    assert f"noticing does not wait with stream {stream}" in idle.stderr
    assert "next: recourse processes parked" in idle.stderr


def test_a_key_is_shown_once_listed_without_its_secret_and_ends_when_revoked(recourse_on):
    assert (
        "would make"
        in recourse_on("key", "create", "--role", "agent", "--subject", "ann", "--dry-run").stdout
    )
    secret = recourse_on("key", "create", "--role", "agent", "--subject", "ann", "--days", "3").stdout.strip()
    _, key_id, hidden = secret.split("_", 2)
    listed = recourse_on("key", "list").stdout
    assert key_id in listed
    assert "valid" in listed
    assert hidden not in listed + str(recourse_on.json("key", "list"))
    recourse_on("key", "revoke", key_id, "--dry-run")
    assert recourse_on.json("key", "list")["data"][0]["revoked_at"] is None
    recourse_on("key", "revoke", key_id)
    assert "revoked" in recourse_on("key", "list").stdout
    assert "next: recourse key list" in recourse_on("key", "revoke", key_id, code=1).stderr


def test_only_a_merchants_key_names_a_merchant(recourse_on):
    recourse_on("key", "create", "--role", "merchant", "--subject", "bob", code=2)
    recourse_on("key", "create", "--role", "agent", "--subject", "bob", "--merchant", "m-1", code=2)
    recourse_on("key", "create", "--role", "merchant", "--subject", "bob", "--merchant", "m-1")


@pytest.mark.parametrize("name", ["", " ", "li wei ", "li\nwei", "x" * 129])
def test_what_names_nobody_gets_no_key_and_files_nothing(recourse_on, name):
    for words in (
        ("key", "create", "--role", "agent", "--subject", name),
        ("key", "create", "--role", "agent", "--subject", name, "--dry-run"),
        ("key", "create", "--role", "merchant", "--subject", "bob", "--merchant", name),
        ("file", "--from", "-", "--as", name),
        ("clock", "acknowledge", str(uuid4()), "--as", name),
    ):
        assert "printable characters" in recourse_on(*words, code=2).stderr
    assert recourse_on.json("key", "list")["data"] == []


def test_the_outbox_and_the_clock_say_how_they_stand(recourse_on, three_cases):
    assert "0 waiting; 0 parked" in recourse_on("outbox", "status").stdout
    assert recourse_on.json("outbox", "status")["parked"] == []
    assert "next: recourse outbox status" in recourse_on("outbox", "redeliver", str(uuid4()), code=1).stderr
    assert "0 due times pending" in recourse_on("clock", "status").stdout
    nobody = recourse_on("clock", "acknowledge", str(uuid4()), "--as", "ann", code=1)
    assert "next: recourse clock status" in nobody.stderr


def test_a_parked_message_is_shown_and_delivered_again_on_request(recourse_on, three_cases):
    message_id = uuid4()
    with psycopg.connect(recourse_on.url) as connection:
        connection.execute(
            "INSERT INTO outbox (message_id, case_id, kind, payload, state, attempts, last_error)"
            " VALUES (%s, %s, 'payment', '{}', 'parked', 12, 'given up')",
            (message_id, three_cases[0]["case_id"]),
        )
    assert str(message_id) in recourse_on("outbox", "status").stdout
    recourse_on("outbox", "redeliver", str(message_id))
    assert recourse_on.json("outbox", "status")["status"]["pending"] == 1


def test_an_alarm_of_the_clock_is_shown_and_settled(recourse_on):
    alarm_id = uuid4()
    with psycopg.connect(recourse_on.url) as connection:
        connection.execute(
            "INSERT INTO clock_alarms (alarm_id, process, jump_seconds) VALUES (%s, 'ticker', 4000)",
            (alarm_id,),
        )
    assert f"alarm {alarm_id}" in recourse_on("clock", "status").stdout
    recourse_on("clock", "acknowledge", str(alarm_id), "--as", "ann")
    assert recourse_on.json("clock", "status")["alarms"] == []


def test_migrate_says_what_it_would_do_does_it_and_then_has_nothing_to_do(bare, fresh_database):
    bare.url = fresh_database
    bare.home.mkdir()
    assert "would apply 001_event_store.sql" in bare("migrate", "--dry-run").stdout
    done = bare("migrate").stdout
    assert "applied 001_event_store.sql" in done
    assert "made review_queue_v3" in done
    assert bare("migrate").stdout == "up to date\n"


def test_the_doctor_finds_nothing_wrong_with_a_sound_installation(recourse_on):
    findings = recourse_on.json("doctor")["data"]
    assert {one["level"] for one in findings} <= {"ok", "warning"}
    assert "migrations" in recourse_on("doctor").stdout


def test_the_doctor_ends_with_1_when_something_is_wrong(bare, fresh_database):
    bare.url = fresh_database
    assert "next: recourse migrate" in bare("doctor", code=1).stdout


def test_the_openapi_document_is_printed(bare):
    assert '"/api/v1/cases"' in bare("openapi").stdout


def test_tables_of_older_versions_are_dropped_once_they_are_overtaken(recourse_on):
    assert "no table of an older version is left" in recourse_on("projections", "drop-superseded").stdout
