"""A thousand cases leave nothing that people wrote in the data folder, its write-ahead log or the archive.

`test_canary` plants every field there is in a few cases and searches rows. This one plants the fields of
every filing in many cases and searches bytes: the server's whole folder, as somebody with the disk would.
"""

import random
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from application.cases import Cases, Request
from application.rulebook import OnePolicy
from application.store import IdempotencyKey
from domain.values import Actor, CaseType, Claim, Money, OrderLine, RemedyKind, Role, Visibility
from infrastructure.archive.writing import backup
from infrastructure.embedded import Embedded
from infrastructure.event_store.connections import Datastore
from infrastructure.key_file import MasterKey
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.store import PostgresStore
from infrastructure.transparency.sealer import Sealer
from infrastructure.vault import PostgresVault

CASES = 1_000
NOW = datetime(2026, 11, 6, 8, tzinfo=UTC)
MARK = f"{random.SystemRandom().getrandbits(128):032x}"
"""Stands in everything that people write here, and nowhere else."""

BUYER = Actor("app", Role.BUYER_INTEGRATION)
REVIEWER = Actor("reviewer-1", Role.REVIEWER)


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def said(place: str, number: int) -> str:
    return f"金丝雀 {place} {MARK} {number:05}"


def spellings() -> list[bytes]:
    """The mark as it is, in hex and in base64 wherever it may begin."""
    mark = MARK.encode()
    shifted = [b64encode(bytes(shift) + mark)[4:-4] for shift in range(3)]
    return [mark, mark.hex().encode(), mark.hex().upper().encode(), *shifted]


def leaking(folder: Path) -> set[str]:
    """The files below a folder in which the mark stands."""
    marks = spellings()
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if any(mark in content for mark in marks):
                found.add(str(path.relative_to(folder)))
    return found


def file_cases(cases: Cases, vault: PostgresVault, amount: int) -> list[UUID]:
    """That many cases with everything that a filing may say, and a note on each."""
    paid = Money(19_900, "CNY")
    filed = []
    for number in range(amount):
        key = IdempotencyKey(BUYER.id, uuid4().hex, vault.fingerprint(said("body", number).encode()))
        answer = cases.file(
            Request(BUYER, "req-1", None, key),
            case_type=CaseType.REFUND_ONLY,
            reason="quality_defect",
            channel="app",
            buyer_id=said("buyer", number),
            merchant_id="m-2001",
            order=OrderLine(
                str(uuid4()), "1", "SKU-9", "羽绒服", "clothing", 1, paid, NOW - timedelta(days=9)
            ),
            claim=Claim((RemedyKind.REFUND,), paid),
            statement=said("statement", number),
            contact={part: said(part, number) for part in ("name", "phone", "address")},
        )
        filed.append(answer.aggregate.id)
        cases.note(Request(REVIEWER, "req-2"), filed[-1], said("note", number), Visibility.INTERNAL)
    return filed


@pytest.fixture
def searched(tmp_path: Path) -> Callable[[Callable[[str], None]], set[str]]:
    """Runs something on a server of its own, stops the server, and searches its folder and the archive."""

    def search(work: Callable[[str], None]) -> set[str]:
        with Embedded(tmp_path / "home", durable=False) as server:
            migrate(server.url)
            work(server.url)
        return leaking(tmp_path)

    return search


def test_nothing_is_found_in_the_data_folder_the_write_ahead_log_and_the_archive(
    searched: Callable[[Callable[[str], None]], set[str]], tmp_path: Path
):
    def live(url: str) -> None:
        with Datastore(url, pool_size=1, max_overflow=1) as datastore, PostgresStore(url) as store:
            vault = PostgresVault(datastore, MasterKey(bytes(32)))
            cases = Cases(store, vault, OnePolicy(default_pack()), Clock(), uuid4)
            filed = file_cases(cases, vault, CASES)
            statement = cases.get(REVIEWER, filed[-1]).filing.statement
            assert statement is not None
            opened = vault.open(filed[-1], {(1, "statement"): statement})
            assert opened == {(1, "statement"): said("statement", CASES - 1)}  # it was there to be found
        supervisor = ProjectionSupervisor(url, holder="canary")
        supervisor.prepare()
        supervisor.catch_up()
        sealer = Sealer(url, tmp_path / "home", origin=lambda: "recourse.test/canary")
        sealer.catch_up()
        sealer.close()
        manifest = backup(url, tmp_path / "archive", tmp_path / "keys")
        assert manifest.size == 2 * CASES + 1

    assert searched(live) == set()
    assert any((tmp_path / "archive").rglob("*.jsonl"))
    assert any((tmp_path / "home").rglob("pg_wal/0*"))


def test_one_text_in_clear_is_found_in_the_table_and_in_the_write_ahead_log(
    searched: Callable[[Callable[[str], None]], set[str]],
):
    def leak(url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(b"INSERT INTO claims VALUES (%s, %s)", (said("leak", 1), uuid4()))

    found = searched(leak)
    assert any("pg_wal" in name for name in found)
    assert any("/base/" in name for name in found)
