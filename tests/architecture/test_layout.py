"""Where things stand and how they are called."""

import ast
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
ROOMS = ("domain", "application", "projections", "infrastructure", "web")
NAMELESS = ("utils", "util", "helpers", "helper", "managers", "manager", "common", "misc", "dto", "dtos")


def nameless(file: Path) -> bool:
    """A name that says nothing of the subject invites everything."""
    names = [part.removesuffix(".py") for part in file.parts]
    return any(
        name in NAMELESS or name.startswith("base_") or name.endswith(("_utils", "_helpers"))
        for name in names
    )


def modules(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((TREE / folder).rglob("*.py"))]


def test_every_module_and_folder_is_named_after_its_subject() -> None:
    files = modules(*ROOMS)
    assert len(files) > 20
    assert [file for file in files if nameless(file.relative_to(TREE))] == []


@pytest.mark.parametrize(
    "name", ["utils.py", "web/helpers.py", "base_store.py", "date_utils.py", "web/dto/case.py", "managers"]
)
def test_a_nameless_module_is_found(name: str) -> None:
    assert nameless(Path(name))


def test_no_package_under_tests_can_shadow_a_room() -> None:
    assert list((TREE / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_states_its_law_and_where_to_start_reading(room: str) -> None:
    law = ast.get_docstring(ast.parse((TREE / room / "__init__.py").read_text()))
    assert law is not None
    assert "This room" in law
    assert "Start reading at `" in law
    start = law.split("Start reading at `")[1].split("`")[0]
    assert (TREE / room / f"{start}.py").exists() or (TREE / room / start).is_dir()
