"""A display that is there already, in front of somebody: here a private one of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desktop_probe import events, program, typed
from test_env_desktop import TEXT
from Xlib.display import Display
from Xlib.protocol import rq

from actions import Click, Move, Point, Type, Wait
from env import Desktop, DesktopOptions, EnvironmentBroken, Task
from env.desktop.input import Failsafe

AT = Point(x=50, y=20)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Desktop]:
    """Somebody at a screen with the probe on it."""
    with Desktop(DesktopOptions(size=(400, 300), program=program(tmp_path / "log"))) as made:
        made.reset(Task())
        yield made


def test_what_is_typed_arrives_and_every_key_means_again_what_it_meant(person: Desktop, tmp_path: Path) -> None:
    def keys() -> list[tuple[int, ...]]:
        display = Display(person.display)
        try:
            return [tuple(row) for row in display.get_keyboard_mapping(8, 248)]
        finally:
            display.close()

    before = keys()
    with Desktop(DesktopOptions(display=person.display)) as env:
        seen = env.reset(Task())
        assert seen.size == (400, 300)
        env.step(Move(at=AT))
        env.step(Type(text=TEXT))
        assert typed(tmp_path / "log") == TEXT
        assert keys() != before
    assert keys() == before
    assert np.array_equal(person.step(Wait(seconds=0)).screenshot, seen.screenshot)


def test_a_slow_program_of_somebody_elses_gets_more_characters_than_there_are_keys(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    words = program(tmp_path / "log", "--slow", "0.003")
    with Desktop(DesktopOptions(size=(400, 300), program=words)) as person:
        person.reset(Task())
        with Desktop(DesktopOptions(display=person.display)) as env:
            env.reset(Task())
            env.step(Move(at=AT))
            env.step(Type(text=text))
            assert typed(tmp_path / "log") == text


def test_a_person_who_pushes_the_pointer_into_a_corner_stops_it_and_the_agents_own_click_there_does_not(
    person: Desktop, tmp_path: Path
) -> None:
    with Desktop(DesktopOptions(display=person.display)) as env:
        env.reset(Task())
        env.step(Click(at=Point(x=0, y=0)))
        env.step(Click(at=AT))
        person.step(Move(at=Point(x=399, y=299)))
        (tmp_path / "log").write_text("")
        with pytest.raises(Failsafe, match=r"\(399, 299\)"):
            env.step(Click(at=AT))
        assert events(tmp_path / "log") == []
        person.step(Move(at=Point(x=200, y=200)))
        assert env.step(Click(at=AT)).receipt is not None


class SetMonitor(rq.Request):
    """RandR's request for a monitor without an output, which python-xlib's own cannot write."""

    _request = rq.Struct(
        *(rq.Card8("opcode"), rq.Opcode(43), rq.RequestLength(), rq.Window("window"), rq.Card32("name")),
        *(rq.Bool("primary"), rq.Bool("automatic"), rq.Card16("outputs"), rq.Int16("x"), rq.Int16("y")),
        *(rq.Card16("width"), rq.Card16("height"), rq.Card32("wide"), rq.Card32("high")),
    )


def split(name: str) -> None:
    """Give the display a second monitor in its lower right."""
    display = Display(name)
    try:
        major, monitor = display.query_extension("RANDR").major_opcode, display.intern_atom("right")
        flags = {"primary": False, "automatic": False, "outputs": 0, "wide": 60, "high": 40}
        place = {"x": 150, "y": 120, "width": 250, "height": 180}
        root = display.screen().root
        SetMonitor(display=display.display, opcode=major, window=root.id, name=monitor, **flags, **place)
        display.sync()
    finally:
        display.close()


def test_one_of_several_monitors_is_seen_and_acted_on_where_it_lies(person: Desktop, tmp_path: Path) -> None:
    split(person.display)
    with Desktop(DesktopOptions(display=person.display, monitor=1)) as env:
        assert env.reset(Task()).size == (250, 180)
        seen = env.step(Click(at=Point(x=30, y=40)))
        down = next(event for event in events(tmp_path / "log") if event["kind"] == "down")
        assert (down["x"], down["y"]) == (180, 160)
        assert seen.receipt is not None
        assert seen.receipt.changed_box == (25, 35, 35, 45)
    with Desktop(DesktopOptions(display=person.display, monitor=3)) as env, pytest.raises(EnvironmentBroken) as broken:
        env.reset(Task())
    assert "monitor 3: this screen has 2" in broken.value.message
