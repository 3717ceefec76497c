"""Use cases of appeals: a party's second chance, and what another reviewer makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.errors import InvalidRequest
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.case.appealing import Judgement
from domain.values import (
    SIDES,
    AppealAgainst,
    AppealOutcome,
    Exhibit,
    Money,
    Remedy,
    SealedFor,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Brought:
    """A piece of evidence by reference that comes with an appeal, not yet sealed."""

    kind: str
    title: str
    sha256: str
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an appeal is decided.

    What is varied says how: a decision the `remedies` that it grants in all, a penalty the `points` and the
    `fine` for which it counts, a recovery the `amount` that is still to come back.
    """

    outcome: AppealOutcome
    clauses: tuple[str, ...]
    reasons: str
    remedies: tuple[Remedy, ...] | None = None
    points: int | None = None
    fine: Money | None = None
    amount: Money | None = None


class Appealing(CaseRunning):
    """Appeals, and what becomes of them."""

    def appeal(
        self,
        request: Request,
        case_id: UUID,
        against: AppealAgainst,
        reasons: str,
        target: UUID | None = None,
        evidence: tuple[UUID, ...] = (),
        new_evidence: Sequence[Brought] = (),
    ) -> Answer:
        """Appeal for the caller's side, against the last such thing where no `target` is named.

        Needs the version. An appeal against the decision of a closed case takes its order line again, and is
        refused when that is taken.
        """
        appeal_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            person = SealedFor(SIDES[request.by.role])
            # The appeal is recorded first, each new piece of evidence after it.
            exhibits = tuple(
                self._exhibit(sealing, person, one, later) for later, one in enumerate(new_evidence, 1)
            )
            case.appeal(
                request.by,
                appeal_id,
                against,
                target,
                evidence,
                exhibits,
                sealing.seal(person, "reasons", reasons),
                self._policy(case, at),
                at,
            )

        return self._versioned(request, case_id, "appeals.file", decide, appeal_id)

    def _exhibit(self, sealing: Sealing, person: SealedFor, one: Brought, later: int) -> Exhibit:
        uri = None if one.uri is None else sealing.seal(person, "uri", one.uri, later)
        return Exhibit(
            self._new_id(), one.kind, one.sha256, sealing.seal(person, "title", one.title, later), uri
        )

    def withdraw_appeal(self, request: Request, case_id: UUID, appeal_id: UUID) -> Answer:
        """Take the caller's own appeal back. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "appeals.file",
            lambda case, _, at: case.withdraw_appeal(request.by, appeal_id, self._policy(case, at), at),
        )

    def decide_appeal(self, request: Request, case_id: UUID, appeal_id: UUID, verdict: Verdict) -> Answer:
        """Decide an appeal. Needs the version and the lease.

        Raises InvalidRequest for a variation that does not say what it changes.
        """

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            reasons, policy = reasons_of(sealing, verdict.reasons), self._policy(case, at)
            judgement = Judgement(request.by, request.lease_token, verdict.clauses, reasons)
            match verdict.outcome, case.appeals.appeal(appeal_id).against:
                case AppealOutcome.UPHELD, _:
                    case.uphold(judgement, appeal_id, policy, at)
                case AppealOutcome.OVERTURNED, _:
                    case.overturn(judgement, appeal_id, policy, at)
                case AppealOutcome.VARIED, AppealAgainst.DECISION:
                    remedies = _said("/remedies", verdict.remedies)
                    case.vary_decision(judgement, appeal_id, remedies, policy, at)
                case AppealOutcome.VARIED, AppealAgainst.PENALTY:
                    points = _said("/points", verdict.points)
                    case.vary_penalty(judgement, appeal_id, points, verdict.fine, policy, at)
                case AppealOutcome.VARIED, AppealAgainst.RECOVERY:
                    amount = _said("/amount", verdict.amount)
                    case.vary_recovery(judgement, appeal_id, amount, policy, at)

        return self._versioned(request, case_id, "appeals.decide", decide)


def _said(pointer: str, change: T | None) -> T:
    if change is None:
        raise InvalidRequest(pointer, "must be given to vary what is appealed against")
    return change
