"""`recourse key`: make, list and revoke API keys."""

from datetime import timedelta

import click

from domain.values import Actor, Role
from infrastructure import key_roll, screen
from infrastructure.commands.terminal import (
    Failure,
    Listing,
    Parts,
    a_name,
    as_json,
    dry_run,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.progress import progress

ROLES = [role.value for role in Role if role is not Role.SYSTEM]


@click.group(cls=Listing)
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@click.option("--role", required=True, type=click.Choice(ROLES), help="What its holder may do.")
@click.option("--subject", required=True, callback=a_name, help="Who will use it: a person or a system.")
@click.option("--merchant", callback=a_name, help="The merchant, for the merchant role alone.")
@click.option(
    "--days", type=click.IntRange(1, 3650), help="For how long it is valid; without it, until revoked."
)
@dry_run
@with_parts
def create(
    parts: Parts, role: str, subject: str, merchant: str | None, days: int | None, dry_run: bool
) -> None:
    """Make a key and print it on standard output: it is shown this once."""
    if (role == Role.MERCHANT) != (merchant is not None):
        raise click.UsageError("--merchant names the merchant of a merchant's key, and of no other")
    if dry_run:
        out.print(f"would make a key for {subject} as {role}", highlight=False)
        return
    expires_at = parts.clock.now() + timedelta(days=days) if days else None
    click.echo(parts.keys.create(Actor(subject, Role(role), merchant), expires_at=expires_at))


@key.command()
@click.argument("key_id")
@dry_run
@with_parts
def revoke(parts: Parts, key_id: str, dry_run: bool) -> None:
    """End a key for good. KEY_ID is the part between `rc_` and the next `_`."""
    known = [one for one in parts.keys.list() if one.key_id == key_id and one.revoked_at is None]
    if not known:
        raise Failure(f"no key {key_id} is in force", "recourse key list")
    if not dry_run:
        parts.keys.revoke(key_id)
    verb = "would revoke" if dry_run else "revoked"
    out.print(f"{verb} {key_id} of {known[0].actor.id}", highlight=False)


@key.command()
@dry_run
@with_parts
def roll(parts: Parts, dry_run: bool) -> None:
    """Begin a new epoch of the vault: copies of its data keys from before open nothing any more.

    Nothing need be stopped. Copy the new file beside the key file afterwards, and back the data keys up anew.
    """
    if dry_run:
        out.print(f"would begin epoch {parts.epochs.newest() + 1}", highlight=False)
        return
    vault = parts.vault
    with progress(err, "wrapping anew") as done:
        rolled = key_roll.roll(parts.datastore, vault, parts.epochs, lambda count: done(count, count))
    ended = ", ".join(map(str, rolled.ended)) or "none"
    told = f"epoch {rolled.epoch} began; {rolled.rewrapped:,} data keys wrapped anew; ended: {ended}"
    out.print(told, highlight=False)


@key.command("list")
@as_json
@with_parts
def list_keys(parts: Parts, as_json: bool) -> None:
    """Every key, never a secret."""
    found = parts.keys.list()
    print_json({"data": found}) if as_json else screen.print_keys(out, found, parts.clock.now())
