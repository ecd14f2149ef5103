"""What a command was given, checked: whatever is wrong ends it with a word about it, before anything is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actions import Action
from agent.care import Care
from agent.choose import AS_IT_IS, ModelError, Ways, choose
from agent.commands.ending import refuse
from agent.policy import Policy
from agent.record import claim
from agent.schema import EnvironmentEntry
from agent.script import Loaded, ScriptError, read_script
from agent.stage import StageError, admit, browser, hidden, known
from env.secrets import Secrets

RUNS = Path("runs")


def pairs(settings: Sequence[str]) -> dict[str, str]:
    """What --set gives, by name."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            refuse(f"--set {setting}: expected NAME=VALUE")
        found[name] = value
    return found


def script(path: Path, settings: Sequence[str]) -> Loaded:
    try:
        return read_script(path, pairs(settings))
    except ScriptError as error:
        refuse(str(error))


def hidden_words(loaded: Loaded, care: Care) -> Secrets:
    """The secrets of a script that can be started."""
    try:
        return hidden(loaded, care)
    except StageError as error:
        refuse(str(error))


def ready(loaded: Loaded, care: Care, *, scripted: bool) -> None:
    """End the command where a script lacks actions that it is to play, code that it names, or a picture."""
    from agent.play import check

    try:
        check(loaded, care, scripted=scripted)
    except (ScriptError, ModelError) as error:
        refuse(str(error))


def writable(path: Path) -> None:
    """End the command where no file can be written at `path`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        refuse(f"{path}: {error}")


def browser_for(url: str, size: tuple[int, int], care: Care) -> tuple[EnvironmentEntry, Secrets]:
    """A browser without a script, and its secrets."""
    entry = browser(url, size, care)
    try:
        admit(entry, url)
        return entry, known(entry, url, care.values)
    except StageError as error:
        refuse(f"--url: {error}")


def model_of(model: str, actions: Sequence[Action] = (), ways: Ways = AS_IT_IS) -> Policy:
    try:
        return choose(model, actions, ways)
    except ModelError as error:
        refuse(str(error))


def folder_for(out: Path | None, name: str, *, alone: bool) -> Path:
    try:
        if out is None or not alone:
            return claim(out or RUNS, name)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(f"--out: {error}")
    if (out / "run.json").exists():
        refuse(f"--out: {out} already holds a run; choose another folder")
    return out


def tasks_of(text: str) -> tuple[str, ...]:
    """The MiniWoB++ tasks named on the command line, each once; none where none are."""
    from env.miniwob.oracle import TASKS

    names = tuple(dict.fromkeys(text.split(","))) if text else ()
    if unknown := [name for name in names if name not in TASKS]:
        refuse(f"--tasks: {', '.join(unknown)}: expected some of {', '.join(TASKS)}")
    return names


def size_of(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        refuse(f"--size {text}: expected WIDTHxHEIGHT, such as 1288x728")
    return int(width), int(height)
