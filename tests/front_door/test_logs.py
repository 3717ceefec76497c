"""Logs carry ids, names and numbers, and never what an exception quotes."""

import io
import json
import logging

import pytest

from infrastructure import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def logged():
    """Logs to a stream; afterwards logging is as it was."""
    root, captured = logging.getLogger(), logging.getLogger("py.warnings")
    handlers, level = root.handlers[:], root.level

    def to(stream):
        logs.log_to(stream, "web")
        return logging.getLogger("recourse.test")

    yield to
    logging.captureWarnings(False)
    captured.handlers.clear()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_record_is_one_json_object_with_its_known_extras(logged):
    stream = io.StringIO()
    logged(stream).info("answered", extra={"status": 201, "phone": "13800000000"})
    entry = json.loads(stream.getvalue())
    assert (entry["part"], entry["level"], entry["message"], entry["status"]) == (
        "web",
        "info",
        "answered",
        201,
    )
    assert "phone" not in entry


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_what_an_exception_quotes_is_left_out(logged, stream):
    written = stream()
    log = logged(written)
    try:
        raise ValueError("王芳 13800000000")
    except ValueError:
        log.exception("a request failed")
    assert "13800000000" not in written.getvalue()
    assert "builtins.ValueError" in written.getvalue()
    assert "test_what_an_exception_quotes_is_left_out" in written.getvalue()


def test_a_terminal_gets_lines_for_people(logged):
    stream = Terminal()
    logged(stream).warning("answered", extra={"method": "GET", "status": 503, "role": None})
    assert stream.getvalue().rstrip().endswith("web     warning: answered GET 503")
