"""Fixtures that every room's tests may use."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infrastructure.embedded import Embedded


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of this test run alone, or the one that RECOURSE_TEST_DATABASE_URL names."""
    given = os.environ.get("RECOURSE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with Embedded(tmp_path_factory.mktemp("database"), durable=False) as server:
        yield server.url


@pytest.fixture
def fresh_database(database_url: str) -> Iterator[str]:
    """URL of a new, empty database that is dropped afterwards, open connections included."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
