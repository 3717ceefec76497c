"""`recourse audit verify` and `reopen`: the whole transparency log recomputed, or begun anew after a loss."""

from dataclasses import asdict
from pathlib import Path

import click

from infrastructure import screen
from infrastructure.commands.terminal import (
    Failure,
    Parts,
    Unusable,
    as_json,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.progress import Done, progress
from infrastructure.settings import Settings
from infrastructure.transparency import reopening, signing
from infrastructure.transparency.notes import KeyInvalid, NoteInvalid, Verifier, checkpoint
from infrastructure.transparency.sealer import AnotherSealer
from infrastructure.transparency.signing import KeptCheckpoint, LogKeyRefused
from infrastructure.transparency.stored import StoredLog, snapshot
from infrastructure.transparency.tree import Log, NoLog, logs
from infrastructure.transparency.verification import Expected, Fault, Report
from infrastructure.transparency.verification import verify as recomputed
from infrastructure.transparency.witnesses import parsed_witnesses

LONGEST_REASON = 2_000

existing_file = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.option("--checkpoint", "files", multiple=True, type=existing_file, help="An earlier checkpoint, kept.")
@click.option("--vkey", help="The log's verifier key, as it was once told.")
@click.option("--log", "number", type=int, help="An earlier log of the database; default the newest.")
@as_json
@with_parts
def verify(
    parts: Parts, files: tuple[Path, ...], vkey: str | None, number: int | None, as_json: bool
) -> None:
    """Recompute the whole log from the facts. Exit code 3: something is not as it was sealed.

    Every fact, entry, hash, tile, root, checkpoint and case map; compared also with the checkpoint that the
    sealer keeps in the home folder, and with those that one has kept oneself.
    """
    try:
        pinned = None if vkey is None else Verifier.parsed(vkey)
        with progress(err, "recomputing the log") as done:
            report = verified(parts.url, parts.settings, files, pinned, number, done)
    except (KeyInvalid, NoteInvalid, UnicodeDecodeError) as fault:
        raise Unusable(str(fault), "recourse audit verify --help") from fault
    except NoLog as fault:
        raise Failure("there is no such log", "recourse seal") from fault
    print_json(asdict(report)) if as_json else screen.print_verified(out, report)
    if report.faults:
        raise click.exceptions.Exit(3)


def verified(
    url: str,
    given: Settings,
    files: tuple[Path, ...],
    pinned: Verifier | None,
    number: int | None,
    done: Done,
) -> Report:
    """The report on a log of a database.

    Raises NoLog, NoteInvalid (of a file that is no checkpoint of it), UnicodeDecodeError and psycopg.Error.
    """
    with snapshot(url) as connection:
        known = {log.number: log for log in logs(connection)}
    log = known.get(max(known, default=0) if number is None else number)
    if log is None:
        raise NoLog(f"there is no log {number}")
    faults, expected = (
        [],
        [Expected(checkpoint(file.read_text(), log.verifier), "file", str(file)) for file in files],
    )
    if pinned is not None and pinned != log.verifier:
        faults.append(Fault("logs", None, None, None, "vkey", f"it is {log.verifier.vkey}"))
    if log.number == max(known):
        try:
            expected += kept(given, log)
        except LogKeyRefused as refused:
            faults.append(Fault("kept checkpoint", None, None, None, "", str(refused)))
    keys = [witness.verifier for witness in parsed_witnesses(given.witnesses)]
    with snapshot(url) as connection:  # begun after the kept checkpoint was read, which is never ahead of it
        source = StoredLog(connection, log)
        before = known.get(log.number - 1)
        return recomputed(source, expected=expected, witnesses=keys, before=before, faults=faults, done=done)


def kept(given: Settings, log: Log) -> list[Expected]:
    """What the sealer of this home signed last. Raises LogKeyRefused."""
    file = KeptCheckpoint(given.home / signing.KEPT_FILE)
    head = file.read(log.verifier)
    return [] if head is None else [Expected(head, "kept checkpoint", str(file.path))]


@click.command()
@click.option("--reason", required=True, help="What was lost, and why; it becomes the new log's first leaf.")
@click.option("--yes", is_flag=True, help="The old log cannot be continued.")
@with_parts
def reopen(parts: Parts, reason: str, yes: bool) -> None:
    """Begin a new log that declares the loss of the one before it. Stop the sealer first.

    Everything is sealed again, under a new name and key; all later proofs come from the new log.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Unusable(f"a reason is 1 to {LONGEST_REASON} printable characters", "the same with --reason")
    if not yes:
        raise Unusable("whoever trusts the old log must be told of the new one", "the same with --yes")
    given = parts.settings
    try:
        opened = reopening.reopen(parts.url, given.home, given.log_key_file, reason)
    except NoLog as fault:
        raise Failure("nothing is sealed yet", "recourse seal") from fault
    except AnotherSealer as fault:
        raise Failure(str(fault), "stop it, then the same again") from fault
    except (LogKeyRefused, OSError) as fault:
        raise Failure(str(fault), "recourse doctor") from fault
    out.print(f"log {opened.number} is open: {opened.verifier.vkey}", highlight=False, soft_wrap=True)
