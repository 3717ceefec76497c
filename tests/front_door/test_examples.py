"""The example cases: made anew they are the file, and every line can be filed."""

import json
from collections import Counter
from pathlib import Path

import recourse
from domain.values import CaseType
from infrastructure.demo.cases import COUNT, as_lines, example_cases

FILE = Path(__file__).parents[2] / "examples" / "cases.jsonl"


def test_the_generator_makes_the_file_that_is_in_the_repository():
    assert "".join(as_lines(example_cases())) == FILE.read_text(encoding="utf-8")


def test_there_are_three_hundred_of_every_case_type():
    cases = list(example_cases())
    assert len(cases) == COUNT == 300
    assert Counter(case["case_type"] for case in cases).keys() == {one.value for one in CaseType}


def test_every_line_is_a_filing_with_a_key_of_its_own():
    lines = [recourse.parse_line(line) for line in FILE.read_bytes().splitlines()]
    assert len({line.key for line in lines}) == COUNT
    assert len({line.filing["order"].order_id for line in lines}) == COUNT


def test_no_more_is_claimed_than_was_paid():
    for case in example_cases():
        claimed = case["claim"].get("amount", {"amount_minor": 0})["amount_minor"]
        assert claimed <= case["order"]["paid"]["amount_minor"]


def test_another_seed_makes_other_cases():
    assert json.dumps(list(example_cases(3, seed=1))) != json.dumps(list(example_cases(3, seed=2)))
