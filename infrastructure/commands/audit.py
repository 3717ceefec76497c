"""`recourse audit`: what an auditor asks of the whole log."""

from dataclasses import asdict

import click

from application.audit import recompute
from infrastructure import screen
from infrastructure.commands.terminal import Parts, as_json, err, out, print_json, with_parts
from infrastructure.fact_log import StoredFacts
from infrastructure.progress import progress


@click.group()
def audit() -> None:
    """Prove that the log is what its rules say."""


@audit.command("recompute")
@as_json
@with_parts
def recompute_command(parts: Parts, as_json: bool) -> None:
    """Derive every decision, penalty and due time again. Exit code 3: some are not what the rules say."""
    log = StoredFacts(parts.datastore)
    with progress(err, "deriving again") as done:
        found = list(recompute(log, parts.rulebook, done))
    if as_json:
        print_json({"facts": log.size(), "differences": [asdict(one) for one in found]})
    else:
        screen.print_recomputed(out, log.size(), found)
    if found:
        raise click.exceptions.Exit(3)
