"""Life, readiness, version and metrics, for whoever runs the service and without a key."""

import pytest

from application.errors import ServiceUnavailable


@pytest.fixture
def client(installation):
    """A client of an application with other parts."""
    return lambda **parts: installation.app(**parts).test_client()


def test_a_process_that_answers_is_alive(call):
    answer = call("nobody").ask_at_root("GET", "/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_service_is_ready_when_every_check_is(call, installation, sealer):
    installation.catch_up()
    sealer.catch_up()
    answer = call("nobody").ask_at_root("GET", "/readyz")
    checks = answer.json()["checks"]
    assert (answer.status_code, answer.json()["status"]) == (200, "ready"), answer.text
    assert checks.keys() == {"database", "migrations", "projections", "log"}
    assert set(checks["projections"]["lag_seconds"].values()) == {0.0}


def test_a_failed_check_makes_the_service_unready_and_says_which(client):
    probes = {"database": lambda: {"ok": True}, "migrations": lambda: {"ok": False, "pending": ["009.sql"]}}
    answer = client(probes=probes).get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "not_ready")
    assert answer.json["checks"]["migrations"] == {"ok": False, "pending": ["009.sql"]}


def test_what_is_not_sealed_is_told_while_requests_are_served(client):
    refused = {"ok": False, "state": "stopped", "reason": "log_key_refused"}
    answer = client(probes={"database": lambda: {"ok": True}}, watched={"log": lambda: refused}).get(
        "/readyz"
    )
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["log"] == refused


def gone():
    raise ServiceUnavailable


def test_a_service_without_its_database_is_not_ready_but_alive(client):
    answer = client(
        probes={"database": gone}, watched={"log": gone}, lag=gone, process_lag=gone, log_figures=gone
    )
    assert answer.get("/readyz").status_code == 503
    assert answer.get("/livez").status_code == 200
    assert answer.get("/metrics").status_code == 200


def test_the_version_is_told(call):
    assert call("nobody").ask_at_root("GET", "/version").json() == {"name": "recourse", "version": "0.1.0"}


def test_metrics_count_answers_by_route_and_name_nobody(call, story):
    told = story()
    told.call("reviewer").get(told.path)
    answer = call("nobody").ask_at_root("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'recourse_http_requests_total{method="POST",route="/api/v1/cases",status="201"}' in answer.text
    assert 'route="/api/v1/cases/<case_id>",status="200"' in answer.text
    assert 'recourse_projection_lag_seconds{read_model="review_queue"}' in answer.text
    assert told.id not in answer.text
    assert "buyer-app" not in answer.text


def test_metrics_tell_how_far_each_process_is(client):
    text = client(process_lag=lambda: {"standing": 2.5}).get("/metrics").text
    assert 'recourse_process_lag_seconds{process="standing"} 2.5' in text


def test_metrics_tell_how_far_the_log_is_sealed(client):
    text = client(log_figures=lambda: {"leaves": 12, "unsealed_facts": 3}).get("/metrics").text
    assert "recourse_log_leaves 12.0" in text
    assert "recourse_log_unsealed_facts 3.0" in text
    assert "recourse_log_checkpoint_age NaN" in text  # none was signed yet


def test_invented_methods_do_not_fill_the_metrics(call):
    nobody = call("nobody")
    for method in ("BREW", "PROPFIND", "X-1"):
        assert nobody.ask("QUERY" + method, "/cases").status_code == 405
    text = nobody.ask_at_root("GET", "/metrics").text
    assert 'method="other",route="-",status="405"' in text
    assert "BREW" not in text


def test_answers_are_not_kept_or_guessed_at_by_anybody_on_the_way(call):
    answer = call("reviewer").get("/queues")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
