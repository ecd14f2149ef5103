"""A run as OSWorld writes trajectories: traj.jsonl beside the screenshots that it names.

The fields are those of xlang-ai/OSWorld (lib_run_single.py): `step_num`, `action_timestamp`, `action` (code for
pyautogui, or WAIT, DONE, FAIL), `reward`, `done`, `info` and `screenshot_file`, the screen after the action. OSWorld
keeps no first screen and no instruction there; they lie beside it as step_0.png and task.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from actions import Finish
from agent.exchange import pyautogui
from agent.reader import Run
from agent.record import replace
from agent.schema import Line

TRAJ = "traj.jsonl"
TASK = "task.json"


def write(run: Run, lines: Sequence[Line], folder: Path) -> None:
    """Make and fill `folder`. Raises `Unsaid` for what pyautogui cannot say, `RecordError` where a picture is gone."""
    rows = [_row(run, line, last=line is lines[-1]) for line in lines]
    folder.mkdir()
    replace(folder / "step_0.png", run.picture(lines[0].before.screen))
    for line in lines:
        replace(folder / _picture(line), run.picture((line.after or line.before).screen))
    replace(folder / TRAJ, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())
    task = {"id": folder.name, "instruction": run.manifest.task.instruction}
    replace(folder / TASK, (json.dumps(task, ensure_ascii=False, indent=1) + "\n").encode())


def _row(run: Run, line: Line, *, last: bool) -> dict[str, JsonValue]:
    assert line.action is not None
    code = "\n".join(pyautogui.spell(line.action, pyautogui.frame_of(line), line.index))
    if isinstance(line.action, Finish):
        code = "DONE" if line.action.success else "FAIL"
    seen = line.after or line.before
    return {
        "step_num": line.index,
        "action_timestamp": _when(run, seen.time),
        "action": code,
        "response": line.reply.text,
        "reward": seen.reward or 0.0,
        "done": last,
        "info": {},
        "screenshot_file": _picture(line),
    }


def _picture(line: Line) -> str:
    return f"step_{line.index}.png"


def _when(run: Run, seconds: float) -> str:
    began = datetime.fromisoformat(run.manifest.created)
    return f"{began + timedelta(seconds=seconds):%Y%m%d@%H%M%S}"
