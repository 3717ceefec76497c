"""The OpenAPI document says everything, is valid, and is shown by a page that needs no other host."""

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from application import access
from domain.refusals import REFUSALS
from web import problems
from web.openapi import ASSETS

# Answered outside every documented route, or by any of them at any time.
_ANYWHERE = {"not_found", "method_not_allowed", "bad_request"}

CONTRACT = """
POST /cases
GET /cases
POST /cases/search
GET /cases/{case_id}
GET /cases/{case_id}/history
GET /cases/{case_id}/accesses
GET /cases/{case_id}/entitlements
POST /cases/{case_id}/lease
DELETE /cases/{case_id}/lease
POST /cases/{case_id}/reassignment
POST /cases/{case_id}/recusal
POST /cases/{case_id}/notes
POST /cases/{case_id}/evidence-requests
POST /cases/{case_id}/evidence/staging
POST /cases/{case_id}/evidence
GET /cases/{case_id}/evidence/{evidence_id}/content
POST /cases/{case_id}/evidence/{evidence_id}/acceptance
POST /cases/{case_id}/evidence/{evidence_id}/challenge
POST /cases/{case_id}/evidence/{evidence_id}/withdrawal
POST /cases/{case_id}/burden
POST /cases/{case_id}/inspections
POST /cases/{case_id}/inspections/{inspection_id}/report
POST /cases/{case_id}/verification
POST /cases/{case_id}/decisions
POST /cases/{case_id}/decisions/{proposal_id}/approval
POST /cases/{case_id}/decisions/{proposal_id}/rejection
POST /cases/{case_id}/goodwill
POST /cases/{case_id}/appeals
POST /cases/{case_id}/appeals/{appeal_id}/withdrawal
POST /cases/{case_id}/appeals/{appeal_id}/decision
POST /cases/{case_id}/compensations/{compensation_id}/confirmation
POST /cases/{case_id}/compensations/{compensation_id}/failure
POST /cases/{case_id}/compensations/{compensation_id}/instruction
POST /cases/{case_id}/compensations/{compensation_id}/reversal
POST /cases/{case_id}/recoveries/{recovery_id}/payment
POST /cases/{case_id}/recoveries/{recovery_id}/write-off
POST /cases/{case_id}/goods/{goods_id}/shipment
POST /cases/{case_id}/goods/{goods_id}/receipt
POST /cases/{case_id}/goods/{goods_id}/acceptance
POST /cases/{case_id}/goods/{goods_id}/loss
POST /cases/{case_id}/goods/{goods_id}/authorisation
POST /cases/{case_id}/goods/{goods_id}/refusal
POST /cases/{case_id}/goods/{goods_id}/inspection
POST /cases/{case_id}/goods/{goods_id}/rejection
POST /cases/{case_id}/goods/{goods_id}/repair-start
POST /cases/{case_id}/goods/{goods_id}/repair-completion
POST /cases/{case_id}/penalties
POST /cases/{case_id}/penalties/{penalty_id}/adjustment
POST /cases/{case_id}/rectification
POST /cases/{case_id}/rectification/submission
POST /cases/{case_id}/rectification/verdict
POST /cases/{case_id}/rectification/waiver
POST /cases/{case_id}/follow-ups/{follow_up_id}/attempts
POST /cases/{case_id}/follow-ups/{follow_up_id}/completion
POST /cases/{case_id}/closure
POST /cases/{case_id}/reopening
POST /cases/{case_id}/withdrawal
POST /cases/{case_id}/notice
POST /cases/{case_id}/answers
POST /cases/{case_id}/offers
POST /cases/{case_id}/offers/{offer_id}/acceptance
POST /cases/{case_id}/offers/{offer_id}/refusal
POST /cases/{case_id}/escalation
POST /cases/{case_id}/human-review
POST /cases/{case_id}/promises
POST /cases/{case_id}/promises/{promise_id}/fulfilment
POST /cases/{case_id}/classification
POST /cases/{case_id}/suspension
POST /cases/{case_id}/suspension/receipt
POST /cases/{case_id}/resumption
POST /cases/{case_id}/links
POST /cases/{case_id}/merger
POST /cases/{case_id}/legal-holds
POST /cases/{case_id}/legal-holds/{hold_id}/release
POST /cases/{case_id}/erasure
POST /cases/{case_id}/erasure/{proposal_id}/approval
POST /cases/{case_id}/erasure/{proposal_id}/rejection
GET /erasures
POST /subjects/export
POST /subjects/erasure
GET /queues
GET /queues/{queue}
POST /queues/{queue}/next
GET /merchants/{merchant_id}/penalties
GET /merchants/{merchant_id}/standing
GET /merchants/{merchant_id}/cases
GET /merchants/{merchant_id}/portal
GET /publications
GET /follow-ups
GET /deadlines
GET /reviewers/workload
GET /loops
GET /compensations
GET /recoveries
GET /corrective-actions
POST /corrective-actions
GET /corrective-actions/{corrective_action_id}
POST /corrective-actions/{corrective_action_id}/measure
POST /corrective-actions/{corrective_action_id}/verdict
POST /corrective-actions/{corrective_action_id}/completion
POST /corrective-actions/{corrective_action_id}/closure
GET /indicators
GET /indicators/{indicator}/facts
GET /incidents
POST /incidents
GET /incidents/{incident_id}
POST /incidents/{incident_id}/cases
POST /incidents/{incident_id}/feedback
POST /incidents/{incident_id}/facts
POST /incidents/{incident_id}/plan
POST /incidents/{incident_id}/step-in
POST /incidents/{incident_id}/batches
POST /incidents/{incident_id}/batches/{batch_id}/approval
POST /incidents/{incident_id}/closure
GET /cases/{case_id}/proof
GET /log/checkpoint
GET /log/tile/{level}/{place}
GET /log/tile/entries/{place}
GET /log/entries/{entry}
GET /log/entries/{entry}.tlog-proof
GET /policies
POST /policies
GET /policies/{version}
POST /policies/{version}/approval
POST /policies/{version}/withdrawal
POST /policies/{version}/retirement
POST /policies/simulations
""".strip().splitlines()

VERSIONED = {
    "POST /cases/{case_id}/human-review",
    "POST /corrective-actions/{corrective_action_id}/verdict",
    "POST /corrective-actions/{corrective_action_id}/closure",
    "POST /incidents/{incident_id}/step-in",
    "POST /incidents/{incident_id}/batches",
    "POST /incidents/{incident_id}/batches/{batch_id}/approval",
    "POST /incidents/{incident_id}/closure",
    "POST /cases/{case_id}/answers",
    "POST /cases/{case_id}/offers",
    "POST /cases/{case_id}/offers/{offer_id}/acceptance",
    "POST /cases/{case_id}/offers/{offer_id}/refusal",
    "POST /cases/{case_id}/escalation",
    "POST /cases/{case_id}/lease",
    "DELETE /cases/{case_id}/lease",
    "POST /cases/{case_id}/reassignment",
    "POST /cases/{case_id}/burden",
    "POST /cases/{case_id}/inspections",
    "POST /cases/{case_id}/verification",
    "POST /cases/{case_id}/decisions",
    "POST /cases/{case_id}/compensations/{compensation_id}/reversal",
    "POST /cases/{case_id}/recoveries/{recovery_id}/write-off",
    "POST /cases/{case_id}/decisions/{proposal_id}/approval",
    "POST /cases/{case_id}/decisions/{proposal_id}/rejection",
    "POST /cases/{case_id}/goodwill",
    "POST /cases/{case_id}/appeals",
    "POST /cases/{case_id}/appeals/{appeal_id}/withdrawal",
    "POST /cases/{case_id}/appeals/{appeal_id}/decision",
    "POST /cases/{case_id}/penalties",
    "POST /cases/{case_id}/penalties/{penalty_id}/adjustment",
    "POST /cases/{case_id}/rectification",
    "POST /cases/{case_id}/rectification/verdict",
    "POST /cases/{case_id}/rectification/waiver",
    "POST /cases/{case_id}/closure",
    "POST /cases/{case_id}/reopening",
    "POST /cases/{case_id}/withdrawal",
    "POST /cases/{case_id}/classification",
    "POST /cases/{case_id}/suspension",
    "POST /cases/{case_id}/resumption",
    "POST /cases/{case_id}/merger",
    "POST /cases/{case_id}/erasure/{proposal_id}/approval",
    "POST /cases/{case_id}/erasure/{proposal_id}/rejection",
    "POST /policies/{version}/approval",
    "POST /policies/{version}/withdrawal",
    "POST /policies/{version}/retirement",
}
PUBLIC = {"GET /log/checkpoint", "GET /log/tile/{level}/{place}"}
CREATING = {
    "POST /corrective-actions",
    "POST /incidents",
    "POST /cases/{case_id}/notice",
    "POST /cases/{case_id}/offers",
    "POST /cases/{case_id}/promises",
    "POST /cases",
    "POST /cases/{case_id}/evidence-requests",
    "POST /cases/{case_id}/evidence/staging",
    "POST /cases/{case_id}/evidence",
    "POST /cases/{case_id}/inspections",
    "POST /cases/{case_id}/decisions",
    "POST /cases/{case_id}/appeals",
    "POST /cases/{case_id}/decisions/{proposal_id}/approval",
    "POST /cases/{case_id}/goodwill",
    "POST /cases/{case_id}/legal-holds",
    "POST /cases/{case_id}/penalties",
    "POST /policies",
}


@pytest.fixture(scope="module")
def document(installation):
    return installation.app().test_client().get("/api/v1/openapi.json").json


def operations(document):
    """Every operation of the API by method and path."""
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in document["paths"].items()
        if path.startswith("/api/v1")
        for method, operation in methods.items()
        if method != "parameters"
    }


def codes(operation):
    return {code for response in operation["responses"].values() for code in response.get("x-codes", [])}


def test_every_operation_stands_in_one_section_that_a_person_can_look_through(document):
    """Swagger UI shows a summary as plain text: a backquote would stand there as itself."""
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    sizes = dict.fromkeys(described, 0)
    for name, operation in operations(document).items():
        (section,) = operation["tags"]
        sizes[section] += 1
        assert "`" not in operation["summary"], name
    assert all(described.values())
    assert max(sizes.values()) <= 15


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_names_exactly_the_routes_of_the_contract(document):
    assert operations(document).keys() == set(CONTRACT)


def test_every_route_that_is_served_is_documented(installation, document):
    served = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in installation.app().url_map.iter_rules()
        if not rule.endpoint.startswith("documents.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert {(path, method) for path, method in documented if method != "parameters"} == served


def test_every_operation_says_what_it_does_who_may_and_how_it_fails(document):
    for name, operation in operations(document).items():
        assert operation["summary"], name
        if name in PUBLIC:
            assert (operation["security"], "x-permission" in operation) == ([], False), name
        else:
            permission = operation["x-permission"]
            assert operation["x-roles"] == sorted(access.PERMISSIONS[permission]), name
            assert codes(operation) >= {"unauthenticated", "forbidden", "invalid_request"}, name
        for status, response in operation["responses"].items():
            for code in response.get("x-codes", []):
                assert problems.STATUS[code] == int(status), (name, code)


def test_what_everybody_may_read_is_named_here(document):
    open_to_all = {name for name, one in operations(document).items() if one.get("security") == []}
    assert open_to_all == PUBLIC


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)


def test_commands_that_need_the_version_say_so(document):
    for name, operation in operations(document).items():
        required = {"$ref": "#/components/parameters/IfMatch"} in operation.get("parameters", [])
        assert required == (name in VERSIONED), name
        assert ("precondition_required" in codes(operation)) == (name in VERSIONED), name


def test_only_commands_on_what_has_a_version_compare_it(document):
    for name, operation in operations(document).items():
        compares = "version_mismatch" in codes(operation)
        kinds = ("{case_id}/", "{incident_id}/", "{corrective_action_id}/", "/policies/{version}/")
        on_one = any(one in name for one in kinds)
        assert compares == (on_one and not name.startswith("GET ")), name


def test_a_queue_may_have_no_next_case(document):
    answers = operations(document)["POST /queues/{queue}/next"]["responses"]
    assert {"200", "204"} <= answers.keys()
    assert "case_not_found" not in answers["404"]["x-codes"]


def test_every_post_takes_an_idempotency_key(document):
    for name, operation in operations(document).items():
        takes = {"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", [])
        assert takes == name.startswith("POST "), name


def test_creations_answer_201_and_their_place(document):
    for name, operation in operations(document).items():
        assert ("201" in operation["responses"]) == (name in CREATING), name
        if name in CREATING:
            assert operation["responses"]["201"]["headers"].keys() == {"ETag", "Location"}


def test_every_code_is_named_by_some_operation(document):
    named = {code for operation in operations(document).values() for code in codes(operation)}
    assert problems.STATUS.keys() - named == _ANYWHERE
    assert {refusal.code for refusal in REFUSALS} <= named


def test_the_document_carries_the_bounds_of_requests(document):
    schemas = document["components"]["schemas"]
    assert schemas["Money"]["properties"]["amount_minor"]["maximum"] == 10**12
    assert schemas["Filing"]["additionalProperties"] is False
    assert schemas["Filing"]["properties"]["buyer_id"]["maxLength"] == 128
    assert "refund_only" in schemas["Filing"]["properties"]["case_type"]["enum"]


def test_the_page_that_shows_the_document_needs_no_other_host(call):
    nobody = call("nobody")
    page = nobody.get("/docs")
    assert page.status_code == 200
    assert re.findall(r"https?://", page.text) == []
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'self';", policy)
    linked = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert {name.removeprefix("docs/") for name in linked} == set(ASSETS)
    for name in linked:
        asset = nobody.get(f"/{name}")
        assert (asset.status_code, asset.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert "@import" not in asset.text
    assert "validatorUrl: null" in nobody.get("/docs/start.js").text


def test_no_other_file_is_served(call):
    nobody = call("nobody")
    for path in ("/docs/LICENSE", "/docs/../docs.html", "/docs/%2e%2e/docs.html", "/docs/"):
        assert nobody.get(path).status_code == 404
