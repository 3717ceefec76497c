"""A phone number is the same however it is written."""

import pytest

from domain.phone import dialled


@pytest.mark.parametrize(
    "written",
    [
        "13800000001",
        "138 0000 0001",
        "138-0000-0001",
        "+86 138 0000 0001",
        "+8613800000001",
        "0086-138-0000-0001",
        "(+86) 138.0000.0001",
        "１３８０００００００１",
        "＋８６ 138-0000-0001",
    ],
)
def test_every_spelling_is_the_same_number(written: str):
    assert dialled(written) == "13800000001"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+1 202 555 0100", "12025550100"),
        ("8613800000001", "8613800000001"),
        ("0571-8888 6666", "057188886666"),
        ("+86 8600 1234", "86001234"),
        ("无", ""),
        ("+", ""),
    ],
)
def test_what_is_no_code_of_this_country_stays(written: str, number: str):
    assert dialled(written) == number
