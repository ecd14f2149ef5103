"""Probes that say where actions arrive: a page of ours in a browser, and the contract for others (`agent.window`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pydantic import BaseModel

from actions import Action, ActionSpace, Click, Drag, Key, Move, Point, Scroll, Type
from agent.aim import STEP, Diagnosis, Place, Shot, keys, places, pointer
from env import Observation

TYPED = "zy ZY qwerty 0123 -=+_ ;:'\"<> /?@# äß€"
PAGE = """<!doctype html><meta name=viewport content="width=device-width, initial-scale=1"><title>click test</title>
<style>html, body { height: 100%; margin: 0; overflow: hidden; cursor: crosshair } * { touch-action: none }
#field { position: fixed; inset: 0; overflow: scroll; scrollbar-width: none }
#field div { width: 9999px; height: 9999px }
input { position: fixed; left: 0; top: 0; width: 100%; border: 0; opacity: 0; pointer-events: none }</style>
<div id=field><div></div></div><input id=typed autocomplete=off autofocus><script>
  const HOME = 3000; // CSS pixels from the edges, so that there is room to scroll all ways
  const seen = [];
  const note = (kind, x, y) => seen.push({kind, x: x * devicePixelRatio, y: y * devicePixelRatio});
  for (const kind of ['pointermove', 'pointerdown', 'pointerup', 'dblclick', 'contextmenu'])
    addEventListener(kind, event => note(kind, event.clientX, event.clientY), true);
  addEventListener('mousedown', event => {
    event.preventDefault(); // the focus stays where it is
    if (event.button === 1) note('middle', event.clientX, event.clientY);
    if (event.shiftKey) note('shift', event.clientX, event.clientY);
  });
  addEventListener('keydown', event => note('key ' + event.key, 0, 0), true);
  const take = () => {
    const x = field.scrollLeft - HOME, y = field.scrollTop - HOME;
    if (x || y) note('wheel', x, y);
    const said = {events: seen.splice(0), typed: typed.value};
    field.scrollTo(HOME, HOME);
    typed.value = '';
    typed.focus();
    return said;
  };
</script>"""


class Probe(Protocol):
    """A screen that tells what arrived on it."""

    @property
    def name(self) -> str:
        """What the findings call it."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Of its screenshots, in pixels."""
        ...

    @property
    def space(self) -> ActionSpace:
        """What can be done on it."""
        ...

    def arrivals(self, action: Action) -> tuple[list[tuple[str, Place]], str]:
        """Do `action`: the events that came of it with their places in screenshot pixels, and the text typed."""
        ...


def examine(probe: Probe) -> Iterator[tuple[str, Diagnosis]]:
    """Fire the catalogue of actions at `probe`: each part's name and what is wrong with it, if anything."""
    shots = []
    for x, y in places(probe.size):
        downs = _of(probe.arrivals(Click(at=Point(x=x, y=y)))[0], "pointerdown")
        shots.append(Shot((x, y), downs[0] if downs else None))
    yield "places", pointer(shots)
    if "move" in probe.space.kinds:  # a touch screen has neither that nor a second button
        yield "move", _move(probe)
    yield "drag", _drag(probe)
    yield "wheel", _wheel(probe)
    yield "characters", keys(TYPED, probe.arrivals(Type(text=TYPED))[1])
    for name, action, expected in _others(probe):
        arrived = {kind for kind, _ in probe.arrivals(action)[0]}
        missing = expected - arrived
        detail = f"no {', no '.join(sorted(missing))} arrived" if missing else "arrived"
        yield name, Diagnosis("lost" if missing else "", detail)


def _drag(probe: Probe) -> Diagnosis:
    first, *_, last = places(probe.size)
    events, _ = probe.arrivals(Drag(path=tuple(Point(x=x, y=y) for x, y in (first, last))))
    ends = [_of(events, "pointerdown"), _of(events, "pointerup")]
    return pointer(
        [Shot(place, found[-1] if found else None) for place, found in zip((first, last), ends, strict=True)]
    )


def _move(probe: Probe) -> Diagnosis:
    shots = []
    for x, y in places(probe.size)[:2]:
        moves = _of(probe.arrivals(Move(at=Point(x=x, y=y)))[0], "pointermove")
        shots.append(Shot((x, y), moves[-1] if moves else None))
    return pointer(shots)


def _wheel(probe: Probe) -> Diagnosis:
    shots = []
    for asked in ((0, 120), (0, -240), (120, 0)):
        turned = _of(probe.arrivals(Scroll(at=_middle(probe), dx=asked[0], dy=asked[1]))[0], "wheel")
        exact = bool(turned) and max(abs(turned[0][0] - asked[0]), abs(turned[0][1] - asked[1])) <= STEP
        shots.append(Shot(asked, asked if exact else turned[0] if turned else None))
    return pointer(shots)


def _others(probe: Probe) -> Iterator[tuple[str, Action, set[str]]]:
    """What else is fired, and the events that have to come of it."""
    at = _middle(probe)
    yield "keys", Key(keys=("enter",)), {"key Enter"}
    if "move" not in probe.space.kinds:
        return
    yield "right button", Click(at=at, button="right"), {"contextmenu"}
    yield "middle button", Click(at=at, button="middle"), {"middle"}
    yield "double click", Click(at=at, count=2), {"dblclick"}
    yield "shift and click", Click(at=at, modifiers=("shift",)), {"shift"}


def _middle(probe: Probe) -> Point:
    width, height = probe.size
    return Point(x=width // 2, y=height // 2)


def _of(events: list[tuple[str, Place]], kind: str) -> list[Place]:
    return [place for one, place in events if one == kind]


class Acts(Protocol):
    """What a probe acts by."""

    @property
    def space(self) -> ActionSpace:
        """What can be done."""
        ...

    def step(self, action: Action) -> Observation:
        """Do it."""
        ...


class _Ask(Protocol):
    def evaluate(self, script_text: str) -> object: ...


class _Event(BaseModel):
    """What the page noted of one event."""

    kind: str
    x: float
    y: float


class _Seen(BaseModel):
    """What the page noted since it was last asked."""

    events: list[_Event]
    typed: str


class PageProbe:
    """The probe page, open in a browser: `env` acts on it, and `page` is asked what arrived."""

    def __init__(self, name: str, env: Acts, page: _Ask, size: tuple[int, int]) -> None:
        self.name, self.size, self.space = name, size, env.space
        self._env, self._page = env, page

    def arrivals(self, action: Action) -> tuple[list[tuple[str, Place]], str]:
        """What the page saw of `action`."""
        self._page.evaluate("take()")
        self._env.step(action)
        said = _Seen.model_validate(self._page.evaluate("take()"))
        return [(event.kind, (event.x, event.y)) for event in said.events], said.typed
