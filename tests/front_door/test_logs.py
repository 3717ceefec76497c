"""Logs carry ids, names and numbers, and never what an exception quotes."""

import io
import json
import logging
import socket

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, InvalidHeaderName, InvalidRequestMethod
from gunicorn.http.parser import RequestParser
from gunicorn.workers.base import Worker

from infrastructure import logs, serving


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


READ = b"GET /api/v1/cases?buyer_id=planted-words HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (InvalidHeaderName("Bearer-planted-words"), None),
        (InvalidHeader("Authorization Bearer planted-words"), None),
        (InvalidRequestMethod("planted-words"), None),
        (ZeroDivisionError("planted-words"), READ),
    ],
)
def test_what_the_server_cannot_read_is_logged_without_what_it_holds(logged, error, read):
    stream = io.StringIO()
    logged(stream)
    config = Config()
    request = next(RequestParser(config, iter([read]), ("192.0.2.7", 1))) if read else None
    worker = Worker(0, 0, [], None, 1, config, serving._Log(config))
    near, far = socket.socketpair()
    with near, far:
        try:
            raise error
        except type(error) as caught:
            worker.handle_error(request, near, ("192.0.2.7", 1), caught)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["level"] in ("warning", "error")
    assert "planted-words" not in line
    assert "192.0.2.7" not in line
