"""`recourse erasures`: what was agreed to be erased, and that this database knows it."""

import click

from application.running import Request
from domain.values import Actor, Role
from infrastructure import screen
from infrastructure.commands.terminal import Listing, Parts, as_json, dry_run, out, print_json, with_parts

LEDGER = Request(Actor("ledger", Role.SYSTEM), "erasures-ledger")
"""As what the ledger is applied."""


@click.group(cls=Listing)
def erasures() -> None:
    """See the ledger of erasures, and apply it to a database that was put back."""


@erasures.command("list")
@as_json
@with_parts
def list_erasures(parts: Parts, as_json: bool) -> None:
    """Every erasure of the ledger, and how far it came. It names nobody whose data were erased."""
    found = [(erasure, state.value) for erasure, state in parts.ledger.entries()]
    print_json({"data": [{"erasure": one, "state": state} for one, state in found]}) if as_json else (
        screen.print_erasures(out, found)
    )


@erasures.command("apply")
@as_json
@dry_run
@with_parts
def apply(parts: Parts, as_json: bool, dry_run: bool) -> None:
    """Carry out every erasure of the ledger that this database does not know of. Run it after a restore.

    `recourse serve` does it before it serves. To do it again changes nothing.
    """
    if dry_run:
        out.print(f"would apply {len(parts.ledger.entries())} erasures", highlight=False)
        return
    found = [(one.erasure, one.outcome.value) for one in parts.forgetting.apply_ledger(LEDGER)]
    print_json({"data": [{"erasure": one, "outcome": what} for one, what in found]}) if as_json else (
        screen.print_erasures(out, found)
    )
