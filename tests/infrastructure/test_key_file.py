"""The key file is made once, kept from others, and refused when anything about it is wrong."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infrastructure import key_file
from infrastructure.key_file import KeyFileMissing, KeyFileRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / key_file.FILE_NAME
    key_file.create(path)
    return path


def test_a_new_key_file_is_the_owners_alone_and_opens_again(path: Path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key_file.load(path).secret) == 32
    assert list(path.parent.iterdir()) == [path]


def test_its_folder_is_made_and_the_owners_alone_too(tmp_path: Path):
    key_file.provide(tmp_path / "home" / "key")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_a_key_file_that_cannot_be_made_is_refused_with_what_mends_it(tmp_path: Path):
    (tmp_path / "home").symlink_to(tmp_path / "nowhere")
    with pytest.raises(KeyFileRefused, match="RECOURSE_KEY_FILE"):
        key_file.provide(tmp_path / "home" / "key")


def test_a_restrictive_or_loose_umask_changes_nothing(tmp_path: Path):
    before = os.umask(0)
    try:
        key_file.create(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_an_existing_key_file_is_never_replaced(path: Path):
    key = key_file.load(path)
    key_file.create(path)
    assert key_file.provide(path) == key


def test_callers_at_once_get_the_same_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key_file.provide, [tmp_path / "key"] * 32))
    assert len(keys) == 1


def test_a_missing_key_file_is_not_made_by_loading(tmp_path: Path):
    with pytest.raises(KeyFileMissing, match="put your copy"):
        key_file.load(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o700, 0o644])
def test_a_key_file_open_to_others_is_refused_with_the_command_that_mends_it(path: Path, mode: int):
    path.chmod(mode)
    with pytest.raises(KeyFileRefused, match=f"mode {mode:04o}.*run: chmod 600 {path}"):
        key_file.load(path)
    path.chmod(0o600)
    key_file.load(path)


def test_a_key_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch):
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyFileRefused, match=f"belongs to another user.*sudo chown {owner + 1} {path}"):
        key_file.load(path)


@pytest.mark.parametrize("keep", range(0, 60, 7))
def test_a_torn_key_file_is_refused(path: Path, keep: int):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(KeyFileRefused, match="damaged"):
        key_file.load(path)


def test_a_key_file_with_one_changed_letter_is_refused_without_showing_it(path: Path):
    magic, version, secret, digest = path.read_text().split()
    changed = ("B" if secret[0] != "B" else "C") + secret[1:]
    path.write_text(f"{magic} {version} {changed} {digest}\n")
    with pytest.raises(KeyFileRefused, match="damaged") as refused:
        key_file.load(path)
    assert changed not in f"{refused.value!r}{refused.getrepr(style='long')}"


def test_a_key_file_of_another_version_is_refused_by_name(path: Path):
    path.write_text(path.read_text().replace("key 1 ", "key 2 "))
    with pytest.raises(KeyFileRefused, match="version 2"):
        key_file.load(path)


def test_a_link_or_a_folder_is_not_taken_for_a_key_file(path: Path):
    (path.parent / "link").symlink_to(path)
    (path.parent / "folder").mkdir(mode=0o600)
    for impostor in ("link", "folder"):
        with pytest.raises(KeyFileRefused):
            key_file.load(path.parent / impostor)


def test_a_key_does_not_show_in_its_repr(path: Path):
    key = key_file.load(path)
    assert repr(key) == "MasterKey()"
    assert key.subkey("one") != key.subkey("other")
    assert key.subkey("one") == key_file.load(path).subkey("one")
