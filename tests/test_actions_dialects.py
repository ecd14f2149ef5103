"""Every dialect reads back what it wrote, and reads anything else as an action on the screen or an ActionError."""

from __future__ import annotations

import random
import string
from typing import get_args

import pytest
from dialect_samples import SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import (
    DIALECTS,
    Action,
    ActionError,
    ActionSpace,
    Answer,
    AskUser,
    Back,
    Button,
    Click,
    Dialect,
    Drag,
    Finish,
    Frame,
    Key,
    Kind,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
    dialect,
    points,
    smart_resize,
)

SCREENS = [(1280, 720), (1366, 768), (1080, 2400), (160, 208), (3840, 2160)]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
named = texts.filter(bool)
seconds = st.integers(0, 60) | st.floats(0, 60)
keys = st.lists(
    st.sampled_from(["ctrl", "a", "+", "Enter", "enter", "ENTER", "A", "ctrl+s", " "]) | named, min_size=1, max_size=3
).map(tuple)
held = st.lists(st.sampled_from(["alt", "ctrl", "meta", "shift"]), max_size=3).map(tuple)


place = st.builds(Point, x=st.integers(0, 9999), y=st.integers(0, 9999))


def actions() -> st.SearchStrategy[Action]:
    """Any action on a screen of 10,000 pixels either way."""
    maybe = st.none() | place
    pixels = st.integers(-100_000, 100_000)
    return st.one_of(
        st.builds(Click, at=maybe, button=st.sampled_from(get_args(Button)), count=st.integers(1, 3)),
        st.builds(Click, at=maybe, hold=seconds),
        st.builds(Click, at=place, count=st.integers(1, 2), modifiers=held),
        st.builds(Drag, path=st.lists(place, min_size=1, max_size=3).map(tuple)),
        st.builds(Move, at=place),
        st.builds(Scroll, at=maybe, dy=pixels),
        st.builds(Scroll, at=maybe, dy=st.integers(-800, 800).map(lambda notches: notches * 120)),
        st.builds(Scroll, at=maybe, dx=st.sampled_from([600, -600, 120])),
        st.builds(Scroll, at=maybe, dy=st.sampled_from([600, -600])),
        st.builds(Scroll, at=maybe, dx=pixels, dy=st.sampled_from([0, 0, 5])),
        st.builds(Type, text=texts),
        st.builds(Type, text=texts | texts.map(lambda text: text + "\n"), at=maybe, replace=st.booleans()),
        st.builds(Key, keys=keys),
        st.builds(Key, keys=keys, count=st.integers(1, 100)),
        st.builds(Key, keys=keys, hold=seconds),
        st.builds(Wait, seconds=seconds),
        st.builds(Navigate, url=named | named.map(lambda rest: f"https://a.example/{rest}")),
        st.just(Navigate(url="about:blank")),
        st.just(Back()),
        st.builds(Tab, index=st.integers(0, 999)),
        st.builds(Select, at=place, label=texts),
        st.builds(Upload, at=place, files=st.lists(named, min_size=1, max_size=2).map(tuple)),
        st.builds(Answer, text=texts),
        st.builds(AskUser, question=texts),
        st.builds(Finish, success=st.booleans(), text=texts),
    )


ACTIONS = actions()


def onto(frame: Frame, action: Action) -> Action:
    """`action` on the screen of `frame`."""

    def fit(point: Point) -> Point:
        return Point(x=point.x * frame.width // 10_000, y=point.y * frame.height // 10_000)

    if isinstance(action, Drag):
        return Drag(path=tuple(fit(point) for point in action.path))
    there = points(action)
    return action.model_copy(update={"at": fit(there[0])}) if there else action


def near(one: Action, other: Action, frame: Frame) -> bool:
    """Equal but for what a way there and back may move a point."""
    slack = [
        0.5 * size / model + 0.5
        for size, model in ((frame.width, frame.model_width), (frame.height, frame.model_height))
    ]
    pairs = list(zip(points(one), points(other), strict=True))
    moved = all(abs(a.x - b.x) <= slack[0] and abs(a.y - b.y) <= slack[1] for a, b in pairs)
    return moved and type(one) is type(other) and _still(one) == _still(other)


def _still(action: Action) -> dict[str, object]:
    return {name: value for name, value in action.model_dump().items() if name not in ("at", "path", "kind")}


SIDES = st.sampled_from(SCREENS) | st.tuples(st.integers(28, 4000), st.integers(28, 4000))
BUDGETS = st.sampled_from([1_003_520, 12_845_056])


def seen(tongue: Dialect, screen: tuple[int, int], budget: int = 12_845_056) -> Frame:
    """The frame of a screen in the convention of a dialect."""
    return tongue.frame(*screen, *smart_resize(*screen[::-1], max_pixels=budget)[::-1])


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
@given(drawn=ACTIONS, screen=SIDES, budget=BUDGETS)
@settings(max_examples=300, deadline=None)
def test_every_dialect_reads_back_what_it_wrote(
    tongue: Dialect, drawn: Action, screen: tuple[int, int], budget: int
) -> None:
    frame = seen(tongue, screen, budget)
    action = onto(frame, drawn)
    if not tongue.writes(action):
        with pytest.raises(ActionError):
            tongue.print(action, frame)
        return
    assert near(tongue.parse(tongue.print(action, frame), frame), action, frame)


SPOKEN = {
    "anthropic": {"click", "drag", "move", "scroll", "type", "key", "wait", "finish"},
    "fara": {"click", "move", "scroll", "type", "key", "wait", "navigate", "back", "answer", "ask_user", "finish"},
    "openai": {"click", "drag", "move", "scroll", "type", "key", "wait", "back", "finish"},
    "pyautogui": {"click", "drag", "move", "scroll", "type", "key", "wait", "finish"},
    "qwen2": set(get_args(Kind)) - {"select", "tab", "upload"},
    "qwen2.5": set(get_args(Kind)),
    "qwen2.5-mobile": set(get_args(Kind)) - {"move", "scroll"},
    "qwen3": set(get_args(Kind)),
    "ui-tars-1.0": set(get_args(Kind)) - {"answer", "select", "tab", "upload"},
    "ui-tars-1.5": set(get_args(Kind)) - {"answer", "select", "tab", "upload"},
}
"""The kinds of action that each dialect has words for."""

PLAIN = [
    Click(at=Point(x=1, y=2)),
    Drag(path=(Point(x=1, y=2), Point(x=3, y=4))),
    Move(at=Point(x=1, y=2)),
    Scroll(at=Point(x=1, y=2), dy=600),
    Type(text="a"),
    Key(keys=("enter",)),
    Wait(seconds=1),
    Navigate(url="https://a.example"),
    Back(),
    Tab(index=1),
    Select(at=Point(x=1, y=2), label="a"),
    Upload(at=Point(x=1, y=2), files=("a",)),
    Answer(text="a"),
    AskUser(question="a"),
    Finish(),
]


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_writes_the_kinds_it_has_words_for_and_offers_no_others(tongue: Dialect) -> None:
    assert {action.kind for action in PLAIN if tongue.writes(action)} == SPOKEN[tongue.name]
    frame = tongue.frame(1000, 600, 1008, 588)
    nothing = tongue.prompt(ActionSpace.of("tab"), frame)
    for kind in sorted(SPOKEN[tongue.name] - {"tab", "finish", "answer", "ask_user"}):
        assert len(tongue.prompt(ActionSpace.of(kind, "tab"), frame)) > len(nothing), kind


def test_a_dialect_writes_every_action_of_its_samples_and_reads_it_back() -> None:
    for name, pairs in SAMPLES.items():
        frame = Frame(1000, 600, 1000, 600)
        for text, action in pairs:
            if dialect(name).writes(action):
                assert dialect(name).parse(dialect(name).print(action, frame), frame) == action, text


PIECES = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "<tool_call>",
    "</tool_call>",
    "<think>",
    "</think>",
    "1e400",
    "NaN",
    "-1",
    "true",
]
PIECES += [
    "\x00",
    "\ud800",
    "😀",
    "99999999999999999999",
    ",",
    ":",
    "'",
    "(",
    ")",
    "null",
    "\n",
    "coordinate",
    "action",
    "Action: ",
    "pyautogui.",
    "```",
    "start_box=",
    "*ARGS*: ",
    "\\u",
]


def mutate(text: str, drawn: random.Random, others: list[str]) -> str:
    """`text` with a few pieces cut, doubled, swapped or put in, or one of `others` after it."""
    for _ in range(drawn.choice((1, 1, 2, 3, 8))):
        a, b = sorted(drawn.randrange(len(text) + 1) for _ in range(2))
        cut = text[a : min(b, a + 20)]
        text = drawn.choice(
            (
                lambda t=text, a=a, c=cut: t[:a] + t[a + len(c) :],
                lambda t=text, a=a, c=cut: t[:a] + c + t[a:],
                lambda t=text, a=a: t[:a] + drawn.choice(PIECES) + t[a:],
                lambda t=text, a=a: t[:a] + drawn.choice(string.printable) + t[a + 1 :],
                lambda t=text, a=a: t[:a],
                lambda t=text: t + drawn.choice(others),
            )
        )()
    return text


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
def test_ten_thousand_mutated_replies_give_an_action_on_the_screen_or_an_action_error(tongue: Dialect) -> None:
    drawn = random.Random(0)
    outcomes, said = {True: 0, False: 0}, []
    seeds = [text for text, _ in SAMPLES[tongue.name]]
    shown = [seen(tongue, screen) for screen in SCREENS]
    for _ in range(10_000):
        frame = drawn.choice(shown)
        text = mutate(drawn.choice(seeds), drawn, seeds)
        try:
            action = tongue.parse(text, frame)
        except ActionError as error:
            said.append(str(error))
            outcomes[False] += 1
        else:
            assert frame.check(action) is action
            outcomes[True] += 1
    assert min(outcomes.values()) > 500
    assert all(said)


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
@given(text=st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_an_action_on_the_screen_or_an_action_error(tongue: Dialect, text: str) -> None:
    frame = tongue.frame(1280, 720, 1288, 728)
    try:
        frame.check(tongue.parse(text, frame))
    except ActionError as error:
        said = str(error)
    else:
        said = "an action"
    assert said


def test_an_unknown_dialect_names_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"'klingon'.*qwen2\.5"):
        dialect("klingon")
