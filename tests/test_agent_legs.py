"""Scripts of several steps: one environment, one record, and no step after one that came to no good end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from agent_runs import handeye, script

from actions import Finish
from agent.outcome import Outcome, Result
from agent.play import play
from agent.policy import Scripted
from agent.reader import read_run
from agent.script import ScriptError, read_script
from agent.step import Reply, Step
from env import Observation, Task

SIGN_IN = """\
name: sign in
start: sign in
environment: screens
limits: {steps: 20}
steps:
  - name: name
    instruction: Enter a name.
    expect: [{url: "screen:sign in"}]
    actions: [{kind: click, at: {x: 200, y: 68}}, {kind: type, text: ada}]
  - instruction: Be remembered.
    actions: [{kind: click, at: {x: 109, y: 107}}]
  - name: enter
    instruction: Sign in.
    actions: [{kind: click, at: {x: 145, y: 155}}]
expect:
  - {url: "screen:welcome"}
"""


def done(folder: Path, text: str) -> Result:
    """What the script's own actions come to."""
    return play(read_script(script(folder, text)), None, folder / "run")


def test_steps_are_played_one_after_another_in_one_environment_and_one_record(tmp_path: Path) -> None:
    result = done(tmp_path, SIGN_IN)
    assert (result.outcome, result.stop.reason) == (Outcome.VERIFIED, "done")
    assert [leg.outcome for leg in result.legs] == [Outcome.VERIFIED, Outcome.UNVERIFIED, Outcome.VERIFIED]
    run = read_run(tmp_path / "run")
    assert [line.index for line in run.lines] == list(range(1, len(run.lines) + 1))
    assert [line.leg for line in run.lines] == [1, 1, 1, 2, 2, 3]
    assert [step.leg for step in result.trajectory.steps] == [line.leg for line in run.lines]
    assert run.pending is None
    entries = run.manifest.legs
    assert [entry.name for entry in entries] == ["name", "2", "enter"]
    assert [entry.outcome for entry in entries] == ["verified", "unverified", "verified"]
    assert entries[1].instruction == "Be remembered."
    assert run.manifest.task.instruction.splitlines()[2] == "3. Sign in."
    assert [verdict.leg for verdict in run.manifest.verdicts] == [1, None]


def test_a_step_that_fails_stops_the_rest_and_is_named(tmp_path: Path) -> None:
    result = done(tmp_path, SIGN_IN.replace('[{url: "screen:sign in"}]', '[{url: "screen:help"}]'))
    assert (result.outcome, result.stop.detail[:10]) == (Outcome.FAILED, "step name:")
    assert [leg.outcome for leg in result.legs] == [Outcome.FAILED, None, None]
    run = read_run(tmp_path / "run")
    assert [entry.outcome for entry in run.manifest.legs] == ["failed", None, None]
    assert {line.leg for line in run.lines} == {1}
    assert run.manifest.stop is not None
    assert run.manifest.stop.detail.startswith("step name:")


def test_a_run_is_verified_only_where_the_whole_holds_too(tmp_path: Path) -> None:
    text = SIGN_IN.replace('{url: "screen:welcome"}', '{url: "screen:help"}')
    result = done(tmp_path, text)
    assert result.outcome is Outcome.FAILED
    assert [verdict.held for verdict in result.verdicts] == [True, False]


@pytest.mark.parametrize(
    ("limits", "steps", "name"), [("steps: 4", 4, "2"), ("steps: 3", 3, "2"), ("steps: 2", 2, "name")]
)
def test_the_limits_of_the_script_hold_for_all_its_steps_together(
    tmp_path: Path, limits: str, steps: int, name: str
) -> None:
    result = done(tmp_path, SIGN_IN.replace("steps: 20", limits))
    assert (result.outcome, result.stop.reason) == (Outcome.STOPPED, "steps")
    assert len(result.trajectory.steps) == steps
    assert result.stop.detail.startswith(f"step {name}: ")


def test_a_step_has_limits_of_its_own(tmp_path: Path) -> None:
    text = SIGN_IN.replace("instruction: Be remembered.", "instruction: Be remembered.\n    limits: {steps: 1}")
    result = done(tmp_path, text)
    assert (result.outcome, result.stop.detail) == (Outcome.STOPPED, "step 2: all 1 steps used")


def test_a_screen_that_comes_to_its_end_too_early_is_a_failure(tmp_path: Path) -> None:
    more = "  - {name: more, instruction: Go on., actions: [{kind: wait, seconds: 0}]}\nexpect:"
    result = done(tmp_path, SIGN_IN.replace("expect:\n", more + "\n", 1))
    assert (result.outcome, result.stop.reason, result.legs[-1].outcome) == (Outcome.FAILED, "done", None)
    assert "more" in result.stop.detail


class Listening(Scripted):
    """Finishes at once, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__([])
        self.told: list[tuple[str, int]] = []

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        self.told.append((task.instruction, len(history)))
        return Reply(self.dialect.print(Finish(), self.frame(seen)))


def test_a_policy_is_told_of_one_step_at_a_time(tmp_path: Path) -> None:
    policy = Listening()
    play(read_script(script(tmp_path, SIGN_IN)), policy, tmp_path / "run")
    assert policy.told == [("Enter a name.", 0), ("Be remembered.", 0), ("Sign in.", 0)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("environment: screens", "environment: screens\ninstruction: Do it.", "leave out one of instruction and steps"),
        ("environment: screens", "environment: screens\nuntil: finish", "until: belongs to each of the steps"),
        ("environment: screens", "environment: screens\nactions: []", "actions: belongs to each of the steps"),
        ("name: enter", "name: name", "two have the same name"),
        (
            "instruction: Sign in.",
            "instrution: Sign in.",
            "task.yaml:13: steps.2.instrution: unknown key; did you mean",
        ),
        ("instruction: Sign in.", "instruction: ''", "task.yaml:13: steps.2.instruction"),
        (
            "kind: type, text: ada",
            "kind: type, txt: ada",
            "task.yaml:9: steps.0.actions.1.txt: unknown key; did you mean",
        ),
        ("kind: type, text", "kind: tpe, text", "task.yaml:9: steps.0.actions.1"),
    ],
)
def test_steps_that_do_not_fit_are_refused_with_line_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SIGN_IN
    with pytest.raises(ScriptError) as caught:
        read_script(script(tmp_path, SIGN_IN.replace(old, new, 1)))
    assert said in str(caught.value)


def test_the_command_says_what_came_of_each_step(tmp_path: Path) -> None:
    text = SIGN_IN.replace("{kind: click, at: {x: 145, y: 155}}", "{kind: finish, success: false}")
    path = script(tmp_path, text)
    ran = handeye("run", path, "--model", "script", "--out", tmp_path / "run", "--json")
    assert ran.returncode == 1, ran.stderr
    said = json.loads(ran.stdout)
    assert [(leg["name"], leg["outcome"]) for leg in said["legs"]] == [
        ("name", "verified"),
        ("2", "unverified"),
        ("enter", "failed"),
    ]
    lacking = handeye(
        "run",
        script(tmp_path, text.replace("    actions: [{kind: click, at: {x: 109, y: 107}}]\n", "")),
        "--model",
        "script",
        "--out",
        tmp_path / "none",
    )
    assert (lacking.returncode, (tmp_path / "none").exists()) == (2, False)
