"""`recourse projections`: watch, mend, rebuild, compare and look back at the read models."""

from datetime import datetime
from uuid import UUID

import click

from infrastructure import screen
from infrastructure.commands.terminal import (
    Listing,
    Parts,
    an_instant,
    as_json,
    dry_run,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.progress import progress
from projections.catalogue import ALL

MODELS = {model.name: model for model in ALL}

name_argument = click.argument("name", type=click.Choice(list(MODELS)))


@click.group(cls=Listing)
def projections() -> None:
    """Watch, mend, rebuild, compare and look back at the read models."""


@projections.command()
@as_json
@with_parts
def status(parts: Parts, as_json: bool) -> None:
    """How far each read model is."""
    found = parts.projections.status()
    print_json({"data": found}) if as_json else screen.print_projections(out, found)


@projections.command()
@name_argument
@dry_run
@with_parts
def rebuild(parts: Parts, name: str, dry_run: bool) -> None:
    """Fill a read model anew beside the live one, and swap the two without downtime."""
    if dry_run:
        compare(parts, name, as_json=False)
        return
    with progress(err, f"rebuilding {name}") as done:
        rebuilt = parts.projections.rebuild(name, done)
    out.print(f"{name}: {rebuilt.events:,} facts folded", highlight=False)
    screen.print_difference(out, name, rebuilt.difference)


@projections.command()
@name_argument
@as_json
@with_parts
def diff(parts: Parts, name: str, as_json: bool) -> None:
    """Compare a read model with one folded from the first fact. Exit code 3: they differ."""
    compare(parts, name, as_json)


def compare(parts: Parts, name: str, as_json: bool) -> None:
    """Print in what a read model differs from one folded anew; exit with 3 when it does."""
    with progress(err, f"folding {name} beside the live table") as done:
        difference = parts.projections.diff(name, done)
    print_json(difference) if as_json else screen.print_difference(out, name, difference)
    if difference:
        raise click.exceptions.Exit(3)


@projections.command()
@name_argument
@click.option("--at", required=True, callback=an_instant, help="As known at this instant.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="Print at most so many rows."
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each row instead of a table.")
@with_parts
def show(parts: Parts, name: str, at: datetime, limit: int, as_json: bool) -> None:
    """A read model's rows as they stood at an instant, folded from the facts recorded by then.

    The live table is neither read nor changed.
    """
    found = parts.reader.rows_known(MODELS[name], at, limit)
    if as_json:
        for row in found.rows:
            print_json(row)
    else:
        screen.print_read_model(out, name, MODELS[name].row.KEY, found)
    if found.total > len(found.rows):
        err.print(f"{len(found.rows):,} of {found.total:,} rows; --limit sets how many", highlight=False)


@projections.command()
@as_json
@with_parts
def parked(parts: Parts, as_json: bool) -> None:
    """The cases that a read model waits with, and why."""
    found = parts.projections.parked()
    print_json({"data": found}) if as_json else screen.print_parked(out, found)


@projections.command()
@click.argument("case_id", type=click.UUID)
@with_parts
def replay(parts: Parts, case_id: UUID) -> None:
    """Fold a parked case again, after what made it fail was mended."""
    for name in parts.projections.replay(case_id):
        out.print(f"{name}: mended", highlight=False)


@projections.command("drop-superseded")
@with_parts
def drop_superseded(parts: Parts) -> None:
    """Remove the tables of older versions that the present ones have caught up with."""
    dropped = parts.projections.drop_superseded()
    for table in dropped:
        out.print(f"{table}: dropped", highlight=False)
    if not dropped:
        out.print("no table of an older version is left", highlight=False)
