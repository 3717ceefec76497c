"""Filing a case and reading it back."""


def test_a_filed_case_is_created_with_its_version_and_place(call, filing):
    answer = call("buyer").post("/cases", filing())
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/cases/{body['case_id']}"
    assert body.keys() == {"case_id", "number", "stage", "version", "position"}
    assert (body["stage"], body["version"]) == ("filed", 1)
    assert body["number"].startswith("AS-")
    assert isinstance(body["position"], str)


def test_a_filed_case_can_be_read_as_it_was_filed(call, filing):
    filed = filing()
    buyer = call("buyer")
    case_id = buyer.done("/cases", filed)["case_id"]
    answer = buyer.get(f"/cases/{case_id}")
    case = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert case["order"] == filed["order"]
    assert case["claim"] == filed["claim"]
    assert case["statement"] == "拉链坏了"
    assert case["contact"] == filed["contact"]
