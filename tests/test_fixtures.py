"""The databases that every test builds on."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from infrastructure.embedded import Embedded

TREE = Path(__file__).parents[1]
EMPTY = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
LEFT = "SELECT count(*) FROM pg_database WHERE datname LIKE 'test_%'"


def test_a_fresh_database_is_empty(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute(EMPTY).fetchone() == (0,)
        connection.execute("CREATE TABLE left_behind ()")


def test_and_so_is_the_next(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute(EMPTY).fetchone() == (0,)


def run_on(url: str) -> str:
    """What pytest reports of the two tests above with this server named."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "empty or next", __file__],
        cwd=TREE,
        env=os.environ | {"RECOURSE_TEST_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_a_server_that_is_named_is_used_and_left_as_it_was(tmp_path: Path) -> None:
    assert "2 errors" in run_on("postgresql://127.0.0.1:1/nothing-listens-there")
    with Embedded(tmp_path / "named", durable=False) as server:
        assert "2 passed" in run_on(server.url)
        with psycopg.connect(server.url) as connection:
            assert connection.execute(LEFT.encode()).fetchone() == (0,)
