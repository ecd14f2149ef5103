"""MiniWoB++ tasks as an environment: made up from a seed, judged by themselves, without a clock.

Liu et al. 2018, "Reinforcement Learning on Web Interfaces using Workflow-Guided Exploration"; pages of the Farama
Foundation's `miniwob` package.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self, TypedDict, cast

from actions import Action, ActionError, ActionSpace, Point
from env.browser import Browser, BrowserOptions
from env.browser.script import Json, ScriptError
from env.environment import EnvironmentBroken, Task
from env.miniwob.oracle import HEIGHT, TASKS, VIEWPORT, WIDTH, Expected, ExpectedData, read_expected, script
from env.miniwob.site import page_names, serve
from env.observation import Evidence, Observation

OPTIONS = BrowserOptions(size=VIEWPORT, clip=(WIDTH, HEIGHT), veil=False)
"""One screenshot pixel to one CSS pixel, and only the task is seen, not the display of rewards beside it; its passwords
are made up."""

ASIDE = Point(x=WIDTH - 1, y=HEIGHT - 1)
"""Where the pointer waits while a page loads: in a corner where no page has anything."""


class _State(TypedDict):
    done: bool
    reward: float


class MiniWoB:
    """One MiniWoB++ task after another; `Task.seed` makes up each, and `Task.start` may name another one.

    The same seed gives the same screen and the same request, which is the observation's `instruction`. There is no
    time limit, so a slow model is not punished: `reward` is the raw one, -1 to 1 and 0 until the episode is over.
    There is no `recover`: task and verdict live in the page, so an episode whose page or browser died is over.
    EnvironmentBroken("missing") where the pages are not installed, ValueError for a task that does not exist.
    """

    def __init__(
        self,
        task: str = "click-test",
        *,
        options: BrowserOptions = OPTIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.task = self._current = _known(task)
        self._resources = ExitStack()
        self._address = self._resources.enter_context(serve())
        self._browser = self._resources.enter_context(Browser(options, clock=clock))
        self._instruction = ""
        self._done = False
        self._seen: Observation | None = None
        self._began = 0.0

    @property
    def space(self) -> ActionSpace:
        """Pointer, keyboard and drop-down lists: there is nowhere else to go."""
        return ActionSpace(ActionSpace.browser().kinds - {"navigate", "back", "tab", "upload"})

    def reset(self, task: Task) -> Observation:
        """Begin the episode that `task.seed` makes up, of `task.start` where it names one."""
        self._current = _known(task.start or self.task)
        self._done = False
        self._began = self._visit(f"{self._address}/miniwob/{self._current}.html")
        begun = f"async seed => {{\n{script()}\nawait oracle.ready();\nreturn oracle.begin(seed);\n}}"
        self._instruction = str(self._browser.evaluate(begun, task.seed))
        return self._told(self._browser.look())

    def step(self, action: Action) -> Observation:
        """Carry out `action`; ActionError where it cannot be done here, or once the episode is over."""
        self.space.check(action)
        if self._done:
            raise ActionError(f"{action.kind}: the episode is over; finish")
        return self._told(self._browser.step(action))

    def lies(self, places: Sequence[Point]) -> tuple[Evidence, ...]:
        """As `Browser.lies` says."""
        return self._browser.lies(places)

    def named(self, *, beyond: bool = False) -> tuple[Evidence, ...]:
        """As `Browser.named` says; nothing lies beyond the screenshot."""
        return self._browser.named()

    def stir(self, seconds: float) -> Observation:
        """As `Browser.stir` says."""
        return self._told(self._browser.stir(seconds))

    def solve(self) -> Expected | None:
        """A right next action, or None once the episode is over or cannot be won any more.

        ValueError for a task whose answers are not known here (see TASKS).
        """
        if self._current not in TASKS:
            raise ValueError(f"task {self._current!r}: answers are known for {', '.join(TASKS)}")
        found = self._ask("task => oracle.expected(task)", self._current)
        return read_expected(cast("ExpectedData | None", found))

    def close(self) -> None:
        """End the browser and the server; a second call does nothing."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _visit(self, url: str) -> float:
        """Open a page and return the browser's time then.

        Pages keep nothing beside themselves, so the tab that is there serves on where nothing waits in it: that takes
        a third of the work of a fresh one.
        """
        last, self._seen = self._seen, None
        if last and not (last.dialog or last.downloads) and len(last.tabs) == 1:
            with suppress(ActionError, EnvironmentBroken):
                return self._browser.turn(url, ASIDE)
        return self._browser.reset(Task(start=url)).time

    def _told(self, seen: Observation) -> Observation:
        """What was seen, with the page's own verdict; while a dialog is open there is none."""
        self._seen, seen = seen, replace(seen, time=seen.time - self._began)
        if seen.dialog:
            return replace(seen, reward=0.0, instruction=self._instruction)
        state = cast("_State", self._ask("() => oracle.state()"))
        self._done = state["done"]
        return replace(seen, done=self._done, reward=float(state["reward"]), instruction=self._instruction)

    def _ask(self, question: str, argument: Json = None) -> Json:
        try:
            return self._browser.evaluate(question, argument)
        except ScriptError as error:
            raise EnvironmentBroken("unreachable", f"{self._current}: its page was left: {error}") from error


def _known(task: str) -> str:
    names = page_names()
    if task not in names:
        raise ValueError(f"task {task!r}: MiniWoB++ has {', '.join(sorted(names))}")
    return task
