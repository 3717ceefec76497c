"""What nobody expected is told without details, and logged without what people wrote."""

import logging

import pytest

from application.errors import ServiceUnavailable
from application.store import StoreUnavailable
from web.app import RouteWithoutPermission, WebSettings, require_permissions
from web.limits import Rate, RateLimiter

SECRET = "王芳 13800000000"


class Broken:
    """A part that fails in one way, whatever is asked of it."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        def fail(*_, **__):
            raise self._error

        return fail


@pytest.fixture
def client(installation):
    """A client with the agent's key, of an application with other parts."""

    def of(**parts):
        client = installation.app(**parts).test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {installation.secrets['agent']}"
        return client

    return of


def test_an_unexpected_failure_tells_its_request_id_and_nothing_else(client, filing, caplog):
    with caplog.at_level(logging.INFO):
        answer = client(cases=Broken(RuntimeError(SECRET))).post(
            "/api/v1/cases", json=filing(statement=SECRET), headers={"X-Request-Id": "r-500"}
        )
    assert (answer.status_code, answer.json["code"], answer.json["detail"]) == (500, "internal_error", "")
    assert answer.json["request_id"] == "r-500"
    assert "Traceback" not in answer.text
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.request_id == "r-500"
    assert "RuntimeError" in record.getMessage()
    assert "filing.py" in record.getMessage()
    for one in caplog.records:
        assert "13800000000" not in str(vars(one))


def test_the_log_of_requests_names_routes_and_roles_but_no_secret(client, installation, caplog):
    with caplog.at_level(logging.INFO):
        client().get("/api/v1/cases?buyer_id=b-77&order_id=PO-77")
    (record,) = [one for one in caplog.records if one.name == "web.app"]
    assert (record.route, record.status, record.role) == ("/api/v1/cases", 200, "agent")
    for hidden in ("b-77", "PO-77", installation.secrets["agent"], "agent-1"):
        assert hidden not in str(vars(record))


@pytest.mark.parametrize("error", [ServiceUnavailable(), StoreUnavailable("no connection")])
@pytest.mark.parametrize("part", ["cases", "reader", "keys"])
def test_a_service_without_its_database_says_when_to_ask_again(client, filing, error, part):
    broken = client(**{part: Broken(error)})
    asked = {"cases": "/api/v1/cases", "keys": "/api/v1/cases", "reader": "/api/v1/queues/review/next"}
    answer = broken.post(asked[part], json=filing() if part != "reader" else {})
    assert (answer.status_code, answer.json["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "no connection" not in answer.text


def test_a_key_may_make_so_many_requests_and_no_more(client, call):
    limited = client(settings=WebSettings("0", rate=Rate(per_second=0.01, burst=2)))
    assert [limited.get("/api/v1/queues").status_code for _ in range(3)] == [200, 200, 429]
    answer = limited.get("/api/v1/queues")
    assert answer.json["code"] == "rate_limited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 100


def test_an_address_without_a_key_may_make_so_many_requests_and_takes_none_from_the_keys(client):
    limited = client(settings=WebSettings("0", rate=Rate(per_second=0.01, burst=2)))
    asked = [limited.get("/api/v1/log/checkpoint") for _ in range(3)]
    assert [one.status_code for one in asked][1:] == [asked[0].status_code, 429]
    assert asked[2].json["code"] == "rate_limited"
    assert limited.get("/api/v1/queues").status_code == 200
    other = limited.get("/api/v1/log/checkpoint", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == asked[0].status_code


def test_tokens_come_back_with_time_up_to_the_burst():
    now = [0.0]
    limiter = RateLimiter(Rate(per_second=2, burst=3), lambda: now[0])
    assert [limiter.wait_for("k") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.wait_for("other") == 0
    now[0] = 0.5
    assert [limiter.wait_for("k"), limiter.wait_for("k")] == [0, 0.5]
    now[0] = 1000
    assert [limiter.wait_for("k") for _ in range(4)] == [0, 0, 0, 0.5]


def test_the_limiter_remembers_a_bounded_number_of_keys(monkeypatch):
    monkeypatch.setattr("web.limits.KEPT_BUCKETS", 3)
    limiter = RateLimiter(Rate(per_second=0.001, burst=1), lambda: 0.0)
    for key in "abcd":
        limiter.wait_for(key)
    assert limiter.wait_for("d") > 0
    assert limiter.wait_for("a") == 0


@pytest.mark.parametrize("permission", [..., "", "cases.invented"])
def test_a_route_without_a_permission_stops_the_application_from_being_built(installation, permission):
    app = installation.app()
    require_permissions(app)

    def view():
        return "open to the world"

    if permission is not ...:
        view.__dict__["permission"] = permission
    app.add_url_rule("/open", view_func=view)
    with pytest.raises(RouteWithoutPermission, match="/open"):
        require_permissions(app)


def test_no_document_of_flask_itself_is_served(installation):
    endpoints = {rule.endpoint for rule in installation.app().url_map.iter_rules()}
    assert "static" not in endpoints
