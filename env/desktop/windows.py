"""The windows of an X display: which there are, which one is active, and which one gets an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from Xlib import X, Xatom
from Xlib.error import XError
from Xlib.xobject.drawable import Window

from env.desktop.link import Link, said

LONGEST = 64  # words of four bytes that are read of a title or a list's entry
MANY = 1024  # windows of a list that are read
TOLD = 64  # windows whose titles are asked for at each step


class Windows:
    """What `link` shows of the windows on its display."""

    def __init__(self, link: Link) -> None:
        self._link = link
        names = "_NET_ACTIVE_WINDOW", "_NET_CLIENT_LIST", "_NET_WM_NAME", "_NET_WM_PING", "WM_PROTOCOLS", "WM_STATE"
        self._active, self._list, self._name, self._ping, self._protocols, self._state = map(link.atom, names)

    def all(self) -> list[Window]:
        """The windows of programs, in the order in which they were opened or, without a window manager, lie."""
        listed = self._numbers(self._link.root, self._list, MANY)
        if listed is not None:
            return [self._window(number) for number in listed]
        return [window for window in self._stack() if self._is_program(window)]

    def active(self) -> Window | None:
        """The window that the keyboard belongs to, where any does."""
        with here():
            listed = self._numbers(self._link.root, self._active, 1)
            if listed and listed[0]:
                return self._window(listed[0])
            focus = self._link.display.get_input_focus().focus
            if isinstance(focus, int):  # nobody, or whichever the pointer is in
                return self.under() if focus == X.PointerRoot else None
            return self._program(focus)
        return None

    def under(self) -> Window | None:
        """The program's window that the pointer is in: a menu counts as one of its own."""
        with here():
            inside: Window = self._link.root
            while True:
                child = inside.query_pointer().child
                if isinstance(child, int):  # none: the pointer is in no window below this one
                    return None if inside == self._link.root else self._program(inside)
                inside = child
                if inside.get_property(self._state, X.AnyPropertyType, 0, 1):
                    return inside
        return None

    def title(self, window: Window | None) -> str:
        """What its title bar says."""
        if window is None:
            return ""
        return self._text(window, self._name) or self._text(window, Xatom.WM_NAME)

    def kind(self, window: Window) -> str:
        """The name of the program that it belongs to, as it says itself."""
        return self._text(window, Xatom.WM_CLASS).split("\0")[-1]

    def describe(self, window: Window | None) -> str:
        """'window "Title" (Program)'; empty for none."""
        if window is None:
            return ""
        title, kind = self.title(window), self.kind(window)
        return " ".join(part for part in ("window", f'"{title}"' if title else "", f"({kind})" if kind else "") if part)

    def names(self) -> tuple[str, ...]:
        """Each window as 'title — program', the first `TOLD` of them."""
        return tuple(" — ".join(filter(None, (self.title(each), self.kind(each)))) for each in self.all()[:TOLD])

    def echoes(self, window: Window) -> bool:
        """Whether its program answers pings."""
        return self._ping in (self._numbers(window, self._protocols, LONGEST) or ())

    def _stack(self) -> Sequence[Window]:
        with here():
            children: Sequence[Window] = self._link.root.query_tree().children
            return children
        return ()

    def _is_program(self, window: Window) -> bool:
        with here():
            seen = window.get_attributes()
            return bool(
                seen.map_state == X.IsViewable and seen.win_class == X.InputOutput and not seen.override_redirect
            )
        return False

    def _program(self, window: Window) -> Window:
        """The window of a program that `window` is, or is a part of."""
        while True:
            if window.get_property(self._state, X.AnyPropertyType, 0, 1):
                return window
            parent = window.query_tree().parent
            if isinstance(parent, int) or parent == self._link.root:
                return window
            window = parent

    def _window(self, number: int) -> Window:
        return self._link.display.create_resource_object("window", number)

    def _numbers(self, window: Window, name: int, most: int) -> list[int] | None:
        """A property that holds numbers; None where there is none."""
        with here():
            found = window.get_property(name, X.AnyPropertyType, 0, most)
            if found is not None and found.format == 32:
                return [int(number) for number in found.value]
        return None

    def _text(self, window: Window, name: int) -> str:
        with here():
            found = window.get_property(name, X.AnyPropertyType, 0, LONGEST)
            if found is not None and found.format == 8:
                written: bytes = found.value if isinstance(found.value, bytes) else str(found.value).encode()
                plain = "latin-1" if found.property_type == Xatom.STRING else "utf-8"
                return written.decode(plain, errors="replace").rstrip("\0")
        return ""


@contextmanager
def here() -> Iterator[None]:
    """What is asked inside is asked of a window that may go meanwhile; then nothing is found."""
    with said():
        try:
            yield
        except XError:
            return
