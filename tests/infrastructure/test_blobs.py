"""Bytes are sealed chunk by chunk to their place, kept only with their fact, and swept away without it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.store import BytesMissing, Effects, Provenance, VersionConflict
from application.vault import CannotOpen
from domain.case import Case
from domain.values import SealedFor, Visibility
from infrastructure.blobs import CHUNK_BYTES, PATIENCE, PostgresBlobs
from infrastructure.event_store.connections import Datastore
from infrastructure.key_file import MasterKey
from infrastructure.store import PostgresStore
from infrastructure.vault import PostgresVault

SOMEBODY = Provenance("somebody", "agent", "req-1")
SMALL = b"%PDF-1.7 a small one"
LARGE = bytes(range(256)) * (CHUNK_BYTES // 128) + b"and a little more"
"""Two whole chunks and one that is not."""


@pytest.fixture
def datastore(migrated_database: str) -> Iterator[Datastore]:
    with Datastore(migrated_database, pool_size=2, max_overflow=4) as datastore:
        yield datastore


@pytest.fixture
def vault(datastore: Datastore) -> PostgresVault:
    return PostgresVault(datastore, MasterKey(bytes(range(32))))


@pytest.fixture
def blobs(datastore: Datastore, vault: PostgresVault) -> PostgresBlobs:
    return PostgresBlobs(datastore, vault)


def execute(datastore: Datastore, statement: str, *params: object) -> list[tuple]:
    with psycopg.connect(datastore.url) as connection:
        cursor = connection.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []


def put(datastore: Datastore, blobs: PostgresBlobs, data: bytes, case_id: UUID | None = None) -> tuple:
    """Bytes of the buyer that are kept, as the store keeps them with their fact."""
    case_id, blob_id = case_id or uuid4(), uuid4()
    blobs.put(case_id, blob_id, SealedFor.BUYER, data)
    execute(datastore, "UPDATE blobs SET kept = true WHERE blob_id = %s", blob_id)
    return case_id, blob_id


@pytest.mark.parametrize(
    ("data", "chunks"),
    [(b"x", 1), (SMALL, 1), (bytes(CHUNK_BYTES), 1), (bytes(CHUNK_BYTES + 1), 2), (LARGE, 3)],
)
def test_bytes_come_back_as_they_were(datastore, blobs, data, chunks):
    place = put(datastore, blobs, data)
    assert blobs.get(*place) == data
    assert execute(datastore, "SELECT count(*) FROM blob_chunks") == [(chunks,)]


def test_another_process_with_the_same_key_file_opens_them(datastore, blobs):
    place = put(datastore, blobs, LARGE)
    other = PostgresVault(datastore, MasterKey(bytes(range(32))))
    assert PostgresBlobs(datastore, other).get(*place) == LARGE


def test_with_another_key_file_they_do_not_open(datastore, blobs):
    place = put(datastore, blobs, SMALL)
    with pytest.raises(CannotOpen):
        PostgresBlobs(datastore, PostgresVault(datastore, MasterKey(bytes(32)))).get(*place)


def test_they_are_sealed_under_the_key_that_their_person_has_in_the_case(datastore, blobs, vault):
    case_id, blob_id = put(datastore, blobs, SMALL)
    key = vault.keys_of(case_id)["buyer"]
    assert execute(datastore, "SELECT person, key_id FROM blobs WHERE blob_id = %s", blob_id) == [
        ("buyer", key.key_id)
    ]
    put(datastore, blobs, SMALL, case_id)
    assert vault.keys_of(case_id) == {"buyer": key}
    assert vault.sealing(case_id, 2).seal(SealedFor.BUYER, "title", "x").key_id == key.key_id


def test_without_the_persons_key_they_are_gone(datastore, blobs):
    case_id, blob_id = put(datastore, blobs, SMALL)
    execute(datastore, "DELETE FROM vault.data_keys WHERE case_id = %s", case_id)
    assert blobs.get(case_id, blob_id) is None
    blobs.put(case_id, uuid4(), SealedFor.BUYER, SMALL)
    assert blobs.get(case_id, blob_id) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE blob_chunks SET box = set_byte(box, 90, get_byte(box, 90) # 1) WHERE number = 1",
        "DELETE FROM blob_chunks WHERE number = 2",
        "DELETE FROM blob_chunks WHERE number = 2; UPDATE blobs SET chunks = 2",
        "UPDATE blob_chunks SET number = 9 WHERE number = 0",
        "UPDATE blobs SET person = 'merchant'",
    ],
    ids=["a bit changed", "the end cut off", "and the count with it", "chunks out of order", "another's"],
)
def test_whatever_is_tampered_with_does_not_open(datastore, blobs, tampering):
    place = put(datastore, blobs, LARGE)
    with psycopg.connect(datastore.url, autocommit=True) as connection:
        for statement in tampering.split("; "):
            connection.execute(statement.encode())
    with pytest.raises(CannotOpen):
        blobs.get(*place)


def test_bytes_do_not_open_in_the_place_of_others_of_the_same_person(datastore, blobs):
    case_id, blob_id = put(datastore, blobs, SMALL)
    _, other = put(datastore, blobs, SMALL, case_id)
    execute(datastore, "DELETE FROM blob_chunks WHERE blob_id = %s", other)
    execute(datastore, "UPDATE blob_chunks SET blob_id = %s WHERE blob_id = %s", other, blob_id)
    with pytest.raises(CannotOpen):
        blobs.get(case_id, other)


def test_bytes_are_not_given_out_before_a_fact_tells_of_them(blobs):
    case_id, blob_id = uuid4(), uuid4()
    blobs.put(case_id, blob_id, SealedFor.BUYER, SMALL)
    assert blobs.get(case_id, blob_id) is None
    assert blobs.get(case_id, uuid4()) is None


def test_two_who_need_a_persons_first_key_at_once_share_one(blobs, vault):
    case_id, at_once = uuid4(), Barrier(4)

    def stage() -> None:
        at_once.wait()
        blobs.put(case_id, uuid4(), SealedFor.MERCHANT, SMALL)

    threads = [Thread(target=stage) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vault.keys_of(case_id).keys() == {"merchant"}


def recorded(store: PostgresStore, case: Case, **effects: Any) -> None:
    """The fact of a new case, with these effects on bytes."""
    store.save(case, SOMEBODY, Effects(**effects))


def test_a_fact_keeps_its_bytes_and_drops_others_in_its_own_transaction(datastore, blobs, store, new_case):
    case_id, kept = uuid4(), uuid4()
    blobs.put(case_id, kept, SealedFor.BUYER, SMALL)
    _, dropped = put(datastore, blobs, SMALL, case_id)
    recorded(store, new_case(case_id), blobs_kept=(kept,), blobs_dropped=(dropped,))
    assert blobs.get(case_id, kept) == SMALL
    assert execute(datastore, "SELECT blob_id FROM blobs") == [(kept,)]
    assert execute(datastore, "SELECT DISTINCT blob_id FROM blob_chunks") == [(kept,)]


def test_a_fact_that_is_not_recorded_keeps_and_drops_nothing(datastore, blobs, store, new_case):
    case_id, kept = uuid4(), uuid4()
    blobs.put(case_id, kept, SealedFor.BUYER, SMALL)
    _, dropped = put(datastore, blobs, SMALL, case_id)
    with pytest.raises(BytesMissing):
        recorded(store, new_case(case_id), blobs_kept=(kept, uuid4()), blobs_dropped=(dropped,))
    assert set(execute(datastore, "SELECT blob_id, kept FROM blobs")) == {(kept, False), (dropped, True)}
    assert store.facts(case_id) == []


def test_a_fact_keeps_no_bytes_of_another_case(blobs, store, new_case):
    other, blob_id = uuid4(), uuid4()
    blobs.put(other, blob_id, SealedFor.BUYER, SMALL)
    with pytest.raises(BytesMissing):
        recorded(store, new_case(), blobs_kept=(blob_id,))


def test_bytes_without_a_fact_are_swept_away_after_a_while(datastore, blobs):
    _, kept = put(datastore, blobs, SMALL)
    waiting = [uuid4() for _ in range(3)]
    for blob_id in waiting:
        blobs.put(uuid4(), blob_id, SealedFor.BUYER, SMALL)
    ((latest,),) = execute(datastore, "SELECT max(created_at) FROM blobs")
    assert blobs.sweep(latest + PATIENCE - timedelta(minutes=10)) == 0
    assert blobs.sweep(latest + PATIENCE + timedelta(minutes=10)) == len(waiting)
    assert execute(datastore, "SELECT blob_id FROM blobs") == [(kept,)]


def test_many_are_swept_in_batches(datastore, blobs):
    execute(
        datastore,
        "INSERT INTO blobs (case_id, blob_id, person, key_id, chunks)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'buyer', gen_random_uuid(), 1"
        " FROM generate_series(1, 250)",
    )
    assert blobs.sweep(datetime(2100, 1, 1, tzinfo=UTC)) == 250


def test_a_command_that_needs_a_key_which_bytes_made_first_is_tried_again(
    datastore, blobs, vault, store, new_case
):
    """The key of `key_of` and that of a command cannot both be stored: one of them meets a conflict."""
    case = new_case()
    store.save(case, SOMEBODY)
    sealing = vault.sealing(case.id, 2)
    text = sealing.seal(SealedFor.MERCHANT, "text", "x")
    blobs.put(case.id, uuid4(), SealedFor.MERCHANT, SMALL)
    loaded = store.load(type(case), case.id)
    loaded.note(uuid4(), text, Visibility.INTERNAL, datetime(2026, 11, 10, tzinfo=UTC))
    with pytest.raises(VersionConflict):
        store.save(loaded, SOMEBODY, Effects(data_keys=sealing.new_keys))
