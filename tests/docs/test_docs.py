"""The documents say what is there: links, verbs, commands, settings, the tour and the reference."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import recourse
from infrastructure.settings import DESCRIPTIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]+)?\)")
CODE = re.compile(r"```(?:sh|bash|console)\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def page_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_in(path: Path) -> Iterator[str]:
    """Lines of shell blocks, and what stands between single backquotes."""
    for block, inline in CODE.findall(path.read_text(encoding="utf-8")):
        yield from block.splitlines() if block else [inline]


def block(page: Path, mark: str) -> str:
    """The fenced block after a mark."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{page.name} has no block {mark}"
    return found[1]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_to_a_file(page):
    targets = [target for target, _ in LINK.findall(page.read_text(encoding="utf-8"))]
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_command_that_is_named_exists_with_its_options(page):
    for line in code_in(page):
        for words in re.findall(r"(?:^|[\s/])recourse ([a-z][^#|&;\n`]*)", line):
            assert_exists(shlex.split(words.split("<")[0]))


def assert_exists(words: list[str]) -> None:
    command: click.Command = recourse.main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help", "--version"}
    assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_verb_of_make_that_is_named_exists(page):
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {verb for line in code_in(page) for verb in re.findall(r"\bmake ([a-z]+)", line)}
    assert named <= verbs


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_setting_that_is_named_exists(page):
    assert set(re.findall(r"RECOURSE_[A-Z_]*[A-Z]", page.read_text(encoding="utf-8"))) <= DESCRIPTIONS.keys()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_file_of_ours_that_is_named_exists(page):
    """A how-to also names what its reader is about to write."""
    named = re.findall(
        r"`((?:domain|application|projections|infrastructure|web|tests|docs|examples)/[\w/.-]*)`",
        page.read_text(),
    )
    invented = {"tests/domain/golden/GoodsLost.json"}
    assert not [name for name in named if name not in invented and not (ROOT / name).exists()]


def test_the_reference_is_what_the_program_says():
    """Write it anew with: recourse reference docs/reference"""
    written = {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    }
    assert written == recourse.reference_pages()


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "adr"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert [target for target, _ in listed] == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for number, path in enumerate(sorted(folder.glob("[0-9]*.md")), 1):
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


@pytest.mark.parametrize("mark", ["tour", "tour output", "proof"])
def test_both_readmes_show_the_same(mark):
    assert block(ROOT / "README.md", mark) == block(ROOT / "README.zh-CN.md", mark)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running installation, as the tour's environment names it."""
    home = tmp_path_factory.mktemp("tour") / "home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
    dev = subprocess.Popen(
        [sys.executable, str(ROOT / "recourse.py"), "dev", "--port", "0", "--home", str(home)],
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert dev.stdout
        ready = json.loads(dev.stdout.readline())
        yield kept | {"URL": f"{ready['url']}/api/v1", "CREDENTIALS": ready["credentials"]}
    finally:
        dev.send_signal(signal.SIGTERM)
        dev.communicate(timeout=60)


STAND_IN = f'curl() {{ "{sys.executable}" "{ROOT / "tests/docs/stand_in_for_curl.py"}" "$@"; }}\n'


CURLS = [pytest.param(STAND_IN, id="stand-in")]
if shutil.which("curl"):
    CURLS.append(pytest.param("", id="curl"))


@pytest.mark.parametrize("curl", CURLS)
def test_the_tour_prints_what_the_readme_says(installation, curl):
    tour = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", curl + block(ROOT / "README.md", "tour")],  # noqa: S607 - as users do
        env=installation,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (tour.stderr, tour.returncode) == ("", 0)
    assert tour.stdout == block(ROOT / "README.md", "tour output")


def test_the_case_of_the_tour_is_proved_as_the_readme_says(installation, tmp_path):
    program = f'"{sys.executable}" "{ROOT / "recourse.py"}"'
    proof = block(ROOT / "README.md", "proof").replace(".venv/bin/recourse ", f"{program} ")
    proof = proof.replace(
        ".venv/bin/python recourse_verify.py", f'"{sys.executable}" "{ROOT}/recourse_verify.py"'
    )
    script = STAND_IN + block(ROOT / "README.md", "tour") + proof
    home = str(Path(installation["CREDENTIALS"]).parent)
    shown = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - as users do
        env=installation | {"RECOURSE_HOME": home},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[-1].startswith("VERIFIED")
