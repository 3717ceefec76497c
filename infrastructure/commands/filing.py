"""`recourse file`: cases in bulk, from lines of JSON."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from application.intake import Intake, Outcome, Parse, Refused, Tally, check
from infrastructure.commands.terminal import (
    DoneInPart,
    Door,
    Unusable,
    a_name,
    as_json,
    dry_run,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.credentials import HOLDERS
from infrastructure.progress import progress

INTEGRATION = HOLDERS["buyer-integration"]
"""As whom the command line files, unless told otherwise."""

Reject = Callable[[bytes], object]


def dropped(line: bytes) -> None:
    """What becomes of a refused line that nobody wants back."""


@click.command()
@click.option(
    "--from", "source", required=True, type=click.File("rb"), help="JSON lines; - for standard input."
)
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where refused lines go.")
@click.option(
    "--as",
    "subject",
    default=INTEGRATION.id,
    show_default=True,
    callback=a_name,
    help="Who files: the key's subject.",
)
@dry_run
@as_json
@with_parts
def file(
    parts: Any, source: BinaryIO, errors: Path | None, subject: str, dry_run: bool, as_json: bool
) -> None:
    """File cases in bulk: one JSON object of POST /cases a line, plus an optional "idempotency_key".

    Refused lines are told with their number and reason; the rest is filed. Running it again files nothing
    twice. Exit code 3: some lines were refused; 2: nothing could be done.
    """
    door: Door = click.get_current_context().find_root().obj
    lines = source.readlines()
    if errors and errors.resolve() == Path(str(getattr(source, "name", "-"))).resolve():
        raise Unusable(f"{errors} is the file to be read", "name another --errors file")
    with keeping(errors) as reject:
        if dry_run:
            tally = check_lines(door.parse, lines, reject)
        else:
            tally = file_lines(parts, door.parse, lines, subject, reject)
    if as_json:
        print_json(tally)
    else:
        verb = "could be filed" if dry_run else "filed"
        counts = (
            f"{tally.filed:,} {verb}, {tally.already_filed:,} were filed before, {tally.refused:,} refused"
        )
        out.print(counts, highlight=False)
    if tally.refused:
        where = f"; they are in {errors}" if errors else ""
        raise DoneInPart(f"{tally.refused:,} lines were refused{where}", "mend them, and file them again")


@contextmanager
def keeping(errors: Path | None) -> Iterator[Reject]:
    """Where refused lines go: a file for its owner alone, as they hold what people wrote.

    Raises Unusable when that cannot be written.
    """
    if errors is None:
        yield dropped
        return
    try:
        handle = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Unusable(
            f"{errors} cannot be written: {error.strerror}", "name another --errors file"
        ) from error
    with os.fdopen(handle, "wb") as kept:
        yield kept.write


def file_lines(
    parts: Any, parse: Parse, lines: list[bytes], subject: str = INTEGRATION.id, reject: Reject = dropped
) -> Tally:
    """File the lines as this subject. Raises IntakeInterrupted."""
    intake = Intake(parts.cases, parts.store, parts.vault, parse, replace(INTEGRATION, id=subject))
    with told("filing cases", len(lines)) as note:
        return intake.read(lines, progress=note, reject=reject)


def check_lines(parse: Parse, lines: list[bytes], reject: Reject) -> Tally:
    """What `file_lines` would refuse for the line alone."""
    with told("checking cases", len(lines)) as note:
        return check(lines, parse, progress=note, reject=reject)


@contextmanager
def told(what: str, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show the progress of an intake, and each refusal as it happens."""
    done = 0
    with progress(err, what) as advance:

        def note(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            advance(done, total)
            if isinstance(outcome, Refused):
                reason = f"line {outcome.line}: {outcome.code}: {outcome.reason}"
                err.print(reason, markup=False, highlight=False)

        yield note
