"""Routes of the policy book: everybody reads, two people publish."""

import json
from collections import Counter
from hashlib import sha256
from typing import Any

import msgspec
from flask import Response

from application.accesses import Access
from application.policies import Policies, Version
from application.running import Answer, Request
from application.sight import sight
from application.simulation import Simulations
from domain.policy import Policy
from domain.policy_book import PolicyBook
from domain.values import Actor
from web import answers, schemas
from web.presenter import Shown
from web.routes import Extra, Resource, Routes, sent, versioned

POLICY = Resource("policy", "/policies/", answers.StalePolicyBook)


def register(routes: Routes, policies: Policies, simulations: Simulations) -> None:
    """Add the routes."""
    _reading(routes, policies)
    _publishing(routes, policies)
    _ending(routes, policies)
    _trying(routes, simulations)


def _reading(routes: Routes, policies: Policies) -> None:
    @routes.read("/policies", "policies.read", answers.Policies, schemas.NothingSchema())
    def list_policies(by: Actor, query: dict[str, Any]) -> Response:
        """Every version of the policy, and how it stands."""
        found, version = policies.versions(by)
        return versioned({"version": version, "data": [listed(one, by) for one in found]}, version)

    @routes.read(
        "/policies/<version>",
        "policies.read",
        answers.Policy,
        schemas.NothingSchema(),
        codes=["policy_not_found"],
    )
    def get_policy(by: Actor, query: dict[str, Any], version: str) -> Response:
        """One version of the policy with its whole document and the source of every rule."""
        found, seen = policies.version(by, version)
        return versioned({**whole(found, by), "version": seen}, seen)


def _publishing(routes: Routes, policies: Policies) -> None:
    @routes.command(
        "/policies",
        "policies.draft",
        schemas.PolicyDraftSchema(),
        answers.PolicyCommand,
        of=POLICY,
        created="/policies/{policy}",
        codes=["policy_version_exists", "policy_effective_too_early"],
    )
    def draft_policy(request: Request, body: dict[str, Any]) -> tuple[Answer[PolicyBook], Extra]:
        """Draft a version of the policy; every fault of its document is told with its place."""
        done = policies.draft(request, **body)
        return done, _after(policies, done, next(reversed(done.aggregate.editions)))

    @routes.command(
        "/policies/<version>/approval",
        "policies.approve",
        schemas.NothingSchema(),
        answers.PolicyCommand,
        of=POLICY,
        versioned=True,
        codes=["policy_not_drafted", "policy_needs_second_person", "policy_effective_too_early"],
    )
    def approve_policy(
        request: Request, body: dict[str, Any], version: str
    ) -> tuple[Answer[PolicyBook], Extra]:
        """Publish somebody else's draft: it takes effect in its time."""
        done = policies.approve(request, version)
        return done, _after(policies, done, version)


def _ending(routes: Routes, policies: Policies) -> None:
    @routes.command(
        "/policies/<version>/withdrawal",
        "policies.draft",
        schemas.ReasonSchema(),
        answers.PolicyCommand,
        of=POLICY,
        versioned=True,
        codes=["policy_not_drafted"],
    )
    def withdraw_policy(
        request: Request, body: dict[str, Any], version: str
    ) -> tuple[Answer[PolicyBook], Extra]:
        """Give a draft up; it stays readable."""
        done = policies.withdraw(request, version, **body)
        return done, _after(policies, done, version)

    @routes.command(
        "/policies/<version>/retirement",
        "policies.retire",
        schemas.ReasonSchema(),
        answers.PolicyCommand,
        of=POLICY,
        versioned=True,
        codes=["policy_not_published", "policy_in_force_cannot_be_retired"],
    )
    def retire_policy(
        request: Request, body: dict[str, Any], version: str
    ) -> tuple[Answer[PolicyBook], Extra]:
        """Recall a version that is to come, or put away one that was in force; it stays readable."""
        done = policies.retire(request, version, **body)
        return done, _after(policies, done, version)


def _trying(routes: Routes, simulations: Simulations) -> None:
    @routes.inquiry(
        "/policies/simulations",
        "policies.simulate",
        schemas.PolicySimulationSchema(),
        answers.SimulatedPolicy,
        codes=["policy_not_found", "history_too_long"],
    )
    def simulate_policy(_: Access, request: Request, asked: dict[str, Any]) -> Response:
        """What would have been otherwise under a draft; nothing is recorded."""
        return sent(msgspec.json.encode(simulations.simulate(request.by, **asked).told()))


def _after(policies: Policies, done: Answer[PolicyBook], policy: str) -> Extra:
    edition = done.aggregate.editions[policy]
    return {
        "policy": policy,
        "state": policies.state(done.aggregate, policy),
        "effective_from": edition.effective_from,
        "sha256": edition.sha256,
    }


def listed(found: Version, by: Actor) -> Shown:
    """A version as the caller may see it: who neither works here nor audits is shown no people."""
    edition, people = found.edition, sight(by).people
    return {
        "policy": found.name,
        "state": found.state,
        "builtin": edition is None,
        "effective_from": edition and edition.effective_from,
        "sha256": edition.sha256 if edition else sha256(found.document.encode()).hexdigest(),
        "note": edition and edition.note,
        "urgency": edition and edition.urgency,
        "drafted_by": edition.drafted_by if edition and people else None,
        "drafted_at": edition and edition.drafted_at,
        "approved_by": edition.approved_by if edition and people else None,
        "published_at": edition and edition.published_at,
        "ended_at": edition and (edition.withdrawn_at or edition.retired_at),
        "sources": found.policy and _sources(found.policy),
    }


def whole(found: Version, by: Actor) -> Shown:
    """A version with its rules and its document."""
    return {
        **listed(found, by),
        "rules": found.policy and _rules(found.policy),
        "document": json.loads(found.document),
    }


def _sources(policy: Policy) -> Shown:
    rules = policy.rules.values()
    return {
        "rules": len(rules),
        "confidence": Counter(rule.confidence for rule in rules),
        "disabled": [rule.key.id for rule in rules if not rule.enabled],
    }


def _rules(policy: Policy) -> list[Shown]:
    return [
        {
            "rule": rule.key.id,
            "source": rule.source,
            "confidence": rule.confidence,
            "applies": rule.applies,
            "effective_from": rule.effective_from,
            "enabled": rule.enabled,
        }
        for rule in policy.rules.values()
    ]
