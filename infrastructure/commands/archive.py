"""`recourse backup` and `recourse restore`: the history in closed files, and a database made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from application.erasures import Erasure, LedgerState
from infrastructure.archive import reading, writing
from infrastructure.commands.erasures import LEDGER
from infrastructure.commands.terminal import (
    Door,
    Failure,
    Unusable,
    as_json,
    err,
    out,
    print_json,
    with_settings,
)
from infrastructure.embedded import Embedded
from infrastructure.erasure_ledger import FILE_NAME, ErasureLedgerFile
from infrastructure.installation import NoDatabase, with_database, with_embedded
from infrastructure.migrate import migrate
from infrastructure.progress import progress
from infrastructure.settings import Settings
from infrastructure.transparency.notes import KeyInvalid, Verifier

folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


def a_verifier(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Verifier | None:
    """The callback of an option that names a log's verifier key."""
    try:
        return None if value is None else Verifier.parsed(value)
    except KeyInvalid as refused:
        raise click.BadParameter(str(refused)) from None


@click.command()
@folder_argument
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the wrapped data keys to this file; keep it by other rules than the archive.",
)
@as_json
@with_settings()
def backup(given: Settings, folder: Path, keys: Path | None, as_json: bool) -> None:
    """Add a backup to the archive in FOLDER: facts, log and state, without any key or text in clear."""
    try:
        with progress(err, "saving") as done:
            manifest = writing.backup(str(with_database(given).database_url), folder, keys, done)
    except OSError as fault:
        raise Failure(str(fault), "the same with another folder") from fault
    if as_json:
        print_json(manifest)
        return
    out.print(f"{manifest.size:,} entries of {manifest.origin}, {manifest.tail:,} facts after them")
    out.print(f"root {manifest.root}", highlight=False)


@click.command()
@folder_argument
@click.option(
    "--keys", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="The wrapped data keys."
)
@click.option("--vkey", callback=a_verifier, help="The log's verifier key, known from elsewhere.")
@click.option("--nothing-erased", is_flag=True, help="There is no ledger, since nothing was ever erased.")
@with_settings()
def restore(
    given: Settings, folder: Path, keys: Path | None, vkey: Verifier | None, nothing_erased: bool
) -> None:
    """Make an empty database what the newest backup in FOLDER was, and prove it before anything starts.

    What was erased since is forgotten again, by the ledger of erasures in the home folder.
    """
    told = _told(given, needed=keys is not None and not nothing_erased)
    erased = [(one.case_id, one.key_id) for one, state in told if state is LedgerState.RECORDED]
    with _empty(given) as target:
        migrate(str(target.migration_url))
        urls = (str(target.migration_url), str(target.database_url))
        with progress(err, "restoring") as done:
            restored = reading.restore(*urls, folder, keys, vkey, done, erased=erased)
        if keys and told:
            door: Door = click.get_current_context().obj
            with door.open(target) as parts:
                out.print(f"{len(parts.forgetting.apply_ledger(LEDGER))} erasures of the ledger were applied")
    out.print(f"{restored.facts:,} facts; {restored.leaves:,} entries lead to the root that was signed")
    for name in restored.undigested:
        out.print(f"{name}: folded anew, with nothing to compare it with", highlight=False)
    out.print("log.key and log.checkpoint are in no archive: put them back before anything is sealed here")


def _told(given: Settings, needed: bool) -> list[tuple[Erasure, LedgerState]]:
    """What the ledger tells. Raises LedgerRefused, and Unusable without a ledger that is needed."""
    path = given.home / FILE_NAME
    if needed and not path.exists():
        raise Unusable(
            f"there is no ledger of erasures {path}: texts that were erased would be read again;"
            " put your copy of it there",
            "the same again, with --nothing-erased if nothing ever was",
        )
    return ErasureLedgerFile(path).entries()


@contextmanager
def _empty(given: Settings) -> Iterator[Settings]:
    """The database that is named or runs; else one of its own in the home folder, for this while."""
    try:
        found = with_database(given)
    except NoDatabase:
        with Embedded(given.home) as server:
            yield with_embedded(given, server.url)
    else:
        yield found
