"""The command line in this process on a database of its own, and as real processes where signals matter."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click.testing
import pytest

import recourse
from infrastructure.demo.cases import as_lines, example_cases
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0


class CommandLine:
    """Runs `recourse` with a home and perhaps a database of its own, and with no setting from outside."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        self.home = home
        self.url = url

    @property
    def settings(self) -> dict[str, str]:
        """The environment's part that is ours."""
        named = {"RECOURSE_HOME": str(self.home)}
        return named | ({"RECOURSE_DATABASE_URL": self.url} if self.url else {})

    def __call__(
        self, *words: str, code: int = 0, text: str | None = None, **more: str
    ) -> click.testing.Result:
        """Run a command that must end with this exit code, `more` settings named without their prefix."""
        absent = dict.fromkeys(name for name in os.environ if name.startswith("RECOURSE_"))
        given = {f"RECOURSE_{name}": value for name, value in more.items()}
        runner = click.testing.CliRunner()
        result = runner.invoke(
            recourse.main, words, input=text, env=absent | self.settings | given, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        """The JSON that a command prints."""
        return json.loads(self(*words, "--json", code=code).stdout)

    def start(self, *words: str, code: str | None = None, **more: str) -> subprocess.Popen[str]:
        """Start it as a process of its own, or this code in its place."""
        program = ["-c", code] if code else [str(ROOT / "recourse.py"), *words]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
        given = {f"RECOURSE_{name}": value for name, value in more.items()}
        return subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=kept | self.settings | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def file(self, cases: list[dict[str, Any]], *words: str, code: int = 0) -> click.testing.Result:
        """File these cases, and let the read models follow."""
        result = self("file", "--from", "-", *words, code=code, text="".join(as_lines(iter(cases))))
        assert self.url
        ProjectionSupervisor(self.url, holder="test").catch_up()
        return result


@pytest.fixture
def bare(tmp_path: Path) -> CommandLine:
    """A command line without a database."""
    return CommandLine(tmp_path / "home")


@pytest.fixture
def recourse_on(tmp_path: Path, fresh_database: str) -> CommandLine:
    """A command line on a new database that is up to date."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    migrate(fresh_database)
    ProjectionSupervisor(fresh_database, holder="test").prepare()
    return CommandLine(home, fresh_database)


@pytest.fixture
def three_cases(recourse_on: CommandLine) -> list[dict[str, Any]]:
    """Three of the example cases, filed; as rows of the review queue."""
    recourse_on.file(list(example_cases())[:3])
    rows: list[dict[str, Any]] = recourse_on.json("queue")["data"]
    assert len(rows) == 3
    return rows
