"""One table says which role may do what; relations to the case narrow it further.

A permission is named by every route; a route without one stops the application from starting.
"""

from domain.case import Case
from domain.values import Actor, Party, Role

B, M, A, R, S = Role.BUYER_INTEGRATION, Role.MERCHANT, Role.AGENT, Role.REVIEWER, Role.SUPERVISOR
AUD, F, L, ADMIN, SYS = Role.AUDITOR, Role.FINANCE, Role.LOGISTICS, Role.ADMIN, Role.SYSTEM

PERMISSIONS: dict[str, frozenset[Role]] = {
    "cases.file": frozenset({B, A}),
    "cases.read": frozenset({B, M, A, R, S, AUD, F, L, ADMIN}),
    "cases.search": frozenset({A, R, S, AUD}),
    "cases.prove": frozenset({B, M, A, R, S, AUD, F, L, ADMIN}),
    "cases.notify": frozenset({A, SYS}),
    "cases.answer": frozenset({M}),
    "cases.negotiate": frozenset({B, M, A}),
    "cases.escalate": frozenset({B, M}),
    "promises.make": frozenset({B, M, A, R}),
    "promises.keep": frozenset({B, M, A, R}),
    "cases.claim": frozenset({A, R}),
    "cases.reassign": frozenset({S}),
    "cases.recuse": frozenset({A, R, S}),
    "cases.note": frozenset({A, R, S}),
    "evidence.submit": frozenset({B, M, A, R}),
    "evidence.request": frozenset({A, R}),
    "evidence.judge": frozenset({B, M, A, R}),
    "evidence.withdraw": frozenset({B, M, A, R}),
    "evidence.read": frozenset({B, M, A, R, S, AUD}),
    "burden.shift": frozenset({A, R}),
    "inspections.order": frozenset({A, R}),
    "inspections.report": frozenset({A, R}),
    "cases.verify": frozenset({A, R}),
    "cases.decide": frozenset({A, R}),
    "entitlements.read": frozenset({A, R, S, AUD}),
    "decisions.approve": frozenset({S}),
    "goodwill.grant": frozenset({A, R}),
    "compensations.settle": frozenset({F, SYS}),
    "compensations.instruct": frozenset({F, S}),
    "compensations.reverse": frozenset({F, S}),
    "recoveries.settle": frozenset({F}),
    "recoveries.write_off": frozenset({F, S}),
    "goods.move": frozenset({B, M, A, R, L}),
    "goods.authorise": frozenset({M, A, R}),
    "goods.inspect": frozenset({B, M, A, R, L}),
    "goods.judge": frozenset({B, M, A, R}),
    "goods.repair": frozenset({M, A, R, L}),
    "penalties.assess": frozenset({R, S}),
    "penalties.adjust": frozenset({S}),
    "standings.keep": frozenset({SYS}),
    "corrective_actions.read": frozenset({M, A, R, S, AUD, ADMIN}),
    "corrective_actions.open": frozenset({R, S, SYS}),
    "corrective_actions.act": frozenset({M}),
    "corrective_actions.judge": frozenset({R, S}),
    "corrective_actions.close": frozenset({S}),
    "rectification.order": frozenset({R, S}),
    "rectification.submit": frozenset({M}),
    "rectification.judge": frozenset({R, S}),
    "rectification.waive": frozenset({S}),
    "appeals.file": frozenset({B, M}),
    "appeals.decide": frozenset({R}),
    "follow_ups.work": frozenset({A, R}),
    "decisions.contest": frozenset({B, M}),
    "cases.close": frozenset({A, R, S}),
    "cases.reopen": frozenset({R, S}),
    "cases.withdraw": frozenset({B, A}),
    "cases.classify": frozenset({A, R, S}),
    "cases.suspend": frozenset({R, S}),
    "cases.relate": frozenset({A, R, S}),
    "cases.merge": frozenset({R, S}),
    "accesses.read": frozenset({S, AUD, ADMIN}),
    "cases.hold": frozenset({S, AUD}),
    "erasures.read": frozenset({S, AUD, ADMIN}),
    "erasures.request": frozenset({S, ADMIN}),
    "erasures.approve": frozenset({S, ADMIN}),
    "erasures.apply": frozenset({SYS}),
    "subjects.export": frozenset({S}),
    "policies.read": frozenset(Role),
    "policies.draft": frozenset({S, ADMIN}),
    "policies.approve": frozenset({S, ADMIN}),
    "policies.retire": frozenset({S, ADMIN}),
    "policies.simulate": frozenset({S, AUD, ADMIN}),
    "incidents.read": frozenset({A, R, S, AUD, ADMIN}),
    "incidents.raise": frozenset({A, R, S, SYS}),
    "incidents.work": frozenset({R, S}),
    "incidents.approve": frozenset({S}),
    "incidents.carry_out": frozenset({SYS}),
    "cases.step_in": frozenset({SYS}),
    "cases.decide_in_batch": frozenset({SYS}),
    "clocks.miss": frozenset({SYS}),
    "queues.read": frozenset({A, R, S, AUD, F, L, ADMIN}),
    "penalties.read": frozenset({M, A, R, S, AUD, F, ADMIN}),
    "portal.read": frozenset({M, A, R, S, AUD, F, ADMIN}),
    "standings.read": frozenset({M, A, R, S, AUD, F, ADMIN}),
    "publications.read": frozenset(Role),
    "compensations.read": frozenset({M, A, R, S, AUD, F, ADMIN}),
    "recoveries.read": frozenset({M, A, R, S, AUD, F, ADMIN}),
    "deadlines.read": frozenset({B, M, A, R, S, AUD, F, L, ADMIN}),
    "follow_ups.read": frozenset({A, R, S, AUD, ADMIN}),
    "loops.read": frozenset({A, R, S, AUD, ADMIN}),
    "workload.read": frozenset({A, R, S, AUD, ADMIN}),
    "workload.read_all": frozenset({S, AUD, ADMIN}),
    "indicators.read": frozenset({A, R, S, AUD, ADMIN}),
    "log.read": frozenset({S, AUD, ADMIN}),
}
"""Permission to roles."""

COMMANDS: dict[str, str] = {
    "notice": "cases.notify",
    "answers": "cases.answer",
    "offers": "cases.negotiate",
    "escalation": "cases.escalate",
    "lease": "cases.claim",
    "reassignment": "cases.reassign",
    "recusal": "cases.recuse",
    "notes": "cases.note",
    "promises": "promises.make",
    "evidence": "evidence.submit",
    "evidence-requests": "evidence.request",
    "burden": "burden.shift",
    "inspections": "inspections.order",
    "verification": "cases.verify",
    "decisions": "cases.decide",
    "approval": "decisions.approve",
    "rejection": "decisions.approve",
    "goodwill": "goodwill.grant",
    "compensations": "compensations.settle",
    "reversal": "compensations.reverse",
    "recoveries": "recoveries.settle",
    "authorisation": "goods.authorise",
    "goods": "goods.move",
    "penalties": "penalties.assess",
    "adjustment": "penalties.adjust",
    "rectification": "rectification.order",
    "appeals": "appeals.file",
    "appeal-withdrawal": "appeals.file",
    "appeal-decision": "appeals.decide",
    "follow-ups": "follow_ups.work",
    "human-review": "decisions.contest",
    "closure": "cases.close",
    "reopening": "cases.reopen",
    "withdrawal": "cases.withdraw",
    "classification": "cases.classify",
    "suspension": "cases.suspend",
    "resumption": "cases.suspend",
    "links": "cases.relate",
    "merger": "cases.merge",
    "legal-holds": "cases.hold",
    "legal-hold-release": "cases.hold",
    "erasure": "erasures.request",
    "erasure-approval": "erasures.approve",
    "erasure-rejection": "erasures.approve",
}
"""The permission behind each command of the case's stage table."""

OWN_PARTY = {Role.BUYER_INTEGRATION: Party.BUYER, Role.MERCHANT: Party.MERCHANT}
"""For whom outside callers may file evidence; staff may file for any party."""


def speaks_for(actor: Actor) -> Party:
    """The party in whose name the actor speaks of evidence: staff speak for the platform."""
    return OWN_PARTY.get(actor.role, Party.PLATFORM)


def may(actor: Actor, permission: str) -> bool:
    """Whether the actor's role has the permission."""
    return actor.role in PERMISSIONS[permission]


def concerns(actor: Actor, case: Case) -> bool:
    """Whether the case is the actor's to see: a merchant's own, a buyer integration's own filing, or any."""
    match actor.role:
        case Role.MERCHANT:
            return actor.merchant_id == case.filing.merchant_id
        case Role.BUYER_INTEGRATION:
            return actor.id == case.filing.filed_by
        case _:
            return True
