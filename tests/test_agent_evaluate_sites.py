"""The scripts over the example pages: dealt out by seeds, judged by what the scripts expect."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from agent_runs import TASKS, handeye

from actions import Dialect, Finish, Frame
from agent.choose import Ways
from agent.data.episodes import Oracle
from agent.data.kinds import Goal
from agent.evaluate import Chance, Mark, evaluate, final, spread
from agent.evaluate.deal import KINDS, deal
from agent.evaluate.seat import Host
from agent.evaluate.sites import Answers, SitePlayer, Sites, plan, read_sites
from agent.script import ScriptError
from agent.step import Reply, Step
from env import Observation, Task

SEED = 1_000_000
QUICK = ("basket", "confirm", "search")


def more(goal: Goal) -> Goal:
    """Something that begins with what was asked for: one thing more, or a longer text."""
    if goal.values:
        return replace(goal, values=tuple(f"{value}s" for value in goal.values), result=f"{goal.result}s")
    return replace(goal, checked=(*goal.checked, "Updates"), result=f"{goal.result}, Updates")


def another(goal: Goal) -> Goal:
    """Another dish."""
    dish = "Rice pudding" if goal.press[0] != "Rice pudding" else "Green salad"
    return replace(goal, press=(dish,), result=f"You chose {dish}")


def right(goal: Goal) -> Goal:
    """What is asked for."""
    return goal


@dataclass
class Player:
    """Does what is right for the goal that its twist makes of the one it is given, and says that all went well."""

    answers: Answers
    twist: Callable[[Goal], Goal] = right
    name: str = "player"

    @property
    def dialect(self) -> Dialect:
        return Oracle.dialect

    def frame(self, seen: Observation) -> Frame:
        return Frame(*seen.size, *seen.size)

    def reply(self, task: Task, history: Sequence[Step], seen: Observation) -> Reply:
        assert self.answers.goal is not None
        expected = Answers(self.answers.browser, self.twist(self.answers.goal)).solve()
        return Reply(self.dialect.print(expected.action if expected else Finish(), self.frame(seen)))


@dataclass
class Room:
    """A table and who plays there."""

    table: Sites
    player: Player

    def play(self, name: str, seed: int, steps: int = 12, twist: Callable[[Goal], Goal] = right) -> Mark:
        """How an episode goes."""
        self.player.twist = twist
        return self.table(Chance(name, seed, steps))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """All tests here share a browser."""
    players: list[Player] = []

    def seat(answers: Answers) -> Player:
        players.append(Player(answers))
        return players[0]

    with ExitStack() as stages:
        sites = {site.name: site for site in read_sites()}
        table = Sites(sites, seat, tmp_path_factory.mktemp("served"), stages)
        yield Room(table, players[0])


def told(marks: Sequence[Mark]) -> list[dict[str, object]]:
    """Marks without what no two runs share."""
    return [mark.model_dump(exclude={"seconds", "attempt"}) for mark in marks]


def test_there_are_ten_scripts_one_for_each_kind_of_page() -> None:
    assert sorted(site.kind for site in read_sites()) == sorted(KINDS)
    assert len(KINDS) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_deals_out_the_same_page_again_and_another_one_does_not(kind: str) -> None:
    dealt = [deal(kind, seed) for seed in range(SEED, SEED + 20)]
    assert dealt[0] == deal(kind, SEED)
    assert len({made.html for made in dealt}) == 20
    assert len({tuple(made.values.values()) for made in dealt}) >= 3


def test_what_is_asked_for_is_what_the_script_says_and_the_page_shows() -> None:
    for site in read_sites():
        for seed in range(SEED, SEED + 4):
            loaded, html, goal = site.dealt(seed)
            assert all(value in loaded.script.instruction for value in goal.values), site
            assert all(f">{name}<" in html or f"{name}\n" in html or f'"{name}"' in html for name in goal.press), site
            assert all(name in html and name in loaded.script.instruction for name in goal.checked), site
            assert goal.result in [check.value for check in loaded.script.expect], site


@pytest.mark.parametrize("name", QUICK)
def test_the_oracle_gets_what_a_script_expects_to_hold(room: Room, name: str) -> None:
    mark = room.play(name, SEED)
    assert (mark.success, mark.first, mark.stop) == (True, True, "met")


@pytest.mark.slow
def test_the_oracle_gets_what_every_script_expects_to_hold() -> None:
    with SitePlayer("oracle").table() as table:
        marks = list(evaluate(table, plan(read_sites(), 5, SEED)))
    assert len(marks) == 50
    assert [mark for mark in marks if not (mark.success and mark.first)] == []


@pytest.mark.parametrize(
    "names", [("search",), pytest.param(tuple(site.name for site in read_sites()), marks=pytest.mark.slow)]
)
def test_on_a_larger_screen_it_does_so_too_and_sees_all_of_it(names: tuple[str, ...]) -> None:
    frames: list[tuple[int, int]] = []

    @dataclass
    class Watching(Player):
        def frame(self, seen: Observation) -> Frame:
            frames.append((seen.screenshot.shape[1], seen.screenshot.shape[0]))
            return super().frame(seen)

    with TemporaryDirectory() as folder, ExitStack() as stages:
        table = Sites({site.name: site for site in read_sites()}, Watching, Path(folder), stages, (480, 352))
        marks = list(evaluate(table, plan(read_sites(names=names), 1, SEED)))
    assert [mark for mark in marks if not mark.success] == []
    assert set(frames) == {(480, 352)}
    for kind in KINDS:
        assert deal(kind, SEED, 480).values == deal(kind, SEED).values
        with pytest.raises(ValueError, match="width 159; expected at least 160 pixels"):
            deal(kind, SEED, 159)


@pytest.mark.parametrize(("name", "twist"), [("menu", another), ("greet", more), ("settings", more)])
def test_what_was_not_asked_for_is_no_success(room: Room, name: str, twist: Callable[[Goal], Goal]) -> None:
    seed = next(seed for seed in range(SEED, SEED + 9) if deal(name, seed).values.get("option") != "Updates")
    mark = room.play(name, seed, twist=twist)
    assert (mark.success, mark.stop) == (False, "finished")
    assert mark.first is (name != "menu")


def test_more_steps_than_the_script_allows_are_not_played(room: Room) -> None:
    mark = room.play("search", SEED, 2)
    assert (mark.success, mark.stop, mark.steps) == (False, "steps", 2)


@pytest.mark.slow
def test_a_page_beside_the_script_is_never_written_to(tmp_path: Path) -> None:
    page = tmp_path / "greet.html"
    page.write_text("mine")
    text = (TASKS / "greet.yaml").read_text().replace("../pages/greet.html", str(page))
    (tmp_path / "greet.yaml").write_text(text)
    (site,) = read_sites(tmp_path)
    with ExitStack() as stages:
        (tmp_path / "served").mkdir()
        assert Sites({"greet": site}, Oracle, tmp_path / "served", stages)(Chance("greet", SEED, 5)).success
    assert page.read_text() == "mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("../pages/greet.html", "shop.html", "expected one of the pages basket"),
        ("kind: browser, width: 160, height: 208", "kind: screens", "expected one of the pages basket"),
        ("{{who}}", "{{whom}}", "no parameter 'whom'"),
        ("parameters:\n  who: Tora", "parameters:\n  who: Tora\n  age: null", "age"),
    ],
)
def test_a_script_that_no_seed_can_deal_out_is_refused_by_its_file(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = (TASKS / "greet.yaml").read_text()
    assert old in text
    (tmp_path / "shop.html").touch()
    (tmp_path / "greet.yaml").write_text(text.replace(old, new))
    with pytest.raises(ScriptError, match=rf"greet\.yaml.*{said}"):
        read_sites(tmp_path)


def test_who_plays_the_scripts_can_be_sent_to_another_process(tmp_path: Path) -> None:
    sent = pickle.loads(pickle.dumps(SitePlayer("oracle", Ways(("dtype=int8",)), tmp_path, (320, 240))))
    assert isinstance(sent, SitePlayer)
    assert isinstance(sent, Host)
    assert (sent.model, sent.ways.options, sent.folder, sent.size) == ("oracle", ("dtype=int8",), tmp_path, (320, 240))


@pytest.mark.slow
def test_two_processes_mark_the_scripts_as_one_does() -> None:
    chances, player = plan(read_sites(names=QUICK), 2, SEED), SitePlayer("oracle")
    with player.table() as table:
        alone = list(evaluate(table, chances))
    assert told(final(list(spread(player, chances, 2)), QUICK)) == told(alone)


@pytest.mark.slow
def test_the_actions_of_the_scripts_do_what_they_expect() -> None:
    done = handeye("run", *sorted(TASKS.glob("*.yaml")), "--model", "script")
    assert done.returncode == 0, done.stderr


def test_scripts_that_are_not_there_are_named(tmp_path: Path) -> None:
    done = handeye("eval", "sites", "--tasks", "greet,shop")
    assert done.returncode == 2
    assert "--tasks: shop: expected some of basket, confirm" in done.stderr
    for size, said in (("120x300", "expected a width of at least 160 pixels"), ("wide", "expected WIDTHxHEIGHT")):
        done = handeye("eval", "sites", "--size", size)
        assert done.returncode == 2
        assert f"--size {size}: {said}" in done.stderr
    with pytest.raises(ScriptError, match=r"no scripts \(\*\.yaml\); the example sites come with a clone"):
        read_sites(tmp_path)
