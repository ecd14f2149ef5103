"""A person at a terminal as a policy: sees the screen in a window or a picture file, and types what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue, ValidationError

from actions import ADAPTER, Action, ActionError, ActionSpace, Frame
from agent.canonical import Canonical
from agent.describe import clean, safe
from agent.picture import encode
from agent.record import replace as put
from agent.step import Reply, Step
from env import Observation, Task

HELP = """\
  click X Y | double X Y | right X Y | move X Y | drag X Y X Y
  type TEXT | key CTRL+A | scroll DY | scroll DY X Y | select X Y LABEL
  open URL | back | tab N | wait SECONDS | answer TEXT
  finish [TEXT] | fail [TEXT]       or an action as JSON, such as {"kind": "click", "at": {"x": 80, "y": 104}}
"""


class Terminal:
    """Asks a person for every step: `ask` shows a prompt and gives one line back, `say` shows lines.

    What cannot be read or done here is told and asked again, and costs no step. The end of the input, like Ctrl-C, is
    the person leaving: KeyboardInterrupt. Where there is no window, each screen is put into the file `picture`.
    """

    name = "person"

    def __init__(
        self,
        ask: Callable[[str], str],
        say: Callable[[str], None],
        *,
        picture: Path | None = None,
        space: ActionSpace | None = None,
    ) -> None:
        self.ask, self.say, self.picture, self.space = ask, say, picture, space
        self.dialect = Canonical()

    def within(self, space: ActionSpace) -> Terminal:
        """The same person, who can do what `space` allows."""
        return Terminal(self.ask, self.say, picture=self.picture, space=space)

    def frame(self, seen: Observation) -> Frame:
        """The screen itself."""
        width, height = seen.size
        return self.dialect.frame(width, height, width, height)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        """What the person wants, as the JSON of an action."""
        frame = self.frame(seen)
        self._show(task, history, seen)
        while True:
            try:
                action = frame.check(read(self.ask(f"  {len(history) + 1:>3} > "), frame))
                if self.space is not None:
                    self.space.check(action)
            except ActionError as mistake:
                self.say(f"  {safe(str(mistake))}\n")
            except EOFError:
                raise KeyboardInterrupt from None
            else:
                return Reply(self.dialect.print(action, frame))

    def _show(self, task: Task, history: Sequence[Step], seen: Observation) -> None:
        """What no picture shows; whatever a page wrote is cleaned, so that no terminal obeys it."""
        if self.picture is not None:
            put(self.picture, encode(seen.screenshot))
        width, height = seen.size
        lines = [f"task: {task.instruction}", f"{width}x{height}  {seen.title}  {seen.url}", *seen.notes]
        lines += [f"a dialog is open: {seen.dialog}"] if seen.dialog else []
        lines += [f"error: {history[-1].error}"] if history and history[-1].error else []
        lines += [f"picture: {self.picture}"] if self.picture is not None else []
        self.say("".join(f"  {clean(line, 400)}\n" for line in lines))


def read(line: str, frame: Frame) -> Action:
    """The action that a person means by `line`: JSON, or a word of `HELP` and what belongs to it. ActionError."""
    text = line.strip("\r\n")
    if text.lstrip().startswith("{"):
        return Canonical().parse(text, frame)
    word, _, rest = text.strip(" ").partition(" ")
    shape = WORDS.get(word.lower())
    if shape is None:
        raise ActionError(f"{clean(word, 40) or 'nothing'}: no such action; there are\n{HELP}")
    try:
        return ADAPTER.validate_python(shape(rest))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise ActionError(f"{word}: {place}: {first['msg']}") from error


Shape = Mapping[str, JsonValue]


def _numbers(word: str, text: str, *counts: int) -> list[int]:
    try:
        found = [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        found = []
    if len(found) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise ActionError(f"{word}: expected {wanted} whole numbers, got {clean(text, 40)!r}")
    return found


def _at(x: int, y: int) -> JsonValue:
    return {"x": x, "y": y}


def _click(word: str, more: Shape) -> Callable[[str], Shape]:
    def shape(rest: str) -> Shape:
        return {"kind": "click", "at": _at(*_numbers(word, rest, 2)), **more}

    return shape


def _drag(rest: str) -> Shape:
    x, y, to_x, to_y = _numbers("drag", rest, 4)
    return {"kind": "drag", "path": [_at(x, y), _at(to_x, to_y)]}


def _scroll(rest: str) -> Shape:
    dy, *place = _numbers("scroll", rest, 1, 3)
    return {"kind": "scroll", "dy": dy, "at": _at(*place) if place else None}


def _select(rest: str) -> Shape:
    x, y, label = (*rest.split(" ", 2), "", "", "")[:3]
    return {"kind": "select", "at": _at(*_numbers("select", f"{x} {y}", 2)), "label": label}


WORDS: Mapping[str, Callable[[str], Shape]] = {
    "click": _click("click", {}),
    "double": _click("double", {"count": 2}),
    "right": _click("right", {"button": "right"}),
    "move": lambda rest: {"kind": "move", "at": _at(*_numbers("move", rest, 2))},
    "drag": _drag,
    "type": lambda rest: {"kind": "type", "text": rest},
    "key": lambda rest: {"kind": "key", "keys": [rest.strip()]},
    "scroll": _scroll,
    "select": _select,
    "open": lambda rest: {"kind": "navigate", "url": rest.strip()},
    "back": lambda rest: {"kind": "back"},
    "tab": lambda rest: {"kind": "tab", "index": _numbers("tab", rest, 1)[0]},
    "wait": lambda rest: {"kind": "wait", "seconds": rest},
    "answer": lambda rest: {"kind": "answer", "text": rest},
    "finish": lambda rest: {"kind": "finish", "text": rest},
    "fail": lambda rest: {"kind": "finish", "success": False, "text": rest},
}
"""The words of `HELP`, and the action that each makes of what stands behind it."""
