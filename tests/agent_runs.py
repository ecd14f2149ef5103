"""What the tests of agent/ share: the command as a process of its own, and short real runs."""

from __future__ import annotations

import atexit
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from command_server import CommandServer

from actions import Action, Click, Point, Type
from agent.episode import ignore
from agent.expect import Check
from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Result
from agent.perform import Job, perform
from agent.policy import Policy, Scripted
from agent.record import Recorder
from agent.schema import EnvironmentEntry
from agent.step import Step
from env import Environment, EnvironmentBroken, Screens, Task

ROOT = Path(__file__).resolve().parent.parent
TASKS = ROOT / "examples" / "tasks"
SCREENS_TASK = ROOT / "examples" / "screens.yaml"
SCREENS = EnvironmentEntry(kind="screens")


def click(x: int, y: int) -> Click:
    """A left click there."""
    return Click(at=Point(x=x, y=y))


NAME, TYPE_ADA, REMEMBER, SIGN_IN = click(200, 68), Type(text="ada"), click(109, 107), click(145, 155)
WIN: tuple[Action, ...] = (NAME, TYPE_ADA, REMEMBER, SIGN_IN)
"""What wins the sign-in screens."""


def keep(
    folder: Path,
    replies: Iterable[Action | str] | Policy = WIN,
    *,
    env: Environment | None = None,
    task: Task | None = None,
    entry: EnvironmentEntry = SCREENS,
    expect: Sequence[Check] = (),
    limits: Limits | None = None,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """A recorded run: of `replies`, or of a policy, on the sign-in screens or on `env`."""
    policy = Scripted(replies) if isinstance(replies, Iterable) else replies
    job = Job(task or Task("sign in"), limits or Limits(), tuple(expect))
    manifest = describe(job, policy, entry, name="test")
    with env or Screens() as screen, Recorder(folder, manifest) as record:
        return perform(screen, policy, job, record=record, watch=watch)


COMMANDS = CommandServer()
atexit.register(COMMANDS.close)


def handeye(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return COMMANDS.run([str(each) for each in arguments], cwd or ROOT)


def script(folder: Path, text: str) -> Path:
    """A task script in `folder`."""
    path = folder / "task.yaml"
    path.write_text(text)
    return path


def processes(marker: str) -> list[int]:
    """The ids of all processes that carry `marker` among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if marker in words:
            found.append(int(path.parent.name))
    return found


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Ask again and again until `holds`, and fail after `seconds`; a file that is gone is asked for again."""
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except FileNotFoundError:
            pass
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def broken_by(action: Callable[[], object], seconds: float) -> EnvironmentBroken:
    """What `action` breaks with, which it does within so many seconds."""
    start = time.monotonic()
    with pytest.raises(EnvironmentBroken) as broken:
        action()
    assert time.monotonic() - start < seconds
    return broken.value
