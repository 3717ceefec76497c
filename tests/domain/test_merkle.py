"""The tree of RFC 6962: its published values, every proof of small trees, and nothing but those."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_of,
    verify_consistency,
    verify_inclusion,
)

CLASSIC = [
    bytes.fromhex(entry)
    for entry in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
"""The eight leaves that Certificate Transparency's implementations are tested with."""

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(300)]
SIZES = range(1, 40)


def subtree(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


def test_the_published_values():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )
    assert (
        root_of([leaf_hash(entry) for entry in CLASSIC]).hex()
        == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@pytest.mark.parametrize("size", [*SIZES, 256, 257, 300])
def test_a_root_is_the_same_from_leaves_and_from_subtrees(size: int):
    assert root(size, subtree) == root_of(LEAVES[:size])


@pytest.mark.parametrize("size", [*SIZES, 255, 256, 300])
def test_every_leaf_of_a_tree_is_proved_at_its_own_place_alone(size: int):
    head = root(size, subtree)
    for index in range(size):
        proof = inclusion_proof(index, size, subtree)
        verify_inclusion(LEAVES[index], index, size, proof, head)
        for other in {(index + 1) % size, (index * 7 + 3) % size, size - 1} - {index}:
            with pytest.raises(ProofInvalid):
                verify_inclusion(LEAVES[index], other, size, proof, head)


@pytest.mark.parametrize("size2", [*SIZES, 256, 300])
def test_every_beginning_of_a_tree_is_proved(size2: int):
    for size1 in range(1, size2 + 1):
        proof = consistency_proof(size1, size2, subtree)
        verify_consistency(size1, size2, proof, root(size1, subtree), root(size2, subtree))


def wrong_proofs(proof: list[bytes]) -> Iterator[list[bytes]]:
    yield [*proof, b"\x00" * 32]
    for at in range(len(proof)):
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[:at], bytes(byte ^ 1 for byte in proof[at]), *proof[at + 1 :]]
        yield [*proof[:at], proof[at], *proof[at:]]
        yield [*proof[:at], proof[at][:31], *proof[at + 1 :]]
    if len(set(proof)) > 1:
        yield proof[::-1]


@given(st.data())
def test_a_changed_proof_of_inclusion_is_refused(data: st.DataObject):
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    head = root(size, subtree)
    for wrong in wrong_proofs(inclusion_proof(index, size, subtree)):
        with pytest.raises(ProofInvalid):
            verify_inclusion(LEAVES[index], index, size, wrong, head)
    with pytest.raises(ProofInvalid):
        verify_inclusion(LEAVES[index - 1], index, size, inclusion_proof(index, size, subtree), head)


@given(st.data())
def test_a_changed_proof_of_consistency_is_refused(data: st.DataObject):
    size2 = data.draw(st.integers(2, 300))
    size1 = data.draw(st.integers(1, size2))
    old, new = root(size1, subtree), root(size2, subtree)
    proof = consistency_proof(size1, size2, subtree)
    for wrong in wrong_proofs(proof):
        with pytest.raises(ProofInvalid):
            verify_consistency(size1, size2, wrong, old, new)
    for one, other in ((EMPTY_ROOT, new), (old, EMPTY_ROOT)):
        with pytest.raises(ProofInvalid):
            verify_consistency(size1, size2, proof, one, other)


@pytest.mark.parametrize(
    ("size1", "size2", "proof"),
    [
        (0, 0, []),
        (0, 8, []),
        (9, 8, []),
        (8, 8, [EMPTY_ROOT]),
        (4, 8, []),
        (-1, 8, []),
        (True, 8, []),
    ],
)
def test_nothing_is_proved_between_sizes_that_do_not_follow(size1: int, size2: int, proof: list[bytes]):
    old, new = (root(max(size, 0), subtree) for size in (size1, size2))
    with pytest.raises(ProofInvalid):
        verify_consistency(size1, size2, proof, old, new)


def test_a_proof_of_inclusion_past_the_end_is_refused():
    for index, size in ((0, 0), (8, 8), (-1, 8), (1 << 63, 8)):
        with pytest.raises(ProofInvalid):
            verify_inclusion(LEAVES[0], index, size, [], root(max(size, 0), subtree))


def test_proofs_are_not_made_where_there_are_none():
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(index, size, subtree)
    for size1, size2 in ((0, 8), (9, 8)):
        with pytest.raises(ValueError, match="nothing leads"):
            consistency_proof(size1, size2, subtree)
