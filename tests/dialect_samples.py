"""What models write, in the formats that their public documents show, and the action that each means.

The samples are meant on a screen of 1000x600 pixels whose model image has the same size.
"""

from __future__ import annotations

from collections.abc import Mapping

from actions import Action, Answer, AskUser, Back, Click, Drag, Finish, Key, Move, Navigate, Point, Scroll, Type, Wait


def at(x: int, y: int) -> Point:
    return Point(x=x, y=y)


def called(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {{{arguments}}}}}\n</tool_call>'


def fara(arguments: str) -> str:
    return "The form is open, so I fill it in.\n" + called("computer_use", arguments)


def mobile(arguments: str) -> str:
    return called("mobile_use", arguments)


def item(action: str) -> str:
    """One item as OpenAI's interface gives it out."""
    return (
        '{"type": "computer_call", "id": "cu_67cc", "call_id": "call_zw3", "action": '
        f'{action}, "pending_safety_checks": [], "status": "completed"}}'
    )


def block(given: str) -> str:
    """One block as Anthropic's interface gives it out."""
    return f'{{"type": "tool_use", "id": "toolu_01A", "name": "computer", "input": {given}}}'


def fenced(code: str) -> str:
    return f"## Thought:\nThe menu is closed.\n\n## Action:\nOpen it.\n\n## Code:\n```python\n{code}\n```"


QWEN2: list[tuple[str, Action]] = [
    ("I go to the home screen.\n*FUNCTION*: Home *ARGS*: {}\n*RESULT*: ", Navigate(url="about:blank")),
    ('*FUNCTION*: Tap *ARGS*: {"point": (348,500)}', Click(at=at(348, 300))),
    ('*FUNCTION*: Tap\n*ARGS*: {"point": [348, 500]}', Click(at=at(348, 300))),
    ('✿FUNCTION✿: Tap\n✿ARGS✿: {"point": (348, 500)}\n✿RESULT✿', Click(at=at(348, 300))),
    ('*FUNCTION*: Type *ARGS*: {"text": "*FUNCTION*: Home *ARGS*: {}"}', Type(text="*FUNCTION*: Home *ARGS*: {}")),
    ('*FUNCTION*: Swipe *ARGS*: {"start": (500,1000), "end": (500,0)}', Drag(path=(at(500, 599), at(500, 0)))),
    ('*FUNCTION*: LongPress *ARGS*: {"point": (1,500), "seconds": 2}', Click(at=at(1, 300), hold=2)),
    ('*FUNCTION*: Finish *ARGS*: {"status": "success"}', Finish()),
]

QWEN25: list[tuple[str, Action]] = [
    (called("computer_use", '"action": "left_click", "coordinate": [512, 334]'), Click(at=at(512, 334))),
    (called("computer_use", '"action": "type", "text": "a \\"b\\" \\u00e9"'), Type(text='a "b" é')),
    (called("computer_use", '"action": "key", "keys": ["ctrl", "s"]'), Key(keys=("ctrl", "s"))),
    (called("computer_use", '"action": "key", "keys": ["keys=[\'ctrl\'", "\'c\']"]'), Key(keys=("ctrl", "c"))),
    (
        called("computer_use", '"action": "left_click_drag", "coordinate": [5, 6], "coordinate2": {"y": 9, "x": 80}'),
        Drag(path=(at(5, 6), at(80, 9))),
    ),
    (called("computer_use", '"action": "scroll", "coordinate": [5, 6], "pixels": -300'), Scroll(at=at(5, 6), dy=300)),
    (
        '<thinking>I see <tool_call>{"action": "wait"}</tool_call></thinking>\n{"action": "wait", "time": "2"}',
        Wait(seconds=2),
    ),
    ("{'action': 'left_click', 'coordinate': (12, 34)}⚗", Click(at=at(12, 34))),
    ('```json\n[{"bbox_2d": [1, 2, 31, 42], "label": "x"}]\n```', Click(at=at(16, 22))),
    ('<points x1="10" y1="20" alt="x">y</points>', Click(at=at(10, 20))),
]

QWEN3: list[tuple[str, Action]] = [
    (called("computer_use", '"action": "left_click", "coordinate": [333, 999]'), Click(at=at(333, 599))),
    (called("computer_use", '"action": "triple_click", "coordinate": [333, 333]'), Click(at=at(333, 200), count=3)),
    (called("computer_use", '"action": "hscroll", "pixels": 120'), Scroll(dx=120)),
    (called("computer_use", '"action": "answer", "text": "42"'), Answer(text="42")),
    (
        'Thought: The field is empty.\nAction: "I tap it."\n'
        + called("computer_use", '"action": "mouse_move", "coordinate": [666, 666]'),
        Move(at=at(667, 400)),
    ),
    (called("computer_use", '"action": "terminate", "status": "failure"'), Finish(success=False)),
]

QWEN25_MOBILE: list[tuple[str, Action]] = [
    (mobile('"action": "click", "coordinate": [935, 406]'), Click(at=at(935, 406))),
    (mobile('"action": "long_press", "coordinate": [935, 406], "time": 2'), Click(at=at(935, 406), hold=2)),
    (
        mobile('"action": "swipe", "coordinate": [500, 500], "coordinate2": [500, 100]'),
        Drag(path=(at(500, 500), at(500, 100))),
    ),
    (mobile('"action": "system_button", "button": "Back"'), Back()),
    (mobile('"action": "system_button", "button": "Home"'), Navigate(url="about:blank")),
    (mobile('"action": "system_button", "button": "Enter"'), Key(keys=("Enter",))),
    (mobile('"action": "key", "text": "volume_up"'), Key(keys=("volume_up",))),
    (mobile('"action": "type", "text": "pizza"'), Type(text="pizza")),
    (mobile('"action": "wait", "time": 2'), Wait(seconds=2)),
    (
        "<thinking>It is done.</thinking>\n"
        + mobile('"action": "terminate", "status": "success"')
        + "\n<conclusion>Done.</conclusion>",
        Finish(),
    ),
]

UI_TARS: list[tuple[str, Action]] = [
    ("Thought: I open the menu.\nAction: click(start_box='(100,200)')", Click(at=at(100, 200))),
    ("Thought: x\nAction: click(start_box='<|box_start|>(100,200)<|box_end|>')", Click(at=at(100, 200))),
    ("Thought: x\nAction: click(point='<point>100 200</point>')", Click(at=at(100, 200))),
    ('Thought: x\nAction: click(start_box="(100, 200)")', Click(at=at(100, 200))),
    ("Action: click(start_box='[100, 200, 120, 220]')", Click(at=at(110, 210))),
    ("Action: click(start_box='<bbox>100 200 120 220</bbox>')", Click(at=at(110, 210))),
    ("Action: click(start_box=(100,200))", Click(at=at(100, 200))),
    ("Action: click(start_box='(100,200)'", Click(at=at(100, 200))),
    ("click(start_box='(100,200)')", Click(at=at(100, 200))),
    ("Reflection: It failed.\nAction_Summary: Again.\nAction: click(start_box='(100,200)')", Click(at=at(100, 200))),
    ("Action: left_double(start_box='(100,200)')", Click(at=at(100, 200), count=2)),
    ("Action: right_single(start_box='(100,200)')", Click(at=at(100, 200), button="right")),
    ("Action: long_press(start_box='(100,200)', time='2')", Click(at=at(100, 200), hold=2)),
    ("Action: long_press(point='<point>100 200</point>')", Click(at=at(100, 200), hold=1)),
    ("Action: drag(start_box='(1,2)', end_box='(300,400)')", Drag(path=(at(1, 2), at(300, 400)))),
    (
        "Action: drag(start_point='<point>1 2</point>', end_point='<point>300 400</point>')",
        Drag(path=(at(1, 2), at(300, 400))),
    ),
    ("Action: hotkey(key='ctrl c')", Key(keys=("ctrl", "c"))),
    ("Action: hotkey(key='ctrl+shift+t')", Key(keys=("ctrl", "shift", "t"))),
    ("Action: hotkey(key='pagedown')", Key(keys=("pagedown",))),
    ("Action: type(content='hello\\n')", Type(text="hello\n")),
    ("Action: type(content='I\\'m \\\"here\\\"')", Type(text='I\'m "here"')),
    ("Action: type(content='I'm here')", Type(text="I'm here")),
    ("Action: type(content=\"say 'hi'\")", Type(text="say 'hi'")),
    ("Action: type(content='f(x) = (1)')", Type(text="f(x) = (1)")),
    ("Action: type(content='')", Type(text="")),
    ("Action: type(content='a')\n\nhotkey(key='enter')", Type(text="a")),
    ("Action: scroll(start_box='(100,200)', direction='down')", Scroll(at=at(100, 200), dy=600)),
    ("Action: scroll(direction='up', point='<point>100 200</point>')", Scroll(at=at(100, 200), dy=-600)),
    ("Action: scroll(start_box='(1,2)', direction='left')", Scroll(at=at(1, 2), dx=-600)),
    ("Action: scroll(start_box='(1,200)', end_box='(1,20)')", Drag(path=(at(1, 200), at(1, 20)))),
    ("Action: wait()", Wait(seconds=5)),
    ("Action: finished()", Finish()),
    ("Action: finished(content='The price is $5.')", Finish(text="The price is $5.")),
    ("Action: call_user()", AskUser(question="")),
    ("Action: press_back()", Back()),
    ("Action: press_home()", Navigate(url="about:blank")),
    ("Action: navigate(content='https://a.example/?q=(1)')", Navigate(url="https://a.example/?q=(1)")),
]

FARA: list[tuple[str, Action]] = [
    (fara('"action": "left_click", "coordinate": [100, 200]'), Click(at=at(100, 200))),
    (fara('"action": "mouse_move", "coordinate": [100, 200]'), Move(at=at(100, 200))),
    (fara('"action": "key", "keys": ["Enter"]'), Key(keys=("Enter",))),
    (fara('"action": "scroll", "pixels": -500'), Scroll(dy=500)),
    (fara('"action": "type", "coordinate": [5, 6], "text": "shoes"'), Type(text="shoes\n", at=at(5, 6))),
    (
        fara(
            '"action": "type", "coordinate": [5, 6], "text": "shoes", "press_enter": false, '
            '"delete_existing_text": true'
        ),
        Type(text="shoes", at=at(5, 6), replace=True),
    ),
    (fara('"action": "type", "text": "shoes"'), Type(text="shoes")),
    (fara('"action": "visit_url", "url": "https://a.example/x"'), Navigate(url="https://a.example/x")),
    (fara('"action": "visit_url", "url": "a.example"'), Navigate(url="https://a.example")),
    (fara('"action": "visit_url", "url": "red shoes"'), Navigate(url="https://www.bing.com/search?q=red+shoes")),
    (fara('"action": "web_search", "query": "a & b"'), Navigate(url="https://www.bing.com/search?q=a+%26+b")),
    (fara('"action": "history_back"'), Back()),
    (fara('"action": "pause_and_memorize_fact", "fact": "It costs $5."'), Answer(text="It costs $5.")),
    (fara('"action": "wait", "time": 3'), Wait(seconds=3)),
    (fara('"action": "terminate", "status": "success"'), Finish()),
    (fara('"action": "terminate", "status": "failure"'), Finish(success=False)),
]

OPENAI: list[tuple[str, Action]] = [
    (item('{"type": "click", "button": "left", "x": 156, "y": 50}'), Click(at=at(156, 50))),
    (item('{"type": "click", "button": "right", "x": 156, "y": 50}'), Click(at=at(156, 50), button="right")),
    (item('{"type": "click", "button": "wheel", "x": 156, "y": 50}'), Click(at=at(156, 50), button="middle")),
    (item('{"type": "click", "button": "forward", "x": 156, "y": 50}'), Click(at=at(156, 50), button="forward")),
    (item('{"type": "click", "button": "back", "x": 0, "y": 0}'), Back()),
    (
        item('{"type": "click", "button": "left", "x": 1, "y": 2, "keys": ["CTRL", "SHIFT"]}'),
        Click(at=at(1, 2), modifiers=("ctrl", "shift")),
    ),
    (item('{"type": "click", "button": "left", "x": 1, "y": 2, "keys": null}'), Click(at=at(1, 2))),
    (item('{"type": "double_click", "x": 156, "y": 50}'), Click(at=at(156, 50), count=2)),
    (
        item('{"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 30, "y": 40}, {"x": 500, "y": 60}]}'),
        Drag(path=(at(1, 2), at(30, 40), at(500, 60))),
    ),
    (item('{"type": "drag", "path": [[1, 2], [30, 40]]}'), Drag(path=(at(1, 2), at(30, 40)))),
    (item('{"type": "keypress", "keys": ["CTRL", "L"]}'), Key(keys=("ctrl", "l"))),
    (item('{"type": "keypress", "keys": ["ENTER"]}'), Key(keys=("enter",))),
    (item('{"type": "move", "x": 156, "y": 50}'), Move(at=at(156, 50))),
    (item('{"type": "screenshot"}'), Wait(seconds=0)),
    (
        item('{"type": "scroll", "x": 156, "y": 50, "scroll_x": 0, "scroll_y": 300}'),
        Scroll(at=at(156, 50), dy=300),
    ),
    (item('{"type": "type", "text": "black shoes"}'), Type(text="black shoes")),
    (item('{"type": "wait"}'), Wait(seconds=2)),
    ('{"type": "wait", "ms": 500}', Wait(seconds=0.5)),
    (
        '{"output": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"type": "computer_call", "call_id": "c", '
        '"actions": [{"type": "screenshot"}, {"type": "click", "button": "left", "x": 3, "y": 4}, {"type": "wait"}]}]}',
        Click(at=at(3, 4)),
    ),
    (
        '[{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is done.", '
        '"annotations": []}]}]',
        Finish(text="It is done."),
    ),
]

ANTHROPIC: list[tuple[str, Action]] = [
    (block('{"action": "left_click", "coordinate": [500, 300]}'), Click(at=at(500, 300))),
    (block('{"action": "left_click"}'), Click()),
    (
        block('{"action": "left_click", "coordinate": [500, 300], "text": "shift"}'),
        Click(at=at(500, 300), modifiers=("shift",)),
    ),
    (block('{"action": "right_click", "coordinate": [500, 300]}'), Click(at=at(500, 300), button="right")),
    (block('{"action": "middle_click", "coordinate": [500, 300]}'), Click(at=at(500, 300), button="middle")),
    (block('{"action": "double_click", "coordinate": [500, 300]}'), Click(at=at(500, 300), count=2)),
    (block('{"action": "triple_click", "coordinate": [500, 300]}'), Click(at=at(500, 300), count=3)),
    (
        block('{"action": "left_click_drag", "start_coordinate": [1, 2], "coordinate": [300, 400]}'),
        Drag(path=(at(1, 2), at(300, 400))),
    ),
    (block('{"action": "left_click_drag", "coordinate": [300, 400]}'), Drag(path=(at(300, 400),))),
    (block('{"action": "mouse_move", "coordinate": [500, 300]}'), Move(at=at(500, 300))),
    (
        block('{"action": "scroll", "coordinate": [500, 300], "scroll_direction": "down", "scroll_amount": 3}'),
        Scroll(at=at(500, 300), dy=360),
    ),
    (block('{"action": "scroll", "scroll_direction": "left", "scroll_amount": 1}'), Scroll(dx=-120)),
    (block('{"action": "type", "text": "Hello, world!"}'), Type(text="Hello, world!")),
    (block('{"action": "key", "text": "ctrl+s"}'), Key(keys=("ctrl", "s"))),
    (block('{"action": "key", "text": "Return"}'), Key(keys=("Return",))),
    (block('{"action": "key", "text": "Down", "repeat": 3}'), Key(keys=("Down",), count=3)),
    (block('{"action": "hold_key", "text": "shift", "duration": 1.5}'), Key(keys=("shift",), hold=1.5)),
    (block('{"action": "wait", "duration": 2}'), Wait(seconds=2)),
    (block('{"action": "screenshot"}'), Wait(seconds=0)),
    (
        '{"type": "tool_use", "id": "t", "name": "left_click", "input": {"coordinate": [5, 6]}}',
        Click(at=at(5, 6)),
    ),
    (
        '{"role": "assistant", "content": [{"type": "text", "text": "I click."}, '
        + block('{"action": "left_click", "coordinate": [5, 6]}')
        + '], "stop_reason": "tool_use"}',
        Click(at=at(5, 6)),
    ),
    ('[{"type": "text", "text": "It is done."}]', Finish(text="It is done.")),
]

PYAUTOGUI: list[tuple[str, Action]] = [
    ("pyautogui.click(100, 200)", Click(at=at(100, 200))),
    ("pyautogui.click(x=0.018, y=0.095)", Click(at=at(18, 57))),
    (
        "pyautogui.click(x=100, y=200, clicks=2, interval=0.1, button='right')",
        Click(at=at(100, 200), button="right", count=2),
    ),
    ("pyautogui.click((100, 200))", Click(at=at(100, 200))),
    ("pyautogui.click()", Click()),
    (fenced("pyautogui.rightClick(x=0.5, y=0.5)"), Click(at=at(500, 300), button="right")),
    ("pyautogui.doubleClick(x=100, y=200)", Click(at=at(100, 200), count=2)),
    ("computer.triple_click(x=0.1, y=0.2)", Click(at=at(100, 120), count=3)),
    ("pyautogui.moveTo(100, 200, duration=0.5)", Move(at=at(100, 200))),
    ("pyautogui.moveTo(100, 200)\npyautogui.click()", Click(at=at(100, 200))),
    (
        "pyautogui.moveTo(x=0.328, y=0.47)\npyautogui.dragTo(x=0.5, y=0.6, button='left')",
        Drag(path=(at(328, 282), at(500, 360))),
    ),
    ("pyautogui.dragTo(100, 200, duration=1)", Drag(path=(at(100, 200),))),
    (
        "pyautogui.mouseDown(1, 2)\npyautogui.moveTo(30, 40)\npyautogui.mouseUp(500, 60)",
        Drag(path=(at(1, 2), at(30, 40), at(500, 60))),
    ),
    ("pyautogui.mouseDown(1, 2); time.sleep(2); pyautogui.mouseUp()", Click(at=at(1, 2), hold=2)),
    ("pyautogui.scroll(-5)", Scroll(dy=600)),
    ("pyautogui.scroll(5, x=100, y=200)", Scroll(at=at(100, 200), dy=-600)),
    ("pyautogui.moveTo(x=0.45, y=0.7)\npyautogui.scroll(-2)", Scroll(at=at(450, 420), dy=240)),
    ("pyautogui.hscroll(3)", Scroll(dx=360)),
    ("pyautogui.write('it\\'s \"here\"', interval=0.25)", Type(text='it\'s "here"')),
    ("pyautogui.typewrite(message='a' 'b\\n')", Type(text="ab\n")),
    (fenced('pyautogui.write("""two\nlines""")'), Type(text="two\nlines")),
    ("pyautogui.write(message='stat')\npyautogui.press(keys=['enter'])", Type(text="stat\n")),
    (
        "import pyautogui\nimport time\npyautogui.write('stat', interval=0.1)\ntime.sleep(0.5)\n\n"
        "pyautogui.press('enter')",
        Type(text="stat\n"),
    ),
    ("pyautogui.moveTo(1, 2)\ntime.sleep(0.2)\npyautogui.click()", Click(at=at(1, 2))),
    (
        "pyautogui.keyDown('shift')\npyautogui.press('down', presses=2)\npyautogui.keyUp('shift')",
        Key(keys=("shift", "down"), count=2),
    ),
    ("pyautogui.press('enter')", Key(keys=("enter",))),
    ("pyautogui.press('down', presses=3)", Key(keys=("down",), count=3)),
    ("pyautogui.press(['down', 'down'])", Key(keys=("down",), count=2)),
    ("pyautogui.hotkey('ctrl', 'shift', 'esc')", Key(keys=("ctrl", "shift", "esc"))),
    ("pyautogui.hotkey(keys=['ctrl', 'c'])", Key(keys=("ctrl", "c"))),
    (
        "pyautogui.keyDown('ctrl')\npyautogui.click(5, 6)\npyautogui.keyUp('ctrl')",
        Click(at=at(5, 6), modifiers=("ctrl",)),
    ),
    ("pyautogui.keyDown('alt')\npyautogui.press('tab')\npyautogui.keyUp('alt')", Key(keys=("alt", "tab"))),
    ("pyautogui.keyDown('w'); time.sleep(1.5); pyautogui.keyUp('w')", Key(keys=("w",), hold=1.5)),
    ("time.sleep(2)", Wait(seconds=2)),
    ("pyautogui.sleep(2)", Wait(seconds=2)),
    ("computer.wait()", Wait(seconds=5)),
    ("computer.terminate(status='success')", Finish()),
    ("computer.terminate(status='failure')", Finish(success=False)),
    ("```DONE```", Finish()),
    ("FAIL", Finish(success=False)),
    (
        "import pyautogui\nimport time\n'''\nThought:\npyautogui.click(9, 9)\n'''\n\n"
        "pyautogui.click(20.5, 30.1, button='left')",
        Click(at=at(20, 30)),
    ),
    (
        "import pyperclip\npyperclip.copy('a b')\npyautogui.hotkey('ctrl', 'v')\ntime.sleep(0.5)\n\n"
        "pyautogui.press('enter')",
        Type(text="a b\n"),
    ),
    ("I click it.\n\npyautogui.click(100, 200)\nThen I wait.", Click(at=at(100, 200))),
]

SAMPLES: Mapping[str, list[tuple[str, Action]]] = {
    "anthropic": ANTHROPIC,
    "fara": FARA,
    "openai": OPENAI,
    "pyautogui": PYAUTOGUI,
    "qwen2": QWEN2,
    "qwen2.5": QWEN25,
    "qwen2.5-mobile": QWEN25_MOBILE,
    "qwen3": QWEN3,
    "ui-tars-1.0": UI_TARS,
    "ui-tars-1.5": UI_TARS,
}

REFUSED: Mapping[str, list[tuple[str, str]]] = {
    "anthropic": [
        (block('{"action": "zoom", "region": [1, 2, 3, 4]}'), "^zoom: has no counterpart"),
        (block('{"action": "left_mouse_down"}'), "^left_mouse_down: has no counterpart"),
        (block('{"action": "cursor_position"}'), "^cursor_position: has no counterpart"),
        (block('{"action": "key", "text": "Down Up"}'), "^text: 'Down Up' presses other keys"),
        (block('{"action": "left_click", "coordinate": [5, 6], "text": "x"}'), "^text: 'x' is no modifier"),
        (block('{"action": "left_click", "coordinate": [5, 601]}'), r"^coordinate: \(5, 601\) lies outside"),
        (block('{"action": "left_click", "coordinates": [5, 6]}'), "^'coordinates': no argument"),
        (block('{"action": "wait", "duration": 61}'), "^duration: 61 must be from 0 to 60"),
        ('{"type": "tool_use", "name": "bash", "input": {"command": "ls"}}', "^name: 'bash' is no tool here"),
        ("I click.", "holds no tool_use"),
    ],
    "fara": [
        (fara('"action": "read_page_answer_question", "question": "x"'), "^action: 'read_page_answer_question'; must"),
        (fara('"action": "visit_url", "url": " "'), "^url: empty"),
        (fara('"action": "type", "text": "x", "press_enter": 2'), "^press_enter: 2 must be true or false"),
    ],
    "openai": [
        (item('{"type": "fly"}'), "^type: 'fly'; must be one of click, "),
        (item('{"type": "click", "button": "side", "x": 1, "y": 2}'), "^button: 'side'; must be one of left, "),
        (item('{"type": "scroll", "x": 1, "y": 2, "scroll_y": 5, "keys": ["CTRL"]}'), "^keys: ctrl can only be held"),
        (item('{"type": "click", "x": 1}'), "^y: missing"),
        (item('{"type": "click", "x": 1, "y": 600.5}'), r"^x, y: \(1, 600\.5\) lies outside"),
        (item('{"type": "drag", "path": []}'), r"^path: \[\] must be a list"),
        (item('{"type": "drag", "path": [{"x": 1, "y": 2}, {"x": -1, "y": 2}]}'), r"^path\[1\]: \(-1, 2\)"),
        (item("null"), "^action: None is no object"),
        ("It is done.", "holds no computer_call"),
    ],
    "pyautogui": [
        ("__import__('os').system('true')", "holds no call of pyautogui"),
        ("pyautogui.click(__import__('os').getpid(), 3)", "holds a Call in an argument"),
        ("pyautogui.click(1 + 1, 3)", "holds a BinOp in an argument"),
        ("pyautogui.click(*[1, 2])", "holds a Starred in an argument"),
        ("pyautogui.click(**{'x': 1})", r"^the code holds '\{"),
        ("pyautogui.write(f'{1}')", "only plain texts are read"),
        ("pyautogui.click(x, y)", "holds a Name in an argument"),
        ("pyautogui.click(1, 2).__class__()", "calls a"),
        ("import os\nos.remove('x')\npyautogui.click(1, 2)", "^'os.remove': is not read"),
        ("```python\nfor i in range(3):\n    pyautogui.press('down')\n```", "statement of the kind For"),
        ("```python\nx = 5\npyautogui.click(x, x)\n```", "statement of the kind Assign"),
        ("for i in range(3):\n    pyautogui.press('down')", "holds no call of pyautogui"),
        ("pyautogui.press(['a', 'b'])", r"^keys: \('a', 'b'\) are pressed one after another"),
        ("pyautogui.keyDown('ctrl')", "^key: 'ctrl' stays down"),
        ("pyautogui.mouseDown(1, 2)", "^button: the mouse button stays down"),
        ("pyautogui.click(xpos=5, ypos=6)", "^'xpos': no argument of this function"),
        ("pyautogui.move(10, 0)", "^'pyautogui.move': is not read"),
        ("pyautogui.screenshot()", "^'pyautogui.screenshot': is not read"),
        ("pyautogui.click(1001, 3)", r"lies outside the 1000x600 image"),
        ("pyautogui.write('half", "text that does not end"),
    ],
    "qwen2": [
        ("I have found the pizza restaurant.", "holds no call"),
        ("*FUNCTION*: Fly *ARGS*: {}", "^'Fly' is no function; use one of Tap"),
        ('*FUNCTION*: Tap *ARGS*: {"point": (1001,3)}', r"^point: \(1001, 3\) lies outside"),
        ('*FUNCTION*: Tap *ARGS*: {"point": (10', "^the arguments of Tap cannot be read"),
    ],
    "qwen2.5": [(called("computer_use", '"action": "fly"'), "^action: 'fly'; must be one of key, ")],
    "qwen2.5-mobile": [
        (mobile('"action": "system_button", "button": "Menu"'), "^button: Menu has no counterpart"),
        (mobile('"action": "open", "text": "Maps"'), "^open: there is no app 'Maps'"),
        (mobile('"action": "left_click", "coordinate": [1, 2]'), "^action: 'left_click'; must be one of key, click"),
        (called("computer_use", '"action": "click", "coordinate": [1, 2]'), "^name: 'computer_use' is no function"),
    ],
    "qwen3": [(called("computer_use", '"action": "left_click", "coordinate": [1000, 5]'), "lies outside the 999x999")],
    "ui-tars-1.0": [("Action: click(start_box='(1001,2)')", r"^start_box: \(1001, 2\) lies outside the 1000x1000")],
    "ui-tars-1.5": [
        ("Action: click(start_box='='", "^start_box: '=' must be a place"),
        ("Action: click(start_box='')", "^start_box: '' must be a place"),
        ("Action: click(start_box='(1,2,3)')", "must be a place"),
        ("Action: open_app(app_name='Maps')", "^open_app: has no counterpart"),
        ("Action: release(key='ctrl')", "^release: has no counterpart"),
        ("Action: fly()", "^'fly' is no action; use one of click"),
        ("Action: type(content='half a sen", "does not end"),
        ("Action: type(content='half a sen'", "does not end"),
        ("Action: scroll(start_box='(1,2)')", "^direction: missing; must be one of down"),
        ("Thought: I look.", "is no action"),
        ("", "no action follows"),
    ],
}
"""What has no counterpart or is wrong, and what is said of it."""
