"""The secrets of the epochs in which data keys are wrapped: small files beside the key file.

A data key needs the key file and the secret of its epoch. When an epoch ends, every living data key has been
wrapped anew, and the secret is destroyed: a copy of the old ones, wherever it lies, opens nothing any more.
"""

import os
from pathlib import Path

from infrastructure import key_file


class Epochs:
    """`vault.key.1`, `vault.key.2`, ... beside `vault.key`. Safe to share between threads."""

    def __init__(self, key_path: Path) -> None:
        self._key_path = key_path
        self._secrets: dict[int, bytes] = {}
        self._newest = max(self.present(), default=0)

    def path(self, number: int) -> Path:
        """The file of an epoch."""
        return self._key_path.with_name(f"{self._key_path.name}.{number}")

    def present(self) -> list[int]:
        """The epochs whose secrets are there, the oldest first."""
        beside = self._key_path.parent.glob(f"{self._key_path.name}.*")
        endings = (found.name.rpartition(".")[2] for found in beside)
        return sorted(int(ending) for ending in endings if ending.isdecimal())

    def newest(self) -> int:
        """The epoch in which new keys are wrapped; another process may have begun it just now."""
        while self.path(self._newest + 1).exists():
            self._newest += 1
        return self._newest

    def begin(self, number: int) -> None:
        """Make the secret of an epoch, durably; one that is there is kept. Raises OSError."""
        key_file.create(self.path(number))

    def secret(self, number: int) -> bytes:
        """The secret of an epoch. Raises KeyFileMissing for one that was destroyed, and KeyFileRefused."""
        if number not in self._secrets:
            self._secrets[number] = key_file.load(self.path(number)).subkey("epoch")
        return self._secrets[number]

    def end_before(self, number: int) -> list[int]:
        """Destroy the secrets of all epochs before this one; which those were. Raises OSError."""
        ended = [one for one in self.present() if one < number]
        for one in ended:
            _destroy(self.path(one))
            self._secrets.pop(one, None)
        return ended


def _destroy(path: Path) -> None:
    """Overwrite a file before its name goes, as far as the file system does that in place."""
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
