"""Evidence through time: files are asked for, come in or do not, and what nobody submits is gone."""

from hashlib import sha256

PHOTO = b"\xff\xd8\xff\xe0 the zip as it came" + bytes(1_500_000)
WRONG = b"\x89PNG\r\n\x1a\n the wrong picture"


def digest(data):
    return sha256(data).hexdigest()


def test_a_buyer_proves_in_time_a_merchant_does_not_and_what_is_left_is_swept_away(world):
    buyer, merchant, agent = map(world.caller, ("buyer-integration", "merchant:m-2001", "agent"))
    case = f"/cases/{buyer.post('/cases', world.filing('PROOF-1'))['case_id']}"
    requests = f"{case}/evidence-requests"
    asked = agent.post(requests, {"party": "buyer", "kinds": ["photo"], "text": "请拍下拉链"})
    agent.post(requests, {"party": "merchant"})
    for data, media_type in ((PHOTO, "image/jpeg"), (WRONG, "image/png")):
        buyer.upload(f"{case}/evidence/staging", data, media_type, party="buyer", sha256=digest(data))
    photo = {"party": "buyer", "kind": "photo", "title": "拉链", "sha256": digest(PHOTO)}
    filed = buyer.post(f"{case}/evidence", photo | {"request_id": asked["request_id"]})
    world.settle()
    (loop,) = agent.get("/loops")["data"]
    assert "evidence" in loop["open_because"]

    world.pass_time(hours=24)
    (loop,) = agent.get("/loops")["data"]
    assert "evidence" not in loop["open_because"]
    page = agent.get(case)
    states = [(one["party"], one["state"]) for one in page["evidence_requests"]]
    assert states == [("buyer", "satisfied"), ("merchant", "lapsed")]
    assert (page["burden"]["party"], len(page["burden"]["lapsed_requests"])) == ("merchant", 1)
    assert page["staged"] == []
    assert world.bytes_kept() == {filed["evidence_id"]}
    assert merchant.download(f"{case}/evidence/{filed['evidence_id']}/content") == PHOTO

    late = {"party": "merchant", "kind": "inspection_report", "title": "质检报告", "sha256": "0" * 64}
    merchant.post(f"{case}/evidence", late)
    assert [one["late"] for one in agent.get(case)["evidence"]] == [False, True]
