"""A committing envelope: what opens under one key and context opens under no other.

version (1 byte) || salt (16) || key commitment (32) || nonce (12) || AES-256-GCM ciphertext and tag.
HKDF-SHA256 over the key, the salt and the context gives the encryption key of this one box and the
commitment. AES-GCM alone can be made to open to two texts under two keys (Dodis, Grubbs, Ristenpart and
Woodage, Crypto 2018); the commitment is a collision-resistant digest of key and context, so that it cannot.
"""

import os
from hmac import compare_digest
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
KEY_BYTES = 32
SALT_BYTES = 16
COMMITMENT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 1 + SALT_BYTES + COMMITMENT_BYTES + NONCE_BYTES
OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES

_LABEL = b"recourse envelope 1\0"
_SHA256 = SHA256()  # making one costs as much as the derivation


class Unopened(Exception):
    """The box was not made under this key for this context, or is damaged."""


class _Derived(NamedTuple):
    cipher: AESGCM
    commitment: bytes


def seal(key: bytes, context: bytes, content: bytes) -> bytes:
    """A box that opens under this 32-byte key and this context alone."""
    chance = os.urandom(SALT_BYTES + NONCE_BYTES)
    salt, nonce = chance[:SALT_BYTES], chance[SALT_BYTES:]
    derived = _derive(key, salt, context)
    ciphertext = derived.cipher.encrypt(nonce, content, context)
    return bytes([VERSION]) + salt + derived.commitment + nonce + ciphertext


def open_box(key: bytes, context: bytes, box: bytes) -> bytes:
    """What was sealed. Raises Unopened."""
    if len(box) < OVERHEAD_BYTES or box[0] != VERSION:
        raise Unopened
    salt, commitment, nonce, ciphertext = _parts(box)
    derived = _derive(key, salt, context)
    if not compare_digest(commitment, derived.commitment):
        raise Unopened
    try:
        return derived.cipher.decrypt(nonce, ciphertext, context)
    except InvalidTag:
        raise Unopened from None


def _parts(box: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    salt_end = 1 + SALT_BYTES
    commitment_end = salt_end + COMMITMENT_BYTES
    return box[1:salt_end], box[salt_end:commitment_end], box[commitment_end:HEADER_BYTES], box[HEADER_BYTES:]


def _derive(key: bytes, salt: bytes, context: bytes) -> _Derived:
    material = HKDF(_SHA256, KEY_BYTES + COMMITMENT_BYTES, salt, _LABEL + context).derive(key)
    return _Derived(AESGCM(material[:KEY_BYTES]), material[KEY_BYTES:])
