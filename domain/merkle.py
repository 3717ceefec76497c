"""The Merkle tree of RFC 6962: hashes, proofs, and what checks them.

A leaf is SHA-256(00 || entry), a node SHA-256(01 || left || right): neither can be taken for the other.
Hashes are 32 bytes, sizes and indices count leaves from 0. Proofs are built over any source of subtrees.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962, 2.1)."""

Subtree = Callable[[int, int], bytes]
"""The root of the complete subtree of 2 ** level leaves that begins at leaf index * 2 ** level."""


class ProofInvalid(Exception):
    """The proof does not show what it is said to show."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes, or over the roots of equally large complete subtrees."""
    row = list(hashes)
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        pairs = iter(row)
        row = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)] + odd
    return row[0] if row else EMPTY_ROOT


# --- what is proved -----------------------------------------------------------------------------------


def root(size: int, subtree: Subtree) -> bytes:
    """The root of the first `size` leaves."""
    return _range_root(0, size, subtree) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The proof that leaf `index` is in the tree of the first `size` leaves, from the leaf's sibling upwards.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return [_range_root(first, end, subtree) for first, end in _siblings(index, 0, size)]


def consistency_proof(size1: int, size2: int, subtree: Subtree) -> list[bytes]:
    """The proof that the tree of the first `size1` leaves is the beginning of the one of the first `size2`.

    Raises ValueError for sizes of which nothing can be proved.
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"nothing leads from {size1} leaves to {size2}")
    return [_range_root(first, end, subtree) for first, end in _complements(size1, 0, size2, whole=True)]


def _split(first: int, end: int) -> int:
    """Where a range is split: its left part is the largest complete subtree that leaves something over."""
    return first + (1 << (end - first - 1).bit_length() - 1)


def _range_root(first: int, end: int, subtree: Subtree) -> bytes:
    amount = end - first
    if amount & (amount - 1) == 0:
        level = amount.bit_length() - 1
        return subtree(level, first >> level)
    middle = _split(first, end)
    return node_hash(_range_root(first, middle, subtree), _range_root(middle, end, subtree))


def _siblings(index: int, first: int, end: int) -> Iterator[tuple[int, int]]:
    if end - first == 1:
        return
    middle = _split(first, end)
    if index < middle:
        yield from _siblings(index, first, middle)
        yield middle, end
    else:
        yield from _siblings(index, middle, end)
        yield first, middle


def _complements(size: int, first: int, end: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """The ranges of SUBPROOF (RFC 6962, 2.1.2); `whole` while the old root itself is the range."""
    if size == end:
        if not whole:
            yield first, end
        return
    middle = _split(first, end)
    if size <= middle:
        yield from _complements(size, first, middle, whole=whole)
        yield middle, end
    else:
        yield from _complements(size, middle, end, whole=False)
        yield first, middle


# --- checking -----------------------------------------------------------------------------------------


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf stands at `index` of the tree with this size and root (RFC 9162, 2.1.3.2).

    Raises ProofInvalid.
    """
    _whole_numbers(index, size)
    _hashes(leaf_hash, root, *proof)
    if index >= size:
        raise ProofInvalid(f"there is no leaf {index} in a tree of {size}")
    node, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is shorter than the tree is high")
    if found != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Check that the tree (size1, root1) is the beginning of the tree (size2, root2) (RFC 9162, 2.1.4.2).

    Raises ProofInvalid, also where size1 is 0: of an empty tree nothing can be proved.
    """
    _whole_numbers(size1, size2)
    _hashes(root1, root2, *proof)
    if size1 == 0:
        raise ProofInvalid("nothing is proved of a tree without leaves")
    if size1 > size2:
        raise ProofInvalid(f"a tree of {size1} is no beginning of one of {size2}")
    if size1 == size2:
        if proof or root1 != root2:
            raise ProofInvalid("trees of one size have one root, and need no proof")
        return
    path = list(proof)
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not node:
        path.insert(0, root1)  # the old tree is a complete subtree of the new one
    if not path:
        raise ProofInvalid("the proof is empty")
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is shorter than the tree is high")
    if old != root1:
        raise ProofInvalid("the proof leads to another old root")
    if new != root2:
        raise ProofInvalid("the proof leads to another new root")


def _whole_numbers(*numbers: int) -> None:
    for number in numbers:
        if type(number) is not int or number < 0:
            raise ProofInvalid(f"{number!r} counts no leaves")


def _hashes(*hashes: bytes) -> None:
    for one in hashes:
        if type(one) is not bytes or len(one) != HASH_BYTES:
            raise ProofInvalid(f"a hash has {HASH_BYTES} bytes")
