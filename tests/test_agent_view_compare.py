"""Two runs beside each other: which steps belong together, and where they part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from agent_runs import NAME, REMEMBER, SIGN_IN, TYPE_ADA, WIN, click, handeye, keep
from report_pages import Page

from actions import Action, Finish, Type
from agent.commands.view import view
from agent.reader import Run, read_run
from agent.view import write_comparison
from agent.view.align import align, drifting, parting
from env import Browser, BrowserOptions

TYPE_BOB = Type(text="bob")


def made(folder: Path, *replies: Action | str) -> Run:
    keep(folder, replies)
    return read_run(folder)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """One that wins; and one that types another name, says nonsense, and then goes on in the same way."""
    folder = tmp_path_factory.mktemp("runs")
    return made(folder / "a", *WIN), made(folder / "b", NAME, TYPE_BOB, "<b>nonsense", REMEMBER, SIGN_IN)


def numbers(one: Run, other: Run) -> list[tuple[int | None, int | None]]:
    pairs = align(one.lines, other.lines)
    return [(pair.one and pair.one.index, pair.other and pair.other.index) for pair in pairs]


def test_steps_with_the_same_action_or_screen_stand_side_by_side(pair: tuple[Run, Run], tmp_path: Path) -> None:
    one, other = pair
    assert numbers(one, one) == [(n, n) for n in (1, 2, 3, 4)]
    assert numbers(one, other) == [(1, 1), (2, 2), (None, 3), (3, 4), (4, 5), (None, 6)]
    assert numbers(other, one) == [(1, 1), (2, 2), (3, None), (4, 3), (5, 4), (6, None)]
    detour = made(tmp_path, click(10, 10), NAME, TYPE_ADA, REMEMBER, SIGN_IN)
    assert numbers(one, detour) == [(None, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_the_first_step_where_they_do_not_do_the_same_is_where_they_part(pair: tuple[Run, Run]) -> None:
    one, other = pair
    pairs = align(one.lines, other.lines)
    assert parting(pairs) == 1
    assert drifting(pairs) == 3
    assert parting(align(one.lines, one.lines)) is None
    assert drifting(align(one.lines, one.lines)) is None
    assert parting(align(one.lines, one.lines[:2])) == 2
    assert align((), ()) == ()


def test_a_step_that_went_wrong_in_one_run_only_is_a_parting(pair: tuple[Run, Run]) -> None:
    one, _ = pair
    wrong = one.lines[1].model_copy(update={"error": "no such place", "after": None})
    assert parting(align(one.lines, (one.lines[0], wrong, *one.lines[2:]))) == 1


def test_the_page_marks_the_parting_and_shows_what_differs(pair: tuple[Run, Run], tmp_path: Path) -> None:
    one, other = pair
    path = write_comparison(one, other, tmp_path / "both.html")
    with Browser(BrowserOptions(size=(390, 844))) as env:
        page = Page(env).open(path)
        assert page.ask("document.getElementById('verdict').textContent") == (
            "They part at pair 2: another action. The first screen that differs is the one before pair 4."
        )
        assert page.ask("[...document.querySelectorAll('.tick.parts')].map(t => t.hash)") == ["#step-2"]
        assert page.ask("document.documentElement.scrollWidth") == 390
        page.press("n")
        assert page.here() == "step-2"
        assert page.drawn() == 2
        assert "the same, pixel by pixel" in str(page.ask("document.querySelector('#step-2').textContent"))
        page.press("n")
        assert page.here() == "step-3"
        assert page.drawn() == 1  # in B only
        page.press("n")
        for name, look in (("before", one.lines[2].before), ("after", other.lines[3].before)):
            run = one if name == "before" else other
            assert np.array_equal(page.picture(name), run.screen(look.screen))
        told = str(page.ask("document.querySelector('#step-4 > .small').textContent"))
        page.press("d")
        page.drawn()
        counted = str(page.ask("document.querySelector('#step-4 output').textContent")).split()[0]
        assert told.startswith(f"the screens before it differ in {counted} pixels within (")
        page.press("d", "End")
        assert page.here() == "end"
        assert page.drawn() == 2
        rows = page.ask("[...document.querySelectorAll('tr.differs th')].map(t => t.textContent)")
        assert rows == ["outcome ≠", "stopped by ≠", "steps ≠", "mistakes ≠"]
        assert page.ask("document.querySelectorAll('main b:not([aria-hidden])').length > 0") is True
        assert "<b>nonsense" in page.seen()


def test_runs_without_a_step_or_a_picture_can_be_compared(pair: tuple[Run, Run], tmp_path: Path) -> None:
    one, _ = pair
    none = made(tmp_path / "none", Finish())
    for blob in (tmp_path / "none" / "blobs").iterdir():
        blob.unlink()
    assert "cannot be compared" in write_comparison(none, made(tmp_path / "bob", NAME), tmp_path / "x.html").read_text()
    empty = Run(one.folder, one.manifest, (), None)
    assert "Neither took a step." in write_comparison(empty, empty, tmp_path / "y.html").read_text()
    assert "They part at pair 1: in A only." in write_comparison(one, empty, tmp_path / "z.html").read_text()


def test_the_command_writes_a_comparison_beside_the_first_run(pair: tuple[Run, Run]) -> None:
    one, other = pair
    done = handeye("view", one.folder, other.folder, "--compare")
    assert (done.returncode, done.stdout) == (0, f"{one.folder / 'compare.html'}\n")
    assert "They part at pair 2" in (one.folder / "compare.html").read_text()


@pytest.mark.parametrize(
    ("runs", "name", "said"),
    [
        (1, "x.html", "--compare makes a page of two runs, got 1"),
        (3, "x.html", "--compare makes a page of two runs, got 3"),
        (2, "x.gif", "--compare makes a page of two runs, got 2 and .gif"),
        (2, "x.avi", "expected a name that ends in .html"),
        (2, "x", "expected a name that ends in .html"),
    ],
)
def test_the_command_refuses_what_it_cannot_compare(
    pair: tuple[Run, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str], runs: int, name: str, said: str
) -> None:
    with pytest.raises(typer.Exit) as ended:
        view([pair[0].folder] * runs, out=tmp_path / name, compare=True)
    assert ended.value.exit_code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
