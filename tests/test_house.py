"""The plan of the house: which folder may import which, and the traps of their names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "actions": {"actions"},
    "model": {"model"},
    "env": {"actions", "env"},
    "agent": {"actions", "agent", "env", "model"},
}


def imports(path: Path) -> Iterator[str]:
    """Top-level names of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports relatively"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("folder", FLOORS)
def test_every_folder_imports_only_its_floor_and_those_below(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        ours = set(imports(path)) & set(FLOORS)
        assert ours <= FLOORS[folder], f"{path.relative_to(ROOT)} imports {sorted(ours - FLOORS[folder])}"


def test_code_lies_in_the_four_folders_examples_and_tests_alone() -> None:
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {line.partition("/")[0] for line in tracked.stdout.splitlines()}
    assert folders <= {*FLOORS, "examples", "tests"}


def test_tests_lie_flat_so_that_none_shadows_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert not [path for path in (ROOT / "tests").glob("*/*.py")]


def test_git_ignores_no_file_of_a_package() -> None:
    probes = [f"{folder}/probe.py" for folder in FLOORS]
    ignored = subprocess.run(["git", "check-ignore", *probes], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout == ""


def test_importing_agent_loads_neither_torch_nor_a_browser_and_is_quick() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import agent; spent = time.perf_counter() - start;"
        "print(spent, 'torch' in sys.modules, 'playwright' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    spent, torch, playwright = min(run.stdout.split() for run in runs)
    assert (torch, playwright) == ("False", "False")
    assert float(spent) < 0.5


@pytest.mark.parametrize("name", ["env", "model", "actions"])
def test_a_stranger_with_our_name_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("")
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import agent"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "ImportError" in run.stderr
    assert str(tmp_path / f"{name}.py") in run.stderr


def test_no_file_names_a_place_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    marks = ["/wo" + "rk/", "/ro" + "ot/", "pyp" + "i-more", "~/.py" + "env"]
    for line in tracked.stdout.splitlines():
        path = ROOT / line
        texts = {".py", ".md", ".toml", ".txt", ".yaml", ".js", ".html", ".json"}
        if path.is_file() and (path.suffix in texts or path.name == "Makefile"):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [mark for mark in marks if mark in text], line
