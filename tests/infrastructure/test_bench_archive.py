"""The measurement of the archive saves and restores what it says."""

from rich.console import Console

from infrastructure.bench import archive


def test_a_history_is_saved_and_restored(database_url: str):
    result = archive.run(database_url, events=300)
    assert result["backup"] > 0
    assert result["restore"] > 0
    assert result["bytes"] > 300 * 500
    console = Console(record=True, width=100)
    archive.print_table(result, console)
    assert "restoring, proving and folding them" in console.export_text()
