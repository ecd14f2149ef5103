"""What is ignored of a reply with several actions is what is not carried out, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import DIALECTS, Frame, ignored

FRAME = Frame(100, 100, 100, 100)
CLICK, TYPE = {"type": "click", "x": 1, "y": 2}, {"type": "type", "text": "a {"}
LOOK, SAY = {"type": "screenshot"}, {"type": "message", "content": [{"type": "output_text", "text": "ok"}]}
KEY = {"action": "key", "text": "a"}


def call(*actions: object) -> dict[str, object]:
    return {"type": "computer_call", "actions": list(actions)}


def use(given: object, name: str = "computer") -> dict[str, object]:
    return {"type": "tool_use", "name": name, "input": given}


@pytest.mark.parametrize(
    ("dialect", "reply", "left"),
    [
        ("openai", call(CLICK, TYPE, CLICK), ["type", "click"]),
        ("openai", call(LOOK, CLICK, LOOK), []),
        ("openai", {"output": [SAY, call(CLICK), {"type": "computer_call", "action": TYPE}]}, ["type"]),
        ("openai", [CLICK, TYPE], ["type"]),
        ("openai", CLICK, []),
        ("openai", [{"type": "reasoning"}, SAY], []),
        ("openai", call(CLICK, {"x": 1}), ["an action without a name"]),
        ("anthropic", [use(KEY), use({"action": "left_click", "coordinate": [1, 2]})], ["left_click"]),
        ("anthropic", [use({"action": "screenshot"}), use(KEY)], []),
        ("anthropic", [use({"text": "a"}, "key"), use({"text": "b"}, "type"), use(7, "wait")], ["type", "wait"]),
        ("anthropic", [KEY, KEY], ["key"]),
        ("anthropic", {"content": [{"type": "text", "text": "Done."}]}, []),
        ("qwen2.5", [KEY, KEY], []),
    ],
)
def test_what_follows_the_first_action_is_ignored(dialect: str, reply: object, left: list[str]) -> None:
    assert list(ignored(dialect, json.dumps(reply))) == [repr(name) for name in left]


@given(
    st.text()
    | st.recursive(
        st.text() | st.integers(),
        lambda part: (
            st.lists(part) | st.dictionaries(st.sampled_from(["type", "action", "actions", "input", "name"]), part)
        ),
    ).map(json.dumps)
)
def test_whatever_a_reply_holds_it_is_only_read(text: str) -> None:
    for name in DIALECTS:
        assert all(len(each) < 70 for each in ignored(name, text))
