"""What may be done to a screen, as data.

Coordinates are integer pixels of the captured screenshot, origin at its top left corner. Nothing here touches a
screen: an environment carries actions out, a dialect writes and reads them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

Button = Literal["left", "middle", "right", "back", "forward"]
"""The buttons of a mouse; the last two are at its side, and only a desktop has them."""

Modifier = Literal["alt", "ctrl", "meta", "shift"]
MAX_SCROLL = 100_000
"""The farthest one Scroll turns the wheel, in screen pixels either way."""

MAX_TAB = 999
"""The highest tab index an action may name."""

MAX_SECONDS = 60
"""The longest that one action waits or holds something down."""

MAX_PRESSES = 100
"""How often one Key may press its keys."""


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as wrong:
        raise ValueError("half of a surrogate pair is not text") from wrong
    return text


Text = Annotated[str, AfterValidator(_encodable)]
"""A string that can be written to a file: no lone surrogates."""


class ActionError(ValueError):
    """The agent's own mistake: which field, which value, and what is allowed.

    It is shown to the policy, costs a step, and leaves the screen as it was.
    """


class Part(BaseModel):
    """Frozen, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(Part):
    """A pixel of the screenshot as captured."""

    x: int
    y: int


class Click(Part):
    """Press and release a button `count` times; without `at`, where the pointer is.

    On a touch screen it is a tap. With `hold` the button or the finger stays down for so many seconds.
    """

    kind: Literal["click"] = "click"
    at: Point | None = None
    button: Button = "left"
    count: int = Field(default=1, ge=1, le=3)
    modifiers: tuple[Modifier, ...] = ()
    hold: float = Field(default=0, ge=0, le=MAX_SECONDS)


class Drag(Part):
    """Press the left button at the first point of `path`, follow the rest, release at the last.

    A path of one point starts where the pointer is. On a touch screen it is a swipe.
    """

    kind: Literal["drag"] = "drag"
    path: tuple[Point, ...] = Field(min_length=1)


class Move(Part):
    """Bring the pointer to a place and press nothing."""

    kind: Literal["move"] = "move"
    at: Point


class Scroll(Part):
    """Turn the wheel at a place; positive `dy` scrolls down, positive `dx` to the right (screen pixels)."""

    kind: Literal["scroll"] = "scroll"
    at: Point | None = None
    dx: int = Field(default=0, ge=-MAX_SCROLL, le=MAX_SCROLL)
    dy: int = Field(default=0, ge=-MAX_SCROLL, le=MAX_SCROLL)


class Type(Part):
    """Enter text as the keyboard would, into whatever has the focus; a line break is the enter key.

    With `at` the place is clicked first, with `replace` the text takes the place of what stands there.
    """

    kind: Literal["type"] = "type"
    text: Text
    at: Point | None = None
    replace: bool = False


class Key(Part):
    """Press the keys in order and release them in reverse, `count` times over: `("ctrl", "s")` is a chord.

    With `hold` they stay down for so many seconds.
    """

    kind: Literal["key"] = "key"
    keys: tuple[Annotated[Text, Field(min_length=1)], ...] = Field(min_length=1)
    count: int = Field(default=1, ge=1, le=MAX_PRESSES)
    hold: float = Field(default=0, ge=0, le=MAX_SECONDS)


class Wait(Part):
    """Let time pass."""

    kind: Literal["wait"] = "wait"
    seconds: float = Field(ge=0, le=MAX_SECONDS)


class Navigate(Part):
    """Open an address in the current tab."""

    kind: Literal["navigate"] = "navigate"
    url: Text = Field(min_length=1)


class Back(Part):
    """Go one page back in the current tab's history."""

    kind: Literal["back"] = "back"


class Tab(Part):
    """Switch to the tab with this index, as `Observation.tabs` counts them."""

    kind: Literal["tab"] = "tab"
    index: int = Field(ge=0, le=MAX_TAB)


class Select(Part):
    """Choose the option with this label in the drop-down list at a place."""

    kind: Literal["select"] = "select"
    at: Point
    label: Text


class Upload(Part):
    """Answer the file chooser that the click at a place opens with these files."""

    kind: Literal["upload"] = "upload"
    at: Point
    files: tuple[Annotated[Text, Field(min_length=1)], ...] = Field(min_length=1)


class Answer(Part):
    """Tell the user something the task asked for; the episode goes on."""

    kind: Literal["answer"] = "answer"
    text: Text


class AskUser(Part):
    """Ask the person who gave the task; the reply is part of the next observation."""

    kind: Literal["ask_user"] = "ask_user"
    question: Text


class Finish(Part):
    """End the episode and say whether the task was done."""

    kind: Literal["finish"] = "finish"
    success: bool = True
    text: Text = ""


Action = Annotated[
    Click
    | Drag
    | Move
    | Scroll
    | Type
    | Key
    | Wait
    | Navigate
    | Back
    | Tab
    | Select
    | Upload
    | Answer
    | AskUser
    | Finish,
    Field(discriminator="kind"),
]

Kind = Literal[
    "click",
    "drag",
    "move",
    "scroll",
    "type",
    "key",
    "wait",
    "navigate",
    "back",
    "tab",
    "select",
    "upload",
    "answer",
    "ask_user",
    "finish",
]

ADAPTER: TypeAdapter[Action] = TypeAdapter(Action)
"""Validates and serialises any action: `ADAPTER.validate_json(text)`."""


def points(action: Action) -> tuple[Point, ...]:
    """Every place of the screen that `action` names, in order."""
    if isinstance(action, Drag):
        return action.path
    if isinstance(action, Click | Move | Scroll | Type | Select | Upload) and action.at is not None:
        return (action.at,)
    return ()
