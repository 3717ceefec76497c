"""Cursor pages: opaque to clients, exact for us."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.pages import BadCursor, Place

TIMES = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(at=TIMES, key=st.uuids())
def test_a_cursor_names_its_place_exactly(at: datetime, key: object) -> None:
    place = Place(at, key)  # type: ignore[arg-type]

    assert Place.parse(place.cursor()) == place


@given(text=st.text(max_size=60))
def test_no_text_does_worse_than_a_bad_cursor(text: str) -> None:
    try:
        place = Place.parse(text)
    except BadCursor:
        return
    assert place.cursor() == text


@given(text=st.text(alphabet="ABCXYZabcxyz0189-_+/=\n", min_size=32, max_size=32))
def test_nothing_of_the_right_length_does_worse_either(text: str) -> None:
    try:
        place = Place.parse(text)
    except BadCursor:
        return
    assert place.cursor() == text


@pytest.mark.parametrize(
    "cursor", ["", "x", "A" * 31, "A" * 33, "f" * 32, "\x00" * 32, "\ud800" * 32, "é" * 32, "A" * 28 + "===="]
)
def test_what_was_never_handed_out_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        Place.parse(cursor)


def test_a_cursor_is_safe_in_an_address() -> None:
    cursor = Place(datetime(2026, 11, 6, tzinfo=UTC), uuid4()).cursor()

    assert cursor.replace("-", "").replace("_", "").isalnum()
