"""The database goes away and comes back: 503 meanwhile, then everything works without a restart."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from application.accesses import Accesses
from application.cases import Cases
from application.rulebook import OnePolicy
from domain.values import Actor, Role
from infrastructure.event_store.connections import Datastore
from infrastructure.health import Health
from infrastructure.key_file import MasterKey
from infrastructure.keys import REMEMBERED_FOR, ApiKeys
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.read_models import ReadModels
from infrastructure.store import PostgresStore
from infrastructure.vault import PostgresVault
from web.app import WebSettings, create_app

DEFAULT = default_pack()


class Outage:
    """A database that lets nobody in until it is over."""

    def __init__(self, server_url: str, url: str) -> None:
        self._server_url = server_url
        self._name = urlsplit(url).path.removeprefix("/")

    def begin(self) -> None:
        """Break every connection and refuse new ones."""
        with psycopg.connect(self._server_url, autocommit=True) as server:
            server.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(self._name))
            )
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (self._name,),
            )

    def end(self) -> None:
        """Let everybody in again."""
        with psycopg.connect(self._server_url, autocommit=True) as server:
            server.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(self._name))
            )


def test_a_database_that_goes_away_and_returns(database_url, fresh_database, filing, clock):
    url, outage = fresh_database, Outage(database_url, fresh_database)
    migrate(url)
    projections = ProjectionSupervisor(url, holder="outage")
    projections.prepare()
    datastore = Datastore(url, pool_size=2, max_overflow=2)
    datastore.pool.open()
    keys, vault = ApiKeys(datastore, clock), PostgresVault(datastore, MasterKey(b"k" * 32))
    health = Health(datastore)
    with PostgresStore(url, pool_size=2, max_overflow=2) as store:
        absent: Any = None
        app = create_app(
            cases=Cases(store, vault, OnePolicy(DEFAULT), clock, uuid4),
            files=absent,
            accesses=Accesses(store, vault, clock, uuid4),
            forgetful=absent,
            subjects=absent,
            phone_search=absent,
            policies=absent,
            simulations=absent,
            incidents=absent,
            corrective_actions=absent,
            transparency=absent,
            vault=vault,
            keys=keys,
            reader=ReadModels(datastore),
            clock=clock,
            probes={"database": health.database, "projections": health.projections},
            watched={"log": health.log},
            lag=health.lag,
            process_lag=health.process_lag,
            log_figures=health.log_figures,
            new_id=uuid4,
            settings=WebSettings("0"),
        )
        key = keys.create(Actor("agent-1", Role.AGENT))

        def agent(method: str, path: str, **options: Any) -> Any:
            headers = {"Authorization": f"Bearer {key}"}
            return app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)

        kept = agent("POST", "/cases", json=filing()).json["case_id"]
        asked = [
            lambda: agent("POST", "/cases", json=filing()),
            lambda: agent("GET", f"/cases/{kept}"),
            lambda: agent("GET", "/queues/review"),
            lambda: agent("GET", "/queues?min_position=1"),
        ]

        def answers() -> list[Any]:
            with ThreadPoolExecutor(len(asked)) as pool:
                return list(pool.map(lambda ask: ask(), asked))

        projections.catch_up()
        assert [answer.status_code for answer in answers()] == [201, 200, 200, 200]

        outage.begin()
        for answer in answers():
            assert (answer.status_code, answer.json["code"]) == (503, "service_unavailable")
            assert answer.headers["Retry-After"] == "1"
        clock.move(seconds=REMEMBERED_FOR.seconds)
        assert agent("GET", "/queues").status_code == 503
        assert app.test_client().get("/readyz").status_code == 503
        assert app.test_client().get("/livez").status_code == 200

        outage.end()
        assert [answer.status_code for answer in answers()] == [201, 200, 200, 200]
        assert app.test_client().get("/readyz").status_code == 200
    keys.close()
    datastore.close()
