"""What is sealed opens in one place alone, and under one key alone."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from infrastructure import envelope

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))


@given(content=st.binary(max_size=300), context=st.binary(max_size=80))
def test_a_box_opens_to_what_was_sealed(content: bytes, context: bytes):
    assert envelope.open_box(KEY, context, envelope.seal(KEY, context, content)) == content


@given(content=st.binary(max_size=60), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_of_a_box_can_be_changed(content: bytes, place: int, bit: int):
    box = bytearray(envelope.seal(KEY, b"here", content))
    box[place % len(box)] ^= 1 << bit
    with pytest.raises(envelope.Unopened):
        envelope.open_box(KEY, b"here", bytes(box))


@given(size=st.integers(0, envelope.OVERHEAD_BYTES + 9))
def test_a_shortened_box_is_refused(size: int):
    with pytest.raises(envelope.Unopened):
        envelope.open_box(KEY, b"here", envelope.seal(KEY, b"here", b"ten bytes.")[:size])


def test_a_box_opens_in_its_own_context_and_under_its_own_key_alone():
    box = envelope.seal(KEY, b"here", b"text")
    for key, context in ((KEY, b"there"), (OTHER_KEY, b"here")):
        with pytest.raises(envelope.Unopened):
            envelope.open_box(key, context, box)


def test_the_same_text_sealed_twice_gives_two_boxes():
    assert envelope.seal(KEY, b"here", b"text") != envelope.seal(KEY, b"here", b"text")


def test_a_ciphertext_made_to_decrypt_under_two_keys_opens_under_neither_but_the_committed_one():
    """The attack on AES-GCM is carried out, works on the bare cipher, and stops at the commitment."""
    context, salt, nonce = b"here", os.urandom(envelope.SALT_BYTES), os.urandom(envelope.NONCE_BYTES)
    first, second = (envelope._derive(key, salt, context) for key in (KEY, OTHER_KEY))
    forged = ciphertext_for_two_keys(_raw(KEY, salt, context), _raw(OTHER_KEY, salt, context), nonce, context)
    one, other = (derived.cipher.decrypt(nonce, forged, context) for derived in (first, second))
    assert one != other

    box = bytes([envelope.VERSION]) + salt + first.commitment + nonce + forged
    assert envelope.open_box(KEY, context, box) == one
    with pytest.raises(envelope.Unopened):
        envelope.open_box(OTHER_KEY, context, box)


# --- the attack: one free block makes the tags of two keys meet (a linear equation in GF(2^128)) ---------


def ciphertext_for_two_keys(key: bytes, other: bytes, nonce: bytes, context: bytes) -> bytes:
    """Two blocks and a tag that AES-256-GCM accepts under both keys."""
    chosen = int.from_bytes(os.urandom(16), "big")
    sums = [_tag(k, nonce, context, chosen, 0) for k in (key, other)]
    weights = [_times(h, h) for h in (_block(key, bytes(16)), _block(other, bytes(16)))]
    free = _times(sums[0] ^ sums[1], _inverse(weights[0] ^ weights[1]))
    tag = _tag(key, nonce, context, chosen, free)
    return b"".join(part.to_bytes(16, "big") for part in (chosen, free, tag))


def _tag(key: bytes, nonce: bytes, context: bytes, first: int, second: int) -> int:
    padded = context + bytes(-len(context) % 16)
    blocks = [int.from_bytes(padded[at : at + 16], "big") for at in range(0, len(padded), 16)]
    lengths = len(context) * 8 << 64 | 32 * 8
    subkey, total = _block(key, bytes(16)), 0
    for block in (*blocks, first, second, lengths):
        total = _times(total ^ block, subkey)
    return total ^ _block(key, nonce + b"\0\0\0\1")


def _block(key: bytes, block: bytes) -> int:
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the bare block cipher is meant
    return int.from_bytes(ecb.update(block), "big")


def _times(left: int, right: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (0xE1 << 120 if right & 1 else 0)
    return product


def _inverse(value: int) -> int:
    result, power = 1 << 127, value
    for _ in range(127):
        power = _times(power, power)
        result = _times(result, power)
    return result


def _raw(key: bytes, salt: bytes, context: bytes) -> bytes:
    size = envelope.KEY_BYTES + envelope.COMMITMENT_BYTES
    material = HKDF(SHA256(), size, salt, envelope._LABEL + context).derive(key)
    return material[: envelope.KEY_BYTES]
