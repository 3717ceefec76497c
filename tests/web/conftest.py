"""The application over real HTTP on a real PostgreSQL, with one caller for each role."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
import requests
from flask import Flask
from psycopg import sql

from application.accesses import Accesses
from application.cases import Cases, Files, Forgetting, Request
from application.corrective_actions import CorrectiveActions
from application.incidents import Incidents
from application.phone_search import PhoneSearch
from application.policies import Policies
from application.rulebook import OnePolicy, PublishedPolicies
from application.simulation import Simulations
from application.subjects import Subjects
from application.transparency import Transparency
from domain.case import Case
from domain.events import FACTS
from domain.policy import Fault, Policy, PolicyFaults
from domain.values import Actor, Role
from infrastructure import policy_documents
from infrastructure.blind_index import StoredBlindIndex
from infrastructure.blobs import PostgresBlobs
from infrastructure.erasure_ledger import ErasureLedgerFile
from infrastructure.event_store.connections import Datastore
from infrastructure.fact_log import StoredFacts
from infrastructure.health import Health
from infrastructure.key_file import MasterKey
from infrastructure.keys import ApiKeys
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.read_models import ReadModels
from infrastructure.recurrence import StoredRecurrence
from infrastructure.store import PostgresStore
from infrastructure.subject_index import StoredSubjects
from infrastructure.transparency.published import PublishedLog
from infrastructure.transparency.sealer import Sealer
from infrastructure.vault import PostgresVault
from web.app import WebSettings, create_app

DEFAULT = default_pack()

NOW = datetime(2026, 11, 10, 8, tzinfo=UTC)
Body = dict[str, Any]


DOCUMENT = {"version": DEFAULT.version}
"""The built-in policy, written down in few words."""


def compiled(document: Mapping[str, Any]) -> Policy:
    """A policy from a document of few words: its version, and what is wrong with it."""
    faults = [Fault(path, detail) for path, detail in document.get("faults", {}).items()]
    if faults:
        raise PolicyFaults(faults)
    return replace(DEFAULT, version=document["version"])


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.at

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


ACTORS = {
    "buyer": Actor("buyer-app", Role.BUYER_INTEGRATION),
    "buyer:2": Actor("other-app", Role.BUYER_INTEGRATION),
    "merchant": Actor("seller-1", Role.MERCHANT, "m-2001"),
    "merchant:2": Actor("seller-2", Role.MERCHANT, "m-2002"),
    "agent": Actor("agent-1", Role.AGENT),
    "reviewer": Actor("reviewer-1", Role.REVIEWER),
    "reviewer:2": Actor("reviewer-2", Role.REVIEWER),
    "supervisor": Actor("supervisor-1", Role.SUPERVISOR),
    "auditor": Actor("auditor-1", Role.AUDITOR),
    "finance": Actor("finance-1", Role.FINANCE),
    "logistics": Actor("logistics-1", Role.LOGISTICS),
    "admin": Actor("admin-1", Role.ADMIN),
}


@dataclass
class Installation:
    """Everything behind one running application."""

    url: str
    database: str
    clock: MovableClock
    store: PostgresStore
    vault: PostgresVault
    keys: ApiKeys
    projections: ProjectionSupervisor
    parts: dict[str, Any]
    secrets: dict[str, str]

    def catch_up(self) -> None:
        """Bring every read model up to date."""
        self.projections.catch_up()

    def app(self, **other: Any) -> Flask:
        """Another application over the same parts, some of them changed."""
        return create_app(**{**self.parts, **other})

    def tick(self, case_id: str) -> None:
        """Act upon every due time of a case that has passed."""
        case, ticker = self.store.load(Case, UUID(case_id)), Actor("ticker", Role.SYSTEM)
        for clock_id in case.clocks.running if case else ():
            self.parts["cases"].miss_clock(Request(ticker, "tick"), UUID(case_id), clock_id)

    def events(self) -> int:
        """How many facts are recorded in all, but for those of who saw what."""
        seen = [name for name, fact in FACTS.items() if fact.OF == "AccessLog"]
        with psycopg.connect(self.database) as connection:
            counting = "SELECT count(*) FROM events WHERE NOT topic = ANY(%s)"
            ((amount,),) = connection.execute(counting, (seen,)).fetchall()
        return int(amount)


class Caller:
    """One key's way to the API."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        if key:
            self._http.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any request below /api/v1."""
        return self.ask_at_root(method, f"/api/v1{path}", **options)

    def ask_at_root(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any request."""
        return self._http.request(method, self.url + path, timeout=20, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        """A read."""
        return self.ask("GET", path, params=params)

    def every(self, path: str, **params: Any) -> list[Body]:
        """All items of a list, page by page: other tests of the session fill it too."""
        found, cursor = [], None
        while True:
            answer = self.get(path, limit=200, **params, **({"cursor": cursor} if cursor else {}))
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found

    def post(
        self, path: str, body: Any = None, version: int | None = None, **headers: str
    ) -> requests.Response:
        """A command; `version` is sent as If-Match, other headers with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        return self.ask("POST", path, json={} if body is None else body, headers=sent)

    def done(self, path: str, body: Any = None, version: int | None = None, **headers: str) -> Body:
        """The body of a command that must succeed."""
        answer = self.post(path, body, version, **headers)
        assert answer.status_code in (200, 201), answer.text
        found: Body = answer.json()
        return found


@pytest.fixture(scope="session")
def migrated_url(database_url: str) -> Iterator[str]:
    """URL of a database of the web tests, migrated and with the tables of every read model."""
    name = f"web_{uuid4().hex}"
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        migrate(url)
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def installation(
    migrated_url: str,
    serve: Callable[[Flask], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """One installation for all web tests; each test files cases of its own."""
    clock = MovableClock()
    datastore = Datastore(migrated_url, pool_size=2, max_overflow=10)
    datastore.pool.open()
    projections = ProjectionSupervisor(migrated_url, holder="tests")
    projections.prepare()
    keys = ApiKeys(datastore, clock)
    vault = PostgresVault(datastore, MasterKey(b"k" * 32))
    health = Health(datastore)
    with PostgresStore(migrated_url, pool_size=2, max_overflow=10) as store:
        book = PublishedPolicies(store, compiled, DEFAULT, monotonic)
        accesses = Accesses(store, vault, clock, uuid4)
        policies = Policies(store, vault, book, compiled, policy_documents.read, DOCUMENT, clock, uuid4)
        ledger = ErasureLedgerFile(tmp_path_factory.mktemp("home") / "erasures.ledger")
        cases = Cases(store, vault, OnePolicy(DEFAULT), clock, uuid4)
        forgetting = Forgetting(store, vault, OnePolicy(DEFAULT), clock, uuid4, vault, ledger)
        parts: dict[str, Any] = {
            "cases": cases,
            "forgetful": forgetting,
            "subjects": Subjects(cases, forgetting, vault, StoredSubjects(ReadModels(datastore))),
            "phone_search": PhoneSearch(cases, accesses, vault, StoredBlindIndex(datastore)),
            "incidents": Incidents(store, vault, book, clock, uuid4),
            "files": Files(
                store, vault, OnePolicy(DEFAULT), clock, uuid4, PostgresBlobs(datastore, vault), accesses
            ),
            "accesses": accesses,
            "corrective_actions": CorrectiveActions(
                store, vault, book, StoredRecurrence(ReadModels(datastore)), clock, uuid4
            ),
            "policies": policies,
            "simulations": Simulations(policies, StoredFacts(datastore), book),
            "transparency": Transparency(cases, accesses, PublishedLog(datastore)),
            "vault": vault,
            "keys": keys,
            "reader": ReadModels(datastore),
            "clock": clock,
            "probes": {
                "database": health.database,
                "migrations": health.migrations,
                "projections": health.projections,
            },
            "watched": {"log": health.log},
            "lag": health.lag,
            "process_lag": health.process_lag,
            "log_figures": health.log_figures,
            "new_id": uuid4,
            "settings": WebSettings(version="0.1.0"),
        }
        secrets = {name: keys.create(actor) for name, actor in ACTORS.items()}
        with serve(create_app(**parts)) as url:
            yield Installation(url, migrated_url, clock, store, vault, keys, projections, parts, secrets)
    keys.close()
    datastore.close()


@pytest.fixture
def clock(installation: Installation) -> Iterator[MovableClock]:
    """The installation's clock, put back afterwards."""
    yield installation.clock
    installation.clock.at = NOW


@pytest.fixture
def call(installation: Installation) -> Callable[[str], Caller]:
    """A caller by the name of its role; `nobody` has no key."""
    return lambda name: Caller(installation.url, installation.secrets.get(name))


@pytest.fixture
def with_key(installation: Installation) -> Callable[[str | None], Caller]:
    """A caller with any key."""
    return lambda key: Caller(installation.url, key)


_orders = count(1)


@pytest.fixture
def filing() -> Callable[..., Body]:
    """The body of a new filing, for an order line that no other test uses."""

    def body(**changes: Any) -> Body:
        whole: Body = {
            "case_type": "return_refund",
            "reason": "quality_defect",
            "channel": "app",
            "buyer_id": "b-1001",
            "merchant_id": "m-2001",
            "order": {
                "order_id": f"PO-{next(_orders)}",
                "line_id": "1",
                "sku": "SKU-9",
                "title": "羽绒服",
                "category": "clothing",
                "quantity": 1,
                "paid": {"amount_minor": 19900, "currency": "CNY"},
                "purchased_at": "2026-11-01T08:00:00Z",
                "delivered_at": "2026-11-05T02:00:00Z",
                "promises": ["fake_one_pay_ten"],
                "confirmations": [],
            },
            "claim": {
                "remedies": ["refund"],
                "amount": {"amount_minor": 19900, "currency": "CNY"},
                "quantity": 1,
            },
            "statement": "拉链坏了",
            "contact": {"name": "王芳", "phone": "13800000000", "address": "杭州市"},
        }
        return whole | changes

    return body


CNY_199 = {"amount_minor": 19900, "currency": "CNY"}
REFUND = {"kind": "refund", "amount": CNY_199, "payer": "merchant", "release": "now"}


class Story:
    """One case driven over HTTP; `version` is the one that its last command answered."""

    def __init__(self, call: Callable[[str], Caller], filed: Body) -> None:
        self.call = call
        answer = call("buyer").done("/cases", filed)
        self.id: str = answer["case_id"]
        self.path = f"/cases/{self.id}"
        self.order: Body = filed["order"]
        self.version: int = answer["version"]
        self.position: str = answer["position"]
        self.compensations: list[Body] = []
        self.goods: list[Body] = []

    def did(self, who: str, what: str, body: Any = None, versioned: bool = True) -> Body:
        """A command that must succeed."""
        answer = self.call(who).done(f"{self.path}/{what}", body, self.version if versioned else None)
        self.version, self.position = answer["version"], answer["position"]
        return answer

    def ask(
        self, who: str, what: str, body: Any = None, versioned: bool = True, **headers: str
    ) -> requests.Response:
        """A command that may be refused; it says the version that the story is at."""
        return self.call(who).post(
            f"{self.path}/{what}", body, self.version if versioned else None, **headers
        )

    def leased(self, who: str = "reviewer") -> "Story":
        """Claimed by somebody."""
        self.did(who, "lease")
        return self

    def verified(self, finding: str = "upheld") -> "Story":
        """Claimed by the reviewer, and the merchant found liable for all of it unless nobody is."""
        self.leased()
        unproven = finding in ("not_upheld", "inconclusive")
        liability = [] if unproven else [{"party": "merchant", "share": 100}]
        self.did(
            "reviewer", "verification", {"finding": finding, "liability": liability, "reasons": "看过了"}
        )
        return self

    def decided(self, *remedies: Body) -> "Story":
        """Verified, and decided for these remedies."""
        self.verified("upheld" if remedies else "not_upheld")
        body = {"remedies": list(remedies), "clauses": ["Q-1"], "reasons": "属实"}
        answer = self.did("reviewer", "decisions", body)
        self.compensations, self.goods = answer["compensations"], answer["goods"]
        return self

    def line(self, number: int = 0) -> str:
        """The path of a compensation under the case."""
        return f"compensations/{self.compensations[number]['compensation_id']}"

    def paid(self, reference: str = "pay-1") -> "Story":
        """Decided for a refund, and paid: the follow-up is open."""
        self.decided(REFUND)
        body = {"reference": reference, "paid_at": "2026-11-10T07:00:00Z"}
        self.did("finance", f"{self.line()}/confirmation", body, versioned=False)
        return self

    def follow_up(self) -> str:
        """The path of the last follow-up under the case."""
        case = self.call("reviewer").get(self.path).json()
        return f"follow-ups/{case['follow_ups'][-1]['follow_up_id']}"

    def followed_up(self, satisfied: bool = True) -> "Story":
        """Paid, and the buyer asked."""
        self.paid()
        self.did("agent", f"{self.follow_up()}/completion", {"satisfied": satisfied}, versioned=False)
        return self

    def closed(self) -> "Story":
        """The whole way to its end."""
        self.followed_up()
        self.did("reviewer", "closure", {"resolution": "compensated", "reasons": "已办结"})
        return self

    def rectifying(self) -> "Story":
        """Paid, and the merchant told to rectify within a week."""
        self.paid()
        self.did("reviewer", "rectification", {"terms": "整改质检", "due": "2026-11-17T08:00:00Z"})
        return self


@pytest.fixture
def story(call: Callable[[str], Caller], filing: Callable[..., Body]) -> Callable[..., Story]:
    """Begins a story with a filed case; what is given changes the filing."""
    return lambda **changes: Story(call, filing(**changes))


Refused = Callable[..., Body]


@pytest.fixture
def refused(installation: Installation) -> Refused:
    """Asks for what must be refused with a status and a code, and shows that nothing was recorded."""

    def ask(status: int, code: str, asking: Callable[[], requests.Response]) -> Body:
        before = installation.events()
        answer = asking()
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            status,
            "application/problem+json",
        ), answer.text
        problem: Body = answer.json()
        assert problem["code"] == code, problem
        assert (problem["status"], problem["type"]) == (status, f"urn:recourse:problem:{code}")
        assert problem["title"]
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        assert installation.events() == before
        return problem

    return ask


@pytest.fixture(scope="session")
def sealer(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealer]:
    """What seals the installation's log, when it is asked to."""
    sealer = Sealer(installation.database, tmp_path_factory.mktemp("log"), origin=lambda: "web.test/log")
    yield sealer
    sealer.close()
