"""The bytes of evidence: what is taken in, and the port that keeps them sealed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from application.errors import InvalidRequest
from domain.values import SealedFor

LARGEST_BLOB = 10 * 1024 * 1024
"""Bytes of one piece of evidence."""

_MP4_BRANDS = frozenset(
    {b"avc1", b"dash", b"iso2", b"iso4", b"iso5", b"iso6", b"isom", b"M4V ", b"mp41", b"mp42", b"MSNV"}
)


def _is_mp4(data: bytes) -> bool:
    """An ISO base media file whose major or compatible brands (ISO 14496-12, 4.3) name MP4."""
    size = int.from_bytes(data[:4])
    brands = {data[at : at + 4] for at in (8, *range(16, min(size, len(data)), 4))}
    return data[4:8] == b"ftyp" and not _MP4_BRANDS.isdisjoint(brands)


MEDIA_TYPES: Mapping[str, Callable[[bytes], bool]] = {
    "image/jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "image/png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/webp": lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    "application/pdf": lambda data: data.startswith(b"%PDF-"),
    "video/mp4": _is_mp4,
}
"""The media types that are taken, each with how its bytes begin."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that are what they are said to be. `sha256` is theirs, in lower case."""

    media_type: str
    sha256: str
    data: bytes = field(repr=False)

    @classmethod
    def checked(cls, media_type: str, digest: str, data: bytes) -> "Content":
        """Bytes of one of MEDIA_TYPES that a caller declared by type and SHA-256. Raises InvalidRequest."""
        if not data:
            raise InvalidRequest("", "there are no bytes", "required")
        content = cls(media_type, digest, data)
        if not content.intact:
            raise InvalidRequest("", "the bytes have another SHA-256 than was said", "digest_mismatch")
        if not MEDIA_TYPES[media_type](data):
            raise InvalidRequest("", f"the bytes are not {media_type}", "content_mismatch")
        return content

    @property
    def intact(self) -> bool:
        """Whether the bytes have this SHA-256."""
        return sha256(self.data).hexdigest() == self.sha256


class Blobs(Protocol):
    """Keeps bytes, sealed under a data key of their person in the case. All methods raise ServiceUnavailable.

    What is put is swept away after a while unless the store recorded it as kept (`Effects.blobs_kept`).
    """

    def put(self, case_id: UUID, blob_id: UUID, person: SealedFor, data: bytes) -> None:
        """Keep these bytes under a new id."""
        ...

    def get(self, case_id: UUID, blob_id: UUID) -> bytes | None:
        """The bytes that are kept; None when they are gone, or the key that opens them is.

        Raises CannotOpen for bytes that were tampered with.
        """
        ...
