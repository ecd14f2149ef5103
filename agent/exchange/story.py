"""What was read of somebody else's data: runs that are not on disk yet, and how they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actions import Action, Finish, Frame
from agent.exchange.outside import Shot
from agent.exchange.past import blank
from agent.manifest import versions
from agent.record import Recorder, now
from agent.schema import EnvironmentEntry, LimitsEntry, ModelEntry, RunFile, TaskEntry
from agent.step import Reply, Step, Stop
from env import Observation

UNSEEN = "no picture of this screen was kept"
SHARED = "several actions belong to this screen; what the later ones saw was not kept"


@dataclass(frozen=True)
class Scene:
    """One step that was read: what was seen, what was written, and the action that this means."""

    text: str
    frame: Frame
    screen: Shot | None = None
    """None where no picture was kept."""
    action: Action | None = None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """One run that was read; `place` is its file, and its line where it has one."""

    place: str
    name: str
    instruction: str
    scenes: tuple[Scene, ...]
    last: Shot | None = None
    """The screen that it led to, where that is known."""


def keep(story: Story, folder: Path, *, source: str, dialect: str) -> None:
    """Write a story as a run folder: unverified, whatever it says itself, since nobody here saw it."""
    first = story.scenes[0]
    manifest = RunFile(
        name=story.name,
        created=now().isoformat(timespec="seconds"),
        task=TaskEntry(instruction=story.instruction, start="", seed=0),
        model=ModelEntry(name=f"imported:{source}", dialect=dialect),
        environment=EnvironmentEntry(kind="custom", width=first.frame.width, height=first.frame.height),
        limits=LimitsEntry(),
        versions=versions(),
    )
    with Recorder(folder, manifest) as record:
        for step in _steps(story):
            record.add(step)
        end = story.scenes[-1].action
        said = end.text if isinstance(end, Finish) else "the end of what was imported"
        record.finish(Stop("finished", said), "unverified")


def _steps(story: Story) -> Iterator[Step]:
    """The steps, of which no more than two screens are in memory at a time."""
    now = _look(story.scenes[0].screen, story.scenes[0])
    for number, scene in enumerate(story.scenes, start=1):
        if number < len(story.scenes):
            later = _look(story.scenes[number].screen, story.scenes[number])
        else:
            later = now if story.last is None else _look(story.last, scene)
        done = not scene.error and scene.action is not None and not isinstance(scene.action, Finish)
        yield Step(
            index=number,
            before=now,
            reply=Reply(scene.text),
            frame=scene.frame,
            action=scene.action,
            error=scene.error,
            after=later if done else None,
        )
        now = later


def _look(screen: Shot | None, scene: Scene) -> Observation:
    if screen is None:
        return Observation(blank(scene.frame.width, scene.frame.height), notes=(UNSEEN, *scene.notes))
    return Observation(screen.image(), notes=scene.notes)
