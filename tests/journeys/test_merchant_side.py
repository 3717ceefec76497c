"""What many cases come to for their merchant: points, sanctions, and measures against a cause."""

from datetime import timedelta

LIABLE = {"finding": "upheld", "liability": [{"party": "merchant", "share": 100}], "reasons": "属实"}
REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}}
DECISION = {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "退款"}
RECORDING = {"kind": "video", "title": "开箱录像", "sha256": "ab" * 32}
APPEAL = {"reasons": "买家自己剪断了拉链", "new_evidence": [RECORDING]}
OVERTURNED = {"outcome": "overturned", "clauses": ["Q-1"], "reasons": "录像为证"}
PENALTY = {"points": 2, "clause": "S-1", "reasons": "多次违规"}


class Merchant:
    """What the merchant m-2001 is accused of, and what it sees of it."""

    def __init__(self, world):
        self.world = world
        self.portal = world.caller("merchant:m-2001")
        self.cases = 0

    def decided(self):
        """A case decided against it; its path and version."""
        self.cases += 1
        filed = self.world.caller("buyer-integration").post(
            "/cases", self.world.filing(f"PO-{self.cases}", buyer_id=f"b-{self.cases}")
        )
        case, reviewer = f"/cases/{filed['case_id']}", self.world.caller("reviewer")
        version = reviewer.post(f"{case}/lease", version=1)["version"]
        version = reviewer.post(f"{case}/verification", LIABLE, version=version)["version"]
        return case, reviewer.post(f"{case}/decisions", DECISION, version=version)["version"]

    def penalised(self):
        case, version = self.decided()
        self.world.caller("reviewer").post(f"{case}/penalties", PENALTY, version=version)
        return case

    def standing(self):
        shown = self.portal.get("/merchants/m-2001/standing")
        running = shown["sanctions"]["running"]
        return shown["points"]["live"], running and running["tier"]


def test_penalties_of_many_cases_come_to_sanctions_that_are_served_and_start_anew_each_quarter(world):
    merchant = Merchant(world)
    merchant.penalised()
    world.settle()
    assert merchant.standing() == (2, None)
    merchant.penalised()
    world.settle()
    assert merchant.standing() == (4, 1)
    world.pass_time(days=1)
    merchant.penalised()
    world.settle()
    assert merchant.standing() == (6, 2)
    (superseded,) = merchant.portal.get("/merchants/m-2001/standing")["sanctions"]["past"]
    assert (superseded["tier"], superseded["state"]) == (1, "superseded")
    world.pass_time(days=15)
    assert merchant.standing() == (6, None)
    world.pass_time(days=15)  # into April
    assert merchant.standing() == (0, None)
    days = merchant.portal.get("/merchants/m-2001/standing")["points"]["by_day"]
    assert {"day": "2036-03-31", "points": 6} in days
    assert {"day": "2036-04-01", "points": 0} in days
    merchant.penalised()
    world.settle()
    assert merchant.standing() == (2, None)


def test_a_high_tier_is_published(world):
    merchant = Merchant(world)
    for _ in range(6):
        merchant.penalised()
    world.settle()
    assert merchant.standing() == (12, 4)
    (published,) = world.caller("buyer-integration").get("/publications")["data"]
    assert (published["merchant_id"], published["tier"], published["state"]) == ("m-2001", 4, "running")


def test_what_is_overturned_leaves_the_merchant_as_if_it_had_never_been(world):
    merchant, other = Merchant(world), world.caller("reviewer:2")
    merchant.penalised()
    world.settle()
    before = merchant.portal.get("/merchants/m-2001/standing")
    case = merchant.penalised()
    world.settle()
    assert merchant.standing() == (4, 1)

    version = merchant.portal.get(case)["version"]
    filed = merchant.portal.post(f"{case}/appeals", APPEAL, version=version)
    version = other.post(f"{case}/lease", version=filed["version"])["version"]
    other.post(f"{case}/appeals/{filed['appeal_id']}/decision", OVERTURNED, version=version)
    world.settle()
    assert merchant.standing() == (2, None)
    after = merchant.portal.get("/merchants/m-2001/standing")
    assert after["points"] == before["points"]
    assert [one["state"] for one in after["sanctions"]["past"]] == ["reversed"]
    ledger = merchant.portal.get("/merchants/m-2001/penalties")
    assert sorted(line["state"] for line in ledger["data"]) == ["live", "reversed"]


def test_a_lapsed_rectification_leads_to_a_measure_whose_effect_is_counted(world):
    merchant, reviewer = Merchant(world), world.caller("reviewer")
    for _ in range(2):
        merchant.decided()
    case, version = merchant.decided()
    due = (world.at + timedelta(days=7)).isoformat()
    reviewer.post(f"{case}/rectification", {"terms": "整改质检", "due": due}, version=version)
    world.pass_time(days=8)
    (action,) = merchant.portal.get("/corrective-actions", case_id=case.removeprefix("/cases/"))["data"]
    assert (action["root_cause"], action["state"]) == ("quality_defect", "open")

    path = f"/corrective-actions/{action['corrective_action_id']}"
    version = merchant.portal.post(f"{path}/measure", {"text": "更换拉链供应商"})["version"]
    reviewer.post(f"{path}/verdict", {"accepted": True, "reasons": "同意"}, version=version)
    merchant.portal.post(f"{path}/completion", {"text": "已更换"})
    world.pass_time(days=10)
    merchant.decided()
    world.settle()
    world.pass_time(days=36)

    shown = world.caller("auditor").get(path)
    recurrence = shown["recurrence"]
    assert (len(recurrence["before"]), len(recurrence["after"])) == (3, 1)
    assert (recurrence["effective"], shown["state"], shown["closing"]) == (True, "closed", "effective")


def test_an_action_over_a_decision_that_falls_ends(world):
    merchant, reviewer, other = Merchant(world), world.caller("reviewer"), world.caller("reviewer:2")
    case, version = merchant.decided()
    due = (world.at + timedelta(days=2)).isoformat()
    reviewer.post(f"{case}/rectification", {"terms": "整改质检", "due": due}, version=version)
    world.pass_time(days=3)
    (action,) = merchant.portal.get("/merchants/m-2001/portal")["corrective_actions"]

    version = merchant.portal.get(case)["version"]
    filed = merchant.portal.post(f"{case}/appeals", APPEAL, version=version)
    version = other.post(f"{case}/lease", version=filed["version"])["version"]
    other.post(f"{case}/appeals/{filed['appeal_id']}/decision", OVERTURNED, version=version)
    world.settle()
    shown = merchant.portal.get(f"/corrective-actions/{action['corrective_action_id']}")
    assert (shown["state"], shown["closing"], shown["cases"]) == ("closed", "groundless", [])
    assert merchant.portal.get("/merchants/m-2001/portal")["corrective_actions"] == []
