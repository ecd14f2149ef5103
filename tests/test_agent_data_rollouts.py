"""Screens from the middle of episodes: MiniWoB++ and our own form pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Page

from actions import Click, Frame, Point, Scroll, Select, dialect
from agent.data import forms, learner, rollouts
from agent.data.__main__ import main, maker
from agent.data.calls import FINISH, answer, call, click
from agent.data.shipped import SHIPPED
from agent.data.store import Pixels, Record, read_shard
from agent.settings import BUILTIN
from env.miniwob import TASKS
from env.miniwob.chromium import Camera, open_page
from env.miniwob.oracle import HEIGHT, TURN, VIEWPORT, WIDTH, Expected
from env.miniwob.site import serve
from model.train.samples import Picture

PAGES = Path(__file__).resolve().parent.parent / "examples" / "pages"
FRAME = Frame(WIDTH, HEIGHT, WIDTH, HEIGHT)
Episode = list[tuple[Pixels, Record]]


SOME = ("choose-list", "click-checkboxes", "click-collapsible-2", "click-menu-2", "form-sequence-3", "login-user")
"""A list, boxes, an animation, a timer, a scroll, and words to type."""


@pytest.fixture(scope="module")
def episodes() -> dict[str, list[Episode]]:
    """Two episodes of some tasks, and then the first once more."""
    return made(SOME)


def made(tasks: Sequence[str]) -> dict[str, list[Episode]]:
    made: dict[str, list[Episode]] = {}
    with serve() as address, open_page(*VIEWPORT) as page:
        camera = Camera(page, WIDTH, HEIGHT)
        for task in tasks:
            rollouts.open_task(page, address, task)
            made[task] = [played(page, camera, task, seed, rollouts.Clumsy(Random(seed))) for seed in (1, 2, 1)]
    return made


def played(page: Page, camera: Camera, task: str, seed: int, actor: rollouts.Actor) -> Episode:
    return list(rollouts.episode(page, camera, task, seed, Random(seed), actor))


def test_the_same_seed_gives_the_same_samples_and_but_for_a_corner_the_same_pictures(
    episodes: dict[str, list[Episode]],
) -> None:
    check_alike(episodes)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_samples_of_every_task() -> None:
    check_alike(made(TASKS))


def check_alike(episodes: dict[str, list[Episode]]) -> None:
    for task, (first, *_, again) in episodes.items():
        assert [record for _, record in first] == [record for _, record in again], task
        for (image, _), (other, _) in zip(first, again, strict=True):
            # a page that is not loaded anew is redrawn in parts
            assert (image != other).any(axis=2).sum() <= 4, task


def test_every_task_gets_a_share_of_the_pictures() -> None:
    assert set(rollouts.WEIGHTS) == set(TASKS)
    assert min(rollouts.WEIGHTS.values()) > 0
    for pictures in (1, 40, rollouts.PICTURES):
        found = rollouts.shares(pictures)
        assert set(found) == set(TASKS)
        assert min(found.values()) >= 1
        assert sum(found.values()) <= max(pictures, 2 * len(TASKS))


def test_pictures_of_some_tasks_alone_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rollouts.shares(30, ("simple-arithmetic", "click-tab")) == {"click-tab": 7, "simple-arithmetic": 22}
    asked = ["miniwob", "--out", str(tmp_path), "--count", "4", "--tasks", "click-test,click-button"]
    assert main(asked) == 0
    assert {record.kind for _, record in read_shard(tmp_path / "shard-00000.npz")} == {"click-button", "click-test"}
    for kind, tasks, why in (("miniwob", "none", "none: expected some of"), ("forms", "click-tab", "show no tasks")):
        with pytest.raises(SystemExit):
            main([kind, "--out", str(tmp_path), "--count", "4", "--tasks", tasks])
        assert why in capsys.readouterr().err


def test_samples_show_mistakes_and_how_to_go_on(episodes: dict[str, list[Episode]]) -> None:
    records = [record for made in episodes.values() for episode in made for _, record in episode]
    assert all(record.targets for record in records)
    longest = max(len(record.targets[0].history) for record in records)
    assert longest > 5, "an episode without mistakes has at most 5 steps in most tasks"
    answers = {re.search(r'"action": "(\w+)"', record.targets[0].answer) for record in records}
    assert {found[1] for found in answers if found} >= {"left_click", "type", "select_option"}


class Always:
    """Says the same whatever it is shown, and remembers what it was asked."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.asked: list[str] = []

    def answer(self, picture: Picture, prompt: str) -> str:
        assert picture.pixels().shape == (HEIGHT, WIDTH, 3)
        self.asked.append(prompt)
        return self.said


@pytest.mark.parametrize(
    ("said", "own"),
    [(answer(click((159, 207))), 2), (answer(FINISH), 0), ("Hm.", 0), (answer(call("double_click", at=(9, 9))), 0)],
)
def test_an_oracle_helps_where_a_model_goes_wrong_twice_or_says_what_no_page_answers_to(said: str, own: int) -> None:
    model = Always(said)
    with serve() as address, open_page(*VIEWPORT) as page:
        rollouts.open_task(page, address, "enter-text")
        made = played(page, Camera(page, WIDTH, HEIGHT), "enter-text", 3, learner.Learner(Random(0), model))
    targets = [record.targets[0] for _, record in made]
    wrong = [click((159, 207))] * own
    assert [list(target.history[: len(wrong)]) for target in targets[own:]] == [wrong] * len(targets[own:])
    assert [target.prompt for target in targets[:own]] == model.asked[:own]
    kinds = [type(dialect("qwen2.5").parse(answer(said), FRAME)) for said in targets[-1].history]
    assert kinds[own] is Click
    assert len(targets) >= 3, "the oracle's steps bring it to the end: a click, a text, a click"


@pytest.mark.slow
def test_the_built_in_model_acts_and_what_it_did_is_history(tmp_path: Path) -> None:
    path = tmp_path / "shard-00000.npz"
    assert maker("miniwob", BUILTIN)(5, path, 60) >= 40
    kept = [record.targets[0] for _, record in read_shard(path)]
    later = [target for target in kept if target.history]
    assert later
    assert all(target.prompt.count("\nStep ") == min(len(target.history), 8) for target in later)


def test_a_choice_is_taught_by_its_words_and_a_scroll_by_its_place() -> None:
    chosen = rollouts.label("Do it.", Expected("select", ((0, 0, 9, 9),), "Malta"), [])
    assert (chosen.box, chosen.boxes) == (None, ())
    assert dialect("qwen2.5").parse(chosen.answer, FRAME) == Select(at=Point(x=4, y=4), label="Malta")
    scrolled = rollouts.label("Do it.", Expected("scroll", ((0, 0, 9, 9),)), [])
    assert scrolled.box == (0, 0, 9, 9)
    assert dialect("qwen2.5").parse(scrolled.answer, FRAME) == Scroll(at=Point(x=4, y=4), dy=TURN)


def test_an_episode_of_a_judging_seed_is_refused() -> None:
    with serve() as address, open_page(*VIEWPORT) as page:
        rollouts.open_task(page, address, "click-test")
        with pytest.raises(ValueError, match="judging only"):
            played(page, Camera(page, WIDTH, HEIGHT), "click-test", 1_000_000, rollouts.Clumsy(Random(0)))


@pytest.mark.parametrize("kinds", [("greet", "basket"), pytest.param(tuple(forms.KINDS), marks=pytest.mark.slow)])
def test_forms_end_with_the_word_that_they_are_done(kinds: tuple[str, ...]) -> None:
    random = Random(5)
    with forms.open_pages((WIDTH, HEIGHT)) as (page, camera):
        for kind in kinds:
            made = [
                list(forms.episode(page, camera, forms.variant(kind, random), random, rollouts.Clumsy(random)))
                for _ in range(4)
            ]
            last = [episode[-1][1].targets[0] for episode in made if episode]
            assert answer(FINISH) in {target.answer for target in last}, kind
            middle = [record.targets[0] for episode in made for _, record in episode[:-1]]
            assert all(target.answer != answer(FINISH) for target in middle), kind


def test_larger_forms_are_seen_to_their_edges_and_the_largest_least(tmp_path: Path) -> None:
    path = tmp_path / "shard-00000.npz"
    assert 30 <= forms.make_shard(3, path, 30, sizes=((320, 240), (640, 480))) < 30 + 2 * forms.LONGEST
    shapes, corners = Counter[tuple[int, ...]](), {(240, 320, 3): [0, 0], (480, 640, 3): [0, 0]}
    for image, record in read_shard(path):
        shapes[image.shape] += 1
        for _, _, _, right, bottom in record.glyphs:
            corners[image.shape] = [
                max(have, new) for have, new in zip(corners[image.shape], (right, bottom), strict=True)
            ]
    assert shapes[240, 320, 3] >= 24 > shapes[480, 640, 3] >= 1
    assert all(right <= shape[1] and bottom <= shape[0] for shape, (right, bottom) in corners.items())
    assert max(right for right, _ in corners.values()) > WIDTH


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ("miniwob", "--size", "320x240"),
            "--size: pictures of the kind miniwob have a size of their own; expected forms",
        ),
        (
            ("forms", "--size", "320x241"),
            "320x241: expected WIDTHxHEIGHT in pixels",
        ),
        (("forms", "--size", "320x240,wide"), "wide: expected WIDTHxHEIGHT"),
    ],
)
def test_a_size_that_pages_cannot_have_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path), "--count", "4"])
    assert why in capsys.readouterr().err


def test_the_pages_of_the_examples_are_our_templates_with_words_of_their_own() -> None:
    for kind in forms.KINDS:
        assert (PAGES / f"{kind}.html").read_text("utf-8") == forms.shipped(kind), kind


def test_what_the_example_pages_say_is_not_learnt_by_heart() -> None:
    random = Random(0)
    said = {text for kind in forms.KINDS for text in _texts(kind)}
    for _ in range(500):
        kind = random.choice(list(forms.KINDS))
        goal = forms.variant(kind, random).goal
        assert not said & {*goal.press, *goal.checked, *goal.values} - {"Send", "Save", "Sign in"}


def _texts(kind: str) -> list[str | int]:
    lists = [value for value in SHIPPED[kind].values() if isinstance(value, list)]
    return [text for texts in lists for text in texts if " " in str(text)]
