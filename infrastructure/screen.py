"""How answers look in a terminal, to people; without one the same comes as plain lines."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from application.erasures import Erasure
from application.simulation import Simulated
from domain import audit
from domain.case import Case
from domain.events import Fact
from domain.simulation import Tally
from infrastructure.comparison import Change
from infrastructure.demo.story import Step
from infrastructure.doctor import Finding
from infrastructure.jump_guard import Alarm
from infrastructure.keys import ApiKey
from infrastructure.outbox import OutboxStatus, ParkedMessage
from infrastructure.process_supervisor import ParkedStream, ProcessStatus
from infrastructure.projection_supervisor import ParkedCase, ProjectionStatus
from infrastructure.projection_tables import Difference, FirstRows
from infrastructure.ticker import DeadlineStatus
from infrastructure.transparency.verification import Report

Json = dict[str, Any]

LONGEST_REFERENCE = 20

STAGE_COLOURS = {
    "filed": "cyan",
    "in_review": "yellow",
    "executing": "magenta",
    "following_up": "blue",
    "closed": "green",
    "withdrawn": "dim",
    "expired": "dim",
}
ROLE_COLOURS = {
    "buyer-integration": "cyan",
    "reviewer": "yellow",
    "supervisor": "magenta",
    "agent": "blue",
    "merchant": "red",
    "gateway": "green",
    "system": "green",
}


def print_step(console: Console, step: Step) -> None:
    """One line: who did what, the stage and the version that the case has now."""
    line = Text.assemble(
        ("  ✓ ", "green"),
        (f"{step.who:<18}", _role_colour(step.who)),
        f"{step.what:<48}",
        (f"{step.answer['stage']:<13}", STAGE_COLOURS.get(step.answer["stage"], "")),
        (f"v{step.answer['version']}", "dim"),
    )
    console.print(line)


def print_history(console: Console, case: Json, facts: Iterable[Json]) -> None:
    """Every fact of the case in order: its version, when, who, and what it says in short."""
    table = _table(f"History of {case['number']}")
    table.add_column("v", justify="right", style="dim")
    table.add_column("recorded", style="dim", no_wrap=True)
    table.add_column("fact", style="bold", no_wrap=True)
    table.add_column("by", no_wrap=True)
    table.add_column("says", overflow="fold")
    for fact in facts:
        role = fact["actor"]["role"]
        table.add_row(
            str(fact["version"]),
            _clock(fact["recorded_at"]),
            fact["type"],
            Text(role, _role_colour(role)),
            Text(_says(fact["data"])),
        )
    console.print(table)


def print_queue(console: Console, name: str, page: Json, counts: Json) -> None:
    """The head of a queue, most urgent first."""
    count = next(queue for queue in counts["data"] if queue["name"] == name)
    table = _table(f"Queue {name}: {count['open']:,} open, {count['overdue']:,} overdue")
    for name in ("number", "stage", "type", "merchant", "due", "claimed by"):
        table.add_column(name, no_wrap=True)
    for row in page["data"]:
        table.add_row(
            row["number"],
            Text(row["stage"], STAGE_COLOURS.get(row["stage"], "")),
            row["case_type"],
            row["merchant_id"],
            _clock(row["due"]),
            row["claimed_by"] or "-",
        )
    console.print(table)


def print_penalties(console: Console, merchant_id: str, page: Json) -> None:
    """A merchant's penalties with their totals."""
    totals = page["totals"]
    live = f"{totals['points_live']} points and {totals['fine_minor_live'] / 100:,.2f} CNY live"
    table = _table(f"Penalties of merchant {merchant_id}: {live}")
    for name in ("penalty", "case", "points", "fine", "clause", "state", "assessed"):
        table.add_column(name, no_wrap=True)
    for row in page["data"]:
        table.add_row(
            row["penalty_id"][:8],
            row["case_id"][:8],
            str(row["points"]),
            _money(row["fine"]),
            row["clause"],
            row["state"],
            _clock(row["assessed_at"]),
        )
    console.print(table)


def print_policy(console: Console, policy: Json) -> None:
    """Every rule of a policy: what it says, where that stands, and how well it is known."""
    table = _table(f"Policy {policy['version']}, {policy['state']}: {_rules(policy)}")
    for name in ("rule", "what", "figure", "source", "confidence", "applies", "counts"):
        table.add_column(name, overflow="fold")
    for row in policy["data"]:
        style = "" if row["enabled"] else "dim"
        table.add_row(
            row["rule"],
            row["title"]["en"],
            row["figure"],
            row["source"],
            row["confidence"],
            row["applies"],
            "yes" if row["enabled"] else "disabled",
            style=style,
        )
    console.print(table)
    console.print(CONFIDENCE, style="dim")


CONFIDENCE = (
    "confidence A: the text was read; B: a secondary text was; C: unverified; H: the operator's choice"
)


def print_policy_summary(console: Console, policy: Json) -> None:
    """What a sound policy holds."""
    console.print(f"{policy['version']} is sound: {_rules(policy)}", highlight=False)
    console.print(f"SHA-256 {policy['sha256']}", highlight=False)


def print_policy_faults(console: Console, name: str, faults: Iterable[Json]) -> None:
    """Every fault of a policy document with its place."""
    table = _table(f"Faults of {name}")
    table.add_column("where", no_wrap=True)
    table.add_column("what", overflow="fold")
    for fault in faults:
        table.add_row(Text(fault["path"] or "/"), Text(fault["detail"]))
    console.print(table)


def _rules(policy: Json) -> str:
    known = ", ".join(f"{count} {letter}" for letter, count in policy["confidence"].items())
    disabled = f"; disabled: {', '.join(policy['disabled'])}" if policy["disabled"] else ""
    return f"{policy['rules']} rules ({known}){disabled}"


def print_follow_ups(console: Console, follow_ups: Json) -> None:
    """The follow-ups, the first due on top."""
    table = _table("Closed-loop follow-up")
    for name in ("follow-up", "case", "merchant", "due", "state", "attempts"):
        table.add_column(name, no_wrap=True)
    for row in follow_ups["data"]:
        table.add_row(
            row["follow_up_id"][:8],
            row["case_id"][:8],
            row["merchant_id"],
            _clock(row["due"]),
            row["state"],
            str(row["attempts"]),
        )
    console.print(table)


def print_loops(console: Console, loops: Json) -> None:
    """Why the oldest open cases are open."""
    table = _table("Open loops, oldest first")
    for name in ("case", "open because", "hours"):
        table.add_column(name, no_wrap=True)
    for row in loops["data"]:
        table.add_row(row["case_id"][:8], ", ".join(row["open_because"]), f"{row['age_hours']:.1f}")
    console.print(table)


def print_case(console: Console, case: Json) -> None:
    """The case as it is now."""
    order = case["order"]
    rows = {
        "stage": f"{case['stage']}, round {case['round']}, version {case['version']}",
        "type": f"{case['case_type']}, {case['reason']}, through {case['channel']}",
        "order": f"{order['order_id']} line {order['line_id']}: {order['title']}, {_money(order['paid'])}",
        "merchant": case["merchant_id"],
        "claim": _claim(case["claim"]),
        "objections": ", ".join(f"{one['clause']} {one['reason']}" for one in case["objections"]),
        "finding": " · ".join(filter(None, [case["finding"], _shares(case["liability"])])),
        "compensations": [f"{one['kind']} {_value(one)} {one['state']}" for one in case["compensations"]],
        "goods": [f"{one['kind']} {one['state']}" for one in case["goods"]],
        "penalties": [
            f"{one['points']} points, {_money(one['fine'])}, {one['state']}" for one in case["penalties"]
        ],
        "rectification": case["rectification"] and case["rectification"]["state"],
        "follow-ups": [f"{one['state']}, due {_clock(one['due'])}" for one in case["follow_ups"]],
        "claimed by": case["lease"] and case["lease"]["holder"],
    }
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = f"Case {case['number']}", "left", "bold"
    for name, value in rows.items():
        text = "\n".join(value) if isinstance(value, list) else value
        if text:
            table.add_row(Text(name, "dim"), Text(str(text)))
    console.print(table)


def print_changes(console: Console, number: str, found: Sequence[Change]) -> None:
    """What changed of a case between two instants."""
    table = _table(f"Case {number}: what changed")
    for name in ("member", "then", "later"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(Text(one.path), *(Text(_plain(value)) for value in (one.before, one.after)))
    console.print(table if found else "nothing changed")


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """What a case was after one of its facts."""

    version: int
    fact: str
    stage: str
    round: int
    holder: str | None
    money: dict[str, int]
    """Money lines by their state."""
    clocks: int
    """Clocks that run."""

    @classmethod
    def of(cls, case: Case, fact: Fact) -> "ReplayStep":
        """The case as this fact left it."""
        money = Counter(line.state.value for line in case.money.lines.values())
        holder = case.lease.holder if case.lease else None
        clocks = len(case.clocks.running)
        name = type(fact).__name__
        return cls(fact.originator_version, name, case.stage, case.round, holder, dict(money), clocks)


def print_replay(console: Console, steps: Iterable[ReplayStep]) -> None:
    """The case after each of its facts."""
    table = _table("The case after each fact")
    for name in ("v", "fact", "stage", "round", "claimed by", "money", "clocks"):
        table.add_column(name, justify="right" if name in ("v", "round", "clocks") else "left")
    for step in steps:
        table.add_row(
            str(step.version),
            Text(step.fact, "bold"),
            Text(step.stage, STAGE_COLOURS.get(step.stage, "")),
            str(step.round),
            step.holder or "-",
            ", ".join(f"{count} {state}" for state, count in step.money.items()) or "-",
            str(step.clocks),
        )
    console.print(table)


def print_projections(console: Console, status: Iterable[ProjectionStatus]) -> None:
    """How far each read model is."""
    table = _table("Read models")
    for name in ("read model", "table", "lag", "seconds", "parked", "kept by"):
        table.add_column(name, justify="right" if name in ("lag", "seconds", "parked") else "left")
    for one in status:
        lag = Text(f"{one.lag_events:,}", "green" if one.lag_events == 0 else "yellow")
        parked = Text(str(one.parked), "red" if one.parked else "")
        table.add_row(one.name, one.table, lag, f"{one.lag_seconds:.1f}", parked, one.holder or "nobody")
    console.print(table)


def print_read_model(console: Console, name: str, key: str, found: FirstRows) -> None:
    """Rows of a read model by their keys."""
    table = _table(f"{name}: {found.total:,} rows")
    table.add_column(key, no_wrap=True)
    table.add_column("row", overflow="fold")
    for row in found.rows:
        values = (f"{column} {_cell(value)}" for column, value in row.items() if column != key)
        table.add_row(str(row[key]), Text(" · ".join(values)))
    _print_rows(console, table)


def print_difference(console: Console, name: str, difference: Difference) -> None:
    """In what a live table differed from one folded from the first fact."""
    if not difference:
        console.print(f"{name}: the live table is what its facts say", highlight=False)
        return
    counts = f"{difference.missing} missing, {difference.extra} too many, {difference.changed} changed"
    console.print(f"{name}: {counts}", style="red", highlight=False)
    for case_id in difference.cases:
        console.print(f"  case {case_id}", highlight=False)


def print_recomputed(console: Console, facts: int, differences: Sequence[audit.Difference]) -> None:
    """What is stored otherwise than the rules derive it."""
    if not differences:
        console.print(f"{facts:,} facts: everything that was decided is what the rules say", highlight=False)
        return
    console.print(f"{facts:,} facts, {len(differences):,} differences", style="red", highlight=False)
    table = _table("Not what the rules say")
    for name in ("case", "version", "fact", "part", "stored", "derived"):
        table.add_column(name, overflow="fold")
    for one in differences:
        table.add_row(str(one.stream), str(one.version), one.fact, one.part, one.stored, one.derived)
    console.print(table)


def print_verified(console: Console, report: Report) -> None:
    """What was recomputed, and the first of what is not as it was sealed."""
    sound = "everything is as it was sealed" if not report.faults else f"{report.faults:,} faults"
    console.print(
        f"{report.origin}: {report.leaves:,} leaves, {report.facts:,} facts, {report.maps:,} case maps,"
        f" {report.checkpoints:,} checkpoints; {sound}",
        style="red" if report.faults else None,
        highlight=False,
    )
    for what in report.compared:
        console.print(f"compared with {what}", highlight=False)
    console.print(f"{report.unsealed:,} facts wait to be sealed", highlight=False)
    if report.first:
        table = _table("Not as it was sealed")
        for name in ("table", "number", "case", "version", "column", "what"):
            table.add_column(name, overflow="fold")
        for one in report.first:
            named = [one.table, one.index, one.case, one.version, one.column, one.what]
            table.add_row(*("" if value is None else str(value) for value in named))
        console.print(table)


def print_simulated(console: Console, said: Simulated) -> None:
    """What would have been otherwise, by merchant and type."""
    span = f"{_moment(said.begins)} to {_moment(said.ends)}"
    console.print(f"{said.draft} over {span}: {said.total.changed:,} of {said.total.cases:,} cases change")
    table = _table("As it was, and under the draft")
    for name in ("merchant", "type", "cases", "changed", "cost", "points", "fines", "missed"):
        table.add_column(name, justify="left" if name in ("merchant", "type") else "right")
    for (merchant, kind), tally in sorted(said.groups.items()):
        table.add_row(merchant, kind, *_tally(tally))
    table.add_section()
    table.add_row("all", "", *_tally(said.total))
    console.print(table)


def _tally(tally: Tally) -> tuple[str, ...]:
    return (
        f"{tally.cases:,}",
        f"{tally.changed:,}",
        f"{tally.cost / 100:,.2f} > {tally.cost_simulated / 100:,.2f}",
        f"{tally.points:,} > {tally.points_simulated:,}",
        f"{tally.fines / 100:,.2f} > {tally.fines_simulated / 100:,.2f}",
        f"{tally.missed:,} > {tally.missed_simulated:,}",
    )


def print_outbox(console: Console, status: OutboxStatus, parked: Iterable[ParkedMessage]) -> None:
    """How the outbox stands, and what waits for a person."""
    since = f", the oldest since {_moment(status.oldest_pending)}" if status.oldest_pending else ""
    console.print(f"{status.pending:,} waiting{since}; {status.parked:,} parked", highlight=False)
    table = _table("Parked messages")
    for name in ("message", "case", "kind", "attempts", "since", "error"):
        table.add_column(name, overflow="fold")
    for one in parked:
        ids, since = (str(one.message_id), str(one.case_id)), _moment(one.created_at)
        table.add_row(*ids, one.kind, str(one.attempts), since, one.last_error)
    if table.row_count:
        console.print(table)


def print_clock(console: Console, status: DeadlineStatus, alarms: Iterable[Alarm]) -> None:
    """How the due times stand, and the alarms that hold them."""
    first = f", the first due {_moment(status.first_due)}" if status.first_due else ""
    console.print(f"{status.pending:,} due times pending{first}; {status.overdue:,} overdue", highlight=False)
    for alarm in alarms:
        what = f"{alarm.process} saw a jump of {alarm.jump_seconds:+.0f} s at {_moment(alarm.raised_at)}"
        console.print(f"alarm {alarm.alarm_id}: {what}", style="red", highlight=False)


LEVELS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


def print_findings(console: Console, findings: Iterable[Finding]) -> None:
    """What was looked at, and what to run where something is wrong."""
    table = Table.grid(padding=(0, 1))
    for finding in findings:
        mark, colour = LEVELS[finding.level]
        table.add_row(Text(mark, colour), Text(finding.check, "bold"), Text(finding.detail))
        if finding.mend:
            table.add_row("", "", Text(f"next: {finding.mend}", "dim"))
    console.print(table)


def print_parked(console: Console, parked: Iterable[ParkedCase]) -> None:
    """The cases that a read model waits with, and why."""
    table = _table("Parked cases")
    for name in ("read model", "case", "from version", "fact", "waiting", "since", "error"):
        table.add_column(name, overflow="fold")
    for one in parked:
        table.add_row(
            one.name,
            str(one.case_id),
            str(one.version),
            one.topic,
            str(one.waiting),
            _moment(one.parked_at),
            one.error,
        )
    _print_rows(console, table)


def print_processes(console: Console, status: Iterable[ProcessStatus]) -> None:
    """How far each process is."""
    table = _table("Processes")
    for name in ("process", "lag", "seconds", "parked", "led by"):
        table.add_column(name, justify="right" if name in ("lag", "seconds", "parked") else "left")
    for one in status:
        lag = Text(f"{one.lag_events:,}", "green" if one.lag_events == 0 else "yellow")
        parked = Text(str(one.parked), "red" if one.parked else "")
        table.add_row(one.name, lag, f"{one.lag_seconds:.1f}", parked, one.holder or "nobody")
    console.print(table)


def print_parked_streams(console: Console, parked: Iterable[ParkedStream]) -> None:
    """The streams that a process waits with, and why."""
    table = _table("Parked streams")
    for name in ("process", "stream", "from version", "fact", "since", "error"):
        table.add_column(name, overflow="fold")
    for one in parked:
        stream, since = str(one.stream_id), _moment(one.parked_at)
        table.add_row(one.process, stream, str(one.version), one.topic, since, one.error)
    _print_rows(console, table)


def print_keys(console: Console, keys: Iterable[ApiKey], at: datetime) -> None:
    """Every API key; never a secret."""
    table = _table("API keys")
    for name in ("key", "role", "subject", "merchant", "state", "made", "last used"):
        table.add_column(name, no_wrap=True)
    for key in keys:
        state = (
            Text("valid", "green")
            if key.valid(at)
            else Text("revoked" if key.revoked_at else "expired", "red")
        )
        used = f"{key.last_used_at.astimezone():%m-%d %H:%M}" if key.last_used_at else "-"
        actor, made = key.actor, f"{key.created_at.astimezone():%Y-%m-%d}"
        table.add_row(key.key_id, actor.role, actor.id, actor.merchant_id or "-", state, made, used)
    _print_rows(console, table)


def print_erasures(console: Console, erasures: Iterable[tuple[Erasure, str]]) -> None:
    """Every erasure of the ledger, with how far it came or what was made of it."""
    table = _table("Erasures")
    for name in ("state", "case", "party", "at", "agreed by"):
        table.add_column(name, no_wrap=True)
    for one, state in erasures:
        people, at = f"{one.proposed_by}, {one.by}", f"{one.at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(state, str(one.case_id), one.party, at, people)
    _print_rows(console, table)


def _print_rows(console: Console, table: Table) -> None:
    """The table, or that there is nothing in it."""
    console.print(table if table.row_count else f"{table.title}: none")


def _table(title: str) -> Table:
    return Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _role_colour(who: str) -> str:
    return ROLE_COLOURS.get(who.partition(":")[0], "")


def _clock(stamp: str | None) -> str:
    return "-" if stamp is None else _moment(datetime.fromisoformat(stamp))


def _cell(value: object) -> str:
    return "-" if value is None else _moment(value) if isinstance(value, datetime) else str(value)


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%m-%d %H:%M:%S}"


def _money(amount: Json | None) -> str:
    return "-" if amount is None else f"{amount['amount_minor'] / 100:,.2f} {amount['currency']}"


SAYS: dict[str, Callable[[Any], str]] = {
    "finding": str,
    "liability": lambda shares: _shares(shares),
    "remedies": lambda remedies: ", ".join(one["kind"] for one in remedies),
    "clauses": ", ".join,
    "kind": str,
    "attempt": lambda number: f"attempt {number}",
    "amount": _money,
    "payer": lambda payer: f"from the {payer}",
    "reference": lambda reference: _shortened(reference),
    "points": lambda points: f"{points} points" if points else "",
    "fine": _money,
    "clause": str,
    "holder": str,
    "cause": str,
    "due": lambda due: f"due {_clock(due)}",
    "channel": str,
    "outcome": str,
    "satisfied": lambda yes: "satisfied" if yes else "not satisfied",
    "resolution": str,
    "case_type": str,
    "reason": lambda reason: reason if isinstance(reason, str) else "",  # sealed for a failed payment
    "statement": lambda text: _quoted(text),
    "title": lambda text: _quoted(text),
    "terms": lambda text: _quoted(text),
    "text": lambda text: _quoted(text),
    "reasons": lambda text: _quoted(text),
    "suggestion": lambda text: _quoted(text),
}
"""What of a fact's content is worth a word in one line, and how it is put."""


def _says(data: Json) -> str:
    words = (say(data[name]) for name, say in SAYS.items() if data.get(name) is not None)
    return " · ".join(word for word in words if word)


def _shortened(reference: str) -> str:
    return reference if len(reference) <= LONGEST_REFERENCE else f"{reference[: LONGEST_REFERENCE - 1]}…"


def _quoted(text: object) -> str:
    """A text that was opened; one that stays sealed says nothing."""
    return f"“{text}”" if isinstance(text, str) else ""


def _shares(liability: Iterable[Json]) -> str:
    return ", ".join(f"{one['party']} {one['share']} %" for one in liability)


def _value(line: Json) -> str:
    return f"{line['points']} points" if line["points"] else _money(line["amount"])


def _claim(claim: Json) -> str:
    return " ".join([", ".join(claim["remedies"]) or "an answer", _money(claim["amount"])])
