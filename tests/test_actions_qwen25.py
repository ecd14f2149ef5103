"""The words of Qwen2.5-VL: what is printed to the letter, and what a careless reply is read as."""

from __future__ import annotations

import json
import time

import pytest

from actions import (
    Action,
    ActionError,
    ActionSpace,
    Answer,
    AskUser,
    Back,
    Click,
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
)

QWEN = dialect("qwen2.5")
FLAT = Frame(1000, 600, 1000, 600)
HALF = Frame(1000, 600, 500, 200)
ONE, TWO = Point(x=512, y=334), Point(x=20, y=30)
CLICK = Click(at=ONE)
BODY = '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [512, 334]}}'
WAIT = '{"name": "computer_use", "arguments": {"action": "wait", "time": 3}}'


def tagged(body: str) -> str:
    """`body` between the tags of a call."""
    return f"<tool_call>\n{body}\n</tool_call>"


def call(arguments: str) -> str:
    """The whole call with these arguments."""
    return tagged(f'{{"name": "computer_use", "arguments": {arguments}}}')


WRITTEN: list[tuple[Action, str]] = [
    (CLICK, '{"action": "left_click", "coordinate": [512, 334]}'),
    (Click(), '{"action": "left_click"}'),
    (Click(at=ONE, button="right"), '{"action": "right_click", "coordinate": [512, 334]}'),
    (Click(at=ONE, button="middle"), '{"action": "middle_click", "coordinate": [512, 334]}'),
    (Click(at=ONE, count=2), '{"action": "double_click", "coordinate": [512, 334]}'),
    (Click(at=ONE, count=3), '{"action": "triple_click", "coordinate": [512, 334]}'),
    (Move(at=ONE), '{"action": "mouse_move", "coordinate": [512, 334]}'),
    (Drag(path=(ONE,)), '{"action": "left_click_drag", "coordinate": [512, 334]}'),
    (Drag(path=(ONE, TWO)), '{"action": "left_click_drag", "coordinate": [512, 334], "coordinate2": [20, 30]}'),
    (Scroll(dy=300), '{"action": "scroll", "pixels": -300}'),
    (Scroll(at=ONE, dy=-5), '{"action": "scroll", "coordinate": [512, 334], "pixels": 5}'),
    (Scroll(at=ONE, dx=7), '{"action": "hscroll", "coordinate": [512, 334], "pixels": 7}'),
    (Key(keys=("ctrl", "+")), '{"action": "key", "keys": ["ctrl", "+"]}'),
    (Type(text='é "q"\n漢'), '{"action": "type", "text": "é \\"q\\"\\n漢"}'),
    (Wait(seconds=2), '{"action": "wait", "time": 2}'),
    (Wait(seconds=0.5), '{"action": "wait", "time": 0.5}'),
    (Finish(), '{"action": "terminate", "status": "success"}'),
    (Finish(success=False, text="no"), '{"action": "terminate", "status": "failure", "text": "no"}'),
    (Answer(text="42"), '{"action": "answer", "text": "42"}'),
    (Navigate(url="https://a.example"), '{"action": "goto_url", "url": "https://a.example"}'),
    (Back(), '{"action": "go_back"}'),
    (Tab(index=1), '{"action": "switch_tab", "index": 1}'),
    (Select(at=ONE, label="Red"), '{"action": "select_option", "coordinate": [512, 334], "text": "Red"}'),
    (Upload(at=ONE, files=("a.txt",)), '{"action": "upload", "coordinate": [512, 334], "files": ["a.txt"]}'),
    (AskUser(question="Which?"), '{"action": "ask_user", "text": "Which?"}'),
]


@pytest.mark.parametrize(("action", "arguments"), WRITTEN, ids=[text[:44] for _, text in WRITTEN])
def test_every_action_is_printed_to_the_letter_and_read_back(action: Action, arguments: str) -> None:
    assert QWEN.print(action, FLAT) == call(arguments)
    assert QWEN.parse(call(arguments), FLAT) == action


def test_places_are_printed_and_read_in_pixels_of_the_model_image_each_axis_by_its_own_scale() -> None:
    assert '"coordinate": [256, 111]' in QWEN.print(CLICK, HALF)
    assert QWEN.parse(call('{"action": "left_click", "coordinate": [256, 111]}'), HALF) == Click(at=Point(x=512, y=333))


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (Click(at=ONE, modifiers=("ctrl",)), "modifiers"),
        (Click(at=ONE, button="right", count=2), "count"),
        (Drag(path=(ONE, TWO, ONE)), "path"),
        (Scroll(dx=1, dy=1), "dx"),
        (Key(keys=("ctrl+s",)), "keys"),
        (Key(keys=("['a'",)), "keys"),
    ],
)
def test_what_has_no_words_is_not_written_and_the_error_names_the_field(action: Action, field: str) -> None:
    assert not QWEN.writes(action)
    with pytest.raises(ActionError, match=f"^{field}: "):
        QWEN.print(action, FLAT)


def test_a_place_off_the_screen_is_not_printed() -> None:
    with pytest.raises(ActionError, match="lies outside the 1000x600 screen"):
        QWEN.print(Click(at=Point(x=1000, y=0)), FLAT)


def signature(space: ActionSpace, frame: Frame) -> tuple[str, dict[str, object], dict[str, dict[str, object]]]:
    """The prompt, the function that its only line of tools describes, and that function's arguments."""
    prompt = QWEN.prompt(space, frame)
    (line,) = prompt.partition("<tools>\n")[2].partition("\n</tools>")[0].splitlines()
    function = json.loads(line)["function"]
    return prompt, function, function["parameters"]["properties"]


def test_the_prompt_has_the_shape_that_the_model_was_trained_on() -> None:
    prompt, function, _ = signature(ActionSpace.browser(), HALF)
    assert prompt.startswith("You are a helpful assistant.\n\n# Tools\n\nYou may call one or more functions")
    assert prompt.endswith('<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>')
    assert list(function) == ["name_for_human", "name", "description", "parameters", "args_format"]
    assert list(function["parameters"]) == ["properties", "required", "type"]  # type: ignore[call-overload]


def test_the_prompt_states_the_size_of_the_image_and_not_of_the_screen() -> None:
    prompt, _, _ = signature(ActionSpace.browser(), HALF)
    assert "500x200" in prompt
    assert "1000x600" not in prompt


def test_the_prompt_offers_the_actions_of_the_space_and_their_arguments_alone() -> None:
    _, _, fields = signature(ActionSpace.of("click", "wait"), FLAT)
    assert fields["action"]["enum"] == [
        "left_click",
        "right_click",
        "middle_click",
        "double_click",
        "triple_click",
        "wait",
    ]
    assert list(fields) == ["action", "coordinate", "time"]
    assert "goto_url" not in str(fields)


def test_the_prompt_of_the_browser_offers_every_verb_that_can_be_written() -> None:
    _, _, fields = signature(ActionSpace.browser(), FLAT)
    assert set(fields["action"]["enum"]) == {json.loads(text)["action"] for _, text in WRITTEN}  # type: ignore[call-overload]


READS = {
    "without a closing tag": f"<tool_call>\n{BODY}",
    "closed by an alembic": f"<tool_call>\n{BODY}\n⚗",
    "closed by a set square": f"{BODY}\n📐",
    "closed by half a tag": f"<tool_call>\n{BODY}\n</tool_",
    "opened by the closing tag": f"</tool_call>\n{BODY}\n</tool_call>",
    "without its last brace": f"<tool_call>\n{BODY[:-1]}\n</tool_call>",
    "without either brace before the alembic": f"<tool_call>\n{BODY[:-2]}⚗",
    "without its last brace at the end": BODY[:-1],
    "with a brace too many": tagged(BODY + "}"),
    "with doubled braces": tagged("{" + BODY + "}"),
    "in a fence": f"```json\n{BODY}\n```",
    "in a fence in the tags": tagged(f"```json\n{BODY}\n```"),
    "amid prose with braces": f"The {{button}} {{looks}} right. {tagged(BODY)} Done {{I hope}}.",
    "without tags in prose": f"I click: {BODY} and wait",
    "before trailing junk": f"{tagged(BODY)}\n</tool_call>}}]]>{{{{ junk",
    "first of several": f"{tagged(BODY)}\n{tagged(WAIT)}",
    "first of several without tags": f"{BODY}\n⚗\n{WAIT}",
    "tagged after one that is not": f"{WAIT}\n{tagged(BODY)}",
    "after a call that cannot be read": f"{tagged(WAIT[:20])}\n{tagged(BODY)}",
    "after a call whose string does not end": tagged('{"action": "type", "text": "x') + tagged(BODY),
    "in a list": f"[{BODY}]",
    "in the shape of another interface": f'{{"function": {BODY}}}',
    "with arguments as text": call(json.dumps('{"action": "left_click", "coordinate": [512, 334]}')),
    "with the arguments alone": '{"action": "left_click", "coordinate": [512, 334]}',
    "with the action as the name": '{"name": "left_click", "arguments": {"coordinate": [512, 334]}}',
    "with the action in capitals": call('{"action": " Left_Click", "coordinate": [512, 334]}'),
    "with a tuple": call('{"action": "left_click", "coordinate": (512, 334)}'),
    "in single quotes": tagged(BODY.replace('"', "'")),
    "with None": "{'action': 'left_click', 'coordinate': [512, 334], 'text': None}",
    "with trailing commas": call('{"action": "left_click", "coordinate": [512, 334,],}'),
    "with numeric strings": call('{"action": "left_click", "coordinate": ["512", " 334.0 "]}'),
    "with the pair as a string": call('{"action": "left_click", "coordinate": "(512, 334)"}'),
    "with y before x": call('{"action": "left_click", "coordinate": {"y": 334, "x": 512}}'),
    "with a box": call('{"action": "left_click", "coordinate": [500, 300, 524, 368]}'),
    "with a box of corners": call('{"action": "left_click", "coordinate": [[500, 300], [524, 368]]}'),
    "with bbox_2d": call('{"action": "left_click", "bbox_2d": [500, 300, 524, 368]}'),
    "with point_2d": call('{"action": "left_click", "point_2d": [512, 334]}'),
    "as a box alone": '```json\n[{"bbox_2d": [500, 300, 524, 368], "label": "OK"}]\n```',
    "as a point alone": '{"point_2d": [512, 334], "label": "OK"}',
    "as XML": '<points x1="512" y1="334" alt="OK">OK</points>',
    "after a thought with a call": f"<think>maybe {tagged(WAIT)}</think>{tagged(BODY)}",
    "after a longer thought": f"<thinking>maybe {WAIT}</thinking>\n{BODY}",
    "after a thought that the prompt opened": f"maybe {tagged(WAIT)}</think>\n{tagged(BODY)}",
    "after NULs": f"\x00\x00{tagged(BODY)}\x00",
    "after halves of surrogates": f"\ud800{tagged(BODY)}\udfff",
    "after megabytes": "{ la " * 9 + "la <tool la " * 200_000 + tagged(BODY),
}


@pytest.mark.parametrize("text", READS.values(), ids=READS)
def test_a_click_is_read(text: str) -> None:
    assert QWEN.parse(text, FLAT) == CLICK


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        ('{"action": "key", "keys": "ctrl+s"}', Key(keys=("ctrl", "s"))),
        ('{"action": "key", "keys": ["ctrl + s"]}', Key(keys=("ctrl", "s"))),
        ('{"action": "key", "text": "Return"}', Key(keys=("Return",))),
        ('{"action": "key", "keys": [5]}', Key(keys=("5",))),
        ('{"action": "key", "keys": ["keys=[\'ctrl\'", "\'c\']"]}', Key(keys=("ctrl", "c"))),
        ('{"action": "key", "keys": ["keys = [\'ctrl\'", "\'c\']"]}', Key(keys=("ctrl", "c"))),
        ('{"action": "key", "keys": "keys=[\'ctrl\', \'c\']"}', Key(keys=("ctrl", "c"))),
        ('{"action": "key", "keys": ["[\'ctrl\', \'c\']"]}', Key(keys=("ctrl", "c"))),
        ('{"action": "key", "keys": ["ctrl++"]}', Key(keys=("ctrl", "+"))),
        ('{"action": "key", "keys": ["+"]}', Key(keys=("+",))),
        ('{"action": "wait", "time": "2"}', Wait(seconds=2)),
        ('{"action": "scroll", "pixels": -120.4}', Scroll(dy=120)),
        ('{"action": "terminate", "status": "Failure"}', Finish(success=False)),
        ('{"action": "type", "text": "</tool_call><tool_call>{}"}', Type(text="</tool_call><tool_call>{}")),
        ('{"action": "type", "text": "a\nb\\ud83d\\ude00\\x00"}', Type(text="a\nb😀\\x00")),
    ],
)
def test_careless_arguments_are_read(arguments: str, action: Action) -> None:
    assert QWEN.parse(call(arguments), FLAT) == action


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('{"action": "fly"}', r"^action: 'fly'; must be one of key, .*ask_user$"),
        ('{"action": 5, "name": "computer_use"}', r"^action: 5; must be one of "),
        ("{}", r"^action: missing; must be one of "),
        ('"nonsense"', r"^arguments: 'nonsense' is not a JSON object$"),
        ('{"action": "mouse_move"}', r"^coordinate: missing; give \[x, y\] in pixels of the 1000x600 image$"),
        ('{"action": "left_click", "coordinates": [1, 2]}', r"^'coordinates': no argument .*known: .*coordinate,"),
        ('{"action": "left_click", "coordinate": [1, 2, 3]}', r"^coordinate: \[1, 2, 3\] must be two numbers"),
        ('{"action": "left_click", "coordinate": []}', r"^coordinate: \[\] must be two numbers"),
        ('{"action": "left_click", "coordinate": [NaN, 3]}', r"^coordinate: nan is not a finite number$"),
        ('{"action": "left_click", "coordinate": [1e400, 3]}', r"^coordinate: inf is not a finite number$"),
        ('{"action": "left_click", "coordinate": [-Infinity, 3]}', r"^coordinate: -inf is not a finite number$"),
        ('{"action": "left_click", "coordinate": [true, 3]}', r"^coordinate: True is not a number$"),
        ('{"action": "left_click", "coordinate": ["NaN", 3]}', r"^coordinate: 'NaN' is not a number$"),
        (f'{{"action": "left_click", "coordinate": [1{"0" * 299}, 3]}}', r"^coordinate: \(1e\+299, 3\) lies outside"),
        (f'{{"action": "left_click", "coordinate": [{"9" * 9999}, 3]}}', r"^coordinate: inf is not a finite number$"),
        ('{"action": "left_click", "coordinate": [1001, 3]}', r"^coordinate: \(1001, 3\) .*x must be 0\.\.999 and"),
        ('{"action": "left_click", "coordinate": [1, -1]}', r"^coordinate: \(1, -1\) .*y 0\.\.599$"),
        ('{"action": "left_click_drag", "coordinate": [1, 1], "coordinate2": [1, 900]}', r"^coordinate2: \(1, 900\)"),
        ('{"action": "left_click_drag", "coordinate": [1, 1, 2, 2]}', r"^coordinate: \[1, 1, 2, 2\] must be two"),
        ('{"action": "scroll", "coordinate": [1, 1]}', r"^pixels: missing; give a number from -100000 to 100000$"),
        ('{"action": "scroll", "pixels": 1000000}', r"^pixels: 1000000 must be from"),
        ('{"action": "scroll", "pixels": true}', r"^pixels: True is not a number$"),
        ('{"action": "wait", "time": 61}', r"^time: 61 must be from 0 to 60$"),
        ('{"action": "key", "keys": []}', r"^keys: \[\] must list one or more strings"),
        ('{"action": "key"}', r"^keys: None is not a string$"),
        ('{"action": "type"}', r"^text: missing; give a string$"),
        ('{"action": "type", "text": "\\ud800"}', r"^text: .* holds half of a surrogate pair$"),
        ('{"action": "type", "text": ["a"]}', r"^text: \['a'\] is not a string$"),
        ('{"action": "terminate"}', r"^status: missing; must be one of success, failure$"),
        ('{"action": "terminate", "status": "done"}', r"^status: 'done'; must be one of success, failure$"),
        ('{"action": "switch_tab", "index": 1.5}', r"^index: 1\.5 is not a whole number$"),
        ('{"action": "goto_url", "url": ""}', r"^url: empty; give an address$"),
        ('{"action": "goto_url", "url": ["a", "b"]}', r"^url: \['a', 'b'\] is not a string$"),
        ('{"action": "upload", "coordinate": [1, 1], "files": [""]}', r"^files: \[''\] must list one or more"),
    ],
)
def test_an_error_names_the_field_the_value_and_what_is_allowed(arguments: str, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        QWEN.parse(call(arguments), FLAT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "^the reply holds no call; write exactly one <tool_call>"),
        ("I click on OK.", "holds no call"),
        (tagged(BODY).replace("computer_use", "shell"), "^name: 'shell' is no function here; call computer_use$"),
        (BODY[:70], "^the call is cut off after "),
        (f"<think>maybe {tagged(BODY)}", "^<think> is not closed before the call"),
        (f"<THINKING>{BODY}", "is not closed before the call"),
        (f"{tagged(BODY)}</thinking>", "holds no call"),
        ('[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [5, 6, 7, 8]}]', "points at 2 places"),
        ('{"a":' * 1000 + "1" + "}" * 1000, "nested deeper than 32"),
        ("__import__('os').system('true')", "holds no call"),
    ],
)
def test_a_reply_without_a_call_is_told_so(text: str, message: str) -> None:
    with pytest.raises(ActionError, match=message):
        QWEN.parse(text, FLAT)


@pytest.mark.parametrize("before", ["<tool_call>", "", "```json\n"])
def test_a_call_inside_a_string_that_was_not_quoted_is_never_carried_out(before: str) -> None:
    inner = '{"action": "left_click", "coordinate": [1, 2]}'
    with pytest.raises(ActionError, match="cannot be read at"):
        QWEN.parse(f'{before}{{"action": "type", "text": "she wrote "no" {inner}"}}', FLAT)


def test_a_message_is_short_whatever_the_reply() -> None:
    for text in (
        call(f'{{"action": "{"x" * 10**6}"}}'),
        "{" + '"' * 10**6,
        '{"name": "' + "n" * 10**6 + '", "arguments": {}}',
    ):
        with pytest.raises(ActionError) as caught:
            QWEN.parse(text, FLAT)
        assert len(str(caught.value)) < 500
        str(caught.value).encode("utf-8")


LONG = {
    "braces": "{" * 2_000_000,
    "keys": '{"' * 1_000_000,
    "nested objects": '{"a":' * 400_000,
    "nested lists": '{"a":' + "[" * 2_000_000,
    "open thoughts": "<think>" * 300_000,
    "closed thoughts": "<think></think>" * 100_000,
    "escapes": '{"\\"' * 500_000,
    "white space": "{ " * 500_000 + " " * 1_000_000,
    "strings in objects": '{"a":{"b":"' * 150_000,
    "empty objects": "{}" * 1_000_000,
    "digits": '{"a":' + "9" * 2_000_000,
    "half points": '<points  x1="1' * 200_000,
    "a key of white space": call('{"action": "key", "keys": ["[\'' + " " * 1_000_000 + '"], "coordinate": [}'),
    "NULs": "\x00" * 2_000_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_megabytes_are_refused_in_linear_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ActionError):
        QWEN.parse(text, FLAT)
    assert time.process_time() - start < 5


def test_a_listed_key_of_white_space_is_read_in_linear_time() -> None:
    start = time.process_time()
    read = QWEN.parse(call('{"action": "key", "keys": ["[\'' + " " * 1_000_000 + 'x"]}'), FLAT)
    assert read == Key(keys=("x",))
    assert time.process_time() - start < 5
