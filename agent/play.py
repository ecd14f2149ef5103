"""Run task scripts: each in its own environment, with its own record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent import manifest
from agent.approve import Approval, Caution, Request
from agent.care import NO_CARE, Care
from agent.choose import choose
from agent.episode import ignore
from agent.expect import Check, Ground
from agent.legs import Stretch, walk
from agent.outcome import Outcome, Result
from agent.perform import Job, perform
from agent.picture import digest
from agent.policy import Policy, Scripted
from agent.record import Recorder
from agent.record import replace as put
from agent.schema import LegEntry, RunFile
from agent.script import Loaded
from agent.stage import Stage, open_stage, ready, start
from agent.step import Step
from env import Task

AGAIN = (Outcome.FAILED, Outcome.STOPPED, Outcome.BROKEN)
"""What a run that may be retried is begun anew after, where no person has stopped it."""


def play(
    loaded: Loaded,
    policy: Policy | None,
    folder: Path,
    *,
    headed: bool = False,
    care: Care = NO_CARE,
    watch: Callable[[Step], None] = ignore,
) -> Result:
    """Run the script with `policy`, or None for its own actions, and keep the record in `folder`.

    What failed is begun anew as often as the script says, in a fresh environment and with a record of its own in
    `folder`/retries, unless a person has stopped it or has approved of something in it that may not be undone.

    Raises `StageError`, and whatever `check` raises, before anything starts.
    """
    check(loaded, care, scripted=policy is None)
    granted = Granted(care.caution)
    care = replace(care, caution=granted.caution)
    for attempt in range(1, loaded.script.retries + 2):
        where = folder if attempt == 1 else folder / "retries" / str(attempt)
        made = Attempt(loaded, policy, where, care, number=attempt)
        result = made.run(headed=headed, watch=watch)
        if result.outcome not in AGAIN or result.stop.reason == "person" or granted.any:
            break
    return result


def check(loaded: Loaded, care: Care, *, scripted: bool) -> None:
    """Raise `ScriptError` where code or a picture of the script is not there, `ModelError` for a lack of actions."""
    loaded.code()
    if not care.update:
        loaded.pictures()
    if scripted:
        for actions in loaded.script.played:
            choose("script", actions)


class Granted:
    """Notes whether a person has approved of what may not be undone."""

    def __init__(self, caution: Caution | None) -> None:
        self.any = False
        self._caution = caution

    @property
    def caution(self) -> Caution | None:
        """The same as before, noted."""
        return replace(self._caution, approve=self._ask) if self._caution else None

    def _ask(self, request: Request) -> Approval:
        assert self._caution is not None
        answer = self._caution.approve(request)
        self.any = self.any or (answer.granted and bool(request.risks))
        return answer


@dataclass(frozen=True)
class Attempt:
    """One run of a script, the first or one that follows others."""

    loaded: Loaded
    policy: Policy | None
    folder: Path
    care: Care
    number: int

    def run(self, *, headed: bool = False, watch: Callable[[Step], None] = ignore) -> Result:
        """What it comes to."""
        script, loaded, care = self.loaded.script, self.loaded, self.care
        entry, place = ready(loaded, care), script.environment
        ground = Ground(loaded.folder, loaded.code(), care.update)
        pictures = {} if care.update else {name: path.read_bytes() for name, path in loaded.pictures().items()}
        with open_stage(entry, headed=headed, start=script.start, values=care.values, access=place) as stage:
            whole = self._job(stage, ground)
            legs = self._legs(whole)
            with Recorder(self.folder, self._manifest(stage, whole, legs, pictures), secrets=stage.secrets) as record:
                for data in pictures.values():
                    put(self.folder / _blob(data), data)
                if legs:
                    result = walk(stage.env, whole, legs, record=record, watch=watch)
                else:
                    result = perform(stage.env, self._policy(0), whole, record=record, watch=watch)
        return replace(result, attempt=self.number)

    def _job(self, stage: Stage, ground: Ground) -> Job:
        """The whole script as a job; that of a script with steps is never carried out in one."""
        script = self.loaded.script
        return Job(
            Task(script.told, start(self.loaded, stage.origin), script.seed),
            script.limits.limits(),
            script.expect,
            script.until,
            self.care.caution,
            stage.secrets,
            ground=ground,
            extract=script.extract,
        )

    def _legs(self, whole: Job) -> list[Stretch]:
        """The script's steps; none where it has one instruction."""
        legs = []
        for number, leg in enumerate(self.loaded.script.steps):
            limits = leg.limits.limits() if leg.limits else whole.limits
            task = replace(whole.task, instruction=leg.instruction)
            job = replace(whole, task=task, limits=limits, expect=leg.expect, until=leg.until, extract=leg.extract)
            legs.append(Stretch(leg.name or str(number + 1), job, self._policy(number)))
        return legs

    def _policy(self, number: int) -> Policy:
        return self.policy or Scripted(self.loaded.script.played[number], name="script")

    def _manifest(self, stage: Stage, whole: Job, legs: Sequence[Stretch], pictures: Mapping[str, bytes]) -> RunFile:
        """run.json before the first step; expectations name the pictures as the record keeps them."""
        found = manifest.describe(
            replace(whole, expect=_kept(whole.expect, pictures)),
            self._policy(0),
            stage.entry,
            name=self.loaded.script.name,
            script=self.loaded.path.name,
            parameters=self.loaded.told,
        )
        entries = [
            LegEntry(
                name=leg.name,
                instruction=leg.job.task.instruction,
                limits=manifest.limits(leg.job.limits),
                expect=_kept(leg.job.expect, pictures),
            )
            for leg in legs
        ]
        return found.model_copy(update={"legs": tuple(entries), "attempt": self.number})


def _kept(checks: Sequence[Check], pictures: Mapping[str, bytes]) -> tuple[Check, ...]:
    """The same checks, with the pictures that the record holds."""
    return tuple(
        check.model_copy(update={"screenshot": _blob(pictures[check.screenshot])})
        if check.screenshot is not None and check.screenshot in pictures
        else check
        for check in checks
    )


def _blob(picture: bytes) -> str:
    """Where a picture lies in the record."""
    return f"blobs/{digest(picture)}.png"
