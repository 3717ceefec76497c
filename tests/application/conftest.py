"""Use cases on a real store, with a clock that the test sets and a vault that shows what it was given."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest

from application.accesses import Access, Accesses
from application.cases import Answer, Cases, Request
from application.rulebook import OnePolicy
from application.store import BlindEntry, IdempotencyKey, WrappedKey
from domain.values import (
    Actor,
    CaseType,
    Claim,
    Finding,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Remedy,
    RemedyKind,
    Role,
    Sealed,
)
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.store import PostgresStore

DEFAULT = default_pack()

ORDERS = count(1)


@pytest.fixture(scope="module")
def store(database_url: str) -> Iterator[PostgresStore]:
    """One store for a file's tests; each test uses orders of its own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
        migrate(url)
        with PostgresStore(url) as opened:
            opened.url = url  # type: ignore[attr-defined]
            yield opened
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **by: float) -> None:
        self.at += timedelta(**by)


class GlassVault:
    """Seals nothing: the box shows text, place and version, so that a test can see what was sealed where."""

    class _Sealing:
        def __init__(self, version: int) -> None:
            self.version = version
            self.new_keys: tuple[WrappedKey, ...] = ()
            self.blind_index: tuple[BlindEntry, ...] = ()

        def seal(self, person, field, text, later=0):
            if not self.new_keys and self.version == 1:
                self.new_keys = (WrappedKey(person, UUID(int=1), b"wrapped"),)
            return Sealed(person, UUID(int=1), f"{self.version + later}:{field}:{text}")

        def index(self, person, kind, value):
            self.blind_index += (BlindEntry(person, kind, GlassVault().blind(kind, value)),)

    def sealing(self, case_id: UUID, version: int):
        return self._Sealing(version)

    def open(self, case_id, values):
        return {place: value.box.split(":", 2)[2] for place, value in values.items()}

    def pseudonym(self, kind: str, value: str) -> str:
        return sha256(f"{kind}:{value}".encode()).hexdigest()[:32]

    def blind(self, kind: str, value: str) -> bytes:
        return sha256(f"{kind}:{value}".encode()).digest()[:8]

    def fingerprint(self, data: bytes) -> bytes:
        return sha256(data).digest()


class Desk:
    """Everyone's requests, in few words."""

    app = Actor("app", Role.BUYER_INTEGRATION)
    other_app = Actor("other-app", Role.BUYER_INTEGRATION)
    seller = Actor("seller", Role.MERCHANT, "m-2001")
    other_seller = Actor("other-seller", Role.MERCHANT, "m-2002")
    agent = Actor("agent-1", Role.AGENT)
    reviewer = Actor("reviewer-1", Role.REVIEWER)
    other_reviewer = Actor("reviewer-2", Role.REVIEWER)
    supervisor = Actor("supervisor-1", Role.SUPERVISOR)
    finance = Actor("finance-1", Role.FINANCE)
    auditor = Actor("auditor-1", Role.AUDITOR)
    ticker = Actor("ticker", Role.SYSTEM)

    def __init__(self, store: PostgresStore) -> None:
        self.store = store
        self.clock = SetClock()
        self.vault = GlassVault()
        self.accesses = Accesses(store, self.vault, self.clock, uuid4)
        self.cases = Cases(store, self.vault, OnePolicy(DEFAULT), self.clock, uuid4)

    def request(
        self, by: Actor, version: int | None = None, key: str | None = None, body: bytes = b""
    ) -> Request:
        """A request of this actor, tied to a version and to a key if they are given."""
        idempotency = key and IdempotencyKey(by.id, key, GlassVault().fingerprint(body))
        return Request(by, "req-1", version, idempotency or None)

    def access(self, by: Actor, permission: str = "cases.read", reason: str | None = None) -> Access:
        """This actor's wish to see something."""
        return Access(by, permission, "req-1", reason)

    def order(self, **content) -> OrderLine:
        """An order line that no other test has."""
        at = self.clock.at - timedelta(days=5)
        line: dict[str, Any] = {
            "order_id": f"PO-{next(ORDERS)}",
            "line_id": "1",
            "sku": "SKU-9",
            "title": "羽绒服",
        }
        line |= {"category": "clothing", "quantity": 1, "paid": Money(19_900, "CNY"), "purchased_at": at}
        return OrderLine(**line | content)

    def file(self, request: Request | None = None, order: OrderLine | None = None, **content) -> Answer:
        """File a case for 199 yuan."""
        filing: dict[str, Any] = {
            "case_type": CaseType.RETURN_REFUND,
            "reason": "quality_defect",
            "channel": "app",
            "buyer_id": "b-1001",
            "merchant_id": "m-2001",
            "order": order or self.order(),
            "claim": Claim((RemedyKind.REFUND,), Money(19_900, "CNY")),
        }
        return self.cases.file(request or self.request(self.app), **filing | content)

    def claimed(self, by: Actor | None = None) -> Answer:
        """File a case and claim it."""
        filed = self.file()
        return self.cases.claim(self.request(by or self.reviewer, 1), filed.aggregate.id)

    def verified(self) -> Answer:
        """And find for the buyer."""
        case = self.claimed().aggregate
        shares = (LiabilityShare(LiableParty.MERCHANT, 100),)
        request = self.request(self.reviewer, case.version)
        return self.cases.verify(request, case.id, Finding.UPHELD, shares, (), "拉链坏了")

    def decided(self) -> tuple[Answer, UUID]:
        """And refund 199 yuan."""
        case = self.verified().aggregate
        refund = Remedy(uuid4(), RemedyKind.REFUND, Money(19_900, "CNY"))
        request = self.request(self.reviewer, case.version)
        return self.cases.decide(request, case.id, (refund,), ("Q-1",), "退款"), refund.remedy_id

    def paid(self) -> Answer:
        """And pay it."""
        answer, line = self.decided()
        request = self.request(self.finance)
        return self.cases.confirm_compensation(request, answer.aggregate.id, line, "pay-1", self.clock.at)

    def facts(self, case_id: UUID) -> list[str]:
        """The names of the case's recorded facts."""
        return [type(recorded.fact).__name__ for recorded in self.store.facts(case_id)]

    def rows(self, statement: str, *params) -> list[tuple]:
        """What stands in the database."""
        with psycopg.connect(self.store.url) as connection:  # type: ignore[attr-defined]
            return connection.execute(statement.encode(), params).fetchall()

    def write(self, statement: str, *params) -> None:
        """Put something into the database."""
        with psycopg.connect(self.store.url) as connection:  # type: ignore[attr-defined]
            connection.execute(statement.encode(), params)


@pytest.fixture
def desk(store: PostgresStore) -> Desk:
    """The use cases and everyone who uses them."""
    return Desk(store)


@pytest.fixture
def nothing_recorded(desk: Desk):
    """Run the body, and find that it recorded no fact anywhere."""

    class Check(SimpleNamespace):
        def __enter__(self):
            self.before = desk.rows("SELECT count(*) FROM events")
            return self

        def __exit__(self, *_):
            assert desk.rows("SELECT count(*) FROM events") == self.before

    return Check()
