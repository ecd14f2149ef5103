"""Pointer and keyboard of an X display, by its XTEST extension."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from Xlib import XK, X

from actions.action import Action, ActionError, Button, Key, Type
from env import keys
from env.desktop.keymap import Keymap, Place, keysym
from env.desktop.link import Link, said
from env.environment import EnvironmentBroken

BUTTONS: dict[Button, int] = {"left": 1, "middle": 2, "right": 3, "back": 8, "forward": 9}
UP, DOWN, LEFT, RIGHT = 4, 5, 6, 7  # the buttons that a wheel's notches are
BURST = 64  # events after which the server is waited for


class XTest:
    """The hands of a program on an X display. `drained` waits until what was typed has been read."""

    def __init__(self, link: Link, keymap: Keymap, drained: Callable[[], None]) -> None:
        if not link.display.has_extension("XTEST"):
            raise EnvironmentBroken("missing", "this X server has no XTEST extension, so nothing can be typed on it")
        self._link, self._keymap, self._drained = link, keymap, drained
        self._down: list[int] = []  # keycodes
        self._raised: dict[str, int] = {}  # keys that needed another one for their upper meaning, and which
        self._sent = 0

    def check(self, action: Action) -> None:
        """ActionError for a key that X does not know, and for text that no key can be lent for."""
        if isinstance(action, Key):
            self._reach("keys", keys.chord(action.keys, keys.DESKTOP))
        if isinstance(action, Type):
            self._reach("text", [letter for letter in action.text if letter != "\r"])

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is, in pixels of the whole screen."""
        with said():
            found = self._link.root.query_pointer()
        return found.root_x, found.root_y

    def move(self, x: int, y: int) -> None:
        """Bring the pointer there."""
        self._send(X.MotionNotify, x=x, y=y)
        self._link.sync()

    def press(self, button: Button) -> None:
        """Push a button of the mouse down."""
        self._send(X.ButtonPress, BUTTONS[button])
        self._link.sync()

    def release(self, button: Button) -> None:
        """Let a button of the mouse go."""
        self._send(X.ButtonRelease, BUTTONS[button])
        self._link.sync()

    def wheel(self, dx: int, dy: int) -> None:
        """Turn the wheel by so many notches: to the right, and down."""
        for count, back, forth in ((dy, UP, DOWN), (dx, LEFT, RIGHT)):
            for _ in range(abs(count)):
                number = forth if count > 0 else back
                self._send(X.ButtonPress, number)
                self._send(X.ButtonRelease, number)
        self._link.sync()

    def hold(self, key: str) -> None:
        """Push a key down, and shift with it where it takes that."""
        self._keymap.refresh()
        symbol = keysym(key)
        self._keymap.lend(self._keymap.lack([symbol]), (), self._drained)
        found = self._keymap.find(symbol)
        assert symbol, "check refuses a key that X does not know"
        assert found is not None, "it has been lent one"
        if found.shift:
            self._raise(key)
        self._push(found.code)
        self._link.sync()

    def let(self, key: str) -> None:
        """Let a key go, and what was pressed for it."""
        found = self._keymap.find(keysym(key))
        if found is not None:
            self._pull(found.code)
        raised = self._raised.pop(key, None)
        if raised == XK.XK_Num_Lock:
            self._tap(self._keymap.find(raised))
        elif raised is not None:
            self._pull(self._code(raised))
        self._link.sync()

    def write(self, text: str) -> None:
        """Type `text`, whatever script it is in; a line break is the enter key."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._keymap.refresh()
        with self._unlocked():
            start = 0
            while start < len(text):
                start = self._stretch(text, start)
        self._link.sync()

    def clear(self) -> None:
        """Remove all text of the field that has the focus: from its very end, back to its start."""
        for chord in (("Control", "Home"), ("Control", "Shift", "End"), ("Delete",)):
            for name in chord:
                self.hold(name)
            for name in reversed(chord):
                self.let(name)

    def close(self) -> None:
        """Let everything go, and give every key its own meaning back."""
        for code in [*self._down]:
            self._pull(code)
        self._keymap.restore()
        self._link.sync()

    def _reach(self, field: str, names: Sequence[str]) -> None:
        symbols = {keysym(name): name for name in names}
        if 0 in symbols:
            raise ActionError(f"{field}: X knows no key for {symbols[0]!r}")
        self._keymap.refresh()
        lacking = self._keymap.lack(symbols)
        if lacking and not self._keymap.room:
            raise ActionError(f"{field}: this keyboard has no key for {symbols[lacking[0]]!r}, and none to lend")

    def _stretch(self, text: str, start: int) -> int:
        """Type as much of `text` as there are keys for at one time; where that ends."""
        borrowed: set[int] = set()
        end = start
        while end < len(text):
            symbol = keysym(text[end])
            if self._keymap.lends(symbol) or self._keymap.find(symbol) is None:
                if len(borrowed | {symbol}) > self._keymap.room:
                    break
                borrowed.add(symbol)
            end += 1
        symbols = [keysym(letter) for letter in text[start:end]]
        self._keymap.lend(self._keymap.lack(symbols), borrowed, self._drained)
        for symbol in symbols:
            self._tap(self._keymap.find(symbol))
        return end

    def _tap(self, key: Place | None) -> None:
        assert key is not None, "a symbol that no key makes"
        codes = [self._code(XK.XK_Shift_L), key.code] if key.shift else [key.code]
        for code in codes:
            self._push(code)
        for code in reversed(codes):
            self._pull(code)

    def _push(self, code: int) -> None:
        self._down.append(code)
        self._send(X.KeyPress, code)

    def _pull(self, code: int) -> None:
        if code in self._down:
            self._down.remove(code)
        self._send(X.KeyRelease, code)

    def _send(self, kind: int, number: int = 0, *, x: int = 0, y: int = 0) -> None:
        with said():
            self._link.display.xtest_fake_input(kind, number, x=x, y=y)
        self._sent += 1
        if self._sent % BURST == 0:
            self._link.sync()

    def _raise(self, key: str) -> None:
        """Bring out the upper meaning of `key`: by NumLock on the keypad and by shift elsewhere."""
        if key.startswith("KP_"):
            if not self._mask() & X.Mod2Mask:
                self._raised[key] = XK.XK_Num_Lock
                self._tap(self._keymap.find(XK.XK_Num_Lock))
        elif self._code(XK.XK_Shift_L) not in self._down:
            self._raised[key] = XK.XK_Shift_L
            self._push(self._code(XK.XK_Shift_L))

    def _code(self, symbol: int) -> int:
        found = self._keymap.find(symbol)
        assert found is not None, "a keyboard without modifiers"
        return found.code

    def _mask(self) -> int:
        with said():
            return int(self._link.root.query_pointer().mask)

    @contextmanager
    def _unlocked(self) -> Iterator[None]:
        """CapsLock is off inside: it would turn every letter over."""
        lock = self._keymap.find(XK.XK_Caps_Lock) if self._mask() & X.LockMask else None
        if lock is not None:
            self._tap(lock)
        try:
            yield
        finally:
            if lock is not None:
                self._tap(lock)
