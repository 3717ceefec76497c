"""How the command line fails: all that is wrong at once, a documented exit code, and what to run next."""

import re

import click
import pytest

import recourse
from infrastructure import credentials, doctor, serving


def test_it_says_its_version(bare):
    assert re.fullmatch(r"recourse \d+\.\d+\.\d+\n", bare("--version").stdout)


def test_bad_settings_are_told_all_at_once_and_end_with_2(bare):
    result = bare("queue", code=2, PORT="many", PAYMENTS="barter", SPEED="high")
    for name in ("RECOURSE_PORT", "RECOURSE_PAYMENTS", "RECOURSE_SPEED"):
        assert name in result.stderr
    assert "next: " in result.stderr


def test_without_a_database_it_says_how_to_get_one(bare):
    result = bare("queue", code=2)
    assert "no database" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("next: recourse dev")


def test_a_database_that_is_not_there_is_told_in_one_line_without_its_password(bare):
    bare.url = "postgresql://somebody:hidden-word@127.0.0.1:1/nowhere"
    result = bare("migrate", code=1)
    assert "next: recourse doctor" in result.stderr
    assert "hidden-word" not in result.output


def test_a_database_that_is_not_up_to_date_names_the_command_that_mends_it(bare, fresh_database):
    bare.url = fresh_database
    bare.home.mkdir()
    for words in (
        ("queue",),
        ("projections", "status"),
        ("work",),
        ("tick",),
        ("seal",),
        ("serve", "--port", "0"),
    ):
        process = bare.start(*words)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout) == (1, "")
        assert len(stderr.splitlines()) == 2, stderr
        assert stderr.endswith("next: recourse migrate\n")


def test_a_second_run_on_the_same_home_is_refused_and_says_by_whom(bare):
    with credentials.home_to_ourselves(bare.home):
        process = bare.start("dev", "--port", "0")
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stdout == ""
    assert re.search(r"process \d+ already runs", stderr)
    assert "next: recourse dev --home" in stderr


def test_a_home_that_cannot_be_made_is_told(bare, tmp_path):
    (tmp_path / "file").write_text("in the way")
    bare.home = tmp_path / "file" / "home"
    result = bare("dev", "--port", "0", code=2)
    assert "Not a directory" in result.stderr
    assert "next: recourse dev --home" in result.stderr


def test_a_port_that_is_taken_is_told(bare):
    with serving.listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        assert "recourse dev --port 0" in bare("dev", "--port", port, code=1).stderr.splitlines()[-1]


def commands(group=recourse.main, path=()):
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_explains_itself_and_its_options(path):
    command = dict(commands())[path]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help


def test_what_to_run_next_is_always_a_command_that_exists():
    known = {" ".join(path) for path, _ in commands()}
    for advice in recourse.FrontDoor.advice:
        named = re.findall(r"recourse ([a-z]+(?: [a-z]+)?)", advice.then)
        assert named
        for words in named:
            assert words in known or words.split()[0] in known


def test_what_nobody_expected_stays_a_traceback(bare, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(doctor, "examine", broken)
    with pytest.raises(ZeroDivisionError):
        bare("doctor")
