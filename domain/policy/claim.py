"""What a claim comes to when nobody contests it."""

from collections.abc import Mapping

from domain.values import MONEY_KINDS, Claim, OrderLine, RemedyKind


def claimed_pieces(claim: Claim, order: OrderLine) -> int:
    """How many pieces of the order line the claim is about."""
    return min(claim.quantity, order.quantity)


def price_of(pieces: int, order: OrderLine) -> int:
    """What was paid for so many pieces of the order line, in minor units; a rest is not counted."""
    return order.paid.amount_minor * pieces // order.quantity


def asked_for(claim: Claim, order: OrderLine) -> int:
    """The money that is claimed, in minor units of the order's currency: named, or the price of the pieces.

    Nothing where it is named in another currency, or where a thing without a price is asked for.
    """
    if claim.amount is None:
        if RemedyKind.REFUND not in claim.remedies:
            return 0
        return price_of(claimed_pieces(claim, order), order)
    return claim.amount.amount_minor if claim.amount.currency == order.paid.currency else 0


def spread(
    asked: int, kinds: tuple[RemedyKind, ...], room: Mapping[RemedyKind, int]
) -> dict[RemedyKind, int]:
    """The money asked for, over the claimed kinds: a refund first, each up to the room that there is."""
    money = [kind for kind in dict.fromkeys(kinds) if kind in MONEY_KINDS]
    found = {}
    for kind in sorted(money, key=lambda kind: kind is not RemedyKind.REFUND):
        found[kind] = min(asked, room.get(kind, 0))
        asked -= found[kind]
    return {kind: minor for kind, minor in found.items() if minor}
