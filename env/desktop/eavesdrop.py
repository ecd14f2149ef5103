"""Hearing what is done on an X display, whoever does it, by the server's RECORD extension."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from Xlib import XK, X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError
from Xlib.ext import record
from Xlib.protocol import rq

from actions.action import Button, Modifier, Point
from env import keys
from env.desktop.input import NOTCH
from env.desktop.keymap import UNICODE, keysym
from env.desktop.layout import Layout
from env.environment import EnvironmentBroken
from env.heard import Field, Heard, Odd, Pressed, Released, Struck, Turned

BUTTONS: Mapping[int, Button] = MappingProxyType({1: "left", 2: "middle", 3: "right", 8: "back", 9: "forward"})
WHEEL = MappingProxyType({4: (0, -NOTCH), 5: (0, NOTCH), 6: (-NOTCH, 0), 7: (NOTCH, 0)})
MASKS: Mapping[Modifier, int] = MappingProxyType(
    {"alt": X.Mod1Mask, "ctrl": X.ControlMask, "meta": X.Mod4Mask, "shift": X.ShiftMask}
)
DOUBLE = 400  # milliseconds between clicks that belong together
FAR = 4  # pixels that a hand moves within a click
ANYWHERE = Field("screen", "unknown")
"""What has the keyboard: nobody can tell on a desktop."""

KEYPAD = MappingProxyType({XK.XK_KP_0 + digit: str(digit) for digit in range(10)})
LEVEL_3 = X.Mod5Mask  # where AltGr is on usual keyboards
NAMES: Mapping[int, str] = MappingProxyType(
    {keysym(name): name.lower() for name in (*keys.DESKTOP.values(), *keys.NAMES.values()) if len(name) > 1}
    | {keysym(f"{name}_R"): name.lower() for name in ("Control", "Shift", "Alt")}
    | {XK.XK_Super_R: "meta", XK.XK_Meta_L: "meta", XK.XK_Meta_R: "meta", 0xFE20: "tab", 0xFE03: "altgraph"}
)
"""Names of keys by their numbers, both sides of the keyboard."""


@dataclass
class Hand:
    """What the pointer was doing."""

    path: list[Point] = field(default_factory=list)
    began: int = 0
    last: tuple[int, int, Point] | None = None
    """Button, time and place of the click before."""
    count: int = 0


class Eavesdropper:
    """Hears everything on the display `name` from its making until `close`; `take` gives it in order."""

    def __init__(self, name: str, layout: Layout) -> None:
        self._layout, self._hand = layout, Hand()
        self._heard: deque[Heard] = deque()
        self._news = threading.Condition()
        self.arrived = 0
        self.ended = False
        try:
            self._here, self._there = Display(name), Display(name)
        except (DisplayError, OSError) as error:
            raise EnvironmentBroken("unreachable", f"the X display {name}: {error}") from error
        if not self._here.has_extension("RECORD"):
            raise EnvironmentBroken("missing", "this X server has no RECORD extension, so nobody can be recorded on it")
        nothing = {"core_requests": (0, 0), "core_replies": (0, 0), "ext_requests": (0, 0, 0, 0)}
        nothing |= {"ext_replies": (0, 0, 0, 0), "delivered_events": (0, 0), "errors": (0, 0)}
        asked = {
            **nothing,
            "device_events": (X.KeyPress, X.MotionNotify),
            "client_started": False,
            "client_died": False,
        }
        self._context = self._here.record_create_context(0, [record.AllClients], [asked])
        self._here.sync()
        self._thread = threading.Thread(target=self._listen, name="handeye-record", daemon=True)
        self._thread.start()

    def take(self) -> Heard | None:
        """The next that was done; None where there is nothing new."""
        with self._news:
            return self._heard.popleft() if self._heard else None

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take, at most `seconds`; whether there is."""
        with self._news:
            return self._news.wait_for(lambda: bool(self._heard) or self.ended, max(seconds, 0))

    def close(self) -> None:
        """Hear nothing more."""
        with suppress(ConnectionClosedError, OSError):
            self._here.record_disable_context(self._context)
            self._here.record_free_context(self._context)
            self._here.close()
        self._thread.join(1.0)

    def _listen(self) -> None:
        with suppress(ConnectionClosedError, OSError):
            self._there.record_enable_context(self._context, self._told)
        with suppress(ConnectionClosedError, OSError):
            self._there.close()
        with self._news:
            self.ended = True
            self._news.notify_all()

    def _told(self, reply: rq.Struct) -> None:
        data = reply.data if reply.category == record.FromServer and not reply.client_swapped else b""
        while data:
            event, data = rq.EventField("event").parse_binary_value(data, self._there.display, None, None)
            found = self._read(event)
            if found is None:
                continue
            with self._news:
                self.arrived += 1
                self._heard.append(found)
                self._news.notify_all()

    def _read(self, event: rq.Event) -> Heard | None:
        at = self._layout.pixel(event.root_x, event.root_y)
        match event.type:
            case X.ButtonPress if event.detail in BUTTONS:
                return self._pressed(event, at)
            case X.ButtonRelease if event.detail in BUTTONS:
                gone = len(self._hand.path) > 1 or self._far(at)
                path = [*self._hand.path, at] if gone else self._hand.path[:1]
                self._hand.path = []
                return Released(tuple(dict.fromkeys(path or [at])), max(event.time - self._hand.began, 0) / 1000)
            case X.ButtonPress if event.detail in WHEEL:
                dx, dy = WHEEL[event.detail]
                return Turned(at, dx, dy)
            case X.MotionNotify if self._far(at):
                self._hand.path.append(at)
            case X.KeyPress:
                return self._struck(event)
        return None

    def _far(self, at: Point) -> bool:
        if not self._hand.path:
            return False
        last = self._hand.path[-1]
        return max(abs(at.x - last.x), abs(at.y - last.y)) >= FAR

    def _pressed(self, event: rq.Event, at: Point) -> Heard:
        hand = self._hand
        last, hand.last = hand.last, (event.detail, event.time, at)
        near = last is not None and max(abs(at.x - last[2].x), abs(at.y - last[2].y)) < FAR
        soon = last is not None and event.time - last[1] <= DOUBLE and event.detail == last[0]
        hand.count = hand.count + 1 if near and soon and hand.count < 3 else 1
        hand.path, hand.began = [at], event.time
        return Pressed(at, BUTTONS[event.detail], hand.count, modifiers(event.state))

    def _struck(self, event: rq.Event) -> Heard:
        symbol, held = self._symbol(event.detail, event.state), modifiers(event.state)
        if symbol in NAMES:
            return Struck(NAMES[symbol], held, field=ANYWHERE)
        letter = KEYPAD.get(symbol) or character(symbol)
        if not letter:
            return Odd(f"a key was pressed that has no name here ({symbol:#x})")
        if {"alt", "ctrl", "meta"} & set(held):
            return Struck("space" if letter == " " else letter.lower(), held, field=ANYWHERE)
        return Struck(letter, held, plain=True, field=ANYWHERE)

    def _symbol(self, code: int, state: int) -> int:
        """What a key means with what is held and locked, by the keyboard's own layout."""
        shift, column = bool(state & X.ShiftMask), 2 * min(state >> 13 & 3, 1)
        if state & LEVEL_3 and self._there.keycode_to_keysym(code, 4):
            column = 4
        plain, upper = (self._there.keycode_to_keysym(code, column + level) for level in (0, 1))
        if upper in KEYPAD:
            return int(upper if bool(state & X.Mod2Mask) != shift else plain)
        if state & X.LockMask and character(plain).isalpha():
            shift = not shift
        return int(upper if shift and upper else plain)


def modifiers(state: int) -> tuple[Modifier, ...]:
    """The modifiers that are held."""
    return tuple(name for name, mask in MASKS.items() if state & mask)


def character(symbol: int) -> str:
    """The character of a keysym; empty for one that has none, or none that is known without a table."""
    if 0x20 <= symbol <= 0x7E or 0xA0 <= symbol <= 0xFF:
        return chr(symbol)
    return chr(symbol - UNICODE) if UNICODE + 0x100 <= symbol <= UNICODE + 0x10FFFF else ""
