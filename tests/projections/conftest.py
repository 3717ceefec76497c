"""A database with the read models' tables, and a way to put facts into them without an event store."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from domain.events import (
    CaseEscalated,
    CaseFiled,
    CaseReopened,
    DecisionIssued,
    DecisionProposed,
    ExecutionFailed,
    Fact,
    HumanReviewDemanded,
    OfferAccepted,
)
from domain.values import CaseType, Claim, Money, OrderLine, RemedyKind, Role, Sealed, SealedFor
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.projection_tables import Table
from projections.catalogue import ALL
from projections.read_model import ReadModel, Rows

Show = Callable[..., None]

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
"""When a told case is filed."""


REVIEWED, EXECUTED = timedelta(hours=48), timedelta(hours=24)
DUE_IN: dict[type[Fact], timedelta] = {
    CaseFiled: REVIEWED,
    CaseEscalated: REVIEWED,
    CaseReopened: REVIEWED,
    ExecutionFailed: REVIEWED,
    HumanReviewDemanded: REVIEWED,
    DecisionIssued: EXECUTED,
    OfferAccepted: EXECUTED,
}
"""How soon what a fact begins is due, where a test says nothing else."""


class Told:
    """One case told fact by fact: what matters to a test is an argument, the rest is filled in."""

    def __init__(self, case_id: UUID | None = None, at: datetime = FILED_AT) -> None:
        self.case_id = case_id or uuid4()
        self.at = at
        self.facts: list[Fact] = []

    def filed(self, **content: Any) -> Self:
        """Filed by shop-1 for merchant m-2001, if nothing else is said."""
        paid = Money(19900, "CNY")
        order = OrderLine("PO-1", "1", "SKU-9", "羽绒服", "clothing", 1, paid, self.at, self.at)
        usual: dict[str, Any] = {
            "originator_topic": "Case",
            "number": "AS-20261106-0000000001",
            "case_type": CaseType.RETURN_REFUND,
            "reason": "quality_defect",
            "channel": "app",
            "buyer": "0" * 32,
            "merchant_id": "m-2001",
            "order": order,
            "claim": Claim((RemedyKind.REFUND,), paid),
            "filed_by": "shop-1",
            "policy": "cn-2026-main-path",
            "objections": (),
        }
        return self.then(CaseFiled, **usual | content)

    def proposed(self, proposal_id: UUID) -> Self:
        """A decision waits for a second person."""
        text = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
        return self.then(
            DecisionProposed,
            proposal_id=proposal_id,
            round=1,
            by="reviewer-1",
            role=Role.REVIEWER,
            remedies=(),
            clauses=("Q-1",),
            evidence=(),
            version_seen=len(self.facts),
            policy="cn-2026",
            reasons=text,
            discretion=None,
            proposal_hash="0" * 64,
        )

    def then(self, fact: type[Fact], hours: float = 0, **content: Any) -> Self:
        """One more fact, so many hours after the one before; what it makes due is due as M-3 says."""
        self.at += timedelta(hours=hours)
        version = len(self.facts) + 1
        if "due" not in content and fact in DUE_IN:
            content["due"] = self.at + DUE_IN[fact]
        self.facts.append(
            fact(originator_id=self.case_id, originator_version=version, timestamp=self.at, **content)
        )
        return self


@pytest.fixture
def tell() -> type[Told]:
    """Tells a case fact by fact."""
    return Told


def folded(model: ReadModel[Any], *facts: Fact) -> Rows[Any]:
    """The rows of one case after these facts."""
    rows: Rows[Any] = {}
    for fact in facts:
        rows = model.fold(rows, fact)
    return rows


@pytest.fixture(scope="session")
def read_models_url(database_url: str) -> Iterator[str]:
    """A database with the tables of every read model."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
        migrate(url)
        ProjectionSupervisor(url, holder="test").prepare()
        yield url
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def connection(read_models_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database where every read model's table is there and empty."""
    with psycopg.connect(read_models_url, autocommit=True) as opened:
        tables = sql.SQL(", ").join(sql.Identifier(model.table) for model in ALL)
        opened.execute(sql.SQL("TRUNCATE {}").format(tables))
        yield opened


@pytest.fixture
def show(connection: psycopg.Connection[Any]) -> Show:
    """Folds the facts of one case and writes its rows into the live table."""

    def write(model: ReadModel[Any], *facts: Fact, stale: bool = False) -> None:
        table = Table(model, model.table)
        table.write(connection, list(folded(model, *facts).values()), [])
        if stale:
            table.mark_stale(connection, {fact.originator_id for fact in facts})

    return write
