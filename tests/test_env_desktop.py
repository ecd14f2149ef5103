"""What the hands of a desktop do is what a real program on it gets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from agent_runs import until
from desktop_probe import events, program, typed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actions import ActionError, Button, Click, Drag, Key, Move, Navigate, Point, Scroll, Type, Wait
from env import Desktop, DesktopOptions, EnvironmentBroken, Task, keys
from env.desktop.keymap import keysym

TEXT = "é ñ ü € 日本 😀 ß <a> Ω漢 — “q” x"
SIZE = (640, 360)
AT = Point(x=200, y=100)


class Probed:
    """A desktop with the probe on it, and what the probe has got since the last `clear`."""

    def __init__(self, env: Desktop, log: Path) -> None:
        self.env, self.log = env, log

    def clear(self) -> None:
        self.log.write_text("")

    def got(self, *kinds: str) -> list[dict[str, int | str]]:
        return [event for event in events(self.log) if event["kind"] in kinds]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    log = tmp_path_factory.mktemp("probe") / "log"
    with Desktop(DesktopOptions(size=SIZE, program=program(log))) as env:
        env.reset(Task())
        yield Probed(env, log)


@pytest.fixture
def probe(shared: Probed) -> Probed:
    shared.env.step(Move(at=AT))
    shared.clear()
    return shared


def test_every_character_arrives_twenty_times_out_of_twenty(probe: Probed) -> None:
    for _ in range(20):
        probe.clear()
        probe.env.step(Type(text=TEXT))
        assert typed(probe.log) == TEXT


def test_text_in_many_scripts_arrives_in_order(probe: Probed) -> None:
    text = "שלום مرحبا e\u0301\u0323 हिन्दी\t한국어\n~`!@#$%^&*()_+{}|:\"<>?-=[]\\;',./ aZ09\n👩‍🚀"
    probe.env.step(Type(text=text.replace("\n", "\r\n", 1)))
    assert typed(probe.log) == text


def test_text_takes_the_place_of_what_stood_there(probe: Probed) -> None:
    probe.env.step(Type(text="ñ", at=Point(x=30, y=40), replace=True))
    assert [(event["x"], event["y"]) for event in probe.got("down")] == [(30, 40)]
    pressed = [event["symbol"] for event in probe.got("press")]
    assert pressed == [0xFFE3, 0xFF50, 0xFFE3, 0xFFE1, 0xFF57, 0xFFFF, ord("ñ")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("".join(map(chr, range(0x4E00, 0x4E00 + 400))))
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_any_text_arrives(probe: Probed, text: str) -> None:
    probe.clear()
    probe.env.step(Type(text=text))
    assert typed(probe.log) == text


@pytest.mark.parametrize("more", [("--slow", "0.002"), ("--slow", "0.002", "--deaf")], ids=["told", "deaf"])
def test_a_slow_program_gets_more_characters_than_there_are_keys(tmp_path: Path, more: tuple[str, ...]) -> None:
    text = "".join(map(chr, range(0x3B1, 0x3B1 + 25))) + "".join(map(chr, range(0x4E00, 0x4E00 + 250)))
    with Desktop(DesktopOptions(size=SIZE, program=program(tmp_path / "log", *more))) as env:
        env.reset(Task())
        env.step(Move(at=AT))
        env.step(Type(text=text))
        until(lambda: len(typed(tmp_path / "log")) == len(text), 10)
        assert typed(tmp_path / "log") == text


def test_a_terminal_reads_what_is_typed(tmp_path: Path) -> None:
    words = ("xterm", "-fa", "Mono", "-e", "sh", "-c", 'printf "\\033]2;ready\\007"; exec cat > "$0"', "said")
    with Desktop(DesktopOptions(size=SIZE, program=words, folder=tmp_path)) as env:
        seen = env.reset(Task())
        env.step(Move(at=AT))
        until(lambda: env.step(Wait(seconds=0)).title == "ready", 10)
        for _ in range(20):
            env.step(Type(text=TEXT + "\n"))
        assert seen.tabs == ("xterm — XTerm",) or seen.tabs == ("ready — XTerm",)
        until(lambda: (tmp_path / "said").read_text().count("\n") == 20, 10)
        assert (tmp_path / "said").read_text() == (TEXT + "\n") * 20


@pytest.mark.parametrize(("button", "number"), [("left", 1), ("middle", 2), ("right", 3), ("back", 8), ("forward", 9)])
def test_every_button_arrives_on_its_pixel(probe: Probed, button: Button, number: int) -> None:
    seen = probe.env.step(Click(at=Point(x=321, y=123), button=button))
    assert [(event["kind"], event["button"], event["x"], event["y"]) for event in probe.got("down", "up")] == [
        ("down", number, 321, 123),
        ("up", number, 321, 123),
    ]
    assert seen.receipt is not None
    assert seen.receipt.target == 'window "probe" (Probe)'


def test_a_receipt_tells_which_pixels_changed(probe: Probed) -> None:
    seen = probe.env.step(Click(at=Point(x=400, y=200)))
    assert seen.receipt is not None
    assert (seen.receipt.pixels_changed, seen.receipt.changed_box) == (100, (395, 195, 405, 205))
    again = probe.env.step(Click(at=Point(x=400, y=200)))
    assert again.receipt is not None
    assert (again.receipt.pixels_changed, again.receipt.changed_box) == (0, None)


def test_clicks_that_belong_together_come_close_together(probe: Probed) -> None:
    for count in (2, 3):
        probe.clear()
        probe.env.step(Click(at=AT, count=count))
        downs = probe.got("down")
        assert len(downs) == len(probe.got("up")) == count
        times = [int(down["time"]) for down in downs]
        assert all(10 <= later - earlier < 300 for earlier, later in pairwise(times))


def test_a_button_is_held_as_long_as_it_says(probe: Probed) -> None:
    probe.env.step(Click(at=AT, hold=0.3))
    down, up = probe.got("down", "up")
    assert 300 <= int(up["time"]) - int(down["time"]) < 1300


def test_modifiers_are_down_during_a_click_and_up_after_it(probe: Probed) -> None:
    probe.env.step(Click(at=AT, modifiers=("ctrl", "shift", "alt")))
    (down,) = probe.got("down")
    assert int(down["state"]) & 0xFF == 1 | 4 | 8
    assert [event["kind"] for event in probe.got("press", "release")] == ["press"] * 3 + ["release"] * 3
    probe.clear()
    probe.env.step(Click(at=AT))
    assert int(probe.got("down")[0]["state"]) == 0


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (("ctrl", "s"), [0xFFE3, ord("s")]),
        (("ctrl+shift+t",), [0xFFE3, 0xFFE1, ord("T")]),
        (("ctrl", "+"), [0xFFE3, 0xFFE1, ord("+")]),
        (("enter",), [0xFF0D]),
        (("f12",), [0xFFC9]),
        (("pagedown",), [0xFF56]),
        (("super",), [0xFFEB]),
        (("kp_enter",), [0xFF8D]),
        (("altgr", "q"), [0xFE03, ord("q")]),
        (("printscreen",), [0xFF61]),
        (("<",), [ord("<")]),
        (("f24",), [0xFFD5]),
    ],
)
def test_chords_are_pressed_in_order_and_released_in_reverse(
    probe: Probed, names: tuple[str, ...], symbols: list[int]
) -> None:
    probe.env.step(Key(keys=names))
    assert [event["symbol"] for event in probe.got("press")] == symbols
    codes = [event["code"] for event in probe.got("press")]
    assert [event["code"] for event in probe.got("release")] == codes[::-1]


def test_x_knows_every_key_that_has_a_name_here() -> None:
    assert [name for name in {*keys.NAMES.values(), *keys.DESKTOP.values()} if not keysym(name)] == []


@pytest.mark.parametrize("digit", range(10))
def test_the_digits_of_the_keypad_are_digits_and_leave_the_lock_as_it_was(probe: Probed, digit: int) -> None:
    for _ in range(2):
        probe.clear()
        probe.env.step(Key(keys=(f"kp_{digit}",)))
        pressed = [event["symbol"] for event in probe.got("press") if event["symbol"] != 0xFF7F]
        assert pressed == [0xFFB0 + digit]


def test_a_key_is_held_and_repeated_as_it_says(probe: Probed) -> None:
    probe.env.step(Key(keys=("shift",), hold=0.3))
    press, release = probe.got("press")[0], probe.got("release")[-1]
    assert 300 <= int(release["time"]) - int(press["time"]) < 1300
    probe.clear()
    probe.env.step(Key(keys=("a",), count=100))
    assert typed(probe.log) == "a" * 100


def test_the_caps_lock_turns_no_typed_letter_over(probe: Probed) -> None:
    probe.env.step(Key(keys=("capslock",)))
    probe.clear()
    probe.env.step(Type(text="Ab é"))
    assert typed(probe.log) == "Ab é"
    probe.env.step(Key(keys=("capslock",)))
    probe.clear()
    probe.env.step(Type(text="Ab é"))
    assert typed(probe.log) == "Ab é"


@pytest.mark.parametrize(
    ("dx", "dy", "button", "count"),
    [(0, 1200, 5, 10), (0, -1, 4, 1), (240, 0, 7, 2), (-119, 0, 6, 1), (0, 100_000, 5, 833)],
)
def test_the_wheel_turns_by_notches_both_ways(probe: Probed, dx: int, dy: int, button: int, count: int) -> None:
    probe.env.step(Scroll(at=AT, dx=dx, dy=dy))
    assert [event["button"] for event in probe.got("down")] == [button] * count
    assert len(probe.got("up")) == count


def test_a_drag_goes_through_every_point_of_its_path_with_the_button_down(probe: Probed) -> None:
    path = tuple(Point(x=x, y=y) for x, y in ((100, 50), (300, 60), (305, 200), (639, 359)))
    probe.env.step(Drag(path=path))
    got = probe.got("down", "up", "motion")
    assert got[0]["kind"] == "motion"
    assert (got[1]["kind"], got[1]["x"], got[1]["y"]) == ("down", 100, 50)
    assert (got[-1]["kind"], got[-1]["x"], got[-1]["y"]) == ("up", 639, 359)
    moves = [(event["x"], event["y"]) for event in got[2:-1]]
    places = [moves.index((point.x, point.y)) for point in path[1:]]
    assert places == sorted(places)
    assert len(moves) > 30
    assert all(int(event["state"]) & 0x100 for event in got[2:])


def test_a_drag_of_one_point_begins_where_the_pointer_is(probe: Probed) -> None:
    probe.env.step(Drag(path=(Point(x=220, y=130),)))
    down, up = probe.got("down", "up")
    assert ((down["x"], down["y"]), (up["x"], up["y"])) == ((200, 100), (220, 130))


def test_what_a_desktop_cannot_do_is_refused_and_changes_nothing(probe: Probed) -> None:
    for action in (Navigate(url="http://a"), Type(text="a\x07"), Type(text="a\x85"), Key(keys=("ctrl", "hyper"))):
        with pytest.raises(ActionError):
            probe.env.step(action)
    assert events(probe.log) == []


def test_windows_are_told_as_tabs_and_the_active_one_is_named(probe: Probed) -> None:
    seen = probe.env.step(Wait(seconds=0))
    assert (seen.title, seen.tabs, seen.focus) == ("probe", ("probe — Probe",), 'window "probe" (Probe)')


def test_a_screen_on_which_nothing_is_drawn_is_seen_as_the_very_same_picture(probe: Probed) -> None:
    first = probe.env.step(Wait(seconds=0)).screenshot
    assert probe.env.step(Move(at=Point(x=5, y=5))).screenshot is first


def test_a_window_manager_gives_title_bars_and_moves_the_focus(tmp_path: Path) -> None:
    words = program(tmp_path / "log", "--title", "Ünïcode — 日本")
    with Desktop(DesktopOptions(size=SIZE, program=words, window_manager=True)) as env:
        seen = env.reset(Task())
        assert seen.title == "Ünïcode — 日本"
        first = seen.screenshot
        assert np.array_equal(env.reset(Task()).screenshot, first)
        env.step(Click(at=AT))
        env.step(Type(text=TEXT))
        assert typed(tmp_path / "log") == TEXT


def test_a_start_is_refused_since_the_program_stands_in_the_options() -> None:
    with Desktop(DesktopOptions(size=(64, 64))) as env, pytest.raises(ValueError, match="leave it empty"):
        env.reset(Task(start="xterm"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": (0, 5)}, "size"),
        ({"size": (64, 99999)}, "size"),
        ({"display": ":0", "real": True}, "one of them"),
        ({"real": True, "window_manager": True}, "window_manager"),
        ({"monitor": 1}, "monitor 1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DesktopOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mss", "Xlib"])
def test_an_extra_that_is_missing_is_named_with_the_line_that_brings_it(name: str) -> None:
    code = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "from env import Desktop, EnvironmentBroken, Task\n"
        "with Desktop() as env:\n"
        "    try: env.reset(Task())\n"
        "    except EnvironmentBroken as broken: print(broken)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("missing: a desktop needs the extra `desktop`: pip install 'handeye[desktop]'")


def test_what_is_missing_for_a_private_screen_is_named_with_the_line_that_brings_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "env.desktop.find"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "Xvfb and jwm not found; install with `apt-get install xvfb jwm`\n")


def test_a_program_that_is_not_there_is_named() -> None:
    with Desktop(DesktopOptions(size=(64, 64), program=("no-such-program",))) as env:
        with pytest.raises(EnvironmentBroken, match="no-such-program") as broken:
            env.reset(Task())
        assert broken.value.reason == "missing"


def test_a_window_manager_that_holds_clicks_back_hands_them_on_with_their_modifiers(tmp_path: Path) -> None:
    options = DesktopOptions(size=SIZE, program=program(tmp_path / "log"), window_manager=True)
    with Desktop(options) as env, subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            env.reset(Task())
            for _ in range(12):
                env.step(Click(at=AT, modifiers=("shift",)))
        finally:
            other.kill()
    downs = [event for event in events(tmp_path / "log") if event["kind"] == "down"]
    assert [int(event["state"]) & 1 for event in downs] == [1] * 12
