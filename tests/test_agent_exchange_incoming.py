"""Data of others as runs: what was exported comes in again, and nothing that a file says is believed or run."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from agent_runs import NAME, REMEMBER, SIGN_IN, TYPE_ADA, keep
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Pillow
from test_actions_dialects import ACTIONS

from actions import Action, ActionError, Answer, AskUser, Click, Drag, Finish, Frame, Key, Point, Scroll, Type, Wait
from agent.exchange import Manifest, Order, Source, Style, Wrong, bring, export, gather, pyautogui, styled, uitars
from agent.exchange.incoming import Format
from agent.exchange.lower import Unsaid, lowered, pyautogui_keys
from agent.exchange.outside import rows
from agent.exchange.talk import Row
from agent.reader import Run, read_run

FRAME = Frame(10_000, 10_000, 10_000, 10_000)
PLAYED: tuple[Action, ...] = (NAME, TYPE_ADA, REMEMBER, SIGN_IN)
RICH: tuple[Action, ...] = (
    Type(at=Point(x=200, y=68), text='ada\nO\'Hara "q" \\ ü', replace=True),
    Scroll(at=Point(x=9, y=9), dy=600),
    Key(keys=("ctrl", "a")),
    Key(keys=("Enter",)),
    Wait(seconds=5),
    Click(at=Point(x=1, y=2), count=2),
)


def came(path: Path, out: Path, format: Format, **more: object) -> tuple[list[Run], list[str]]:
    """The runs that were made of a file, and what was said of the rest."""
    style = Style(dialect="ui-tars-1.5") if format == "uitars" else Style()
    source = Source(format, styled(path, style, frozenset()))
    found = list(bring([path], out, source))
    made = [read_run(each) for each in found if isinstance(each, Path)]
    return made, [str(each) for each in found if isinstance(each, Wrong)]


def went(run: Path, out: Path, format: str, style: Style) -> Manifest:
    manifest = export(gather([run]), Order(format, out, style, verified=False, val=0.0))  # type: ignore[arg-type]
    assert manifest.files
    return manifest


def acted(run: Run) -> list[Action | None]:
    return [line.action for line in run.lines]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "run"
    keep(folder, PLAYED)
    return folder


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rich") / "run"
    keep(folder, RICH)
    return folder


@pytest.mark.parametrize("format", ["sft", "llamafactory"])
@pytest.mark.parametrize("history", ["newest", "last:2"])
@pytest.mark.parametrize("dialect", ["qwen2.5", "pyautogui"])
def test_training_data_comes_in_as_the_run_it_was_made_of(
    format: Format, history: str, dialect: str, plain: Path, tmp_path: Path
) -> None:
    style = Style(dialect=dialect, history=history, pictures="captured", max_pixels=60_000)
    went(plain, tmp_path / "data", format, style)
    (run,), wrong = came(tmp_path / "data" / "train.jsonl", tmp_path / "runs", format)
    before = read_run(plain)
    assert not wrong
    assert run.manifest.task.instruction == before.manifest.task.instruction
    assert run.manifest.outcome == "unverified"
    assert [line.before.screen for line in run.lines] == [line.before.screen for line in before.lines]
    slack = 0 if dialect == "pyautogui" else 2
    for mine, theirs in zip(run.lines, before.lines, strict=True):
        assert mine.action is not None
        assert theirs.action is not None
        assert mine.action.kind == theirs.action.kind
        if isinstance(mine.action, Click) and isinstance(theirs.action, Click):
            assert mine.action.at is not None
            assert theirs.action.at is not None
            assert abs(mine.action.at.x - theirs.action.at.x) <= slack
            assert abs(mine.action.at.y - theirs.action.at.y) <= slack


def test_what_came_in_goes_out_again_as_it_was(plain: Path, tmp_path: Path) -> None:
    style = Style(pictures="captured", system=False)  # what can be done on its screens, nobody knows any more
    went(plain, tmp_path / "data", "sft", style)
    (run,), _ = came(tmp_path / "data" / "train.jsonl", tmp_path / "runs", "sft")
    went(run.folder, tmp_path / "again", "sft", style)
    first, second = (json.loads(line) for line in _first(tmp_path, "data", "again"))
    assert first["conversations"] == second["conversations"]
    assert first["image"] == second["image"]


def _first(folder: Path, *names: str) -> list[str]:
    return [(folder / name / "train.jsonl").read_text().splitlines()[0] for name in names]


@pytest.mark.parametrize("format", ["osworld", "pyautogui"])
def test_scripts_of_pyautogui_come_in_as_the_actions_they_are(format: Format, rich: Path, tmp_path: Path) -> None:
    went(rich, tmp_path / "data", format, Style())
    path = tmp_path / "data" / ("run/traj.jsonl" if format == "osworld" else "run.py")
    (run,), wrong = came(path, tmp_path / "runs", format)
    assert not wrong
    expected = [pyautogui_keys(each) for action in RICH for each in lowered(action)]
    assert acted(run)[: len(expected)] == expected
    assert run.lines[-1].action in (Finish(), Finish(text="end of the script"))
    assert run.manifest.task.instruction == "sign in"
    if format == "osworld":
        before = read_run(rich)
        assert run.lines[0].before.screen == before.lines[0].before.screen
        assert run.lines[-1].before.screen == before.lines[-1].before.screen
        assert run.lines[1].before.notes, "that its screen is that of the click before it"


def test_uitars_text_comes_in_with_its_pictures(rich: Path, tmp_path: Path) -> None:
    style = Style(dialect="ui-tars-1.5", pictures="captured", max_pixels=60_000)
    went(rich, tmp_path / "data", "uitars", style)
    (run,), wrong = came(tmp_path / "data" / "run.txt", tmp_path / "runs", "uitars")
    assert not wrong
    expected = [each for action in RICH for each in lowered(action)]
    assert [each and each.kind for each in acted(run)[: len(expected)]] == [each.kind for each in expected]
    assert [each for each in acted(run) if isinstance(each, Type | Key)] == [
        each for each in expected if isinstance(each, Type | Key)
    ]
    assert run.lines[0].before.screen == read_run(rich).lines[0].before.screen


@given(st.lists(ACTIONS, min_size=1, max_size=5))
@example([Type(text="a"), Key(keys=("enter",))])
@example([Drag(path=(Point(x=1, y=1), Point(x=2, y=2))), Click(at=Point(x=1, y=1), modifiers=("ctrl",)), Click()])
@example([Key(keys=("ctrl", "a"), hold=2), Drag(path=tuple(Point(x=n, y=n) for n in range(60))), Wait(seconds=2)])
@example([Click(at=Point(x=1, y=1), hold=2), Scroll(at=Point(x=3, y=3), dy=120), Drag(path=(Point(x=1, y=1),))])
def test_a_script_reads_back_as_the_actions_it_was_written_from(actions: list[Action]) -> None:
    said: list[Action] = []
    code = ["import pyautogui", "pyautogui.PAUSE = 0.5"]
    for action in actions:
        if isinstance(action, Finish):
            continue
        try:
            code += pyautogui.spell(action, FRAME, 1)
        except Unsaid:
            continue
        said += [pyautogui_keys(each) for each in lowered(action)]
    text = "\n".join(code)
    compile(text, "script", "exec")
    if not any(_joins(one, two) for one, two in pairwise(said)):
        assert list(pyautogui.read(text, FRAME)) == said


def _joins(one: Action, two: Action) -> bool:
    """Whether two actions, written one after the other, may read as one: a move and a click, a text and enter."""
    return one.kind == "move" or (isinstance(one, Type) and isinstance(two, Key | Wait))


@given(st.booleans(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_how_a_script_ends_is_read_back(success: bool, text: str) -> None:
    code = "import pyautogui\npyautogui.click(x=1, y=2)\n" + "\n".join(
        pyautogui.spell(Finish(success=success, text=text), FRAME, 2)
    )
    compile(code, "script", "exec")
    assert list(pyautogui.read(code, FRAME))[1:] == [Finish(success=success, text=text)]


def test_answers_are_printed_and_read_back() -> None:
    code = "\n".join(pyautogui.spell(Answer(text="it's 42"), FRAME, 1))
    assert list(pyautogui.read(code, FRAME)) == [Answer(text="it's 42")]
    with pytest.raises(Unsaid, match="ask_user"):
        pyautogui.spell(AskUser(question="?"), FRAME, 3)


HOSTILE = {
    "__import__": "__import__('os').system('touch pwned')",
    "an attribute chain": "pyautogui.click.__globals__['os'].system('x')",
    "exec": "exec('import os')",
    "open": "open('/etc/passwd')",
    "a loop": "while True:\n    pyautogui.click(1, 2)",
    "a format string": "pyautogui.write(f'{__import__(\"os\")}')",
    "a giant number": f"pyautogui.click(x={'9' * 5000}, y=1)",
    "a power": "pyautogui.click(x=9**9**9, y=1)",
    "a far place": "pyautogui.click(x=99999999999, y=1)",
    "a lambda": "pyautogui.click(x=(lambda: 1)(), y=1)",
    "deep brackets": "pyautogui.click(" + "[" * 5000 + "]" * 5000 + ")",
    "a long sum": "pyautogui.click(" + "1+" * 100_000 + "1)",
    "many signs": "pyautogui.click(" + "-" * 100_000 + "1)",
    "a cut text": "pyautogui.write('abc",
    "an assignment": "os = pyautogui\nos.click(1, 2)",
    "a hostile setting": "pyautogui.PAUSE = __import__('os').getpid()",
    "nothing": "import os",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_script_is_refused_and_never_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.py"
    path.write_text(f"'Do it\\n\\nFor a screen of 100x100 pixels.'\nimport pyautogui\n{HOSTILE[name]}\n")
    made, wrong = came(path, tmp_path / "runs", "pyautogui")
    assert made == []
    (said,) = wrong
    assert str(path) in said
    assert len(said) < 800
    assert not (tmp_path / "pwned").exists()
    traj = tmp_path / "traj.jsonl"
    traj.write_text(json.dumps({"action": HOSTILE[name], "screenshot_file": ""}) + "\n")
    source = Source("osworld", Style(), size=(100, 100))
    for found in bring([traj], tmp_path / "more", source):
        assert isinstance(found, Path)
        assert [line.action for line in read_run(found).lines] == [None]
    assert not (tmp_path / "pwned").exists()


def line(image: object, answer: str = "<tool_call>x</tool_call>") -> str:
    turns = [{"from": "human", "value": "<image>\nClick OK"}, {"from": "gpt", "value": answer}]
    return json.dumps({"image": image, "conversations": turns}) + "\n"


def test_a_picture_outside_the_data_is_refused_whatever_leads_there(tmp_path: Path) -> None:
    Pillow.new("RGB", (56, 56)).save(tmp_path / "secret.png")
    data = tmp_path / "data"
    (data / "in").mkdir(parents=True)
    (data / "link.png").symlink_to(tmp_path / "secret.png")
    (data / "way").symlink_to(tmp_path)
    names = ["../secret.png", "in/../../secret.png", str(tmp_path / "secret.png"), "link.png", "way/secret.png"]
    names += ["../../etc/passwd", "/etc/passwd", "a\0b", "x" * 5000, "", "in", "file:///etc/passwd"]
    (data / "train.jsonl").write_text("".join(line(name) for name in names))
    made, wrong = came(data / "train.jsonl", tmp_path / "runs", "sft")
    assert made == []
    assert len(wrong) == len(names)
    for number, said in enumerate(wrong, start=1):
        assert said.startswith(f"{data / 'train.jsonl'}:{number}: ")
    assert sum("outside" in said for said in wrong) >= 6


def test_lines_that_are_none_are_named_by_file_and_line_and_the_others_come_in(tmp_path: Path) -> None:
    Pillow.new("RGB", (56, 56)).save(tmp_path / "ok.png")
    (tmp_path / "no.png").write_text("this is no picture")
    call = '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [9, 8]}}'
    right = f"<tool_call>\n{call}\n</tool_call>"
    good = line("ok.png", right)
    cut, deep = good[:40] + "\n", "[" * 100_000 + "\n"
    no_image = json.dumps({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}) + "\n"
    too_many = json.dumps({"image": ["ok.png"] * 2, "conversations": json.loads(good)["conversations"]}) + "\n"
    far = line("ok.png", right.replace("9", "9" * 400))
    bad = [cut, deep, '{"conversations": 3}\n', "\xff\n", no_image, too_many, line("no.png"), line("gone.png")]
    (tmp_path / "d.jsonl").write_bytes("".join([good, *bad, far, "\n", good]).encode("latin-1"))
    made, wrong = came(tmp_path / "d.jsonl", tmp_path / "runs", "sft")
    assert [acted(run) for run in made] == [[Click(at=Point(x=9, y=8))], [None], [Click(at=Point(x=9, y=8))]]
    assert made[0].manifest.task.instruction == "Click OK"
    assert "coordinate" in made[1].lines[0].error
    assert [said.split(": ")[0] for said in wrong] == [f"{tmp_path / 'd.jsonl'}:{number}" for number in range(2, 10)]


def test_a_json_list_is_read_too_and_says_which_item_is_none(tmp_path: Path) -> None:
    Pillow.new("RGB", (56, 56)).save(tmp_path / "ok.png")
    messages = [{"role": "user", "content": "<image>go"}, {"role": "assistant", "content": "no call"}]
    (tmp_path / "d.json").write_text(json.dumps([{"messages": messages, "images": ["ok.png"]}, 7]))
    made, wrong = came(tmp_path / "d.json", tmp_path / "runs", "llamafactory")
    assert [acted(run) for run in made] == [[None]]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"{tmp_path / 'd.json'}[2]: ")
    (tmp_path / "d.json").write_text("{}")
    assert "expected a list" in came(tmp_path / "d.json", tmp_path / "more", "llamafactory")[1][0]


def test_a_trajectory_with_a_broken_line_is_no_run(tmp_path: Path) -> None:
    row = json.dumps({"action": "DONE", "screenshot_file": ""}) + "\n"
    (tmp_path / "traj.jsonl").write_text(row + "{\n" + row)
    made, wrong = came(tmp_path / "traj.jsonl", tmp_path / "runs", "osworld")
    assert made == []
    assert wrong[0].startswith(f"{tmp_path / 'traj.jsonl'}:2: ")


def test_screens_that_were_not_kept_are_blank_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Thought: I see.\nAction: click(start_box='(10,20)')\n\nAction: finished()\n")
    source = Source("uitars", Style(dialect="ui-tars-1.5"), size=(280, 140))
    (folder,) = bring([tmp_path / "a.txt"], tmp_path / "runs", source)
    assert isinstance(folder, Path)
    run = read_run(folder)
    assert acted(run) == [Click(at=Point(x=10, y=20)), Finish()]
    assert "no picture" in run.lines[0].before.notes[0]
    assert run.lines[0].reply.text.startswith("Thought: I see.")
    without = came(tmp_path / "a.txt", tmp_path / "more", "uitars")
    assert "--size" in without[1][0]


@given(st.text(max_size=200))
@example("Thought: a\nThought: b\nAction: c()\nAction: d()\nx\nThought:")
def test_every_action_of_a_text_is_in_one_reply(text: str) -> None:
    said = list(uitars.read(text))
    assert all("Action:" in each for each in said)
    assert sum(each.count("Action:") for each in said) <= text.count("Action:")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_lines(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("lines") / "d.jsonl"
    path.write_bytes(data)
    for _, row in rows(path, Row):
        assert isinstance(row, Row | Wrong)


@given(st.text(st.sampled_from("pyautogui.click(x=1,y2) '\"\n#[]-+9"), max_size=60) | st.text(max_size=60))
def test_a_script_is_actions_or_a_mistake_whatever_it_holds(code: str) -> None:
    try:
        found = list(pyautogui.read(code, FRAME))
    except ActionError:
        found = []
    assert all(FRAME.check(action) for action in found)
