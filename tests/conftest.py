"""Fixtures that every room's tests may use."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from hypothesis import settings
from psycopg import sql
from werkzeug.serving import WSGIRequestHandler, make_server

from infrastructure.embedded import Embedded

# No example is timed: a busy machine would fail what is right. `make nightly` tries twenty times as many.
settings.register_profile("everyday", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=2_000, deadline=None)
settings.load_profile("everyday")


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


class QuietHandler(WSGIRequestHandler):
    """Says nothing about requests, and keeps connections open as a production server does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """An application on a port of its own; where it is."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def serve() -> Callable[[Flask], AbstractContextManager[str]]:
    """Serves an application over real HTTP."""
    return served
