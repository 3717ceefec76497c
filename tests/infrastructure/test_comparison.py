"""Two pages are compared member by member, down to what really differs."""

from infrastructure.comparison import Change, changes


def test_equal_pages_have_no_changes():
    page = {"stage": "filed", "notes": [{"text": None}], "allowed": ["lease"]}
    assert list(changes(page, dict(page))) == []


def test_what_differs_is_named_by_its_place():
    before = {"stage": "filed", "order": {"sku": "1"}, "lines": [{"state": "open"}]}
    after = {"stage": "closed", "order": {"sku": "1"}, "lines": [{"state": "paid"}]}
    assert list(changes(before, after)) == [
        Change("/stage", "filed", "closed"),
        Change("/lines/0/state", "open", "paid"),
    ]


def test_what_came_or_went_stands_against_nothing():
    assert list(changes({"lease": {"holder": "x"}}, {"lease": None, "lines": [{"n": 1}]})) == [
        Change("/lease", {"holder": "x"}, None),
        Change("/lines", None, [{"n": 1}]),
    ]
    assert list(changes({"lines": []}, {"lines": [{"n": 1}]})) == [Change("/lines/0", None, {"n": 1})]


def test_lists_of_plain_values_are_compared_whole():
    assert list(changes({"allowed": ["a", "b"]}, {"allowed": ["b"]})) == [
        Change("/allowed", ["a", "b"], ["b"])
    ]
