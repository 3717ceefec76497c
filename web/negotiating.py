"""Routes of the sides: notice, answer, offers and their replies, asking the platform; and promises."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from domain.values import Remedy
from web import answers, presenter, schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}

GIVEN = ("case_already_closed", "wrong_stage")
MOVING = (*GIVEN, "not_your_turn", "answer_overdue", "compensation_exceeds_entitlement")
REPLYING = (*GIVEN, "not_your_turn", "offer_not_open", "offer_not_found")


def register(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    """Add the routes."""
    _claiming(routes, cases)
    _offering(routes, cases, new_id)
    _contesting(routes, cases)
    _promising(routes, cases)


def _claiming(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/notice",
        "cases.notify",
        schemas.NoticeSchema(),
        answers.Notified,
        created="/cases/{case_id}",
        codes=GIVEN,
    )
    def deliver_notice(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Record that the merchant was told of the claim: its time to answer begins."""
        done = cases.deliver_notice(request, case_id, **body)
        return done, {"notice_id": done.subject}

    @routes.command(
        "/cases/<case_id>/answers",
        "cases.answer",
        schemas.AnswerSchema(),
        answers.Agreed,
        versioned=True,
        codes=MOVING,
    )
    def answer_claim(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Answer the claim; who agrees to it grants it as it was filed."""
        done = cases.answer(request, case_id, **body)
        return done, presenter.agreement(done.aggregate)

    @routes.command(
        "/cases/<case_id>/escalation",
        "cases.escalate",
        schemas.ReasonsSchema(),
        versioned=True,
        codes=[*GIVEN, "case_already_escalated", "escalation_too_early", "escalation_window_over"],
    )
    def escalate_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Ask the platform to decide."""
        return cases.escalate(request, case_id, **body), _NOTHING


def _contesting(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/human-review",
        "decisions.contest",
        schemas.ReasonsSchema(),
        versioned=True,
        codes=[
            *GIVEN,
            "decision_missing",
            "decision_not_automated",
            "human_review_window_over",
            "case_already_open_for_order_line",
        ],
    )
    def demand_review(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Have people decide anew what the system decided."""
        return cases.demand_review(request, case_id, **body), _NOTHING


def _offering(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    offer = "/cases/<case_id>/offers/<offer_id>"

    @routes.command(
        "/cases/<case_id>/offers",
        "cases.negotiate",
        schemas.OfferSchema(),
        answers.Offered,
        versioned=True,
        created="/cases/{case_id}",
        codes=[*MOVING, "clause_not_in_force"],
    )
    def make_offer(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Offer to settle, or counter the other side's open offer; an agent does so for the buyer."""
        remedies = tuple(Remedy(new_id(), **one) for one in body["remedies"])
        done = cases.make_offer(request, case_id, remedies, body["clauses"], body["text"])
        return done, {"offer_id": done.subject}

    @routes.command(
        f"{offer}/acceptance",
        "cases.negotiate",
        schemas.NothingSchema(),
        answers.Agreed,
        versioned=True,
        codes=REPLYING,
    )
    def accept_offer(
        request: Request, body: dict[str, Any], case_id: UUID, offer_id: UUID
    ) -> tuple[Answer, Extra]:
        """Agree to the other side's offer: it is executed as if it had been decided."""
        done = cases.accept_offer(request, case_id, offer_id)
        return done, presenter.agreement(done.aggregate)

    @routes.command(
        f"{offer}/refusal", "cases.negotiate", schemas.ReasonsSchema(), versioned=True, codes=REPLYING
    )
    def decline_offer(
        request: Request, body: dict[str, Any], case_id: UUID, offer_id: UUID
    ) -> tuple[Answer, Extra]:
        """Turn the other side's offer down."""
        return cases.decline_offer(request, case_id, offer_id, **body), _NOTHING


def _promising(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/promises",
        "promises.make",
        schemas.PromiseSchema(),
        answers.Promised,
        created="/cases/{case_id}",
        codes=GIVEN,
    )
    def make_promise(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Promise something by a time: staff for the platform, others for themselves."""
        done = cases.make_promise(request, case_id, **body)
        return done, {"promise_id": done.subject}

    @routes.command(
        "/cases/<case_id>/promises/<promise_id>/fulfilment",
        "promises.keep",
        schemas.NothingSchema(),
        codes=[*GIVEN, "promise_already_over", "promise_not_found"],
    )
    def keep_promise(
        request: Request, body: dict[str, Any], case_id: UUID, promise_id: UUID
    ) -> tuple[Answer, Extra]:
        """Say that a promise was kept; who made it does not, unless it is the platform."""
        return cases.keep_promise(request, case_id, promise_id), _NOTHING
