"""Bulk intake: every good line once, every bad line told and handed back."""

import json
import stat

import pytest

from infrastructure.demo.cases import as_lines, example_cases


@pytest.fixture
def lines(tmp_path):
    """Writes lines to a file; a dictionary becomes JSON."""

    def write(*items):
        path = tmp_path / "cases.jsonl"
        texts = [json.dumps(item, ensure_ascii=False) if isinstance(item, dict) else item for item in items]
        path.write_text("\n".join([*texts, ""]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def good():
    """Two cases that can be filed."""
    return list(example_cases())[:2]


def test_all_lines_are_filed_and_the_exit_code_is_0(recourse_on, lines, good):
    result = recourse_on("file", "--from", str(lines(*good)))
    assert "2 filed, 0 were filed before, 0 refused" in result.stdout


def test_running_it_again_files_nothing_twice(recourse_on, lines, good):
    path = lines(*good)
    recourse_on("file", "--from", str(path))
    tally = recourse_on.json("file", "--from", str(path))
    assert tally == {"filed": 0, "already_filed": 2, "refused": 0}


def test_bad_lines_are_told_by_number_and_reason_and_written_out_as_they_came(
    recourse_on, lines, good, tmp_path
):
    without_order = {name: value for name, value in good[1].items() if name != "order"}
    wrong = '{"case_type": "haunted"'
    path, bad = lines(good[0], wrong, without_order), tmp_path / "bad.jsonl"
    result = recourse_on("file", "--from", str(path), "--errors", str(bad), code=3)
    assert "1 filed, 0 were filed before, 2 refused" in result.stdout
    assert "line 2: invalid_request" in result.stderr
    assert "line 3: invalid_request: /order" in result.stderr
    assert "next: " in result.stderr
    assert bad.read_text(encoding="utf-8").splitlines() == path.read_text(encoding="utf-8").splitlines()[1:]
    assert stat.S_IMODE(bad.stat().st_mode) == 0o600


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_refused_lines_never_replace_the_file_that_is_read(recourse_on, lines, good, more):
    path = lines(*good, "{}")
    before = path.read_text(encoding="utf-8")
    beside = path.parent / "." / path.name
    result = recourse_on("file", "--from", str(path), "--errors", str(beside), *more, code=2)
    assert "next: name another --errors file" in result.stderr
    assert path.read_text(encoding="utf-8") == before


def test_a_second_open_case_for_an_order_line_is_refused_by_its_code(recourse_on, lines, good):
    again = good[0] | {"idempotency_key": "another"}
    result = recourse_on("file", "--from", str(lines(good[0], again)), code=3)
    assert "line 2: case_already_open_for_order_line" in result.stderr


def test_what_people_wrote_is_not_quoted_in_a_reason(recourse_on, lines, good):
    spoiled = good[0] | {"statement": "拉链坏了\x00请尽快"}
    result = recourse_on("file", "--from", str(lines(spoiled)), code=3)
    assert "拉链" not in result.output


def test_a_dry_run_finds_bad_lines_and_files_nothing(recourse_on, lines, good):
    result = recourse_on("file", "--from", str(lines(*good, "{}")), "--dry-run", code=3)
    assert "2 could be filed" in result.stdout
    assert recourse_on.json("file", "--from", str(lines(*good)))["filed"] == 2


def test_a_file_that_is_not_there_is_unusable(recourse_on, tmp_path):
    recourse_on("file", "--from", str(tmp_path / "nothing.jsonl"), code=2)


def test_it_reads_standard_input(recourse_on, good):
    result = recourse_on("file", "--from", "-", text="".join(as_lines(iter(good))))
    assert "2 filed" in result.stdout


def test_an_errors_file_that_cannot_be_written_is_unusable(recourse_on, lines, good, tmp_path):
    nowhere = tmp_path / "nowhere" / "bad.jsonl"
    result = recourse_on("file", "--from", str(lines(*good)), "--errors", str(nowhere), code=2)
    assert "No such file or directory" in result.stderr
    assert recourse_on.json("queue")["data"] == []


def test_a_dry_run_refuses_what_the_run_would_refuse_of_the_line_alone(recourse_on, lines, good):
    long_key = good[1] | {"idempotency_key": "k" * 300}
    path = lines(good[0], "", long_key)
    dry = recourse_on("file", "--from", str(path), "--dry-run", code=3)
    assert "1 could be filed, 0 were filed before, 1 refused" in dry.stdout
    wet = recourse_on("file", "--from", str(path), code=3)
    assert "1 filed, 0 were filed before, 1 refused" in wet.stdout
    assert "line 3: invalid_request: /idempotency_key" in dry.stderr
    assert "line 3: invalid_request: /idempotency_key" in wet.stderr
