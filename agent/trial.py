"""Scripts and recordings as tests: run here, and what a failure says. agent/pytest_plugin.py hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.care import Care, CareError, values
from agent.choose import ModelError, choose
from agent.difference import difference, last
from agent.outcome import Result
from agent.picture import decode
from agent.play import check, play
from agent.policy import Policy
from agent.reader import RecordError, Run, read_run
from agent.record import claim
from agent.replay import Replay, replay
from agent.script import ScriptError, read_script
from agent.stage import Stage, StageError, admit, hidden, open_stage
from agent.view import write_report


class TrialError(ValueError):
    """A test that asks for what there is not: nothing was started."""


@dataclass(frozen=True)
class Asked:
    """What a mark asks for."""

    script: str | Path
    set: Mapping[str, str] = field(default_factory=dict)
    model: str | Path | Policy = "builtin"
    headed: bool = False
    care: Care | None = None
    out: str | Path | None = None


def run(asked: Asked, beside: Path, out: Path, environ: Mapping[str, str]) -> Result:
    """What the script comes to; paths start from `beside`, secrets come out of `environ`. Raises `TrialError`."""
    try:
        loaded = read_script(beside / asked.script, asked.set)
        names = tuple(loaded.script.secrets)
        care = asked.care or Care(values=values(names, (), None, environ))
        slug = hidden(loaded, care).scrub(loaded.script.name)
        policy = _policy(asked.model)
        check(loaded, care, scripted=policy is None)
        folder = claim(beside / asked.out if asked.out else out, slug)
        return play(loaded, policy, folder, headed=asked.headed, care=care)
    except (ScriptError, StageError, ModelError, CareError) as error:
        raise TrialError(str(error)) from error


def _policy(model: str | Path | Policy) -> Policy | None:
    """Who plays; None for the script's own actions."""
    if model == "script":
        return None
    return choose(str(model)) if isinstance(model, str | Path) else model


def told(result: Result) -> str:
    """A failure: how it ended, what did not hold, and where to look."""
    lines = [f"{result.outcome.value}: {result.stop.reason}: {result.stop.detail}".removesuffix(": ")]
    for verdict in result.verdicts:
        step = f"step {verdict.leg}: " if verdict.leg else ""
        lines.append(f"  {'✓' if verdict.held else '✗'} {step}{verdict.check} (found: {verdict.found})")
    if result.attempt > 1:
        lines.append(f"  at attempt {result.attempt}")
    if result.folder:
        kept, picture = read_run(result.folder), result.folder / "last.png"
        if last(kept, picture):
            lines.append(f"picture: {picture}")
        lines.append(f"report: {write_report([kept])}")
    return "\n".join(lines)


def repeat(folder: Path, mode: str, environ: Mapping[str, str]) -> tuple[Run, Replay]:
    """The recording in `folder`, and what its replay comes to. Raises `TrialError`."""
    if mode not in ("exact", "ladder"):
        raise TrialError(f"handeye_replay: mode {mode!r}: expected 'exact' or 'ladder'")
    try:
        kept = read_run(folder)
        entry, start = kept.manifest.environment, kept.manifest.task.start
        care = Care(values=values(tuple(entry.secrets), (), None, environ))
        admit(entry, start)
        with open_stage(entry, start=start, values=care.values) as stage:
            if mode == "exact":
                return kept, replay(kept, stage.env, origin=stage.origin)
            return kept, _ladder(kept, stage)
    except (RecordError, StageError, CareError) as error:
        raise TrialError(str(error)) from error


def _ladder(kept: Run, stage: Stage) -> Replay:
    try:
        from agent.ladder.ascent import Way, climb
    except ImportError as error:
        raise TrialError(
            f"handeye_replay: mode 'ladder' needs an extra ({error}): pip install 'handeye[ladder]'"
        ) from error
    return climb(kept, stage.env, Way(stage.origin, secrets=stage.secrets))


def differs(kept: Run, result: Replay) -> str:
    """A failure of a replay: how it ended, and a picture of the first screen that is not the recorded one."""
    lines = [f"{result.outcome.value}: {result.detail}"]
    lines += [f"  ✗ {one.check} (found: {one.found})" for one in result.verdicts if not one.held]
    if result.difference:
        recorded = kept.screen(result.difference.recorded.removesuffix(".png"))
        actual = decode((Path(result.folder) / result.difference.actual).read_bytes())
        picture = Path(result.folder) / "difference.png"
        difference(recorded, actual, picture)
        lines.append(f"picture: {picture}")
    lines.append(f"replay: {result.folder}")
    return "\n".join(lines)
