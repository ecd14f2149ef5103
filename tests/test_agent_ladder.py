"""The ladder: what moved is found again, what is gone or doubled halts, and nothing else is ever touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import WIN, click, handeye, keep
from changed_pages import FATAL, PASSABLE, SAME, SCRIPT, Change, rebuilt, served

from actions import Click, Finish, Frame, Point
from agent.canonical import Canonical
from agent.ladder import Healer, PatchError, ValueMistake, Way, climb, read_patches, set_values
from agent.ladder.pace import repeat, summary
from agent.outcome import Outcome
from agent.play import play
from agent.policy import Scripted
from agent.reader import Run, read_run
from agent.replay import Replay
from agent.script import read_script
from agent.step import Reply, Step
from env import Browser, Naming, Observation, Screens, Task
from env.screens import SIGN_IN, App
from env.widgets import Text, Widget

PATIENCE = 2.0
QUICK = ("moved down by 100 px", "reordered rows")
QUICKLY_FATAL = ("extra identical button",)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recorded run that fills in the form."""
    loaded, folder = read_script(SCRIPT), tmp_path_factory.mktemp("membership")
    result = play(loaded, Scripted(loaded.script.actions), folder)
    assert result.outcome is Outcome.VERIFIED
    return read_run(folder)


class Windows:
    """One browser for each kind of window, and the events that the form's own targets get."""

    def __init__(self) -> None:
        self.made: dict[str, Browser] = {}

    def climb(self, run: Run, change: Change, way: Way | None = None) -> tuple[Replay, list[str]]:
        """What comes of it on a changed page, and which of its parts got an event, in order."""
        env = self.of(change)
        with served(change) as origin:
            given = way or Way(patience=PATIENCE)
            result = climb(run, env, replace(given, origin=origin))
            seen = env.evaluate("() => window.seen")
        assert isinstance(seen, list)
        return result, [str(each) for each in seen]

    def of(self, change: Change) -> Browser:
        """The browser that the change is looked at with."""
        key = repr(change.options)
        if key not in self.made:
            self.made[key] = Browser(change.options)
        return self.made[key]


@pytest.fixture(scope="module")
def windows() -> Iterator[Windows]:
    kept = Windows()
    yield kept
    for browser in kept.made.values():
        browser.close()


@pytest.fixture(scope="module")
def intended(run: Run, windows: Windows) -> list[str]:
    """The parts that get an event on the page as it was."""
    result, seen = windows.climb(run, SAME)
    assert (result.outcome, {one.rung for one in result.found}) == (Outcome.VERIFIED, {"pixels"})
    assert seen[-1] == "mousedown send"
    return seen


def pick(changes: Sequence[Change], names: Sequence[str]) -> list[Change]:
    return [change for change in changes if change.name in names]


def passes(run: Run, windows: Windows, change: Change, intended: list[str]) -> None:
    result, seen = windows.climb(run, change)
    assert (result.outcome, seen) == (Outcome.VERIFIED, intended), result.detail


def halts(run: Run, windows: Windows, change: Change, intended: list[str]) -> None:
    result, seen = windows.climb(run, change)
    assert (result.outcome, result.code, result.halted) == (Outcome.STOPPED, 4, True)
    assert len(seen) < len(intended)
    assert seen == intended[: len(seen)]
    assert "halted" in result.detail


@pytest.mark.parametrize("change", pick(PASSABLE, QUICK), ids=lambda change: change.name)
def test_a_changed_page_is_filled_in_and_nothing_else_is_touched(
    run: Run, windows: Windows, intended: list[str], change: Change
) -> None:
    passes(run, windows, change, intended)


@pytest.mark.slow
@pytest.mark.parametrize("change", PASSABLE, ids=lambda change: change.name)
def test_every_changed_page_is_filled_in(run: Run, windows: Windows, intended: list[str], change: Change) -> None:
    passes(run, windows, change, intended)


@pytest.mark.parametrize("change", pick(FATAL, QUICKLY_FATAL), ids=lambda change: change.name)
def test_a_target_that_is_doubled_or_gone_halts_before_anything_is_touched(
    run: Run, windows: Windows, intended: list[str], change: Change
) -> None:
    halts(run, windows, change, intended)


@pytest.mark.slow
@pytest.mark.parametrize("change", FATAL, ids=lambda change: change.name)
def test_every_page_that_lacks_a_target_halts(run: Run, windows: Windows, intended: list[str], change: Change) -> None:
    halts(run, windows, change, intended)


def test_an_action_that_does_something_else_halts_before_the_next_and_is_not_done_twice(
    run: Run, windows: Windows
) -> None:
    dead = rebuilt("dead button", '$("add-harbour").onclick = () => document.activeElement.blur()')
    result, seen = windows.climb(run, dead)
    assert (result.outcome, result.halted, seen.count("mousedown add-harbour")) == (Outcome.STOPPED, True, 1)
    assert "step 14 did not do what it did" in result.detail
    assert seen[-1] == "mousedown add-harbour"
    assert (Path(result.folder) / "actual.png").is_file()
    said = json.loads((Path(result.folder) / "report.json").read_text())
    assert said["found"][0]["rung"] == "pixels"


def paced(run: Run, times: int) -> None:
    said = summary(repeat(run, times))
    assert (said["replays"], said["verified"]) == (times, times)
    assert said["actions"] >= 12
    assert said["ratio"] <= 1.3


def test_a_form_is_replayed_exactly_in_little_more_than_the_time_of_its_page(run: Run) -> None:
    paced(run, 3)


@pytest.mark.slow
def test_a_form_is_replayed_exactly_twenty_times_in_a_row(run: Run) -> None:
    paced(run, 20)


class Pointing:
    """A policy that points at what has a certain name on the screen, as a model would that can read it."""

    name = "pointing"

    def __init__(self, env: Naming, wanted: str) -> None:
        self.env, self.wanted, self.dialect = env, wanted, Canonical()
        self.asked: list[str] = []

    def frame(self, seen: Observation) -> Frame:
        return Frame(*seen.size, *seen.size)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        self.asked.append(task.instruction)
        (found,) = (each for each in self.env.named() if each.name == self.wanted)
        assert found.box is not None
        at = Point(x=(found.box[0] + found.box[2]) // 2, y=(found.box[1] + found.box[3]) // 2)
        return Reply(self.dialect.print(Click(at=at), self.frame(seen)))


ABROAD = rebuilt("translated button", '$("send").textContent = "Antrag abschicken"')


def test_a_model_is_asked_for_the_one_target_that_is_missing_and_its_patch_needs_none(
    windows: Windows, intended: list[str], run: Run, tmp_path: Path
) -> None:
    copy = read_run(shutil.copytree(run.folder, tmp_path / "run"))
    before = {path: path.read_bytes() for path in (copy.folder / "blobs").iterdir()}
    lines = (copy.folder / "steps.jsonl").read_bytes()
    policy = Pointing(windows.of(ABROAD), "Antrag abschicken")
    result, seen = windows.climb(copy, ABROAD, Way(patience=PATIENCE, healer=Healer(policy)))
    assert (result.outcome, seen, result.mode) == (Outcome.VERIFIED, intended, "heal"), result.detail
    assert len(policy.asked) == 1
    assert policy.asked[0].startswith('Click the button "Send application". It is near ')
    assert result.patches == ("patches/0016-1.json",)
    (patch,) = read_patches(copy)[16]
    assert (patch.before.evidence.name, patch.after.evidence.name) == ("Send application", "Antrag abschicken")
    assert all((copy.folder / place.picture).is_file() for place in (patch.before, patch.after))
    assert lines == (copy.folder / "steps.jsonl").read_bytes()
    assert before == {path: path.read_bytes() for path in (copy.folder / "blobs").iterdir()}
    result, seen = windows.climb(copy, ABROAD)
    assert (result.outcome, seen, result.found[-1].rung) == (Outcome.VERIFIED, intended, "patch")


@pytest.mark.parametrize("wrong", ["Start over", "Anything else"])
def test_a_model_that_points_at_another_target_or_kind_is_not_followed(
    run: Run, windows: Windows, intended: list[str], wrong: str
) -> None:
    healer = Healer(Pointing(windows.of(ABROAD), wrong))
    result, seen = windows.climb(run, ABROAD, Way(patience=0, healer=healer))
    assert (result.outcome, result.halted, result.patches) == (Outcome.STOPPED, True, ())
    assert seen == intended[:-1]
    assert wrong in result.detail


def test_another_value_is_typed_expected_and_looked_for(run: Run, windows: Windows, intended: list[str]) -> None:
    values = set_values(run, {"given": "Grace", "town": "Cork"})
    result, seen = windows.climb(run, SAME, Way(values=values, patience=PATIENCE))
    assert (result.outcome, seen) == (Outcome.VERIFIED, intended), result.detail
    assert any("Grace Okafor" in verdict.check and "Cork" in verdict.check for verdict in result.verdicts)


@pytest.mark.parametrize(
    ("recorded", "given", "said"),
    [
        ({"given": "Ada"}, {"givn": "Grace"}, "did you mean 'given'"),
        ({"given": "Ada", "alias": "Ada"}, {"given": "Grace"}, "alias has the same recorded value"),
        ({"given": ""}, {"given": "Grace"}, "recorded value is empty"),
        ({"given": "Zoe"}, {"given": "Grace"}, "no step of the record uses 'Zoe'"),
        ({"given": "Print"}, {"given": "x"}, "no step of the record uses"),
        ({"given": "pri"}, {"given": "x"}, "within a word"),
    ],
)
def test_a_value_is_refused_where_nobody_knows_what_it_stands_for(
    run: Run, recorded: dict[str, str], given: dict[str, str], said: str
) -> None:
    other = replace(run, manifest=run.manifest.model_copy(update={"parameters": recorded}))
    with pytest.raises(ValueMistake, match=said):
        set_values(other, given)


def test_a_value_within_another_ones_value_stays_as_it_is(run: Run) -> None:
    manifest = run.manifest.model_copy(update={"parameters": {"given": "Large", "note": "Large print, please."}})
    values = set_values(replace(run, manifest=manifest), {"note": "None."})
    assert [values.text(said) for said in ("Large print, please.", "Large")] == ["None.", "Large"]


def test_the_command_names_the_rung_of_each_step_and_refuses_what_exact_cannot_compare(
    run: Run, tmp_path: Path
) -> None:
    done = handeye("replay", run.folder, "--mode", "ladder", "--set", "given=Grace", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["code"], said["mode"], said["outcome"]) == (0, 0, "ladder", "verified")
    assert {one["step"] for one in said["found"]} >= {1, 5, 14, 16}
    assert {one["rung"] for one in said["found"]} <= {"pixels", "template", "names", "place"}
    refused = handeye("replay", run.folder, "--set", "given=Grace")
    assert (refused.returncode, "--mode ladder" in refused.stderr) == (2, True)


def test_screens_without_a_browser_climb_too(tmp_path: Path) -> None:
    keep(tmp_path, [*WIN, Finish()])
    with Screens() as env:
        result = climb(read_run(tmp_path), env)
    assert (result.outcome, result.actions) == (Outcome.VERIFIED, 4), result.detail


def test_a_record_without_evidence_goes_by_its_pictures(tmp_path: Path) -> None:
    keep(tmp_path, [*WIN, Finish()])
    lines = [json.loads(line) for line in (tmp_path / "steps.jsonl").read_text().splitlines()]
    for line in lines:
        line["receipt"] = line["receipt"] and {**line["receipt"], "evidence": []}
    (tmp_path / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Screens() as env:
        result = climb(read_run(tmp_path), env)
    assert (result.outcome, {one.rung for one in result.found}) == (Outcome.VERIFIED, {"pixels"})


@pytest.mark.parametrize("text", ["{", '{"version": 1, "step": 1}', '["../../etc"]'])
def test_a_patch_that_cannot_be_read_is_refused_before_anything_is_done(tmp_path: Path, text: str) -> None:
    keep(tmp_path, [*WIN, Finish()])
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "0001-1.json").write_text(text)
    with Screens() as env, pytest.raises(PatchError, match=r"0001-1\.json"):
        climb(read_run(tmp_path), env)
    assert not (tmp_path / "replays").exists()


class Silent:
    """Screens that cannot say what lies where, as a desktop."""

    def __init__(self, env: Screens) -> None:
        self.env, self.space, self.reset, self.step, self.close = env, env.space, env.reset, env.step, env.close

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def moved(by: int) -> App:
    """The sign-in screens with everything further down, and in other colours for the eye of a template: a new size."""
    first, *rest = SIGN_IN.screens

    def lower(part: Widget) -> Widget:
        if isinstance(part, Text):
            return replace(part, y=part.y + by)
        left, top, right, bottom = part.box
        return replace(part, box=(left, top + by, right + 9, bottom + by + 5))

    return replace(SIGN_IN, screens=(replace(first, widgets=tuple(map(lower, first.widgets))), *rest), size=(336, 300))


def test_words_are_read_where_a_screen_says_nothing(tmp_path: Path) -> None:
    words = pytest.importorskip("agent.ladder.words")
    keep(tmp_path, [click(145, 155), Finish()], env=Silent(Screens()))
    with Silent(Screens(moved(40))) as env:
        result = climb(read_run(tmp_path), env, Way(read=words.reader(), patience=0))
    assert [one.rung for one in result.found] == ["words"], result.detail
    assert result.found[0].at[1] == pytest.approx(155 + 40, abs=6)
