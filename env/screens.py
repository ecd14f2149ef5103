"""A small environment without a browser: screens declared as data, drawn by ourselves, the same every time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydantic import TypeAdapter

from actions import Action, ActionError, ActionSpace, Back, Click, Frame, Key, Move, Point, Scroll, Type, Wait, points
from env import keys
from env.environment import EnvironmentBroken, Task
from env.observation import Evidence, Image, Observation, Receipt, changed, freeze
from env.widgets import Button, Check, Field, Screen, Text, Widget, describe, evidence, outline

INK, PAPER, FACE, FOCUS = (24, 24, 27), (255, 255, 255), (228, 228, 231), (37, 99, 235)
FONT_SIZE = 14
MARGIN = 6  # pixels between the edge of a widget and its text


@dataclass(frozen=True)
class Goal:
    """Holds on the screen `screen` (empty: on any) with these texts typed and exactly these boxes ticked."""

    screen: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    checks: frozenset[str] | None = None
    """Labels of the ticked boxes; None where they do not matter."""


@dataclass(frozen=True)
class App:
    """What can be seen, where it starts (its first screen), and when it is done; sizes are pixels."""

    screens: tuple[Screen, ...]
    goal: Goal
    size: tuple[int, int] = (336, 252)
    instruction: str = ""

    def __post_init__(self) -> None:
        names = [screen.name for screen in self.screens]
        leads = {part.to for screen in self.screens for part in screen.widgets if isinstance(part, Button)}
        lost = (leads | {self.goal.screen}) - {"", *names}
        if not names or len(set(names)) != len(names) or lost:
            raise ValueError(f"screens {names} must differ in name and include {sorted(lost)}")


APP: TypeAdapter[App] = TypeAdapter(App)
"""Writes an app as JSON and reads it back: `APP.dump_json(app)`, `APP.validate_json(text)`."""


SIGN_IN = App(
    screens=(
        Screen(
            "sign in",
            (
                Text("Sign in", 28, 20),
                Text("Name", 28, 60),
                Field("name", (100, 54, 300, 82)),
                Check("Remember me", (100, 98, 118, 116)),
                Button("Sign in", (100, 140, 190, 170), to="welcome"),
                Button("Help", (210, 140, 300, 170), to="help"),
            ),
        ),
        Screen("help", (Text("Type your name.", 28, 20), Button("Back", (28, 60, 118, 90), to="sign in"))),
        Screen("welcome", (Text("Welcome!", 28, 20),)),
    ),
    goal=Goal("welcome", {"name": "ada"}, frozenset({"Remember me"})),
    instruction='Sign in as "ada" and let yourself be remembered.',
)


@dataclass
class State:
    """Everything that an action can change; what is drawn depends on nothing else."""

    screen: str
    fields: dict[str, str] = field(default_factory=dict)
    ticked: set[str] = field(default_factory=set)
    focus: Field | Check | Button | None = None
    scroll: int = 0
    pointer: tuple[int, int] = (0, 0)
    """In window pixels."""
    visited: list[str] = field(default_factory=list)


class Screens:
    """The screens of `app`, acted on by mouse and keyboard; `reward` is 1 once its goal holds, and 0 before.

    The same task gives the same pixels: nothing here depends on the time, a seed or the machine's fonts.
    """

    def __init__(self, app: App = SIGN_IN, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.app = app
        self._clock = clock
        self._screens = {screen.name: screen for screen in app.screens}
        self._state: State | None = None
        self._began = 0.0
        self._pixels: Image = freeze(np.zeros((app.size[1], app.size[0], 3), np.uint8))
        self._closed = False

    @property
    def space(self) -> ActionSpace:
        """Mouse, keyboard, the way back, and words to the user."""
        return ActionSpace.of("click", "move", "scroll", "type", "key", "wait", "back", "answer", "ask_user", "finish")

    def reset(self, task: Task) -> Observation:
        """Begin on the screen `task.start`, or on the first; ValueError for a screen that does not exist."""
        if self._closed:
            raise EnvironmentBroken("closed", "these screens were closed")
        start = task.start or self.app.screens[0].name
        if start not in self._screens:
            raise ValueError(f"start: there is no screen {start!r} but {', '.join(self._screens)}")
        self._state = State(start)
        self._began = self._clock()
        self._pixels = draw(self._screens[start], self._state, self.app.size)
        return self._seen(self._state, None, {"capture": self._clock() - self._began})

    def step(self, action: Action) -> Observation:
        """Carry out `action`; ActionError where it cannot be done here, or once the goal holds."""
        state = self._open()
        self.space.check(action)
        Frame(*self.app.size, *self.app.size).check(action)
        if self._holds(state):
            raise ActionError(f"{action.kind}: the episode is over; finish")
        before, screen, started = self._pixels, state.screen, self._clock()
        lay, target = self.lies(points(action)), self._act(state, action)
        acted = self._clock()
        self._pixels = draw(self._screens[state.screen], state, self.app.size)
        count, box = changed(before, self._pixels)
        receipt = Receipt(
            target,
            pixels_changed=count,
            changed_box=box,
            navigated=state.screen != screen,
            url=f"screen:{state.screen}",
            focus=describe(state.focus),
            evidence=lay,
        )
        return self._seen(state, receipt, {"act": acted - started, "capture": self._clock() - acted})

    def lies(self, places: Sequence[Point]) -> tuple[Evidence, ...]:
        """What lies at each of these places of the window."""
        state = self._open()
        screen = self._screens[state.screen]
        return tuple(evidence(screen, self._under(state, at.x, at.y), state.scroll) for at in places)

    def named(self, *, beyond: bool = False) -> tuple[Evidence, ...]:
        """All widgets, and the words between them."""
        state, (_, height) = self._open(), self.app.size
        screen = self._screens[state.screen]
        found = (evidence(screen, part, state.scroll) for part in screen.widgets)
        return tuple(each for each in found if beyond or (each.box and each.box[3] > 0 and each.box[1] < height))

    def close(self) -> None:
        """Nothing is left open; a second call does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> State:
        if self._closed or self._state is None:
            raise EnvironmentBroken("closed", "these screens were closed" if self._closed else "reset first")
        return self._state

    def _seen(self, state: State, receipt: Receipt | None, timings: dict[str, float]) -> Observation:
        done = self._holds(state)
        return Observation(
            screenshot=self._pixels,
            url=f"screen:{state.screen}",
            title=state.screen,
            tabs=(f"{state.screen} — screen:{state.screen}",),
            focus=describe(state.focus),
            time=self._clock() - self._began,
            receipt=receipt,
            done=done,
            reward=float(done),
            instruction=self.app.instruction,
            timings=MappingProxyType(timings),
        )

    def _holds(self, state: State) -> bool:
        goal = self.app.goal
        return (
            goal.screen in ("", state.screen)
            and all(state.fields.get(name, "") == text for name, text in goal.fields.items())
            and goal.checks in (None, frozenset(state.ticked))
        )

    def _act(self, state: State, action: Action) -> str:
        """Change `state` as `action` does; what it was done to."""
        match action:
            case Click():
                return self._click(state, action)
            case Move():
                state.pointer = (action.at.x, action.at.y)
            case Scroll():
                self._place(state, action)
                state.scroll = min(max(state.scroll + action.dy, 0), self._room(state))
            case Type():
                return self._enter(state, action)
            case Key():
                target, names = describe(state.focus), keys.chord(action.keys)
                for _ in range(action.count):
                    self._press(state, names)
                return target
            case Wait():
                pass
            case Back():
                if not state.visited:
                    raise ActionError("back: this is the first screen")
                self._show(state, state.visited.pop())
            case _:
                raise ActionError(f"{action.kind}: is said to the user, not done to the screen")
        return ""

    def _room(self, state: State) -> int:
        return max(self._screens[state.screen].height - self.app.size[1], 0)

    def _show(self, state: State, screen: str) -> None:
        state.screen, state.focus, state.scroll = screen, None, 0

    def _place(self, state: State, action: Click | Scroll) -> Widget | None:
        """Bring the pointer to `action`; the widget there."""
        if action.at is not None:
            state.pointer = (action.at.x, action.at.y)
        part = self._under(state, *state.pointer)
        return None if isinstance(part, Text) else part

    def _under(self, state: State, x: int, y: int) -> Widget | None:
        """What lies at a place of the window: words only where nothing can be used."""
        parts = self._screens[state.screen].widgets[::-1]  # the last one is drawn on top
        for part in sorted(parts, key=lambda part: isinstance(part, Text)):
            x0, y0, x1, y1 = outline(part)
            if x0 <= x < x1 and y0 <= y + state.scroll < y1:
                return part
        return None

    def _click(self, state: State, action: Click) -> str:
        part = self._place(state, action)
        if action.button != "left":
            return describe(part)
        for _ in range(action.count):
            self._use(state, part)
        return describe(part)

    def _use(self, state: State, part: Widget | None) -> None:
        state.focus = None if isinstance(part, Text) else part
        if isinstance(part, Check):
            state.ticked ^= {part.label}
        elif isinstance(part, Button) and part.to and part in self._screens[state.screen].widgets:
            state.visited.append(state.screen)
            self._show(state, part.to)

    def _enter(self, state: State, action: Type) -> str:
        keys.runs(action.text)  # an ActionError for what no key makes
        if action.at is not None:
            self._click(state, Click(at=action.at))
        if action.replace and isinstance(state.focus, Field):
            state.fields[state.focus.name] = ""
        return self._type(state, action.text)

    def _type(self, state: State, text: str) -> str:
        target = describe(state.focus)
        for character in text.replace("\r\n", "\n"):
            self._press(state, {"\n": ["Enter"], "\t": ["Tab"]}.get(character, [character]))
        return target

    def _press(self, state: State, names: list[str]) -> str:
        """Press one key; a chord does nothing here."""
        focus, target = state.focus, describe(state.focus)
        name = names[-1]
        if len(names) > 1 and set(names[:-1]) != {"Shift"}:
            return target
        if name == "Tab":
            self._advance(state, -1 if "Shift" in names else 1)
        elif isinstance(focus, Field):
            typed = state.fields.get(focus.name, "")
            if name == "Backspace":
                state.fields[focus.name] = typed[:-1]
            elif len(name) == 1:
                state.fields[focus.name] = typed + (name.upper() if "Shift" in names else name)
        elif (name == " " and focus is not None) or (name == "Enter" and isinstance(focus, Button)):
            self._use(state, focus)
        return target

    def _advance(self, state: State, by: int) -> None:
        """Give the focus to the next widget that takes it, or to the one before."""
        order = [part for part in self._screens[state.screen].widgets if not isinstance(part, Text)]
        if order and state.focus in order:
            state.focus = order[(order.index(state.focus) + by) % len(order)]
        elif order:
            state.focus = order[0 if by > 0 else -1]


def draw(screen: Screen, state: State, size: tuple[int, int]) -> Image:
    """The pixels of `screen` in its `state`, as much of it as a window of `size` shows."""
    picture = Pillow.new("RGB", size, PAPER)
    brush = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_SIZE)
    for part in screen.widgets:
        if isinstance(part, Text):
            brush.text((part.x, part.y - state.scroll), part.text, INK, font)
            continue
        x0, y0, x1, y1 = part.box
        box = (x0, y0 - state.scroll, x1 - 1, y1 - 1 - state.scroll)
        focused = part == state.focus
        edge, width = (FOCUS, 2) if focused else (INK, 1)
        brush.rectangle(box, FACE if isinstance(part, Button) else PAPER, edge, width)
        left, middle = box[0] + MARGIN, (box[1] + box[3]) / 2
        match part:
            case Button():
                brush.text(((box[0] + box[2]) / 2, middle), part.label, INK, font, anchor="mm")
            case Field():
                brush.text((left, middle), state.fields.get(part.name, ""), INK, font, anchor="lm")
            case Check():
                brush.text((box[2] + MARGIN, middle), part.label, INK, font, anchor="lm")
                if part.label in state.ticked:
                    brush.rectangle((box[0] + 4, box[1] + 4, box[2] - 4, box[3] - 4), INK)
    return freeze(np.array(picture))
