"""Texts are sealed to their place, keys are wrapped to theirs, and nothing shows in clear."""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.errors import ServiceUnavailable
from application.store import BlindEntry, WrappedKey
from application.vault import CannotOpen
from domain.values import Sealed, SealedFor
from infrastructure.event_store.connections import Datastore
from infrastructure.key_file import MasterKey
from infrastructure.vault import PostgresVault, WrongKeyFile, _context

MASTER = MasterKey(bytes(range(32)))
TEXT = "王芳 13800000000"


class CountingDatastore(Datastore):
    """Counts the reads that reach it."""

    reads = 0

    def read(self, *args, **kwargs):
        self.reads += 1
        return super().read(*args, **kwargs)


@pytest.fixture
def datastore(migrated_database: str) -> Iterator[CountingDatastore]:
    with CountingDatastore(migrated_database, pool_size=1, max_overflow=0) as datastore:
        yield datastore


@pytest.fixture
def vault(datastore: CountingDatastore) -> PostgresVault:
    return PostgresVault(datastore, MASTER)


def record(datastore: Datastore, case_id: UUID, keys: tuple[WrappedKey, ...]) -> None:
    """As the store does, in the facts' transaction."""
    with psycopg.connect(datastore.url) as connection:
        for key in keys:
            connection.execute(
                "INSERT INTO vault.data_keys (case_id, person, key_id, wrapped) VALUES (%s, %s, %s, %s)",
                (case_id, key.person, key.key_id, key.wrapped),
            )


def sealed_in(datastore: Datastore, vault: PostgresVault, case_id: UUID, version: int = 1) -> Sealed:
    """One sealed and recorded text of the buyer, in the field `statement`."""
    sealing = vault.sealing(case_id, version)
    sealed = sealing.seal(SealedFor.BUYER, "statement", TEXT)
    record(datastore, case_id, sealing.new_keys)
    return sealed


def test_a_sealed_text_opens_in_its_place(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    assert vault.open(case_id, {(1, "statement"): sealed}) == {(1, "statement"): TEXT}


def test_another_process_with_the_same_key_file_opens_it(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    assert PostgresVault(datastore, MASTER).open(case_id, {(1, "statement"): sealed}) == {
        (1, "statement"): TEXT
    }


def test_each_person_has_one_key_in_each_case_for_all_its_facts(datastore, vault):
    case_id = uuid4()
    filing = vault.sealing(case_id, 1)
    name, phone, note = (
        filing.seal(SealedFor.BUYER, "contact.name", "王芳"),
        filing.seal(SealedFor.BUYER, "contact.phone", "138"),
        filing.seal(SealedFor.PLATFORM, "text", "x"),
    )
    assert name.key_id == phone.key_id != note.key_id
    assert [key.person for key in filing.new_keys] == ["buyer", "platform"]
    record(datastore, case_id, filing.new_keys)

    later = vault.sealing(case_id, 2)
    assert later.seal(SealedFor.BUYER, "statement", "y").key_id == name.key_id
    assert later.new_keys == ()
    assert vault.sealing(uuid4(), 1).seal(SealedFor.BUYER, "statement", "y").key_id != name.key_id


def test_a_new_case_is_sealed_without_a_database_and_a_later_fact_with_one_lazy_query(datastore, vault):
    vault.sealing(uuid4(), 1).seal(SealedFor.BUYER, "statement", TEXT)
    later = vault.sealing(uuid4(), 2)
    assert datastore.reads == 0
    for person in SealedFor:
        later.seal(person, "text", TEXT)
        later.seal(person, "reasons", TEXT)
    assert datastore.reads == 1


def test_all_values_of_a_case_open_with_one_query(datastore, vault):
    case_id = uuid4()
    sealing = vault.sealing(case_id, 1)
    values = {
        (1, f"{person}.{n}"): sealing.seal(person, f"{person}.{n}", f"{person} {n}")
        for person in SealedFor
        for n in range(5)
    }
    record(datastore, case_id, sealing.new_keys)
    opened = vault.open(case_id, values)
    assert datastore.reads == 1
    assert opened[1, "merchant.3"] == "merchant 3"
    assert len(opened) == 15


def test_a_value_moved_to_another_version_or_field_does_not_open(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    for place in ((2, "statement"), (1, "reasons")):
        with pytest.raises(CannotOpen):
            vault.open(case_id, {place: sealed})


def test_a_value_given_out_for_another_persons_does_not_open(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    with pytest.raises(CannotOpen):
        vault.open(case_id, {(1, "statement"): replace(sealed, person=SealedFor.MERCHANT)})


def test_a_value_moved_under_another_key_of_the_case_does_not_open(datastore, vault):
    case_id = uuid4()
    sealing = vault.sealing(case_id, 1)
    mine = sealing.seal(SealedFor.BUYER, "statement", TEXT)
    theirs = sealing.seal(SealedFor.MERCHANT, "statement", TEXT)
    record(datastore, case_id, sealing.new_keys)
    with pytest.raises(CannotOpen):
        vault.open(case_id, {(1, "statement"): replace(mine, key_id=theirs.key_id)})


def test_a_value_moved_to_another_case_does_not_open_even_under_the_same_key(datastore, vault):
    case_id, other_id = uuid4(), uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    record(datastore, other_id, (vault.wrap(other_id, "buyer", vault.keys_of(case_id)["buyer"]),))
    with pytest.raises(CannotOpen):
        vault.open(other_id, {(1, "statement"): sealed})


@pytest.mark.parametrize("moved", ["case", "person", "key_id"])
def test_a_wrapped_key_moved_to_another_case_person_or_id_does_not_open(datastore, vault, moved: str):
    case_id = uuid4()
    sealing = vault.sealing(case_id, 1)
    sealing.seal(SealedFor.BUYER, "statement", TEXT)
    (key,) = sealing.new_keys
    case_id = uuid4() if moved == "case" else case_id
    person = "merchant" if moved == "person" else key.person
    key_id = uuid4() if moved == "key_id" else key.key_id
    record(datastore, case_id, (WrappedKey(person, key_id, key.wrapped),))
    with pytest.raises(CannotOpen):
        vault.keys_of(case_id)


PLACES = st.tuples(
    st.sampled_from([UUID(int=1), UUID(int=2)]),
    st.integers(1, 2**31 - 1),
    st.text("ab\0.", max_size=4),
    st.sampled_from(SealedFor),
    st.sampled_from([UUID(int=1), UUID(int=2)]),
)


@given(place=PLACES, other=PLACES, which=st.integers(0, 4))
def test_no_two_places_are_bound_to_the_same_context(place, other, which: int):
    """Whichever of case, version, field, person and key id differs, a value does not open there."""
    assert (_context(*place) == _context(*other)) is (place == other)
    moved = (*place[:which], other[which], *place[which + 1 :])
    assert (_context(*place) == _context(*moved)) is (place == moved)


def test_no_other_text_of_the_box_is_taken_for_it(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    others = [sealed.box + "A", sealed.box + "=", sealed.box[:-1], "!" + sealed.box, "", "é" * 120]
    for box in others:
        with pytest.raises(CannotOpen):
            vault.open(case_id, {(1, "statement"): replace(sealed, box=box)})


def test_a_value_whose_key_was_destroyed_is_gone_and_the_others_are_not(datastore, vault):
    case_id = uuid4()
    sealing = vault.sealing(case_id, 1)
    values = {
        (1, "statement"): sealing.seal(SealedFor.BUYER, "statement", TEXT),
        (1, "reasons"): sealing.seal(SealedFor.PLATFORM, "reasons", "kept"),
    }
    record(datastore, case_id, sealing.new_keys)
    with psycopg.connect(datastore.url) as connection:
        connection.execute("DELETE FROM vault.data_keys WHERE person = 'buyer'")
    assert vault.open(case_id, values) == {(1, "statement"): None, (1, "reasons"): "kept"}


def test_a_damaged_key_row_is_not_taken_for_a_destroyed_one(datastore, vault):
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    with psycopg.connect(datastore.url) as connection:
        connection.execute(
            "UPDATE vault.data_keys SET wrapped = set_byte(wrapped, 90, get_byte(wrapped, 90) # 1)"
        )
    with pytest.raises(CannotOpen):
        vault.open(case_id, {(1, "statement"): sealed})
    with pytest.raises(CannotOpen):
        vault.sealing(case_id, 2).seal(SealedFor.BUYER, "statement", TEXT)


def test_a_foreign_key_file_is_found_out_before_anything_is_sealed(datastore, vault):
    stranger = PostgresVault(datastore, MasterKey(bytes(32)))
    stranger.check()
    vault.bind()
    vault.bind()
    for use in (stranger.check, stranger.bind):
        with pytest.raises(WrongKeyFile, match="put that one back"):
            use()
    vault.check()


def test_a_foreign_key_file_opens_nothing(datastore, vault):
    stranger = PostgresVault(datastore, MasterKey(bytes(32)))
    case_id = uuid4()
    sealed = sealed_in(datastore, vault, case_id)
    with pytest.raises(CannotOpen):
        stranger.open(case_id, {(1, "statement"): sealed})


def test_no_text_and_no_key_shows_in_a_repr_or_an_error(datastore, vault):
    case_id = uuid4()
    sealing = vault.sealing(case_id, 1)
    sealed = sealing.seal(SealedFor.BUYER, "statement", TEXT)
    record(datastore, case_id, sealing.new_keys)
    with pytest.raises(ValueError, match="statement is not well-formed") as ill_formed:
        sealing.seal(SealedFor.BUYER, "statement", TEXT + "\ud800")
    with pytest.raises(CannotOpen) as refused:
        vault.open(case_id, {(1, "statement"): replace(sealed, box=sealed.box[:-4])})
    shown = [repr(one) for one in (vault, sealing, sealed, sealing.new_keys, vault.keys_of(case_id), MASTER)]
    shown += ["".join(traceback.format_exception(one.value)) for one in (ill_formed, refused)]
    shown += [repr(ill_formed.value), repr(refused.value)]
    secret = vault.keys_of(case_id)["buyer"].secret
    for text in shown:
        assert "王芳" not in text
        assert "13800000000" not in text
        assert repr(secret)[2:-1] not in text
        assert secret.hex() not in text


def test_a_pseudonym_is_stable_keyed_and_of_its_kind(datastore, vault):
    pseudonym = vault.pseudonym("buyer", "b-1001")
    assert len(bytes.fromhex(pseudonym)) == 16
    assert pseudonym == PostgresVault(datastore, MASTER).pseudonym("buyer", "b-1001")
    others = {
        vault.pseudonym("buyer", "b-1002"),
        vault.pseudonym("merchant", "b-1001"),
        PostgresVault(datastore, MasterKey(bytes(32))).pseudonym("buyer", "b-1001"),
    }
    assert pseudonym not in others
    assert len(others) == 3


def test_what_a_person_is_found_by_is_short_stable_keyed_and_of_its_kind(datastore, vault):
    digest = vault.blind("phone", "13800000000")
    assert len(digest) == 8
    assert digest == PostgresVault(datastore, MASTER).blind("phone", "13800000000")
    others = {
        vault.blind("phone", "13800000001"),
        vault.blind("order", "13800000000"),
        PostgresVault(datastore, MasterKey(bytes(32))).blind("phone", "13800000000"),
        bytes.fromhex(vault.pseudonym("phone", "13800000000"))[:8],
    }
    assert digest not in others
    assert len(others) == 4


def test_a_sealing_tells_what_its_case_is_to_be_found_by(vault):
    sealing = vault.sealing(uuid4(), 1)
    assert sealing.blind_index == ()
    sealing.index(SealedFor.BUYER, "phone", "13800000000")
    digest = vault.blind("phone", "13800000000")
    assert sealing.blind_index == (BlindEntry("buyer", "phone", digest),)


def test_a_fingerprint_is_keyed_and_tells_requests_apart(datastore, vault):
    fingerprint = vault.fingerprint(b"{}")
    assert len(fingerprint) == 32
    assert fingerprint == vault.fingerprint(b"{}")
    assert fingerprint != vault.fingerprint(b"[]")
    assert fingerprint != PostgresVault(datastore, MasterKey(bytes(32))).fingerprint(b"{}")


def test_without_the_database_sealing_a_later_fact_says_try_again():
    with Datastore("postgresql://127.0.0.1:1/none", pool_size=0, max_overflow=1) as nowhere:
        vault = PostgresVault(nowhere, MASTER)
        with pytest.raises(ServiceUnavailable):
            vault.sealing(uuid4(), 2).seal(SealedFor.BUYER, "statement", TEXT)
