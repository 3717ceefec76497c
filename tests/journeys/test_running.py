"""The parts as real processes: started together, really killed, restarted, stopped to the last one."""

import json
import signal
import stat

import psutil
import requests

from infrastructure.embedded import Embedded


def test_the_credentials_are_the_owners_alone(dev):
    assert stat.S_IMODE(dev.credentials.stat().st_mode) == 0o600
    assert json.loads(dev.credentials.read_text()).keys() == {
        "buyer-integration",
        "agent",
        "reviewer",
        "supervisor",
        "auditor",
        "finance",
        "admin",
        "reviewer:2",
        "supervisor:2",
        "merchant:m-2001",
        "merchant:m-2002",
    }


def test_a_killed_worker_is_restarted_and_the_read_models_catch_up(dev, words):
    worker = words.awaited(lambda: dev.part("recourse", "work"), "the worker runs")
    worker.send_signal(signal.SIGKILL)
    filed = dev.caller("buyer-integration").post("/cases", words.filing("KILLED-1"))
    reviewer = dev.caller("reviewer")

    def listed():
        answer = reviewer.ask("GET", f"/queues/review?limit=200&min_position={filed['position']}")
        return answer.status_code == 200 and filed["case_id"] in answer.text

    words.awaited(listed, "the queue shows what was filed while the worker was dead")
    again = words.awaited(lambda: dev.part("recourse", "work"), "the worker runs again")
    assert again.pid != worker.pid
    assert "work" in dev.log.read_text()


def test_a_killed_web_server_is_restarted(dev, words):
    web = words.awaited(lambda: dev.part("recourse", "serve"), "the web server runs")
    web.send_signal(signal.SIGKILL)

    def alive():
        try:
            return (
                requests.get(f"{dev.url}/livez", timeout=5).ok
                and (dev.part("recourse", "serve") or web) != web
            )
        except requests.ConnectionError:
            return False

    words.awaited(alive, "the API answers again at the same address")


def test_sigterm_stops_everything_the_database_included(start, words):
    running = start()
    everything = running.processes()
    assert any("postgres" in process.name() for process in everything)
    assert running.stop() == 0
    words.awaited(
        lambda: not [one for one in everything if one.is_running() and one.status() != psutil.STATUS_ZOMBIE],
        "every process has ended",
        15,
    )


def test_a_home_is_used_again_with_its_cases_and_its_keys(start, words):
    first = start()
    filed = first.caller("buyer-integration").post("/cases", words.filing("AGAIN-1"))
    credentials = first.credentials.read_text()
    first.stop()
    second = start(first.home)
    assert second.credentials.read_text() == credentials
    assert second.caller("reviewer").get(f"/cases/{filed['case_id']}")["number"] == filed["number"]
    second.stop()


def test_a_database_that_goes_away_is_an_unavailable_service_and_then_works_again(tmp_path, start, words):
    server = Embedded(tmp_path / "database", durable=False)
    url = server.start()
    try:
        running = start(DATABASE_URL=url)
        buyer = running.caller("buyer-integration")
        filed = buyer.post("/cases", words.filing("AWAY-1"))
        postmaster = psutil.Process(server.pid)
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(30)
        answer = buyer.ask("POST", "/cases", words.filing("AWAY-2"))
        assert answer.status_code == 503
        assert answer.json()["code"] == "service_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert running.caller("reviewer").ask("GET", f"/cases/{filed['case_id']}").status_code == 503
        assert requests.get(f"{running.url}/livez", timeout=10).ok
        assert requests.get(f"{running.url}/readyz", timeout=10).status_code == 503
        web = running.part("recourse", "serve")
        assert server.revive()
        second = words.awaited(
            lambda: (
                (one := buyer.ask("POST", "/cases", words.filing("AWAY-2"))).status_code == 201 and one.json()
            ),
            "cases are filed again",
        )
        assert running.part("recourse", "serve") == web
        reviewer = running.caller("reviewer")
        words.awaited(
            lambda: second["case_id"] in reviewer.ask("GET", "/queues/review?limit=200").text,
            "the read models follow again",
        )
        running.stop()
    finally:
        server.stop()
