"""What the rules cost: deciding on a long case, reading a whole log again, and a backlog of due times."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from subprocess import PIPE
from subprocess import run as run_process
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from application.audit import recompute
from application.rulebook import OnePolicy
from application.simulation import simulate
from domain.case import Case
from domain.policy import Policy, compiled
from domain.values import Actor, Remedy, RemedyKind, Stage
from infrastructure import projection_tables
from infrastructure.bench.append import scratch_database
from infrastructure.bench.histories import OPENED, Life, awaiting, fill, put
from infrastructure.bench.peak import peak_megabytes
from infrastructure.event_store.connections import Datastore
from infrastructure.fact_log import StoredFacts
from infrastructure.mapper import FactMapper
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_document, default_pack
from infrastructure.read_models import ReadModels
from projections.case_times import CASE_TIMES
from projections.indicators import numbers

EVENTS = 200_000
FEW_EVENTS = 20_000
"""So many to compare the memory with."""

HALF_OF_THE_FILINGS = timedelta(days=30)

FACTS = 60
ROUNDS = 5
DECISIONS = 200
BACKLOG = 10_000

TARGET_MILLISECONDS = 2.0
TARGET_RATE = 20_000
TARGET_BACKLOG_SECONDS = 300

ALL_TIME = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

TIGHTER: dict[str, dict[str, Any]] = {
    "C-1": {"percent": 5, "cap_minor": 10_000},
    "F-1": {"times": 2, "floor_minor": 20_000},
    "M-1": {"term": {"hours": 12}},
    "M-3": {"review": {"hours": 36}, "execute": {"hours": 12}},
    "O-4": {"delay": {"hours": 24}, "attempts": 3},
}
"""What the draft says that is simulated: something of many cases would have been otherwise."""


class Passed(msgspec.Struct, frozen=True):
    """What one process did: facts passed, differences or changes found, seconds, peak megabytes.

    processor: seconds of a core that it used itself.
    """

    facts: int
    found: int
    seconds: float
    processor: float
    megabytes: float

    @property
    def rate(self) -> float:
        """Facts a second."""
        return self.facts / self.seconds

    @property
    def core_rate(self) -> float:
        """Facts that a core passes in a second, whatever else the machine does."""
        return self.facts / self.processor


def run(
    url: str,
    fire: Callable[[str], float],
    events: int = EVENTS,
    few: int = FEW_EVENTS,
    rounds: int = ROUNDS,
    backlog: int = BACKLOG,
) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`; medians of `rounds`.

    `decide_milliseconds`: a case of 60 facts read from its stored form, decided, and its new facts put in
    theirs, without a database. `recompute` and `simulate`: facts a second, each in a process of its own;
    `recompute_core` and `simulate_core`: facts for each second that it used of a core.
    `past_seconds`: for the indicators as of an instant in the past, over the same facts.
    `fire` acts upon everything that is due in a database, and says in how many seconds; `backlog_left` is
    what it left undone.
    """
    result: dict[str, Any] = {"events": events, "few_events": few, "rounds": rounds, "backlog": backlog}
    result["decide_milliseconds"] = median(_decided() for _ in range(rounds))
    with scratch_database(url) as many, scratch_database(url) as some:
        for scratch, amount in ((many, events), (some, few)):
            migrate(scratch)
            fill(scratch, amount, at_once=100)
        for what in ("recompute", "simulate"):
            found = [_in_own_process(what, many) for _ in range(rounds)]
            result[what] = median(one.rate for one in found)
            result[f"{what}_core"] = median(one.core_rate for one in found)
            result[f"{what}_megabytes"] = max(one.megabytes for one in found)
            result[f"{what}_few_megabytes"] = _in_own_process(what, some).megabytes
            result[f"{what}_found"] = found[0].found
        result["past_seconds"], result["past_cases"] = _past(many, rounds)
    with scratch_database(url) as scratch:
        migrate(scratch)
        fill_backlog(scratch, backlog)
        result["backlog_seconds"] = fire(scratch)
        result["backlog_left"] = _overdue(scratch)
    return result


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title="What the rules cost")
    for heading in ("", "measured", "goal"):
        table.add_column(heading)
    decided = f"{result['decide_milliseconds']:.2f} ms"
    table.add_row(f"deciding a case of {FACTS} facts", decided, f"{TARGET_MILLISECONDS:g} ms")
    for what in ("recompute", "simulate"):
        memory = f"{result[f'{what}_few_megabytes']:.0f} to {result[f'{what}_megabytes']:.0f} MB"
        rates = f"{result[what]:,.0f} facts/s, {result[f'{what}_core']:,.0f} for a second of a core"
        table.add_row(what, f"{rates}, {memory}", f"{TARGET_RATE:,} facts/s, flat")
    past = f"{result['past_seconds']:.2f} s, {result['past_cases']:,} cases"
    table.add_row(f"indicators as of the past, {result['events']:,} facts", past, "")
    backlog = f"{result['backlog_seconds']:.0f} s, {result['backlog_left']:,} left"
    table.add_row(f"{result['backlog']:,} due times", backlog, f"{TARGET_BACKLOG_SECONDS} s")
    console.print(table)
    console.print(
        f"memory: over {result['few_events']:,} facts and over {result['events']:,};"
        f" differences found: {result['recompute_found']:,}, cases that the draft changes:"
        f" {result['simulate_found']:,}"
    )


# --- deciding -----------------------------------------------------------------------------------------


def _long_case() -> list[tuple[str, bytes, UUID, int]]:
    """The stored facts of a case in review that has at least 60 of them."""
    stored = FactMapper().to_stored_event
    for seed in range(10_000):
        facts = Life(Random(seed)).facts  # noqa: S311  # the same story every time is the point
        case: Any = None
        for fact in facts:
            case = fact.mutate(case)
            if case.version >= FACTS and case.stage is Stage.IN_REVIEW and case.lease and case.verified:
                known = map(stored, facts[: case.version])
                return [(one.topic, one.state, one.originator_id, one.originator_version) for one in known]
    raise LookupError("no life is so long")


def _decided() -> float:
    """Milliseconds for one decision: the median of many."""
    mapper, policy, rows = FactMapper(), default_pack(), _long_case()
    times = []
    for _ in range(DECISIONS):
        began = perf_counter()
        case: Any = None
        for row in rows:
            case = mapper.decode(*row).mutate(case)
        _decide(case, policy)
        for fact in case.collect_events():
            mapper.to_stored_event(fact)
        times.append((perf_counter() - began) * 1000)
    return median(times)


def _decide(case: Case, policy: Any) -> None:
    lease = case.lease
    if lease is None or case.verified is None:
        raise LookupError("the case cannot be decided")
    by, at = Actor(lease.holder, lease.role), case.verified.timestamp
    goods = Remedy(UUID(int=1), RemedyKind.RETURN)
    case.decide(by, None, UUID(int=2), (goods,), ("Q-1",), case.verified.reasons, policy, at)


# --- the whole log ------------------------------------------------------------------------------------


def _in_own_process(what: str, url: str) -> Passed:
    child = run_process([sys.executable, "-m", __spec__.name, what, url], stdout=PIPE, check=True)
    return msgspec.json.decode(child.stdout, type=Passed)


def main(what: str, url: str) -> None:
    """Pass the whole log once in this process; prints a `Passed` as JSON."""
    datastore = Datastore(url, pool_size=1, max_overflow=0)
    datastore.pool.open()
    log, rules = StoredFacts(datastore), OnePolicy(default_pack())
    began, used = perf_counter(), process_time()
    if what == "recompute":
        found = sum(1 for _ in recompute(log, rules, _untold))
    else:
        found = simulate(log, rules, draft(), *ALL_TIME, _untold).total.changed
    seconds, processor = perf_counter() - began, process_time() - used
    passed = Passed(log.size(), found, seconds, processor, peak_megabytes())
    datastore.close()
    sys.stdout.buffer.write(msgspec.json.encode(passed))


def draft() -> Policy:
    """The built-in policy with a few figures that are tighter."""
    document = default_document()
    rules = {
        **document["rules"],
        **{clause: {**document["rules"][clause], "terms": terms} for clause, terms in TIGHTER.items()},
    }
    return compiled({**document, "version": "bench-draft", "rules": rules})


def _untold(done: int, total: int) -> None:
    """Nobody watches."""


def _past(url: str, rounds: int) -> tuple[float, int]:
    """Seconds for the indicators as of an instant in the past, and of how many cases they then were."""
    with psycopg.connect(url, autocommit=True) as connection:
        projection_tables.Table(CASE_TIMES, CASE_TIMES.table).create(connection)
    datastore = Datastore(url, pool_size=2, max_overflow=0)
    datastore.pool.open()
    reader, at = ReadModels(datastore), OPENED + HALF_OF_THE_FILINGS
    times, cases = [], 0
    for _ in range(rounds):
        began = perf_counter()
        found = reader.read_past(CASE_TIMES, lambda rows, table: numbers(rows, table, at=at), at)
        times.append(perf_counter() - began)
        cases = int(msgspec.json.decode(found)["cases_filed"])
    datastore.close()
    return median(times), cases


# --- a backlog of due times ---------------------------------------------------------------------------

_OVERDUE = "SELECT count(*) FROM deadlines WHERE state = 'pending' AND due <= now()"
_DUE = """
    INSERT INTO deadlines (case_id, clock_id, kind, due)
    SELECT originator_id, (clock->>'clock_id')::uuid, clock->>'kind', (clock->>'due')::timestamptz
    FROM events, LATERAL convert_from(state, 'UTF8') AS text, LATERAL (SELECT text::jsonb) AS parsed (clock)
    WHERE topic = 'ClockStarted' AND clock->>'kind' = 'follow_up'
"""


def fill_backlog(url: str, cases: int) -> None:
    """Put that many cases into an empty, migrated database whose follow-up is due and pending."""
    put(url, awaiting(cases))
    with psycopg.connect(url) as connection:
        connection.execute(_DUE)


def _overdue(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((left,),) = connection.execute(_OVERDUE).fetchall()
    return int(left)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
