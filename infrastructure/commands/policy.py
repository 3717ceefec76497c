"""`recourse policy`: check a policy in a file, and show one that is or was public."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from application.errors import NotFound
from application.policies import Version, canonical
from domain.policy import Policy, PolicyFaults, compiled
from domain.policy.pack import Rule
from domain.values import Actor, PolicyState, Role
from infrastructure import screen
from infrastructure.commands.terminal import Failure, Parts, as_json, out, print_json, with_parts
from infrastructure.figures import confidence, figure, summary
from infrastructure.policy_pack import in_file

OPERATOR = Actor("operator", Role.ADMIN)


@click.group()
def policy() -> None:
    """Check a policy in a file, and show one that is or was public."""


@policy.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@as_json
def check(file: Path, as_json: bool) -> None:
    """Validate a policy document as a whole; tell every fault with its place. Exit code 3: there are some."""
    try:
        document = in_file(file)
        found = compiled(document)
    except PolicyFaults as unsound:
        faults = [{"path": one.path, "detail": one.detail} for one in unsound.faults]
        print_json({"faults": faults}) if as_json else screen.print_policy_faults(out, file.name, faults)
        raise click.exceptions.Exit(3) from None
    told = {"version": found.version, "sha256": digest(canonical(document)), **summary(found), "faults": []}
    print_json(told) if as_json else screen.print_policy_summary(out, told)


@policy.command()
@click.argument("version", required=False)
@as_json
@with_parts
def show(parts: Parts, version: str | None, as_json: bool) -> None:
    """Every rule of a policy with its figure and its source; without VERSION of the one in force."""
    found = _found(parts, version)
    if found.policy is None:
        raise Failure(
            f"{found.name} is written in a way that this program reads no more", "recourse policy show"
        )
    told = {
        "version": found.name,
        "state": found.state,
        "sha256": digest(found.document),
        **summary(found.policy),
        "data": [_row(rule, found.policy) for rule in found.policy.rules.values()],
    }
    print_json(told) if as_json else screen.print_policy(out, told)


def digest(document: str) -> str:
    """The SHA-256 of a document in its one spelling."""
    return sha256(document.encode()).hexdigest()


def _found(parts: Parts, version: str | None) -> Version:
    if version is not None:
        try:
            return parts.policies.version(OPERATOR, version)[0]
        except NotFound:
            raise Failure(f"there never was a policy {version}", "recourse policy show") from None
    versions, _ = parts.policies.versions(OPERATOR)
    return next(one for one in versions if one.state is PolicyState.IN_FORCE)


def _row(rule: Rule[Any], found: Policy) -> dict[str, Any]:
    return {
        "rule": rule.key.id,
        "title": {"zh": rule.title.zh, "en": rule.title.en},
        "figure": figure(rule, found.currency),
        "source": rule.source,
        "confidence": confidence(rule),
        "effective_from": rule.effective_from,
        "applies": rule.applies,
        "enabled": rule.enabled,
    }
