"""The measurement of the archive saves, restores and verifies what it says."""

from rich.console import Console

from infrastructure.bench import archive


def test_a_history_is_saved_restored_and_verified(database_url: str):
    result = archive.run(database_url, events=300, rounds=2)
    assert result["backup"] > 0
    assert result["restore"] > 0
    assert result["offline_events"] > 1
    assert result["bytes"] > 300 * 500
    console = Console(record=True, width=100)
    archive.print_table(result, console)
    assert "restoring, proving and folding them" in console.export_text()
