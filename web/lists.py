"""Routes of lists: each page is the JSON text that the database made, sent as it is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import Response
from flask import request as http_request
from psycopg import Connection

from application.cases import Answer, Cases, Request
from application.clock import Clock
from application.errors import NotFound
from application.vault import Vault
from domain.values import Actor, Role
from projections import (
    case_index,
    compensations,
    follow_ups,
    merchant_penalties,
    open_loops,
    recoveries,
    review_queue,
    sanctions,
)
from projections.pages import BadCursor
from projections.read_model import ReadModel
from web import answers, presenter, schemas
from web.problems import Fault, malformed
from web.routes import Extra, Routes, sent

T = TypeVar("T")

MOST_CANDIDATES = 20
"""How many cases are tried for the next one: others may be quicker on the first."""


class Reader(Protocol):
    """Runs queries of read models."""

    def read(
        self, model: ReadModel[Any], query: Callable[[Connection[Any]], T], min_position: int | None = None
    ) -> T:
        """The answer from rows that hold at least the fact at `min_position`. Raises ServiceUnavailable."""
        ...

    def read_past(self, model: ReadModel[Any], query: Callable[[Connection[Any], str], T], at: datetime) -> T:
        """The answer of a table of that name, as it would have stood at `at`. Raises ServiceUnavailable."""
        ...


def register(routes: Routes, reader: Reader, cases: Cases, vault: Vault, clock: Clock) -> None:
    """Add the routes."""
    _searching(routes, reader, vault)
    _queues(routes, reader, clock)
    _next_in_queue(routes, reader, cases, clock)
    _merchants(routes, reader)
    _closing_loops(routes, reader, clock)
    _money(routes, reader)


def _searching(routes: Routes, reader: Reader, vault: Vault) -> None:
    @routes.read("/cases", "cases.read", answers.Cases, schemas.CasesQuery(), codes=["merchant_not_found"])
    def find_cases(by: Actor, query: dict[str, Any]) -> Response:
        """Cases by order, number, buyer, merchant or stage: those that the caller may read."""
        buyer_id = query.pop("buyer_id", None)
        buyer = None if buyer_id is None else vault.pseudonym("buyer", buyer_id)
        asked = {**query, **own(by, query), "buyer": buyer}
        return page(reader, case_index.CASE_INDEX, case_index.page, asked)


def _queues(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read("/queues", "queues.read", answers.Queues, schemas.FreshQuery())
    def count_queues(by: Actor, query: dict[str, Any]) -> Response:
        """Every queue with how many cases stand in it."""
        at = clock.now()
        return sent(
            reader.read(
                review_queue.REVIEW_QUEUE,
                lambda connection: review_queue.counts(connection, at=at),
                query.get("min_position"),
            )
        )

    @routes.read(
        "/queues/<queue>", "queues.read", answers.Queue, schemas.QueueQuery(), codes=["queue_not_found"]
    )
    def list_queue(by: Actor, query: dict[str, Any], queue: str) -> Response:
        """The cases of a queue, the most urgent first."""
        mine = by.id if query.pop("mine") else None
        asked = {**query, "queue": queue, "at": clock.now(), "mine": mine}
        return page(reader, review_queue.REVIEW_QUEUE, review_queue.page, asked)


def _next_in_queue(routes: Routes, reader: Reader, cases: Cases, clock: Clock) -> None:
    @routes.command(
        "/queues/<queue>/next",
        "cases.claim",
        schemas.NothingSchema(),
        answers.Leased,
        codes=["queue_not_found"],
        empty="There is no case to be had.",
    )
    def claim_next(request: Request, body: dict[str, Any], queue: str) -> tuple[Answer, Extra] | None:
        """Claim the first case of the queue that can be had; 204 when there is none."""

        def candidates(connection: Connection[Any]) -> list[UUID]:
            return review_queue.next_claimable(connection, queue, at=clock.now(), limit=MOST_CANDIDATES)

        found = _of_queue(lambda: reader.read(review_queue.REVIEW_QUEUE, candidates))
        done = cases.claim_next(request, found)
        return None if done is None else (done, {"lease": presenter.lease(done.aggregate.lease)})


def _merchants(routes: Routes, reader: Reader) -> None:
    @routes.read(
        "/merchants/<merchant_id>/penalties",
        "penalties.read",
        answers.Ledger,
        schemas.PenaltiesQuery(),
        codes=["merchant_not_found"],
    )
    def list_penalties(by: Actor, query: dict[str, Any], merchant_id: str) -> Response:
        """The penalties of a merchant, the newest first, and what counts now."""
        asked = {**query, **own(by, {"merchant_id": merchant_id}), "merchant_id": merchant_id}
        return page(reader, merchant_penalties.MERCHANT_PENALTIES, merchant_penalties.page, asked)

    @routes.read("/publications", "publications.read", answers.Publications, schemas.PublicationsQuery())
    def list_publications(by: Actor, query: dict[str, Any]) -> Response:
        """The sanctions that everybody may see, the newest first."""
        return page(reader, sanctions.SANCTIONS, sanctions.publications, query)


def _closing_loops(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read("/follow-ups", "follow_ups.read", answers.FollowUps, schemas.FollowUpsQuery())
    def list_follow_ups(by: Actor, query: dict[str, Any]) -> Response:
        """Follow-ups, the earliest due first."""
        return page(reader, follow_ups.FOLLOW_UPS, follow_ups.page, query)

    @routes.read("/loops", "loops.read", answers.Loops, schemas.LoopsQuery())
    def list_loops(by: Actor, query: dict[str, Any]) -> Response:
        """Cases that are not closed and what holds them open, the oldest first."""
        return page(reader, open_loops.OPEN_LOOPS, open_loops.page, {**query, "at": clock.now()})


def _money(routes: Routes, reader: Reader) -> None:
    @routes.read(
        "/compensations",
        "compensations.read",
        answers.Compensations,
        schemas.CompensationsQuery(),
        codes=["merchant_not_found"],
    )
    def list_compensations(by: Actor, query: dict[str, Any]) -> Response:
        """What was granted in money, the oldest state first; what failed waits for somebody."""
        asked = {**query, **own(by, query)}
        return page(reader, compensations.COMPENSATIONS, compensations.page, asked)

    @routes.read(
        "/recoveries",
        "recoveries.read",
        answers.Recoveries,
        schemas.RecoveriesQuery(),
        codes=["merchant_not_found"],
    )
    def list_recoveries(by: Actor, query: dict[str, Any]) -> Response:
        """Money that is to come back, the oldest first."""
        return page(reader, recoveries.RECOVERIES, recoveries.page, {**query, **own(by, query)})


def own(by: Actor, query: Mapping[str, Any]) -> dict[str, str]:
    """What narrows a list to what the caller may read. Another merchant's is not found."""
    match by.role:
        case Role.MERCHANT if by.merchant_id and query.get("merchant_id") in (None, by.merchant_id):
            return {"merchant_id": by.merchant_id}
        case Role.MERCHANT:
            raise NotFound("merchant")
        case Role.BUYER_INTEGRATION:
            return {"filed_by": by.id}
        case _:
            return {}


def page(
    reader: Reader, model: ReadModel[Any], page: Callable[..., bytes], asked: dict[str, Any]
) -> Response:
    min_position = asked.pop("min_position", None)
    try:
        text = _of_queue(
            lambda: reader.read(model, lambda connection: page(connection, **asked), min_position)
        )
    except BadCursor:
        fault = Fault("/cursor", "invalid_format", "must be a cursor that was answered", "query")
        raise malformed(fault) from None
    return sent(text, headers=link(text))


def _of_queue(read: Callable[[], T]) -> T:
    try:
        return read()
    except review_queue.UnknownQueue:
        raise NotFound("queue") from None


def link(text: bytes) -> dict[str, str]:
    """The next page's address, from the end of the text: the page itself is not parsed."""
    cursor = text.rpartition(b'"next_cursor":')[2].rstrip(b"}").strip(b'"')
    if cursor == b"null":
        return {}
    following = http_request.args.copy()
    following["cursor"] = cursor.decode()
    return {"Link": f'<{http_request.path}?{urlencode(list(following.items(multi=True)))}>; rel="next"'}
