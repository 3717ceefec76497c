"""Use cases that give the buyer something beside any decision."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import GoodwillKind, Money, Remedy, RemedyKind


class Giving(CaseRunning):
    """Goodwill."""

    def grant_goodwill(
        self,
        request: Request,
        case_id: UUID,
        kind: GoodwillKind,
        reasons: str,
        amount: Money | None = None,
        points: int | None = None,
    ) -> Answer:
        """Give a coupon or points at the platform's expense. Needs the version."""
        gift = Remedy(self._new_id(), RemedyKind(kind), amount, points)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.grant_goodwill(request.by, gift, reasons_of(sealing, reasons), self._policy(case, at), at)

        return self._versioned(request, case_id, "goodwill.grant", decide, gift.remedy_id)
