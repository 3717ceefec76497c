"""Story 3: a no-reason return of excluded goods is refused with its clause; of other goods it is not."""

from typing import Any

import pytest


def no_reason(world: Any, order_id: str, **order: Any) -> dict[str, Any]:
    """The body of a return for which no reason is given."""
    body: dict[str, Any] = world.filing(order_id, reason="no_reason")
    body["order"] |= order
    return body


@pytest.mark.parametrize(
    ("order", "objections"),
    [
        ({"category": "custom_made"}, [("NR-2", "category_excluded")]),
        # Opened food may be refused only if the buyer confirmed so at this very purchase.
        (
            {"category": "food", "confirmations": ["opened_affects_health"]},
            [("NR-3", "opened_affects_health")],
        ),
        ({"category": "food"}, []),
        ({"category": "clothing"}, []),
    ],
)
def test_excluded_goods_are_refused_with_their_clause_and_others_are_not(world, order, objections):
    buyer, agent = world.caller("buyer-integration"), world.caller("agent")
    filed = buyer.post("/cases", no_reason(world, "PO-1", **order))
    path = f"/cases/{filed['case_id']}"
    assert filed["stage"] == "filed"  # nothing refuses a filing: what speaks against it is kept with it
    found = [(one["clause"], one["reason"]) for one in buyer.get(path)["objections"]]
    assert found == objections
    if not objections:
        return
    closure = {"resolution": "declined", "reasons": "定制商品不支持七日无理由退货"}
    assert agent.post(f"{path}/closure", closure, version=filed["version"])["stage"] == "closed"
    (decline,) = [one for one in buyer.get(f"{path}/history")["data"] if one["type"] == "CaseDeclined"]
    assert [(one["clause"], one["reason"]) for one in decline["data"]["objections"]] == objections
    assert decline["data"]["reasons"] == closure["reasons"]
    world.settle()
    assert world.caller("supervisor").get("/loops")["data"] == []
