"""The measurements of the transparency log run, and measure what they say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from rich.console import Console

from infrastructure.bench import audit
from infrastructure.transparency.sealer import Sealer

START = datetime(2026, 11, 6, 8, tzinfo=UTC)


def test_delays_rates_and_verifying_are_measured(database_url: str, tmp_path: Path) -> None:
    homes = iter(range(10))

    @contextmanager
    def sealing(url: str) -> Iterator[None]:
        stop = Event()
        sealer = Sealer(url, tmp_path, origin=lambda: f"bench.test/{next(homes)}")
        thread = Thread(target=sealer.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    result = audit.run(database_url, sealing, events=300, load_seconds=0.4, rounds=1, round_seconds=0.2)
    assert 0 < result["leaf_p99"] <= result["leaf_worst"] <= result["checkpoint_worst"]
    assert result["facts_per_second"] == audit.LOAD
    assert min(result["alone"], result["sealed"], result["seal_rate"]) > 0
    assert result["verify_faults"] == 0
    assert result["offline_facts"] > 1
    assert result["offline_milliseconds"] > 0
    assert 500 < result["proof_bytes"] < audit.TARGET_PROOF_BYTES
    assert 10 < result["verify_megabytes"] < 300
    console = Console(record=True, width=120)
    audit.print_table(result, console)
    assert "fact to checkpoint" in console.export_text()


def test_a_fact_waits_until_the_first_look_that_finds_it_sealed() -> None:
    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    facts = [(10, at(0)), (11, at(1)), (12, at(1.5)), (20, at(2))]
    looks = [(at(0.5), 0), (at(1), 10), (at(2), 12), (at(3.25), 20)]
    assert audit._waited(facts, looks) == [0.5, 1.0, 1.0, 1.25]
