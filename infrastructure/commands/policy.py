"""`recourse policy`: check a policy in a file, try it on the history, draft and publish it, and show it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from application import simulation
from application.errors import NotFound, UnsoundPolicy, VersionMismatch
from application.policies import Version, canonical
from application.running import Answer, Request
from domain.policy import Policy, PolicyFaults, compiled
from domain.policy.calendar import SHANGHAI
from domain.policy.pack import Rule
from domain.policy_book import PolicyBook
from domain.refusals import Refusal
from domain.values import Actor, PolicyState, Role
from infrastructure import screen
from infrastructure.commands.terminal import (
    Failure,
    Listing,
    Parts,
    a_name,
    as_json,
    err,
    out,
    print_json,
    with_parts,
)
from infrastructure.fact_log import StoredFacts
from infrastructure.figures import confidence, figure, summary
from infrastructure.policy_pack import in_file
from infrastructure.progress import progress

DAY = click.DateTime(["%Y-%m-%d"])

OPERATOR = Actor("operator", Role.ADMIN)


@click.group(cls=Listing)
def policy() -> None:
    """Check a policy in a file, try it on the history, draft and publish it, and show it."""


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
    policy = _readable(found)
    told = {
        "version": found.name,
        "state": found.state,
        "sha256": digest(found.document),
        **summary(policy),
        "data": [_row(rule, policy) for rule in policy.rules.values()],
    }
    print_json(told) if as_json else screen.print_policy(out, told)


@policy.command()
@click.argument("draft")
@click.option("--from", "begins", type=DAY, required=True, help="The first day, in Shanghai.")
@click.option("--to", "ends", type=DAY, required=True, help="The last day, in Shanghai.")
@as_json
@with_parts
def simulate(parts: Parts, draft: str, begins: datetime, ends: datetime, as_json: bool) -> None:
    """Replay the history under DRAFT, a file or a version of the book, and compare. Nothing is written."""
    found = _draft(parts, draft)
    until = _day(ends) + timedelta(days=1)
    with progress(err, "replaying") as done:
        said = simulation.simulate(
            StoredFacts(parts.datastore), parts.rulebook, found, _day(begins), until, done
        )
    print_json(said.told()) if as_json else screen.print_simulated(out, said)


@policy.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@click.option("--as", "by", required=True, callback=a_name, help="Who drafts it.")
@click.option("--note", required=True, help="What it changes, for everybody who reads the book.")
@with_parts
def draft(parts: Parts, file: Path, by: str, note: str) -> None:
    """Draft the policy in FILE, in force from the day that it names. Somebody else publishes it."""
    then = f"recourse policy check {file}"
    try:
        document = in_file(file)
    except PolicyFaults:
        raise Failure(f"{file} is no sound policy", then) from None
    done = _carried_out(lambda: parts.policies.draft(_request(by, "draft"), document, note), then)
    name = next(reversed(done.aggregate.editions))
    out.print(f"{name} is drafted; next: recourse policy publish {name} --as SOMEBODY-ELSE", highlight=False)


@policy.command()
@click.argument("version")
@click.option("--as", "by", required=True, callback=a_name, help="Who publishes it: not its drafter.")
@with_parts
def publish(parts: Parts, version: str, by: str) -> None:
    """Publish somebody else's draft: it takes effect in its time."""
    then = f"recourse policy show {version}"
    _, seen = _versioned(parts, version)
    request = _request(by, "publish", seen)
    done = _carried_out(lambda: parts.policies.approve(request, version), then)
    begins = done.aggregate.editions[version].effective_from.astimezone(SHANGHAI)
    out.print(f"{version} is published, in force from {begins:%Y-%m-%d %H:%M} in Shanghai", highlight=False)


def _request(by: str, command: str, seen: int | None = None) -> Request:
    return Request(Actor(by, Role.ADMIN), f"policy-{command}:{uuid4()}", expected_version=seen)


def _carried_out(command: Callable[[], Answer[PolicyBook]], then: str) -> Answer[PolicyBook]:
    """The answer of a command on the book; a refusal is told with what to look at."""
    try:
        return command()
    except Refusal as refused:
        detail = f": {refused.detail}" if refused.detail else ""
        raise Failure(f"{refused.title()}{detail} ({refused.code})", then) from None
    except UnsoundPolicy as unsound:
        raise Failure(f"the policy has {len(unsound.faults)} faults", then) from None
    except VersionMismatch:
        raise Failure("somebody changed the book meanwhile", then) from None


def _day(day: datetime) -> datetime:
    return day.replace(tzinfo=SHANGHAI)


def _draft(parts: Parts, name: str) -> Policy:
    if not Path(name).exists():
        return _readable(_found(parts, name))
    try:
        return compiled(in_file(Path(name)))
    except PolicyFaults:
        raise Failure(f"{name} is no sound policy", f"recourse policy check {name}") from None


def _readable(version: Version) -> Policy:
    if version.policy is None:
        raise Failure(
            f"{version.name} is written in a way that this program reads no more", "recourse policy show"
        )
    return version.policy


def digest(document: str) -> str:
    """The SHA-256 of a document in its one spelling."""
    return sha256(document.encode()).hexdigest()


def _versioned(parts: Parts, version: str) -> tuple[Version, int]:
    try:
        return parts.policies.version(OPERATOR, version)
    except NotFound:
        raise Failure(f"there never was a policy {version}", "recourse policy show") from None


def _found(parts: Parts, version: str | None) -> Version:
    if version is not None:
        return _versioned(parts, version)[0]
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
