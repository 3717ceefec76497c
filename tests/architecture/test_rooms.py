"""Each law of the house, kept by the tree as it stands and broken by a planted violation."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ROOMS = ("domain", "application", "projections", "infrastructure", "web")

DOWNWARD = "Imports only point down, and siblings are blind to each other"
PURE = "The domain knows no framework, no driver and no tool"
FACTS_ONLY = "Projections read facts and values, never behaviour"
FRONT_DOOR = "Nobody imports the front door"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(TREE / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TREE / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(tree: Path) -> set[str]:
    report = subprocess.run(
        [BIN / "lint-imports", "--no-logo", "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    kept = set(re.findall(r"^(.+) KEPT$", report.stdout, re.MULTILINE))
    broken = set(re.findall(r"^(.+) BROKEN$", report.stdout, re.MULTILINE))
    assert kept | broken == {DOWNWARD, PURE, FACTS_ONLY, FRONT_DOOR}, report.stdout + report.stderr
    assert (report.returncode != 0) == bool(broken)
    return broken


def test_the_rooms_keep_every_contract(copy: Path) -> None:
    assert broken_contracts(copy) == set()


@pytest.mark.parametrize(
    ("room", "violation", "contract"),
    [
        ("web", "import infrastructure", DOWNWARD),
        ("infrastructure", "import web", DOWNWARD),
        ("application", "import projections", DOWNWARD),
        ("projections", "import application", DOWNWARD),
        ("application", "import infrastructure", DOWNWARD),
        ("projections", "import web", DOWNWARD),
        ("domain", "import application", DOWNWARD),
        ("domain", "import psycopg", PURE),
        ("domain", "from flask import request", PURE),
        ("projections", "from domain.case import Case", FACTS_ONLY),
        ("projections", "import domain.policy", FACTS_ONLY),
        ("web", "import recourse", FRONT_DOOR),
        ("infrastructure", "from recourse import main", FRONT_DOOR),
    ],
)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, room: str, violation: str, contract: str
) -> None:
    (copy / room / "planted.py").write_text(f"{violation}\n")
    assert contract in broken_contracts(copy)


def lint(tree: Path, room: str, source: str) -> str:
    planted = tree / room / "planted.py"
    planted.write_text(source)
    return subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--output-format=concise", planted],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime\n\nat = datetime.now(UTC)\n",
        "import datetime\n\nat = datetime.datetime.now(datetime.UTC)\n",
        "import time\n\nat = time.time()\n",
        "from time import monotonic\n\nat = monotonic()\n",
        "import uuid\n\nkey = uuid.uuid4()\n",
        "from uuid import uuid1\n\nkey = uuid1()\n",
        "import random\n\nchance = random.random()\n",
        "from secrets import token_hex\n\nkey = token_hex()\n",
        "from eventsourcing.domain import datetime_now_with_tzinfo\n\nat = datetime_now_with_tzinfo()\n",
    ],
)
def test_the_linter_bans_clocks_ids_and_chance_in_the_domain_only(copy: Path, source: str) -> None:
    assert "TID251" in lint(copy, "domain", source)
    assert "TID251" in lint(copy, "domain/case", source)
    assert "TID251" not in lint(copy, "infrastructure", source)


def test_the_type_checker_demands_that_a_match_names_every_case(copy: Path) -> None:
    (copy / "domain" / "planted.py").write_text(
        "from enum import Enum\n\n\n"
        "class Colour(Enum):\n    RED = 1\n    BLUE = 2\n\n\n"
        "def name(colour: Colour) -> None:\n"
        "    match colour:\n        case Colour.RED:\n            return\n"
    )
    report = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", copy / "cache", "domain/planted.py"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 1
    assert "[exhaustive-match]" in report.stdout
