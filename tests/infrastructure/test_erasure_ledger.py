"""The ledger of erasures outlives the database, and whatever happens while it is written."""

import multiprocessing
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.erasures import Erasure, LedgerState
from application.errors import ServiceUnavailable
from domain.values import Side
from infrastructure.erasure_ledger import ErasureLedgerFile, LedgerRefused

AT = datetime(2029, 11, 11, tzinfo=UTC)


def erasure(erasure_id: UUID | None = None) -> Erasure:
    return Erasure(erasure_id or uuid4(), uuid4(), Side.BUYER, uuid4(), "supervisor-1", "admin-1", AT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasures.ledger"


def test_without_a_file_nothing_was_erased(path: Path) -> None:
    assert ErasureLedgerFile(path).entries() == []
    assert not path.exists()


def test_what_was_begun_is_read_again_as_it_was_with_how_far_it_came(path: Path) -> None:
    first, second, third = erasure(), erasure(), erasure()
    ledger = ErasureLedgerFile(path)
    for one in (first, second, third):
        ledger.begin(one)
    ledger.end(second.erasure_id, LedgerState.RECORDED)
    ledger.end(third.erasure_id, LedgerState.DROPPED)
    assert ErasureLedgerFile(path).entries() == [
        (first, LedgerState.BEGUN),
        (second, LedgerState.RECORDED),
        (third, LedgerState.DROPPED),
    ]


def test_it_is_its_owners_alone(path: Path) -> None:
    ErasureLedgerFile(path).begin(erasure())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(LedgerRefused, match="chmod 600"):
        ErasureLedgerFile(path).entries()


def test_a_line_that_was_being_written_when_the_power_failed_is_passed_over(path: Path) -> None:
    ledger, whole, after = ErasureLedgerFile(path), erasure(), erasure()
    ledger.begin(whole)
    with path.open("ab") as file:
        file.write(b'{"state":"begun","eras')
    assert ledger.entries() == [(whole, LedgerState.BEGUN)]
    ledger.begin(after)
    assert [one for one, _ in ledger.entries()] == [whole, after]


def test_a_damaged_line_is_refused_by_its_number(path: Path) -> None:
    ledger = ErasureLedgerFile(path)
    ledger.begin(erasure())
    with path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(LedgerRefused, match=r"line 2 of .* is damaged"):
        ledger.entries()


def test_a_ledger_that_cannot_be_written_lets_nothing_be_destroyed(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(ServiceUnavailable):
        ErasureLedgerFile(tmp_path / "home" / "erasures.ledger").begin(erasure())


def _write(path: Path, amount: int) -> None:
    ledger = ErasureLedgerFile(path)
    for _ in range(amount):
        ledger.begin(erasure())


def test_several_processes_write_whole_lines(path: Path) -> None:
    writers = [multiprocessing.get_context("fork").Process(target=_write, args=(path, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(ErasureLedgerFile(path).entries()) == 100


def test_of_two_who_agree_at_once_the_one_who_was_late_takes_nothing_back(path: Path) -> None:
    ledger, one = ErasureLedgerFile(path), erasure()
    ledger.begin(one)
    ledger.begin(one)
    ledger.end(one.erasure_id, LedgerState.DROPPED)
    assert ledger.entries() == [(one, LedgerState.BEGUN)]  # how the other's ended nobody knows yet
    ledger.end(one.erasure_id, LedgerState.RECORDED)
    ledger.begin(one)
    ledger.end(one.erasure_id, LedgerState.DROPPED)
    assert ledger.entries() == [(one, LedgerState.RECORDED)]


def test_a_disk_that_is_full_in_the_middle_of_a_line_lets_nothing_be_destroyed(path: Path) -> None:
    ledger, one = ErasureLedgerFile(path), erasure()
    ledger.begin(one)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
    try:
        with pytest.raises(ServiceUnavailable):
            ledger.begin(erasure())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ledger.entries() == [(one, LedgerState.BEGUN)]
