"""`recourse audit`: what an auditor asks of the whole log."""

import time
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import click

from application.accesses import Access
from application.audit import recompute
from application.errors import InvalidRequest, NotFound
from infrastructure import screen
from infrastructure.commands.cases import OPERATOR, find_case
from infrastructure.commands.log import reopen, verify
from infrastructure.commands.terminal import (
    Failure,
    Listing,
    Parts,
    Unusable,
    as_json,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.fact_log import StoredFacts
from infrastructure.progress import progress
from infrastructure.projector import connected
from infrastructure.secret_file import FileExposed
from infrastructure.transparency import export, notes, witness
from infrastructure.transparency.notes import KeyInvalid, Verifier
from infrastructure.transparency.sealer import identity


@click.group(cls=Listing)
def audit() -> None:
    """Prove a case, the log, and all that was decided; show a case as it was known."""


audit.add_command(verify)
audit.add_command(reopen)


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


a_file = click.Path(path_type=Path, dir_okay=False)


def a_log_key(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> list[Verifier]:
    """The callback of an option that names logs by their verifier keys."""
    try:
        return [Verifier.parsed(vkey) for vkey in value]
    except KeyInvalid as fault:
        raise click.BadParameter(str(fault)) from None


@audit.command("witness")
@click.option(
    "--key",
    "key_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of its key.",
)
@click.option("--log", "logs", required=True, multiple=True, callback=a_log_key, help="A log's verifier key.")
@click.option("--name", default=None, help="What a new key is named; default one made up.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any.")
@click.option("--state", type=a_file, help="File of what it cosigned; default KEY.state.")
def witness_command(
    key_path: Path, logs: list[Verifier], name: str | None, host: str, port: int, state: Path | None
) -> None:
    """Cosign what continues all that was cosigned before, until Ctrl-C. Needs no database.

    Prints the witness's verifier key and where it listens: both belong into RECOURSE_WITNESSES of the log.
    """
    kept = state or key_path.with_name(f"{key_path.name}.state")
    try:
        key = witness.key_of(key_path.absolute(), name or f"witness.local/{uuid4().hex[:8]}")
        server = witness.server(witness.Witness(key, logs, kept.absolute(), time.time), host, port)
    except (FileExposed, KeyInvalid, witness.StateDamaged) as fault:
        raise Unusable(str(fault), "recourse audit witness --help") from fault
    except OSError as fault:
        raise Failure(str(fault), "recourse audit witness --port 0") from fault
    with server:
        try:
            click.echo(f"{key.verifier.vkey}\nhttp://{host}:{server.server_port}")
            server.serve_forever()
        except KeyboardInterrupt:
            return


# --- the transparency log -----------------------------------------------------------------------------


@audit.command()
@with_parts
def vkey(parts: Parts) -> None:
    """Print the key with which everybody verifies what the log signed."""
    click.echo(identity(parts.url).vkey)


@audit.command("export")
@click.argument("case")
@click.option(
    "-o", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@click.option(
    "--since",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
    help="A file with a checkpoint that its reader has: the proof then leads on from there.",
)
@click.option("--reason", help="Why, to be kept in the access log of the case.")
@with_parts
def export_command(parts: Parts, case: str, file: Path, since: Path | None, reason: str | None) -> None:
    """Write what proves CASE, an id or a number, to whoever has the log's key.

    Waits until a checkpoint covers the newest fact of the case. Texts stay sealed in it.
    """
    log, access = identity(parts.url), Access(OPERATOR, "cases.prove", "command-line", reason)
    try:
        size = None if since is None else notes.checkpoint(since.read_text(encoding="utf-8"), log).size
        document = parts.transparency.case_proof(access, find_case(parts, case), size)
    except (notes.NoteInvalid, UnicodeDecodeError) as fault:
        raise Failure(f"{since} is no checkpoint of this log: {fault}", "recourse audit vkey") from None
    except InvalidRequest as refused:
        raise Failure(f"{since} leads nowhere: {refused.detail}", "recourse audit verify") from None
    export.write_whole(file, document)
    out.print(f"wrote {file}", highlight=False, soft_wrap=True)
    check = f"python recourse_verify.py {file} --vkey {log.vkey}"
    out.print(f"check it: {check}", highlight=False, soft_wrap=True)


@audit.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_parts
def tiles(parts: Parts, folder: Path) -> None:
    """Write the whole log to FOLDER, as tlog-tiles names its files; those that are there already stay."""
    try:
        with connected(parts.url, "recourse audit") as connection, progress(err, "writing") as done:
            size = export.export(connection, folder, done)
    except NotFound:
        raise Failure("the log has no checkpoint yet", "recourse doctor") from None
    out.print(f"{folder} holds the log up to leaf {size:,}", highlight=False, soft_wrap=True)
