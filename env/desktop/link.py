"""A connection to an X server: what it reports, and waiting for it without a fixed sleep."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import damage
from Xlib.protocol import event as events
from Xlib.protocol import rq
from Xlib.xobject.drawable import Window

from env.desktop.cookie import reach
from env.environment import EnvironmentBroken

TICK = 0.1  # seconds after which a condition that no X event announces, such as the end of a program, is asked again


class Link:
    """One connection. Its counters only grow; whoever waits, waits for one of them to do so."""

    def __init__(self, name: str) -> None:
        if name.startswith(":"):
            reach(name).close()  # python-xlib would leave its attempts open
        try:
            self.display = Display(name)
        except (DisplayError, OSError) as error:
            raise EnvironmentBroken("unreachable", f"the X display {name}: {error}") from error
        self.display.set_error_handler(_ignore)  # a window that went meanwhile; what matters is asked with `here`
        self.root: Window = self.display.screen().root
        self.draws = 0  # times that something was drawn
        self.events = 0  # of any kind
        self.mappings = 0  # changes of what the keys mean
        self.echoes: set[int] = set()  # pings that came back
        self._damage: int | None = None
        self._changed = -1
        self._protocols, self._ping = self.atom("WM_PROTOCOLS"), self.atom("_NET_WM_PING")
        with said():
            self.root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
            if self.display.has_extension("DAMAGE"):
                self._changed = self.display.extension_event.DamageNotify
                self.display.damage_query_version()
                self._damage = self.root.damage_create(damage.DamageReportNonEmpty)
            self.display.sync()

    @property
    def watches(self) -> bool:
        """Whether the server says when something is drawn."""
        return self._damage is not None

    def atom(self, name: str) -> int:
        """The number of a name."""
        with said():
            return self.display.intern_atom(name)

    def sync(self) -> None:
        """Wait until the server has done all that it was asked for, and take note of what it reported."""
        with said():
            self.display.sync()
            self._pump()

    def wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until `holds`, at most `seconds`; whether it does. Every event is taken note of meanwhile."""
        end = time.monotonic() + seconds
        while True:
            with said():
                self._pump()
                if holds():
                    return True
                left = end - time.monotonic()
                if left <= 0:
                    return False
                select.select([self.display.fileno()], [], [], min(left, TICK))

    def ping(self, window: Window, stamp: int) -> None:
        """Ask the program behind `window` to echo `stamp`: it does once it has read everything that came before."""
        data = (32, [self._ping, stamp, window.id, 0, 0])
        window.send_event(events.ClientMessage(window=window, client_type=self._protocols, data=data))

    def cut(self) -> None:
        """End the connection from another thread, so that whoever waits for the server is told."""
        with suppress(OSError):
            self.display.display.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        with suppress(ConnectionClosedError, OSError):
            self.display.close()

    def _pump(self) -> None:
        while self.display.pending_events():
            self._note(self.display.next_event())

    def _note(self, event: rq.Event) -> None:
        self.events += 1
        if event.type == self._changed:
            self.draws += 1
            self.display.damage_subtract(self._damage)
        elif event.type == X.ClientMessage and event.client_type == self._protocols:
            kind, stamp = event.data[1][:2]
            if kind == self._ping:
                self.echoes.add(stamp)
        elif event.type == X.MappingNotify:
            self.mappings += 1


@contextmanager
def said() -> Iterator[None]:
    """A connection that ends inside is `EnvironmentBroken`."""
    try:
        yield
    except ConnectionClosedError as error:
        raise EnvironmentBroken("crash", f"the X server is gone: {error}") from error
    except (OSError, ValueError) as error:  # the socket was closed under select
        raise EnvironmentBroken("crash", f"the X server cannot be spoken to: {error}") from error


def _ignore(error: XError, request: rq.Request | None) -> None:
    return
