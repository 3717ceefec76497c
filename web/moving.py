"""Routes by which goods move."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from web import schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}

Move = Callable[[Request, UUID, UUID, str], Answer]


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""

    def movement(name: str, move: Move, summary: str) -> None:
        def move_goods(
            request: Request, body: dict[str, Any], case_id: UUID, goods_id: UUID
        ) -> tuple[Answer, Extra]:
            return move(request, case_id, goods_id, body["reference"]), _NOTHING

        move_goods.__name__ = f"goods_{name}"
        move_goods.__doc__ = summary
        routes.command(
            f"/cases/<case_id>/goods/<goods_id>/{name}",
            "goods.move",
            schemas.MovementSchema(),
            codes=["case_already_closed", "wrong_stage", "goods_not_found"],
        )(move_goods)

    movement("shipment", cases.ship_goods, "Record that goods left.")
    movement("receipt", cases.receive_goods, "Record that goods arrived.")
    movement("acceptance", cases.accept_goods, "Record that goods were taken as good.")
