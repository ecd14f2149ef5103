"""A person demonstrates: what they do becomes a run like any other, kept step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from actions import Action, Finish, Frame
from agent.canonical import Canonical
from agent.care import NO_CARE
from agent.episode import ignore
from agent.expect import Check, Verdict, verify
from agent.limits import Limits
from agent.manifest import describe
from agent.outcome import Result, judge
from agent.perform import Job
from agent.policy import Scripted
from agent.record import Recorder, claim
from agent.schema import EnvironmentEntry
from agent.stage import admit, browser, options, served
from agent.step import Reply, Step, Stop, Trajectory
from env import EnvironmentBroken, Observation, Task
from env.browser.attended import AttendedBrowser
from env.deed import Attended, Deed
from env.desktop.options import DesktopOptions
from env.secrets import NONE, Secrets

PERSON = Scripted((), name="person")
"""Who decides, as records call it."""

TICK = 0.25  # seconds after which it is asked again whether to stop
UNLIMITED = Limits(steps=None, seconds=None, tokens=None, repeats=None, recoveries=None)


PAUSE = "pause"
"""What `stop` says so that nothing is heard until it says so again."""


def never() -> str:
    """Goes on until the window is closed."""
    return ""


def record_person(
    url: str,
    *,
    out: Path | None = None,
    size: tuple[int, int] = (1288, 728),
    instruction: str = "",
    expect: tuple[Check, ...] = (),
    headed: bool = True,
    stop: Callable[[], str] = never,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """Open a browser window at `url`, keep what a person does in it, and say what came of it.

    `url` may be the path of a page, whose folder is then served. The record is in `out`, or in a new folder in runs/.
    It ends when the window is closed, at Ctrl-C, or when `stop` gives a reason; `PAUSE` is none.
    Raises `StageError` for a start that cannot be opened.
    """
    entry, page = place(url, size)
    folder = out or claim(Path("runs"), instruction or "person")
    with served(entry) as here:
        start = f"{here.origin}/{quote(page)}" if page else url
        job = Job(Task(instruction, start), UNLIMITED, expect)
        manifest = describe(job, PERSON, here, name=instruction or url)
        found = replace(options(here, start), headed=headed)
        with AttendedBrowser(found) as env, Recorder(folder, manifest) as record:
            return attend(env, record, job, stop=stop, watch=watch)


def record_desktop(
    screen: DesktopOptions,
    *,
    out: Path | None = None,
    instruction: str = "",
    expect: tuple[Check, ...] = (),
    stop: Callable[[], str] = never,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """The same on a whole screen: a private one with its program, or a person's own where the options name it.

    Nobody can tell there which field is a password's: whatever is typed is kept. A record of a screen that is there
    already can be looked at and not replayed.
    """
    words = " ".join(screen.program)
    from env.desktop.attended import AttendedDesktop

    with AttendedDesktop(screen) as env:
        entry = EnvironmentEntry(kind="custom")
        if not screen.visible:
            entry = EnvironmentEntry(
                kind="desktop",
                width=screen.size[0],
                height=screen.size[1],
                program=screen.program,
                folder=str((screen.folder or Path()).resolve()),
                window_manager=screen.window_manager,
            )
        job = Job(Task(instruction), UNLIMITED, expect)
        manifest = describe(job, PERSON, entry, name=instruction or words or "desktop")
        with Recorder(out or claim(Path("runs"), instruction or "person"), manifest) as record:
            return attend(env, record, job, stop=stop, watch=watch)


def place(url: str, size: tuple[int, int]) -> tuple[EnvironmentEntry, str]:
    """The browser for `url`, and the page's name where it is a file of this machine; `StageError` for neither."""
    if "://" not in url and Path(url).is_file():
        entry = browser("", size, NO_CARE).model_copy(update={"site": str(Path(url).resolve().parent)})
        return entry, Path(url).name
    entry = browser(url, size, NO_CARE)
    admit(entry, url)
    return entry, ""


def attend(
    env: Attended,
    record: Recorder,
    job: Job,
    *,
    stop: Callable[[], str] = never,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """Keep what a person does on `env` until they end it, and say what came of it.

    Every action is on disk once the next one begins, a text that is being typed whenever the typing rests.
    """
    kept = Kept(env, record, job, watch)
    ended = _follow(kept, stop)
    task = job.task
    trajectory = Trajectory(task, tuple(kept.steps), ended)
    outcome = judge(trajectory, kept.verdicts)
    record.finish(ended, outcome.value, kept.verdicts)
    return Result(trajectory, outcome, kept.verdicts, record.folder)


def _follow(kept: Kept, stop: Callable[[], str]) -> Stop:
    env, broken = kept.env, ""
    try:
        kept.seen = env.reset(kept.job.task)
        why = _until(kept, stop)
    except KeyboardInterrupt:
        why = "ended by Ctrl-C"
    except EnvironmentBroken as error:
        if kept.seen is None:
            return Stop("environment", str(error))
        why, broken = "the window was closed", "" if env.ended else str(error)
    if kept.seen is None:
        return Stop("person", why)
    try:
        while (deed := env.last()) is not None:
            kept.add(deed)
        if not (env.ended or broken):
            kept.judge()
    except EnvironmentBroken as error:
        if not env.ended:
            return Stop("environment", str(error))
    if broken:
        return Stop("environment", broken)
    kept.finish(why)
    return Stop("finished", why)


def _until(kept: Kept, stop: Callable[[], str]) -> str:
    """Keep deeds until there is a reason to stop; that reason."""
    paused = False
    while not kept.env.ended:
        if (why := stop()) == PAUSE:
            paused = not paused
            kept.env.pause(on=paused)
        elif why:
            return why
        if (deed := kept.env.deed(TICK)) is not None:
            kept.add(deed)
    return "the window was closed"


@dataclass
class Kept:
    """What has been kept so far."""

    env: Attended
    record: Recorder
    job: Job
    watch: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    verdicts: tuple[Verdict, ...] = ()
    seen: Observation | None = None
    _hidden: tuple[Secrets, Mapping[str, tuple[str, ...]]] = (NONE, MappingProxyType({}))

    def add(self, deed: Deed) -> None:
        """Put a deed on disk: as a step, or beside the steps where it may still grow."""
        self._hide()
        step = self._step(deed.before, deed.action, deed.notes)
        if deed.open:
            self.record.decided(step)
            return
        timings = {**deed.after.timings, "policy": deed.seconds}
        step = replace(step, after=deed.after, timings=timings)
        self.seen = replace(deed.after, receipt=None)
        self._put(step)
        self.judge()

    def judge(self) -> None:
        """See what of the expectations holds now: once the window is closed nobody can tell."""
        env = self.env
        if env.ended:
            self.verdicts = ()
        elif self.job.expect:
            scrub = env.secrets.scrub
            found = verify(self.job.expect, env, self.seen)
            self.verdicts = tuple(
                Verdict(check=scrub(one.check), held=one.held, found=scrub(one.found)) for one in found
            )

    def finish(self, why: str) -> None:
        """The person's last word: that this is it."""
        assert self.seen is not None
        self._put(self._step(self.seen, Finish(text=why), ()))

    def _step(self, before: Observation, action: Action, notes: tuple[str, ...]) -> Step:
        frame = Frame(*before.size, *before.size)
        return Step(len(self.steps) + 1, before, Reply(Canonical().print(action, frame), warnings=notes), frame, action)

    def _put(self, step: Step) -> None:
        self.record.add(step)
        self.steps.append(step)
        self.watch(step)

    def _hide(self) -> None:
        """Tell the record of secrets that have come to be known."""
        entry, secrets = self.record.manifest.environment, self.env.secrets
        bound = {name: () if where == (entry.origin,) else where for name, where in self.env.bound.items()}
        if (secrets, bound) != self._hidden:
            self._hidden = secrets, bound
            self.record.hide(secrets, entry.model_copy(update={"secrets": {**entry.secrets, **bound}}))
