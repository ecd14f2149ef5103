"""What is shown to newcomers does what it says, with the weights that ship."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
        names = words[:2] if words[0] == "eval" else words[:1]
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
