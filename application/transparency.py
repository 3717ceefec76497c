"""What the transparency log tells those who ask, and the port that reads it."""

import re
from collections.abc import Collection
from typing import NamedTuple, Protocol, Self
from uuid import UUID

from application.access import may
from application.accesses import Access, Accesses
from application.cases import Cases
from application.errors import Forbidden, NotFound, ServiceUnavailable
from application.sight import shown_whole, sight
from domain.values import Actor

TILE_WIDTH = 256
ATTEMPTS = 5
"""How often a proof is made again when its case moved on meanwhile."""

_PATH = re.compile(
    r"tile/(?P<level>[0-7]|entries)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """A tile of the tree, as https://c2sp.org/tlog-tiles cuts it; without a level, a bundle of entries."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it stands below the log's address."""
        digits = str(self.number)
        digits = digits.zfill(len(digits) + -len(digits) % 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        place = "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else self.level
        return f"tile/{level}/{place}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")

    @classmethod
    def at(cls, path: str) -> Self:
        """The tile at a path. Raises NotFound for what is no tile's one path."""
        found = _PATH.fullmatch(path)
        if found:
            level = None if found["level"] == "entries" else int(found["level"])
            number = int(found["number"].replace("/", "").replace("x", ""))
            tile = cls(level, number, int(found["width"] or TILE_WIDTH))
            if tile.path == path:
                return tile
        raise NotFound("log_tile")


class Entry(NamedTuple):
    """An entry of the log; `proof`: that it is there, as https://c2sp.org/tlog-proof writes it."""

    number: int
    entry: str
    proof: str


class CaseProof(NamedTuple):
    """The document that proves a case, up to this version of it."""

    version: int
    document: bytes


class TransparencyLog(Protocol):
    """The log up to its newest checkpoint. All methods raise ServiceUnavailable."""

    def checkpoint(self) -> str:
        """The newest checkpoint, a signed note. Raises NotFound before the first."""
        ...

    def tile(self, tile: Tile) -> bytes:
        """Hashes of 32 bytes each; of a bundle, entries behind two bytes of length. Raises NotFound."""
        ...

    def entry(self, number: int) -> Entry:
        """One entry. Raises NotFound."""
        ...

    def case_proof(self, case_id: UUID, version: int, shown: Collection[int], since: int | None) -> CaseProof:
        """The proof of a case, as soon as a checkpoint covers this version of it.

        shown: the versions whose records are in it · since: the size of the reader's earlier checkpoint.
        Raises NotSealedYet when none covers it for a while, and InvalidRequest for a size that is not there.
        """
        ...


class NotSealedYet(ServiceUnavailable):
    """No checkpoint of the transparency log covers this yet."""


class Transparency:
    """The use cases of reading the log. Safe to share between threads."""

    def __init__(self, cases: Cases, accesses: Accesses, log: TransparencyLog) -> None:
        self._cases = cases
        self._accesses = accesses
        self._log = log

    def checkpoint(self) -> str:
        """The newest checkpoint, for everybody. Raises NotFound."""
        return self._log.checkpoint()

    def tile(self, tile: Tile) -> bytes:
        """Hashes of the tree, for everybody. Raises NotFound."""
        return self._log.tile(tile)

    def entries(self, by: Actor, tile: Tile) -> bytes:
        """A bundle of entries, which say what happened when. Raises NotFound."""
        self._permit(by, "log.read")
        return self._log.tile(tile)

    def entry(self, by: Actor, number: int) -> Entry:
        """One entry with its proof. Raises NotFound."""
        self._permit(by, "log.read")
        return self._log.entry(number)

    def case_proof(self, access: Access, case_id: UUID, since: int | None = None) -> bytes:
        """What proves the case to whoever may read it; what the caller may not read is withheld in it.

        That it is handed out is recorded. Raises NotFound for a case that is not the caller's to see,
        NotSealedYet and InvalidRequest.
        """
        self._permit(access.by, "cases.prove")
        for _ in range(ATTEMPTS):
            case, facts = self._cases.history(access.by, case_id)
            seen = sight(access.by)
            shown = {one.fact.originator_version for one in facts if shown_whole(seen, one)}
            proof = self._log.case_proof(case_id, case.version, shown, since)
            if proof.version == case.version:
                self._accesses.proved(access, case_id)
                return proof.document
        raise ServiceUnavailable

    def _permit(self, by: Actor, permission: str) -> None:
        if not may(by, permission):
            raise Forbidden(permission)
