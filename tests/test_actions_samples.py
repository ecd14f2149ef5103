"""Every sample of what models write gives its action, in every frame the model may see."""

from __future__ import annotations

import time

import pytest
from dialect_samples import REFUSED, SAMPLES

from actions import Action, ActionError, Click, Frame, Key, Point, Type, dialect

SCREEN = (1000, 600)
KNOWN = [(name, text, action) for name, pairs in SAMPLES.items() for text, action in pairs]
WRONG = [(name, text, message) for name, pairs in REFUSED.items() for text, message in pairs]


def frame(name: str) -> Frame:
    """The frame in which the samples of a dialect are meant."""
    scaled = name in ("qwen2", "qwen3")
    return dialect(name).frame(*SCREEN, *SCREEN) if scaled else Frame(*SCREEN, *SCREEN)


@pytest.mark.parametrize(("name", "text", "action"), KNOWN, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(KNOWN)])
def test_every_sample_means_its_action(name: str, text: str, action: Action) -> None:
    assert dialect(name).parse(text, frame(name)) == action


@pytest.mark.parametrize(
    ("name", "text", "message"), WRONG, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(WRONG)]
)
def test_what_has_no_counterpart_or_is_wrong_is_named(name: str, text: str, message: str) -> None:
    used = dialect(name).frame(*SCREEN, *SCREEN)
    with pytest.raises(ActionError, match=message):
        dialect(name).parse(text, used)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("anthropic", '{"action": "left_click", "coordinate": [960, 540]}'),
        ("fara", '{"action": "left_click", "coordinate": [658, 364]}'),
        ("openai", '{"type": "click", "x": 960, "y": 540}'),
        ("pyautogui", "pyautogui.click(0.5, 0.5)"),
        ("pyautogui", "pyautogui.click(960, 540)"),
        ("qwen2", '*FUNCTION*: Tap *ARGS*: {"point": (500,500)}'),
        ("qwen2.5", '{"action": "left_click", "coordinate": [658, 364]}'),
        ("qwen2.5-mobile", '{"action": "click", "coordinate": [658, 364]}'),
        ("qwen3", '{"action": "left_click", "coordinate": [499.5, 499.5]}'),
        ("ui-tars-1.0", "click(start_box='(500,500)')"),
        ("ui-tars-1.5", "click(start_box='(658,364)')"),
    ],
)
def test_the_middle_of_the_screen_is_the_middle_in_every_convention(name: str, text: str) -> None:
    used = dialect(name).frame(1920, 1080, 1316, 728)
    assert dialect(name).parse(text, used) == Click(at=Point(x=960, y=540))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ui-tars-1.0", "Action: click(start_box='<|box_start|>(500,500)<|box_end|>')"),
        ("ui-tars-1.5", "Action: click(start_box='(658,364)')"),
        ("qwen2", '*FUNCTION*: Tap *ARGS*: {"point": (500,500)}'),
        ("openai", '{"type": "computer_call", "action": {"type": "click", "button": "left", "x": 960, "y": 540}}'),
        (
            "anthropic",
            '{"type": "tool_use", "name": "computer", "input": {"action": "left_click", "coordinate": [960, 540]}}',
        ),
        ("pyautogui", "pyautogui.click(x=960, y=540)"),
        (
            "qwen3",
            '<tool_call>\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [500, 500]}}\n'
            "</tool_call>",
        ),
        (
            "qwen2.5-mobile",
            '<tool_call>\n{"name": "mobile_use", "arguments": {"action": "click", "coordinate": [658, 364]}}\n'
            "</tool_call>",
        ),
    ],
)
def test_a_click_is_printed_to_the_letter(name: str, text: str) -> None:
    used = dialect(name).frame(1920, 1080, 1316, 728)
    assert dialect(name).print(Click(at=Point(x=960, y=540)), used) == text


@pytest.mark.parametrize(
    ("name", "action", "text"),
    [
        ("ui-tars-1.5", Type(text='it\'s\na "b"'), "Action: type(content='it\\'s\\na \\\"b\\\"')"),
        ("pyautogui", Type(text="it's\n"), "pyautogui.write(message='it\\'s\\n')"),
        (
            "openai",
            Key(keys=("ctrl", "Enter")),
            '{"type": "computer_call", "action": {"type": "keypress", "keys": ["CTRL", "Enter"]}}',
        ),
        (
            "anthropic",
            Key(keys=("ctrl", "s")),
            '{"type": "tool_use", "name": "computer", "input": {"action": "key", "text": "ctrl+s"}}',
        ),
        ("pyautogui", Key(keys=("ctrl", "s")), "pyautogui.hotkey('ctrl', 's')"),
        ("ui-tars-1.0", Key(keys=("ctrl", "s")), "Action: hotkey(key='ctrl s')"),
    ],
)
def test_texts_and_keys_are_printed_to_the_letter(name: str, action: Action, text: str) -> None:
    assert dialect(name).print(action, frame(name)) == text


LONG = {
    "ui-tars-1.5": [
        "Action: type(content='" + "' " * 500_000,
        "Action: type(content='" + "',a=" * 300_000,
        "Action: click(" + "a=1,b=" * 100_000,
        "Action: click(start_box=" + " " * 1_000_000,
        "Action:\n" * 200_000,
        "Action: type(content='" * 50_000,
        "Action: click(start_box='" + "(" * 1_000_000,
    ],
    "pyautogui": [
        "pyautogui.click(" + "(" * 150_000,
        "pyautogui.click(" + "-" * 3_900 + "1)",
        "pyautogui.click(" + "1+" * 1_900 + "1)",
        "pyautogui" + ".a" * 1_900 + "()",
        "pyautogui.click" + "()" * 1_900,
        "pyautogui.click(" + "not " * 900 + "1)",
        "pyautogui.write(" + '"""\\' * 40_000,
        "pyautogui.write(" + "'a'" * 60_000 + ")",
        "pyautogui.write(" + "'" * 190_001,
        "pyautogui.click(9" + "9" * 100_000 + ")",
        "pyautogui.click(9e9999, 1)",
        "pyautogui.click(1, 2)\n" * 5_000,
        "pyautogui." * 300_000,
        "```python\n" * 50_000,
        "```python\npyautogui" * 50_000,
        "import " * 300_000,
        "pyautogui.write('\\ud800')",
        "pyautogui.write('\0')\x00",
    ],
    "qwen2": ["*FUNCTION*: Tap *ARGS*: {" * 40_000, "*FUNCTION*: " * 80_000, "*FUNCTION*: a" + " " * 1_000_000],
    "openai": ['{"type": "computer_call", "action": ' * 30_000, '{"type": "drag", "path": [' + "[1, 2]," * 40_000],
    "anthropic": ['{"type": "tool_use", "input": ' * 30_000, '{"action": "key", "text": "' + "a " * 500_000 + '"}'],
}


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name, texts in LONG.items() for text in texts],
    ids=[f"{name}-{place}" for name, texts in LONG.items() for place in range(len(texts))],
)
def test_a_hostile_reply_is_refused_in_linear_time(name: str, text: str) -> None:
    start = time.process_time()
    with pytest.raises(ActionError) as caught:
        dialect(name).parse(text, frame(name))
    assert time.process_time() - start < 5
    assert len(str(caught.value)) < 1500
    str(caught.value).encode("utf-8")
