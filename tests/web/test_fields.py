"""Reading what is right directly is no way around the library: both take and refuse the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from web import schemas
from web.fields import Strict

BODIES = [
    schema
    for schema in vars(schemas).values()
    if isinstance(schema, type) and issubclass(schema, Strict) and schema is not Strict
]
SENSIBLE = st.sampled_from(
    [
        *(None, True, 0, 1, 5, "x", "1", "true", "Q-1", "CNY", "2026-11-01T08:00:00Z", "0" * 64),
        *("refund", "upheld", "merchant", "phone", "internal", "compensated", "filed"),
        *({"amount_minor": 1, "currency": "CNY"}, [], ["refund"], [{"party": "merchant", "share": 100}]),
        *([{"kind": "points", "points": 5}], [{"kind": "refund"}]),
    ]
)


def taken(load):
    """What came of reading: a value, or the faults."""
    try:
        return "value", load()
    except ValidationError as error:
        return "faults", error.messages


@pytest.mark.parametrize("body", BODIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_ways_of_reading_agree(body, data):
    schema = body()
    names = [*schema.fields, "surprise"]
    whole = data.draw(st.dictionaries(st.sampled_from(names), SENSIBLE))
    assert taken(lambda: schema.load(whole)) == taken(lambda: Schema.load(schema, whole))


@pytest.mark.parametrize("other", [None, [], "x", 1, True, [{}]])
def test_what_is_no_object_is_refused_by_both(other):
    schema = schemas.NothingSchema()
    assert taken(lambda: schema.load(other)) == ("faults", {"_schema": ["invalid_type: must be an object"]})


def test_what_is_right_never_meets_the_library(monkeypatch):
    def met(*_, **__):
        raise AssertionError("the library was asked")

    monkeypatch.setattr(Schema, "load", met)
    body = {"remedies": [{"kind": "refund", "amount": {"amount_minor": 1, "currency": "CNY"}}]}
    read = schemas.DecisionSchema().load(body | {"clauses": ["Q-1"], "reasons": "x"})
    assert [one["amount"].amount_minor for one in read["remedies"]] == [1]
