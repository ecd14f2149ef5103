"""Grammars of replies: they hold whatever a dialect writes, and nothing that is no action on the screen."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from guided import EOS, VOCABULARY, compiler, qwenlike
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import network, shape, tensors, write, write_files
from safetensors.torch import save_file
from test_actions_dialects import BUDGETS, SCREENS, SIDES, onto, seen

from actions import (
    DIALECTS,
    Action,
    ActionError,
    ActionSpace,
    Answer,
    AskUser,
    Back,
    Bounds,
    Click,
    Dialect,
    Drag,
    Finish,
    Frame,
    Key,
    Kind,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
    points,
)
from actions.space import KINDS
from actions.terms import KEYS, NAMED, SINGLE, call_start, place_spans, upto
from env.keys import NAMES, chord
from model import Ask, Model, load
from model.grammar import Grammar, GrammarError

COMPILER = compiler()
BROWSER = ActionSpace.browser()
SPOKEN = {name: each for name, each in DIALECTS.items() if each.grammar(BROWSER, Frame(99, 99, 99, 99))}
SPACES = [BROWSER, ActionSpace.desktop(), ActionSpace.pointer(), ActionSpace.of("finish", "key", "scroll")]

visible = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
texts = st.lists(visible | st.sampled_from(["\n", "\t", '"', "'", "\\"]), max_size=5).map("".join)
words = visible.map(lambda text: f"x{text}")
places = st.builds(Point, x=st.integers(0, 9999), y=st.integers(0, 9999))
seconds = st.integers(0, 60) | st.integers(0, 480).map(lambda eighths: eighths / 8)
keys = st.lists(st.sampled_from(["ctrl", "a", "Z", "Enter", "PAGEDOWN", "f12", "/", "-"]), min_size=1, max_size=3)


def plain() -> st.SearchStrategy[Action]:
    """Actions with texts of usual length, keys that there are, and times and distances of a few digits."""
    pixels = st.integers(-99_999, 99_999)
    return st.one_of(
        st.builds(Click, at=st.none() | places, button=st.sampled_from(["left", "right"]), count=st.integers(1, 3)),
        st.builds(Click, at=places, hold=seconds),
        st.builds(Drag, path=st.lists(places, min_size=1, max_size=2).map(tuple)),
        st.builds(Move, at=places),
        st.builds(Scroll, at=st.none() | places, dy=pixels | st.sampled_from([600, -600])),
        st.builds(Scroll, at=places, dx=pixels),
        st.builds(Type, text=texts | texts.map(lambda text: f"{text}\n"), at=st.none() | places),
        st.builds(Key, keys=keys.map(tuple)),
        st.builds(Wait, seconds=seconds),
        st.builds(Navigate, url=words | st.just("about:blank")),
        st.just(Back()),
        st.builds(Tab, index=st.integers(0, 999)),
        st.builds(Select, at=places, label=texts),
        st.builds(Upload, at=places, files=st.lists(words, min_size=1, max_size=3).map(tuple)),
        st.builds(Answer, text=texts),
        st.builds(AskUser, question=texts),
        st.builds(Finish, success=st.booleans(), text=texts),
    )


@cache
def compiled(name: str, space: ActionSpace, frame: Frame, bounds: Bounds = Bounds()) -> Grammar:  # noqa: B008
    text = DIALECTS[name].grammar(space, frame, bounds)
    assert text is not None
    return COMPILER.compile(text)


def holds(grammar: Grammar, text: str) -> bool:
    """Whether the grammar holds `text` and ends with it."""
    guide = grammar.guide()
    try:
        guide.take(grammar.tokenizer.tokenize_str(text, parse_special=True))
    except GrammarError:
        return False
    return guide.done


def test_the_dialects_of_local_models_have_a_grammar() -> None:
    assert list(SPOKEN) == ["fara", "qwen2", "qwen2.5", "qwen2.5-mobile", "qwen3", "ui-tars-1.0", "ui-tars-1.5"]


@pytest.mark.parametrize("name", SPOKEN)
@given(drawn=plain(), screen=SIDES, budget=BUDGETS)
@settings(max_examples=120, deadline=None)
def test_what_a_dialect_writes_its_grammar_holds(
    name: str, drawn: Action, screen: tuple[int, int], budget: int
) -> None:
    tongue = SPOKEN[name]
    frame = seen(tongue, screen, budget)
    action = onto(frame, drawn)
    if tongue.writes(action):
        text = tongue.print(action, frame)
        assert holds(compiled(name, BROWSER, frame), text), text
        assert not holds(compiled(name, BROWSER, frame), text[:-1])
        others = ActionSpace(frozenset(KINDS) - {action.kind})
        assert not holds(compiled(name, others, frame), text)


@pytest.mark.parametrize(
    ("name", "text", "held"),
    [
        ("qwen2.5", "I see it.\n{call}", True),
        ("qwen2.5", "<think>Two\nlines.</think>\n{call}", True),
        ("qwen3", "<thinking>So.</thinking>\n{call}", True),
        ("fara", "日本 – “so”.\n{call}", True),
        ("qwen2.5", "**So** it is.\n\n{call}", True),
        ("qwen3", "<think>So</think>\n\n{call}", True),
        ("qwen2", "**So**. {call}", False),
        ("qwen2.5", "{call}\n", False),
        ("qwen2.5", "{call}{call}", False),
        ("qwen2.5", '{"action": "wait", "time": 1} {call}', False),
        ("qwen2.5", "<tool_call>{call}", False),
        ("qwen2", "The pizza is there. {call}", True),
        ("qwen2", "*FUNCTION*: {call}", False),
        ("ui-tars-1.5", "Thought: I click.\n{call}", True),
        ("ui-tars-1.5", "Thought: I click.\nAnd.\n{call}", False),
        ("ui-tars-1.0", "{call}", True),
    ],
)
def test_a_thought_may_stand_before_a_call_and_nothing_behind_it(name: str, text: str, held: bool) -> None:
    frame = seen(SPOKEN[name], (1280, 720))
    whole = text.replace("{call}", SPOKEN[name].print(Click(at=Point(x=3, y=4)), frame))
    assert holds(compiled(name, BROWSER, frame), whole) == held
    bare = compiled(name, BROWSER, frame, Bounds(thought=0))
    assert holds(bare, whole) == (held and text == "{call}")
    if held:
        assert SPOKEN[name].parse(whole, frame).kind == "click"


@pytest.mark.parametrize(("x", "y", "held"), [(1288, 728, True), (1289, 0, False), (0, 729, False), (-1, 5, False)])
def test_a_place_beside_the_image_is_not_in_the_grammar(x: int, y: int, held: bool) -> None:
    frame = Frame(1280, 720, 1288, 728)
    call = f'{{"name": "computer_use", "arguments": {{"action": "left_click", "coordinate": [{x}, {y}]}}}}'
    assert holds(compiled("qwen2.5", BROWSER, frame), f"<tool_call>\n{call}\n</tool_call>") == held
    drag = f"Action: drag(start_box='(1,2)', end_box='({x},{y})')"
    assert holds(compiled("ui-tars-1.5", BROWSER, frame), drag) == held


@pytest.mark.parametrize("name", SPOKEN)
@given(drawn=plain(), thought=st.sampled_from(["", "At [1, 2] or (3,4)", 'so "coordinate": [1, 2]', "Action: (1,2)"]))
@settings(max_examples=60, deadline=None)
def test_the_numbers_of_places_are_found_in_a_call_and_nowhere_else(name: str, drawn: Action, thought: str) -> None:
    tongue = SPOKEN[name]
    frame = seen(tongue, (1280, 720))
    action = onto(frame, drawn)
    if not tongue.writes(action):
        return
    call = tongue.print(action, frame)
    line = f"Thought: {thought}\n" if name.startswith("ui-tars") else f"{thought}\n"
    text = line + call if thought else call
    assert text[call_start(text) :] == call
    found = [re.findall(r"\d+", text[first:last]) for first, last in place_spans(text)]
    there = [frame.to_model(point) for point in points(action)]
    assert found == [[str(point.x), str(point.y)] for point in there]


def test_a_space_without_any_action_of_the_dialect_is_named() -> None:
    frame = Frame(99, 99, 99, 99)
    for name, space in (("qwen2", "select"), ("ui-tars-1.5", "upload"), ("qwen2.5-mobile", "scroll")):
        with pytest.raises(ValueError, match=f"has no action of {space}; expected"):
            SPOKEN[name].grammar(ActionSpace.of(space), frame)


@pytest.mark.parametrize("most", [*range(0, 130), 199, 200, 727, 728, 999, 1000, 1287, 1288, 2047, 10_000])
def test_numbers_go_up_to_the_most_and_no_further(most: int) -> None:
    pattern = re.compile(upto(most))
    assert all(pattern.fullmatch(str(number)) for number in range(most + 1))
    assert not any(pattern.fullmatch(str(number)) for number in range(most + 1, 11 * most + 120))
    assert not any(pattern.fullmatch(text) for text in ("", "00", "01", "-1", "1.0"))


def test_the_keys_of_the_grammar_are_those_of_the_keyboard() -> None:
    letters = [key for key in map(chr, range(128)) if re.fullmatch(SINGLE, key)]
    assert len(letters) == 90
    spelled = [name for name in NAMES if re.fullmatch(NAMED, name)]
    for key in (*letters, *spelled, *(name.upper() for name in spelled), "page_down"):
        assert len(chord([key])) == 1
    known = [each for name in KEYS for each in spelled if re.fullmatch(name, each)]
    assert sorted(known) == sorted(spelled)
    assert all(any(re.fullmatch(name, each) for each in spelled) for name in KEYS)
    others = [name for name in NAMES if name not in spelled]
    assert all(re.search("(left|right|l|r)$", name) for name in others if name not in ("kpenter", "next"))


def chosen(grammar: Grammar, dice: random.Random) -> str:
    """Text of a reply each token of which is drawn from those that are allowed."""
    guide, tokens = grammar.guide(), list[int]()
    while not guide.done:
        new = guide.forced() or (dice.choice(guide.allowed().tolist()),)
        guide.take(new)
        tokens += new
    return grammar.tokenizer.decode_str(tokens)


@pytest.mark.parametrize("name", SPOKEN)
def test_whatever_the_dice_choose_is_an_action_of_the_space_on_the_screen(name: str) -> None:
    dice, kinds = random.Random(7), set[Kind]()
    for _ in range(60):
        space = dice.choice(SPACES)
        frame = seen(SPOKEN[name], dice.choice([*SCREENS, (dice.randint(28, 4000), dice.randint(28, 4000))]))
        bounds = Bounds(thought=dice.choice([0, 30]), text=12)
        text = chosen(compiled(name, space, frame, bounds), dice)
        action = SPOKEN[name].parse(text, frame)
        assert space.check(frame.check(action)) == action, text
        kinds.add(action.kind)
    assert len(kinds) > 5


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Three random checkpoints with a tokenizer like Qwen's."""
    found = []
    for seed in range(3):
        folder = tmp_path_factory.mktemp(f"random{seed}")
        config = shape(theta=100.0) | {"vocab_size": VOCABULARY, "eos_token_id": sorted(EOS)}
        write_files(folder, config)
        write(folder, "config.json", config)
        save_file(tensors(network(config, seed)), folder / "model.safetensors")
        Path(folder / "tokenizer.json").write_text(qwenlike().to_str(), encoding="utf-8")
        found.append(load(folder))
    return found


def screens(seeds: range) -> Iterator[tuple[random.Random, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]:
    for seed in seeds:
        dice = random.Random(seed)
        size = (dice.randint(40, 900), dice.randint(40, 900), 3)
        yield dice, np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


def check_screens(models: list[Model], names: list[str], seeds: range) -> dict[str, int]:
    """Ask a random model for an action on a screen a seed in each dialect; valid ones without a grammar."""
    lucky, kinds = dict.fromkeys(names, 0), set[Kind]()
    for dice, screen in screens(seeds):
        model, space = dice.choice(models), dice.choice(SPACES)
        height, width, _ = screen.shape
        for name in names:
            tongue = SPOKEN[name]
            frame = tongue.frame(width, height, *model.processor.size(width, height))
            messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": f"Task {width}."}]}]
            grammar = tongue.grammar(space, frame, Bounds(thought=dice.choice([0, 20]), text=20))
            said = model.chat(messages, [screen], ask=Ask(max_tokens=512, grammar=grammar))
            assert said.stop == "stop", said.text
            action = tongue.parse(said.text, frame)
            assert space.check(frame.check(action)) == action, said.text
            kinds.add(action.kind)
            free = model.chat(messages, [screen], ask=Ask(max_tokens=48))
            lucky[name] += is_action(tongue, free.text, space, frame)
    assert len(kinds) > 3
    return lucky


def is_action(tongue: Dialect, text: str, space: ActionSpace, frame: Frame) -> bool:
    try:
        space.check(frame.check(tongue.parse(text, frame)))
    except ActionError:
        return False
    return True


def test_a_random_checkpoint_acts_on_every_screen_and_without_its_grammar_on_none(checkpoints: list[Model]) -> None:
    lucky = check_screens(checkpoints, list(SPOKEN), range(8))
    assert lucky == dict.fromkeys(SPOKEN, 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, 500, 50))
def test_a_random_checkpoint_acts_on_500_screens_in_4_dialects(checkpoints: list[Model], first: int) -> None:
    names = ["fara", "qwen2.5", "qwen2.5-mobile", "qwen3"]
    assert check_screens(checkpoints, names, range(first, first + 50)) == dict.fromkeys(names, 0)
