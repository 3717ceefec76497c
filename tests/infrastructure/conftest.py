"""Fixtures of the tests that need our tables."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from domain.case import Case
from domain.policy import DEFAULT
from domain.values import Actor, CaseType, Claim, Money, OrderLine, RemedyKind, Role
from infrastructure.migrate import migrate
from infrastructure.store import PostgresStore

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)


@pytest.fixture
def migrated_database(fresh_database: str) -> str:
    """URL of a new database with every migration applied."""
    migrate(fresh_database)
    return fresh_database


@pytest.fixture
def store(migrated_database: str) -> Iterator[PostgresStore]:
    """The case store on a new database."""
    with PostgresStore(migrated_database) as opened:
        yield opened


@pytest.fixture
def new_case() -> Callable[..., Case]:
    """Files a case that nobody has recorded yet."""

    def file(case_id: UUID | None = None) -> Case:
        paid = Money(19900, "CNY")
        return Case.file(
            by=Actor("buyer-app", Role.BUYER_INTEGRATION),
            case_id=case_id or uuid4(),
            number="AS-20261106-000001",
            case_type=CaseType.RETURN_REFUND,
            reason="quality_defect",
            channel="app",
            buyer="b-1001",
            merchant_id="m-2001",
            order=OrderLine("PO-1", "1", "SKU-9", "羽绒服", "clothing", 1, paid, FILED_AT, FILED_AT),
            claim=Claim((RemedyKind.REFUND,), paid),
            policy=DEFAULT,
            at=FILED_AT,
        )

    return file
