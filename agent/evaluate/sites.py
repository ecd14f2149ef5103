"""The scripts over the example pages, each page as a seed deals it out, judged by what the scripts expect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import cast

from agent.data.forms import Size
from agent.data.kinds import Goal
from agent.data.looks import NARROW
from agent.data.rollouts import Look
from agent.evaluate.deal import KINDS, deal
from agent.evaluate.mark import Chance, Mark
from agent.evaluate.play import Judge, marked
from agent.evaluate.players import Chosen
from agent.evaluate.seat import Play
from agent.outcome import Outcome
from agent.perform import Job, perform
from agent.policy import Policy
from agent.schema import EnvironmentEntry
from agent.script import Loaded, ScriptError, read_script
from agent.stage import Stage, open_stage, ready
from env import Browser, Task
from env.browser.script import Json
from env.miniwob import Expected, oracle

SCRIPTS = Path(__file__).resolve().parents[2] / "examples" / "tasks"
"""Where the scripts lie in a clone."""


@dataclass(frozen=True)
class Site:
    """A script, and which of the example pages it is for."""

    name: str
    path: Path
    kind: str

    def dealt(self, seed: int, width: int = NARROW) -> tuple[Loaded, str, Goal]:
        """The script with its parameters set, its page of this width, and what is right. Raises `ScriptError`."""
        made = deal(self.kind, seed, width)
        return read_script(self.path, made.values), made.html, made.goal


def read_sites(folder: Path = SCRIPTS, names: Sequence[str] = ()) -> tuple[Site, ...]:
    """The scripts in `folder`, or those with these names (of their files). Raises `ScriptError`."""
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not paths:
        raise ScriptError(f"{folder}: no scripts (*.yaml); the example sites come with a clone of the repository")
    if unknown := [name for name in names if name not in paths]:
        raise ScriptError(f"{', '.join(unknown)}: expected some of {', '.join(paths)}")
    return tuple(_site(name, paths[name]) for name in names or paths)


def _site(name: str, path: Path) -> Site:
    script = read_script(path).script
    kind = PurePosixPath(script.start).stem
    if script.environment.kind != "browser" or kind not in KINDS:
        raise ScriptError(f"{path}: start: {script.start!r}: expected one of the pages {', '.join(KINDS)}")
    if script.steps or not script.expect:
        raise ScriptError(f"{path}: expected one instruction, and expectations to judge by")
    site = Site(name, path, kind)
    site.dealt(0)
    return site


def plan(sites: Sequence[Site], episodes: int, seed: int) -> tuple[Chance, ...]:
    """`episodes` of each script, seeds `seed`, `seed` + 1, ..., with as many steps as the script allows."""
    steps = {site.name: read_script(site.path).script.limits.steps or 30 for site in sites}
    return tuple(Chance(site.name, seed + number, steps[site.name]) for site in sites for number in range(episodes))


@dataclass
class Answers:
    """Asks the page that a browser shows what is right on it. Nothing that can be seen changes by that."""

    browser: Browser | None = None
    goal: Goal | None = None

    def solve(self) -> Expected | None:
        """A right next action; None where there is none any more."""
        assert self.browser is not None
        assert self.goal is not None
        code = oracle.script() + files("agent.data").joinpath("forms.js").read_text("utf-8")
        self.browser.evaluate(f"() => {{ if (!window.forms) {{\n{code}\n}} }}")
        told: dict[str, Json] = {name: cast("Json", value) for name, value in self.goal.plain().items()}
        return oracle.read_expected(cast("Look", self.browser.evaluate("goal => forms.look(goal)", told))["expected"])


class Sites:
    """A table for the scripts: each episode runs as `handeye run` runs a script, on the page that its seed deals out.

    The screen is of `size` where one is given, and else as the script says.
    The browser stays from one episode to the next, as long as scripts ask for the same.
    """

    def __init__(
        self,
        sites: Mapping[str, Site],
        maker: Callable[[Answers], Policy],
        folder: Path,
        stages: ExitStack,
        size: Size | None = None,
    ) -> None:
        self._sites, self._folder, self._stages, self._size = sites, folder, stages, size
        self._answers = Answers()
        self._policy: Policy = maker(self._answers)
        self._asked: EnvironmentEntry | None = None
        self._stage: Stage | None = None

    def __call__(self, chance: Chance) -> Mark:
        """How the episode of `chance` goes. Ctrl-C travels up, as no episode is to blame for it."""
        site = self._sites[chance.task]
        width, height = self._size or (NARROW, None)
        loaded, html, goal = site.dealt(chance.seed, width)
        (self._folder / f"{site.kind}.html").write_text(html, encoding="utf-8")
        began = time.perf_counter()
        screen = {"width": width, "height": height} if self._size else {}
        stage = self._open(ready(loaded).model_copy(update={"site": str(self._folder), **screen}))
        assert isinstance(stage.env, Browser)
        self._answers.browser, self._answers.goal = stage.env, goal
        script, judge = loaded.script, Judge(self._answers, False)
        job = Job(
            Task(script.told, f"{stage.origin}/{site.kind}.html", script.seed),
            replace(script.limits.limits(), steps=chance.steps),
            script.expect,
            script.until,
        )
        result = perform(stage.env, self._policy, job, decided=judge)
        if result.stop.reason == "person":
            raise KeyboardInterrupt
        seconds = time.perf_counter() - began
        return marked(chance, result.trajectory, result.outcome is Outcome.VERIFIED, judge.first, seconds)

    def _open(self, entry: EnvironmentEntry) -> Stage:
        """A stage for `entry`: the last one, where it is one."""
        if self._stage is None or self._asked != entry:
            self._stages.close()
            self._asked, self._stage = entry, self._stages.enter_context(open_stage(entry))
        return self._stage


@dataclass(frozen=True)
class SitePlayer(Chosen):
    """Who plays the scripts in `folder`, in this process or another."""

    folder: Path = SCRIPTS
    size: Size | None = None

    @contextmanager
    def table(self) -> Iterator[Play]:
        """A table with a browser of its own."""
        with TemporaryDirectory(prefix="handeye-sites-") as served, ExitStack() as stages:
            yield Sites({site.name: site for site in read_sites(self.folder)}, self, Path(served), stages, self.size)

    def __reduce__(self) -> tuple[type[SitePlayer], tuple[object, ...]]:
        """As it is sent."""
        return type(self), (self.model, replace(self.ways, environ=self._needed()), self.folder, self.size)
