"""The tour that `recourse demo` gives of a running installation: as a client, over HTTP alone."""

from datetime import UTC, datetime
from time import monotonic

from rich.console import Console
from rich.text import Text

from infrastructure import screen
from infrastructure.demo.client import Client
from infrastructure.demo.story import Story

MERCHANT = "m-2001"
ROWS = 8


def show(console: Console, client: Client) -> None:
    """Drive one case through its whole path, then print its history and the three read models.

    Raises Refused and PaymentsLate.
    """
    _heading(console, "One case through its whole path")
    began = monotonic()
    story = Story(client, datetime.now(UTC))
    for step in story:
        screen.print_step(console, step)
    console.print(Text(f"    from filing to closing in {monotonic() - began:.1f} s", "dim"))
    _history(console, client, story.case_id)
    _read_models(console, client, story.position)


def _history(console: Console, client: Client, case_id: str) -> None:
    case = client.get("reviewer", f"/cases/{case_id}")
    facts = client.get("reviewer", f"/cases/{case_id}/history")["data"]
    _heading(console, f"Its history: {len(facts)} facts, texts opened for the reviewer")
    screen.print_history(console, case, facts)


def _read_models(console: Console, client: Client, position: str) -> None:
    """`min_position` makes each list show at least what the story did."""
    _heading(console, "The three read models")
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
