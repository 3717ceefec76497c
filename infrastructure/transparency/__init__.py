"""The transparency log: every fact a leaf of one Merkle tree, whose head is signed and kept elsewhere.

Public formats throughout, so that foreign tools verify what we say: RFC 6962 trees (`domain.merkle`), and
C2SP's signed notes, checkpoints, tiles, cosignatures and proofs (https://c2sp.org). Start with `entries`
(what a leaf says), then `tree` (where leaves stand) and `sealer` (what appends and signs).
"""
