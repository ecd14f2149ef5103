"""What is shown to newcomers does what it says, with the weights that ship."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from agent_runs import ROOT, handeye
from typer.testing import CliRunner

from agent.cli import app


def test_the_python_example_of_the_readme_runs_and_clicks() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "click" in done.stdout


def test_the_commands_of_the_readme_exist_with_their_options() -> None:
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^ {4}handeye (.+?)(?:\s+#.*)?$", shown, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        words = command.split()
        names = words[:2] if words[0] in ("eval", "train") else words[:1]
        helped = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
        assert helped.exit_code == 0, command
        for option in (word for word in words if word.startswith("--")):
            assert option in helped.stdout, command


def test_the_quick_start_enters_a_name_and_is_greeted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "quickstart.py", tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "verified" in done.stdout
    assert Path(done.stdout.splitlines()[-1]).is_file()


def test_the_demonstration_plays_and_writes_a_report(tmp_path: Path) -> None:
    done = handeye("demo", "--tasks", "click-test,click-tab", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = Path(done.stdout.strip().removeprefix("report: "))
    assert report.read_text().count('<section class="run"') == 2


@pytest.mark.parametrize(("name", "values"), [("order", {"total": 6.0}), ("prices", {"prices": [4.2, 2.5, 1.8]})])
def test_the_scripts_with_steps_and_values_do_what_they_say(
    name: str, values: dict[str, object], tmp_path: Path
) -> None:
    script = ROOT / "examples" / "scripts" / f"{name}.yaml"
    done = handeye("run", script, "--model", "script", "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    said = json.loads(done.stdout)
    assert values.items() <= said["values"].items()
    assert all(verdict["held"] for verdict in said["verdicts"])
    assert said["attempt"] == 1


def test_the_script_in_python_brings_back_a_typed_result(tmp_path: Path) -> None:
    words = [sys.executable, ROOT / "examples" / "shop.py", tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=240)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.splitlines()[-1] == "verified total=2.5 things=['Bread']"


def test_the_schema_of_scripts_is_printed_for_editors() -> None:
    done = CliRunner().invoke(app, ["schema", "script"])
    assert json.loads(done.stdout)["properties"]["steps"]["description"]
    wrong = CliRunner().invoke(app, ["schema", "scrpt"])
    assert (wrong.exit_code, wrong.stdout) == (2, "")
