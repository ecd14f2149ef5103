"""The ladder: every recorded action once more, each at a target that was found again, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from actions import Action, Scroll, points
from agent.ladder import patch as patches
from agent.ladder.aim import Aim, Known, Missing, Refused, plain, told
from agent.ladder.find import Read
from agent.ladder.focus import Focus
from agent.ladder.heal import Healed, Healer, heal
from agent.ladder.kinds import surprise
from agent.ladder.place import Aimed
from agent.ladder.search import Search, bare
from agent.ladder.sight import Sight
from agent.ladder.values import NO_VALUES, Values
from agent.ladder.wheel import turn
from agent.reader import Run
from agent.replay import Found, Halt, Progress, Replay, act, ended, guarded, report
from agent.replay import Move as Moved
from agent.schema import Line
from env import Environment, Evidence, Observation, Stirring, Task
from env.secrets import NONE, Secrets

PATIENCE = 5.0  # seconds in which a target may appear
TURNS = 3  # of the wheel, for one target that lies outside of the window

BLANK = Evidence()


@dataclass(frozen=True)
class Way:
    """How a record is gone through again."""

    origin: str = ""
    """Where its pages are served now."""
    to: int | None = None
    """Go no further than this step."""
    values: Values = NO_VALUES
    healer: Healer | None = None
    """Who is asked for a target that is not found."""
    secrets: Secrets = NONE
    """What no patch may say."""
    read: Read | None = None
    """Reads words in pictures, where the environment cannot say what lies where."""
    patience: float = PATIENCE
    clock: Callable[[], float] = time.monotonic


AS_RECORDED = Way()


def climb(run: Run, env: Environment, way: Way = AS_RECORDED) -> Replay:
    """Repeat the actions of `run` in `env`, each at the place where its target is now, and halt where there is none.

    No action is tried a second time, whatever happens; what went otherwise than recorded halts before the next one.
    A report is written to RUN/replays/. Raises `PatchError` before anything is done where a repair cannot be read, and
    `RecordError` where a recorded picture cannot.
    """
    climber = Climber(run, env, way)
    ending, screen = guarded(climber.go, climber.progress)
    mode = "heal" if way.healer else "ladder"
    said = {"mode": mode, "found": tuple(climber.found), "patches": tuple(climber.written)}
    return report(run, ending.model_copy(update=said), screen, climber.progress)


class Climber:
    """One way up."""

    def __init__(self, run: Run, env: Environment, way: Way) -> None:
        self.run, self.env, self.way = run, env, way
        self.progress, self.focus = Progress(), Focus()
        self.found: list[Found] = []
        self._pointed = False  # whether the last action led the pointer somewhere
        self.written: list[str] = []
        self._lines = tuple(map(way.values.line, run.lines if way.to is None else run.lines[: way.to]))
        self._known = known(tuple(map(way.values.line, run.lines)))
        self._patches: Mapping[int, tuple[patches.Patch, ...]] = patches.read_patches(run)
        self._moved = Moved(run.manifest.environment.origin or "", way.origin)

    def go(self) -> Replay:
        """All of it, and what it came to; `Halt` where it cannot go on."""
        task, values = self.run.manifest.task, self.way.values
        start = self._moved.url(values.url(task.start))
        seen = self.progress.begin(self.env, Task(values.text(task.instruction), start, task.seed))
        for line in self._lines:
            if line.error and line.after:
                raise Halt(
                    f"step {line.index} broke the screen when it was recorded, and is not done again: {line.error}"
                )
            if line.action and line.after:
                seen = self._step(line, line.action, seen)
            self.progress.steps += 1
        checks = values.checks(self.run.manifest.expect)
        ending = ended(self.run, checks, self.env, seen, self.progress, self.way.to)
        return ending.model_copy(update={"detail": ending.detail.replace("as recorded", "done again")})

    def _step(self, line: Line, action: Action, seen: Observation) -> Observation:
        """Do one step at its target, once; what it did otherwise than recorded is a `Halt` before the next."""
        repairs = self._patches.get(line.index, ())
        search = Search(self.run, line, action, self._known, repairs, self.way.read)
        aimed = self._aimed(search, seen)
        self.found += aimed.found(line.index)
        self.progress.actions += 1
        after = self.progress.count(act(self.env, self._moved.action(aimed.action), line.index))
        said = aimed.slipped(after.receipt.evidence) if after.receipt else ""
        if said:
            raise Halt(
                f"step {line.index}: the screen moved just before the action, which hit {said}", None, after.screenshot
            )
        if said := surprise(action, line.receipt, after.receipt):
            raise Halt(f"step {line.index} did not do what it did in the record: {said}", None, after.screenshot)
        self.focus.note(line.receipt, after.receipt, pointed=bool(points(action)))
        self._pointed = bool(points(action))
        if aimed.healed is not None:
            self._keep(search, aimed, aimed.healed)
        return after

    def _aimed(self, search: Search, seen: Observation) -> Aimed:
        """The action of a step once all that it needs is there; `Halt` where that does not come about."""
        end, index = self.way.clock() + self.way.patience, search.line.index
        across = down = turns = 0
        if bare(search.action) and not self._pointed:
            raise Halt(f"step {index} happens where the pointer is, and nothing led it there", None, seen.screenshot)
        while True:
            sight = Sight(self.env, seen)
            try:
                search.ready(sight, self.focus)
                spots = search.spots(sight)
                outside = [spot for spot in spots if not sight.shows(spot.at)]
                if not outside:
                    return Aimed(search.action, spots, seen, (across, down))
                if turns >= TURNS:
                    raise Missing(f"{told(outside[0].evidence or BLANK)} cannot be scrolled to")
                wheel, turns = turn(sight, outside[0].at), turns + 1
                seen = self.progress.count(act(self.env, wheel, index))
                across, down = across + wheel.dx, down + wheel.dy
            except Refused as refused:
                raise Halt(f"before step {index}: {refused}", None, seen.screenshot) from refused
            except Missing as missing:
                left = end - self.way.clock()
                if left <= 0 or not isinstance(self.env, Stirring):
                    return self._healed(search, sight, missing)
                seen = self.progress.count(self.env.stir(left))

    def _healed(self, search: Search, sight: Sight, missing: Missing) -> Aimed:
        """The action at the place that the model gives; `Halt` where nobody is asked, or the answer is none."""
        index, screen = search.line.index, sight.screen
        if self.way.healer is None or not points(search.action) or isinstance(search.action, Scroll):
            raise Halt(f"before step {index}: {missing}", None, screen) from missing
        try:
            healed = heal(self.way.healer, self.env, search.action, search.aims[0], sight, self._known)
        except Missing as still:
            raise Halt(f"before step {index}: {missing}; {still}", None, screen) from still
        return Aimed(search.action, (healed.spot,), sight.seen, healed=replace(healed, reason=str(missing)))

    def _keep(self, search: Search, aimed: Aimed, healed: Healed) -> None:
        """Write down how a step was repaired, for people to read and for the next replay."""
        spot, line = healed.spot, search.line
        assert self.way.healer is not None
        patch = patches.Patch(
            step=line.index,
            created=patches.stamp(),
            reason=healed.reason,
            model=self.way.healer.policy.name,
            instruction=healed.instruction,
            said=healed.said,
            before=patches.place(self.run, search.aims[0], line.before.screen),
            after=patches.place(self.run, Aim(spot.at, spot.evidence or BLANK, aimed.seen.screenshot)),
        )
        self.written.append(str(patches.write(self.run, patch, self.way.secrets).relative_to(self.run.folder)))


def known(lines: tuple[Line, ...]) -> Known:
    """What the record names: its targets, and the texts around them."""
    lay = [each for line in lines if line.receipt for each in line.receipt.evidence]
    names = {plain(name) for each in lay for name in (each.name, *each.near)}
    return Known(frozenset(names - {""}), frozenset({each.key for each in lay} - {""}))
