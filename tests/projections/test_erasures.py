"""How far the erasure of a side's personal data came."""

from typing import Any
from uuid import UUID

from domain.events import ErasureProposed, ErasureRejected, ProcessingRestricted
from domain.values import ErasureState, Sealed, SealedFor, Side
from projections.erasures import ERASURES

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
PROPOSAL = UUID(int=2)


def test_a_proposal_that_is_rejected_after_the_data_were_restricted_leaves_them_so(
    tell: Any,
) -> None:
    asked = {"by": "admin-1", "reasons": TEXT}
    story = tell().filed()
    story.then(ErasureProposed, proposal_id=PROPOSAL, proposal_hash="0" * 64, party=Side.BUYER, **asked)
    story.then(
        ProcessingRestricted,
        restriction_id=UUID(int=3),
        party=Side.BUYER,
        until=story.at,
        clause="D-1",
        **asked,
    )
    story.then(ErasureRejected, proposal_id=PROPOSAL, **asked)
    rows: Any = {}
    for fact in story.facts:
        rows = ERASURES.fold(rows, fact)
    (row,) = rows.values()
    assert row.state is ErasureState.RESTRICTED
