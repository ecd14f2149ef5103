"""Every dialect reads back what it wrote, and reads anything else as an action on the screen or an ActionError."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import (
    DIALECTS,
    Action,
    ActionError,
    Answer,
    AskUser,
    Back,
    Click,
    Dialect,
    Drag,
    Finish,
    Frame,
    Key,
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
)

FRAMES = [Frame.fit(1280, 720), Frame.fit(1366, 768), Frame.fit(1080, 2400), Frame(160, 208, 160, 208)]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
named = texts.filter(bool)
seconds = st.integers(0, 60) | st.floats(0, 60)


def actions(frame: Frame) -> st.SearchStrategy[Action]:
    """Any action on the screen of `frame`."""
    place = st.builds(Point, x=st.integers(0, frame.width - 1), y=st.integers(0, frame.height - 1))
    maybe = st.none() | place
    pixels = st.integers(-100_000, 100_000)
    return st.one_of(
        st.builds(Click, at=maybe, button=st.sampled_from(["left", "middle", "right"]), count=st.integers(1, 3)),
        st.builds(Drag, path=st.lists(place, min_size=1, max_size=3).map(tuple)),
        st.builds(Move, at=place),
        st.builds(Scroll, at=maybe, dy=pixels),
        st.builds(Scroll, at=maybe, dx=pixels, dy=st.sampled_from([0, 0, 5])),
        st.builds(Type, text=texts),
        st.builds(
            Key,
            keys=st.lists(st.sampled_from(["ctrl", "a", "+", "Enter", "ctrl+s"]) | named, min_size=1, max_size=3).map(
                tuple
            ),
        ),
        st.builds(Wait, seconds=seconds),
        st.builds(Navigate, url=named),
        st.just(Back()),
        st.builds(Tab, index=st.integers(0, 999)),
        st.builds(Select, at=place, label=texts),
        st.builds(Upload, at=place, files=st.lists(named, min_size=1, max_size=2).map(tuple)),
        st.builds(Answer, text=texts),
        st.builds(AskUser, question=texts),
        st.builds(Finish, success=st.booleans(), text=texts),
    )


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
    return {name: value for name, value in action.model_dump().items() if name not in ("at", "path")}


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
@given(data=st.data())
@settings(max_examples=600, deadline=None)
def test_every_dialect_reads_back_what_it_wrote(tongue: Dialect, data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from(FRAMES))
    action = data.draw(actions(frame))
    if not tongue.writes(action):
        with pytest.raises(ActionError):
            tongue.print(action, frame)
        return
    assert near(tongue.parse(tongue.print(action, frame), frame), action, frame)


CALL = '<tool_call>\n{"name": "computer_use", "arguments": {%s}}\n</tool_call>'
SEEDS = [
    CALL % '"action": "left_click", "coordinate": [512, 334]',
    CALL % '"action": "type", "text": "a \\"b\\" \\u00e9"',
    CALL % '"action": "key", "keys": ["ctrl", "s"]',
    CALL % '"action": "key", "keys": ["keys=[\'ctrl\'", "\'c\']"]',
    CALL % '"action": "left_click_drag", "coordinate": [5, 6], "coordinate2": {"y": 9, "x": 80}',
    CALL % '"action": "scroll", "coordinate": [5, 6], "pixels": -300',
    '<thinking>I see <tool_call>{"action": "wait"}</tool_call></thinking>\n{"action": "wait", "time": "2"}',
    "{'action': 'left_click', 'coordinate': (12, 34)}⚗",
    '```json\n[{"bbox_2d": [1, 2, 30, 40], "label": "x"}]\n```',
    '<points x1="10" y1="20" alt="x">y</points>',
]
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
]


def mutate(text: str, drawn: random.Random) -> str:
    """`text` with a few pieces cut, doubled, swapped or put in."""
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
                lambda t=text: t + drawn.choice(SEEDS),
            )
        )()
    return text


@pytest.mark.parametrize("tongue", DIALECTS.values(), ids=list(DIALECTS))
def test_ten_thousand_mutated_replies_give_an_action_on_the_screen_or_an_action_error(tongue: Dialect) -> None:
    drawn = random.Random(0)
    outcomes, said = {True: 0, False: 0}, []
    for _ in range(10_000):
        frame = drawn.choice(FRAMES)
        text = mutate(drawn.choice(SEEDS), drawn)
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
@settings(max_examples=500, deadline=None)
def test_any_text_gives_an_action_on_the_screen_or_an_action_error(tongue: Dialect, text: str) -> None:
    frame = FRAMES[0]
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
