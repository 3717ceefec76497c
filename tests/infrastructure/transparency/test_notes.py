"""Notes, keys, checkpoints and cosignatures in their public forms, and nothing beside them."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest

from domain.merkle import EMPTY_ROOT
from infrastructure.transparency.notes import (
    COSIGNATURE,
    Checkpoint,
    KeyInvalid,
    NoteInvalid,
    Signer,
    Verifier,
    checkpoint,
    opened,
    signed,
)

# The example of golang.org/x/mod/sumdb/note's documentation, signed with its published key.
PETER_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

LOG = Signer("recourse.example/1", b"\x01" * 32)
WITNESS = Signer("witness.example/w1", b"\x02" * 32, COSIGNATURE)
HEAD = Checkpoint("recourse.example/1", 3, sha256(b"three").digest())
NOTE = signed(HEAD.text, LOG.line(HEAD.text))


def test_keys_and_notes_of_the_public_example_are_read_and_made_alike():
    text, signers = opened(PETER_NOTE, [Verifier.parsed(PETER)])
    signer = Signer.parsed(PETER_KEY)
    assert signers == (Verifier.parsed(PETER),)
    assert signer.verifier.vkey == PETER
    assert signed(text, signer.line(text)) == PETER_NOTE


def test_a_key_survives_its_text_and_shows_no_secret():
    for signer in (LOG, WITNESS):
        assert Signer.parsed(signer.text) == signer
        assert Verifier.parsed(signer.verifier.vkey) == signer.verifier
        assert b64encode(signer.seed).decode() not in repr(signer)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000+AQ==",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER.replace("PeterNeumann", ""),
        PETER[:-4],
        PETER.replace("+AR", "+AB"),
    ],
)
def test_a_damaged_key_is_refused(vkey: str):
    with pytest.raises(KeyInvalid):
        Verifier.parsed(vkey)
    with pytest.raises(KeyInvalid):
        Signer.parsed(f"PRIVATE+KEY+{vkey}")


def test_a_checkpoint_is_read_as_it_was_signed():
    assert checkpoint(NOTE, LOG.verifier) == HEAD
    assert HEAD.text == f"recourse.example/1\n3\n{b64encode(HEAD.root).decode()}\n"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        HEAD.text,
        HEAD.text + "\n",
        NOTE[:-1],
        NOTE.replace("\n3\n", "\n4\n"),
        NOTE.replace("— ", "- "),
        NOTE + "— recourse.example/1\n",
        NOTE + "— recourse.example/1 AAAA\n",
        NOTE.replace("\n3\n", "\n3\r\n"),
        NOTE + "\x00\n",
        NOTE.replace("recourse.example/1 ", "recourse.example/2 "),
        signed(HEAD.text, Signer("recourse.example/1", b"\x03" * 32).line(HEAD.text)),
        signed(HEAD.text, LOG.line("another\n")),
        NOTE + LOG.line("another\n"),
        NOTE + "— else AAAAAAA=\n" * 200,
    ],
)
def test_what_the_log_did_not_sign_so_is_refused(note: str):
    with pytest.raises(NoteInvalid):
        checkpoint(note, LOG.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "recourse.example/1\n03\n{root}\n",
        "recourse.example/1\n+3\n{root}\n",
        "recourse.example/1\n٣\n{root}\n",
        "recourse.example/1\n3\n{root}\nextension\n",
        "recourse.example/1\n3\n\n",
        "recourse.example/1\n3\nAAAA\n",
        "recourse.example/1\n{root}\n",
        "recourse.example/2\n3\n{root}\n",
        "\n3\n{root}\n",
    ],
)
def test_another_form_of_a_checkpoint_is_refused_though_signed(text: str):
    text = text.replace("{root}", b64encode(HEAD.root).decode())
    with pytest.raises(NoteInvalid):
        checkpoint(signed(text, LOG.line(text)), LOG.verifier)


def test_signatures_by_others_are_passed_over():
    stranger = Signer("stranger.example", b"\x04" * 32)
    assert checkpoint(NOTE + stranger.line("another\n"), LOG.verifier) == HEAD


def test_a_cosignature_tells_when_it_was_given():
    line = WITNESS.line(HEAD.text, 1_679_315_147)
    _, signers = opened(NOTE + line, [LOG.verifier, WITNESS.verifier])
    value = b64decode(line.split()[-1])
    assert signers == (LOG.verifier, WITNESS.verifier)
    assert int.from_bytes(value[4:12], "big") == 1_679_315_147
    later = value[:4] + (1_679_315_148).to_bytes(8, "big") + value[12:]
    with pytest.raises(NoteInvalid, match="did not sign"):
        opened(f"{NOTE}— {WITNESS.name} {b64encode(later).decode()}\n", [WITNESS.verifier])


def test_a_note_signature_is_no_cosignature():
    witness_as_log = Signer(WITNESS.name, WITNESS.seed)
    with pytest.raises(NoteInvalid, match="no known key"):
        opened(signed(HEAD.text, witness_as_log.line(HEAD.text)), [WITNESS.verifier])


def test_an_empty_log_has_the_empty_root():
    head = Checkpoint(LOG.name, 0, EMPTY_ROOT)
    assert checkpoint(signed(head.text, LOG.line(head.text)), LOG.verifier) == head
