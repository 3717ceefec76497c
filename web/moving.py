"""Routes by which goods move, are looked at and repaired."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from web import schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}
_GOODS = "/cases/<case_id>/goods/<goods_id>"
_CODES = ("case_already_closed", "wrong_stage", "goods_not_found")
_OF_A_PARTY = (*_CODES, "other_party_handles_goods")

Move = Callable[[Request, UUID, UUID, str], Answer]


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""
    _moving(routes, cases)
    _judging(routes, cases)
    _repairing(routes, cases)


def _moving(routes: Routes, cases: Cases) -> None:
    def movement(name: str, move: Move, summary: str) -> None:
        def move_goods(
            request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
        ) -> tuple[Answer, Extra]:
            return move(request, case_id, goods_id, body["reference"]), _NOTHING

        move_goods.__name__ = f"goods_{name}"
        move_goods.__doc__ = summary
        routes.command(f"{_GOODS}/{name}", "goods.move", schemas.MovementSchema(), codes=_OF_A_PARTY)(
            move_goods
        )

    movement("shipment", cases.ship_goods, "Record that goods left.")
    movement("receipt", cases.receive_goods, "Record that goods arrived.")
    movement("acceptance", cases.accept_goods, "Record that goods were taken as good.")
    movement("loss", cases.lose_goods, "Record that goods were lost on their way; another round decides.")

    @routes.command(
        f"{_GOODS}/authorisation", "goods.authorise", schemas.AuthorisationSchema(), codes=_OF_A_PARTY
    )
    def authorise_return(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Let the buyer send goods in, within the operator's term."""
        return cases.authorise_return(request, case_id, goods_id, **body), _NOTHING


def _judging(routes: Routes, cases: Cases) -> None:
    @routes.command(f"{_GOODS}/refusal", "goods.judge", schemas.ReasonsSchema(), codes=_OF_A_PARTY)
    def refuse_goods(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record that goods were not taken from the carrier."""
        return cases.refuse_goods(request, case_id, goods_id, **body), _NOTHING

    @routes.command(
        f"{_GOODS}/inspection",
        "goods.inspect",
        schemas.GoodsInspectionSchema(),
        codes=[*_OF_A_PARTY, "condition_contradicts_findings"],
    )
    def inspect_goods(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record what was found of goods that arrived."""
        return cases.inspect_goods(request, case_id, goods_id, **body), _NOTHING

    @routes.command(
        f"{_GOODS}/rejection",
        "goods.judge",
        schemas.RejectionSchema(),
        codes=[*_OF_A_PARTY, "goods_intact", "clause_not_in_force"],
    )
    def reject_goods(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Say that goods are not taken as good; what was to follow from them is decided anew."""
        return cases.reject_goods(request, case_id, goods_id, **body), _NOTHING


def _repairing(routes: Routes, cases: Cases) -> None:
    @routes.command(f"{_GOODS}/repair-start", "goods.repair", schemas.NothingSchema(), codes=_CODES)
    def start_repair(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record that a repair began."""
        return cases.start_repair(request, case_id, goods_id), _NOTHING

    @routes.command(f"{_GOODS}/repair-completion", "goods.repair", schemas.RepairSchema(), codes=_CODES)
    def complete_repair(
        request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record how a repair ended; so many that failed open an exchange."""
        return cases.complete_repair(request, case_id, goods_id, **body), _NOTHING
