"""The load generator counts what a server answers, and tells when it answers something else."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infrastructure.bench import http
from infrastructure.bench.load import Load, run


@pytest.fixture
def server():
    """A server that remembers the bodies it was sent; it refuses every tenth."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            text = b"x" * 70_000
            self.send_response(503 if bodies[-1].endswith(b"9") else 201)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_address[1], bodies
        running.shutdown()
        thread.join()


def test_every_request_has_a_number_of_its_own_and_every_answer_is_counted(server):
    port, bodies = server
    request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n@@@@@@@@"
    figures = run(Load("127.0.0.1", port, request, connections=3, seconds=0.5, warm_up=0, first_number=100))
    assert len(set(bodies)) == len(bodies)
    assert min(bodies) == b"00000100"
    assert sum(figures.statuses.values()) == pytest.approx(len(bodies), abs=3)
    assert set(figures.statuses) == {"201", "503"}
    assert 0 < figures.p50_ms <= figures.p99_ms


def test_unexpected_answers_are_not_measured(server):
    port, _ = server
    target = http.Target(f"http://127.0.0.1:{port}", 1, "filing", "reading")
    with pytest.raises(http.UnexpectedAnswers):
        http.run(target, settle=lambda: None, rounds=1, seconds=0.1)
