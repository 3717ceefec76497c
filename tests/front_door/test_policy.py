"""`recourse policy`: a file is checked as a whole, a version is shown with its sources."""

import json

import pytest

from application.policies import canonical
from infrastructure.policy_pack import default_document


@pytest.fixture
def document(tmp_path):
    """A file with a policy document."""

    def written(**changed):
        file = tmp_path / "draft.yaml"
        file.write_text(json.dumps({**default_document(), **changed}), encoding="utf-8")
        return str(file)

    return written


def test_a_sound_policy_is_told_with_its_digest(bare, document):
    told = bare.json("policy", "check", document())
    assert (told["version"], told["faults"], told["disabled"]) == ("cn-2026", [], ["Z-1"])
    assert len(told["sha256"]) == 64
    assert told["sha256"] in bare("policy", "check", document()).stdout


def test_every_fault_is_told_with_its_place_and_ends_with_3(bare, document):
    file = document(currency="yuan", more=1)
    faults = bare.json("policy", "check", file, code=3)["faults"]
    assert [fault["path"] for fault in faults] == ["/currency", "/more"]
    shown = bare("policy", "check", file, code=3).stdout
    assert "/currency" in shown
    assert "must be the three letters of a currency" in shown


def test_what_is_no_document_ends_with_3_and_what_is_not_there_with_2(bare, tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("version: [")
    assert bare.json("policy", "check", str(file), code=3)["faults"][0]["path"] == ""
    bare("policy", "check", str(tmp_path / "nowhere.yaml"), code=2)


def test_the_policy_in_force_is_shown_with_every_source(recourse_on):
    told = recourse_on.json("policy", "show")
    assert (told["version"], told["state"]) == ("cn-2026", "in_force")
    rows = {row["rule"]: row for row in told["data"]}
    assert rows.keys() == default_document()["rules"].keys()
    assert (rows["F-1"]["figure"], rows["F-1"]["confidence"]) == ("times 3, floor 500.00 CNY", "A")
    assert rows["Z-1"]["enabled"] is False
    shown = recourse_on("policy", "show", "cn-2026").stdout
    assert "disabled: Z-1" in shown
    assert "H: the operator's choice" in shown
    assert "食品安全法 148" in shown


def test_its_digest_is_the_same_wherever_it_is_told(recourse_on, tmp_path):
    file = tmp_path / "same.json"
    file.write_text(canonical(default_document()), encoding="utf-8")
    checked = recourse_on.json("policy", "check", str(file))
    assert checked["sha256"] == recourse_on.json("policy", "show")["sha256"]


def test_a_version_that_never_was_is_told(recourse_on):
    result = recourse_on("policy", "show", "cn-1999", code=1)
    assert "there never was a policy cn-1999" in result.stderr
    assert "next: recourse policy show" in result.stderr


def drafted(line, file, who="ling"):
    """Draft it as somebody."""
    return line("policy", "draft", file, "--as", who, "--note", "双十二")


def test_one_person_drafts_and_another_publishes(recourse_on, document):
    said = drafted(recourse_on, document(version="cn-2027")).stdout
    assert "recourse policy publish cn-2027 --as" in said
    assert recourse_on.json("policy", "show", "cn-2027")["state"] == "drafted"
    said = recourse_on("policy", "publish", "cn-2027", "--as", "wei").stdout
    assert "cn-2027 is published, in force from" in said
    assert recourse_on.json("policy", "show")["version"] == "cn-2027"


def test_nobody_publishes_their_own_draft_and_the_refusal_says_whose_it_is(recourse_on, document):
    drafted(recourse_on, document(version="cn-2027"), "ling")
    refused = recourse_on("policy", "publish", "cn-2027", "--as", "ling", code=1)
    assert "it was drafted by ling (policy_needs_second_person)" in refused.stderr
    assert "next: recourse policy show cn-2027" in refused.stderr
    assert recourse_on.json("policy", "show", "cn-2027")["state"] == "drafted"


def test_a_second_version_is_public_for_seven_days_first(recourse_on, document):
    drafted(recourse_on, document(version="cn-2027"))
    recourse_on("policy", "publish", "cn-2027", "--as", "wei")
    file = document(version="cn-2028")
    refused = recourse_on("policy", "draft", file, "--as", "ling", "--note", "x", code=1)
    assert "policy_effective_too_early" in refused.stderr
    later = document(version="cn-2028", effective_from="2099-01-01")
    drafted(recourse_on, later)
    said = recourse_on("policy", "publish", "cn-2028", "--as", "wei").stdout
    assert "in force from 2099-01-01 00:00 in Shanghai" in said


def test_a_draft_that_is_not_sound_is_not_kept(recourse_on, document):
    file = document(version="cn-2027", currency="yuan", more=1)
    refused = recourse_on("policy", "draft", file, "--as", "ling", "--note", "x", code=1)
    assert "the policy has 2 faults" in refused.stderr
    assert f"next: recourse policy check {file}" in refused.stderr
    assert "there never was" in recourse_on("policy", "publish", "cn-2027", "--as", "wei", code=1).stderr
