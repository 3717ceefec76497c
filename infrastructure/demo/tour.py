"""The tour that `recourse demo` gives of a running installation: as a client, over HTTP alone."""

from datetime import UTC, datetime
from time import monotonic
from typing import Any

from rich.console import Console
from rich.text import Text

from infrastructure import screen
from infrastructure.demo.client import Client
from infrastructure.demo.story import Story

MERCHANT = "m-2001"
ROWS = 8


def show(console: Console, client: Client) -> str:
    """Drive one case through its whole path, print its history and what read models say; returns its number.

    Raises Refused and PaymentsLate.
    """
    _heading(console, "One case through its whole path")
    began = monotonic()
    story = Story(client, datetime.now(UTC))
    for step in story:
        screen.print_step(console, step)
    console.print(Text(f"    from filing to closing in {monotonic() - began:.1f} s", "dim"))
    case = client.get("reviewer", f"/cases/{story.case_id}")
    _history(console, client, case)
    _read_models(console, client, _others_claim(client) or story.position)
    return str(case["number"])


def _others_claim(client: Client) -> str | None:
    """The platform's people take the most urgent cases; the position of the last one taken, if any was."""
    taken = [client.post(name, "/queues/review/next", {}) for name in ("reviewer", "reviewer:2", "agent")]
    return next((str(one["position"]) for one in reversed(taken) if one), None)


def _history(console: Console, client: Client, case: dict[str, Any]) -> None:
    case_id = case["case_id"]
    facts = client.get("reviewer", f"/cases/{case_id}/history")["data"]
    _heading(console, f"Its history: {len(facts)} facts, texts opened for the reviewer")
    screen.print_history(console, case, facts)


def _read_models(console: Console, client: Client, position: str) -> None:
    """`min_position` makes each list show at least what the story did."""
    _heading(console, "Read models of all cases")
    counts = client.get("reviewer", "/queues", min_position=position)
    queue = client.get("reviewer", "/queues/review", limit=ROWS, min_position=position)
    screen.print_queue(console, "review", queue, counts)
    ledger = client.get("supervisor", f"/merchants/{MERCHANT}/penalties", limit=ROWS, min_position=position)
    screen.print_penalties(console, MERCHANT, ledger)
    follow_ups = client.get("agent", "/follow-ups", limit=ROWS, min_position=position)
    screen.print_follow_ups(console, follow_ups)
    loops = client.get("agent", "/loops", limit=ROWS, min_position=position)
    screen.print_loops(console, loops)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.rule(Text(text, "bold"), align="left", style="dim")
