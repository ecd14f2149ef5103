"""Reading ahead costs few forwards, counted exactly, and bears on nothing that is written."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
import torch
from guided import FRAME, compiler, decide, qwenlike
from model_checkpoint import network, shape, shape2
from model_episodes import alike, joined, picture, whole, words

from actions import (
    DIALECTS,
    Action,
    ActionSpace,
    Answer,
    AskUser,
    Back,
    Bounds,
    Click,
    Drag,
    Finish,
    Frame,
    Key,
    Move,
    Navigate,
    Point,
    Scroll,
    Select,
    Tab,
    Type,
    Upload,
    Wait,
)
from actions.terms import place_spans
from model.ahead import LARGE, SPARE, Copy, Feeder, guess, spare
from model.fan import Line
from model.generate import Prompt
from model.grammar import GrammarError, Guide
from model.qwen import Qwen
from model.resume import Waiting
from model.session import Session

COMPILER = compiler()
TOKENIZER = qwenlike()
QWEN = DIALECTS["qwen2.5"]
SPACE = ActionSpace.browser()
LARGEST = Frame(3840, 2160, 3836, 2156)
PLACE = Point(x=509, y=331)
MOST = 8


def encode(text: str) -> Line:
    return tuple(TOKENIZER.encode(text, add_special_tokens=False).ids)


def guide(frame: Frame, thought: int = 600, dialect: str = "qwen2.5") -> Guide:
    text = DIALECTS[dialect].grammar(SPACE, frame, Bounds(thought=thought))
    assert text is not None
    return COMPILER.compile(text).guide()


def drafted(*, dialect: str = "qwen2.5") -> Prompt:
    """A prompt of one token behind which a click is expected."""
    text = DIALECTS[dialect].print(Click(at=PLACE), FRAME)
    return Prompt((1,), draft=encode(text[: place_spans(text)[0][0]]))


FORWARDS: list[tuple[Action, tuple[int, int, int]]] = [
    # the one that reads the prompt among them: no thought allowed; one allowed; the same where a click is expected
    (Click(at=PLACE), (5, 6, 4)),
    (Click(at=Point(x=4, y=6)), (4, 5, 3)),
    (Click(at=PLACE, button="right"), (5, 6, 5)),
    (Click(at=PLACE, count=2), (5, 6, 5)),
    (Move(at=PLACE), (4, 5, 4)),
    (Drag(path=(PLACE, Point(x=600, y=400))), (9, 10, 8)),
    (Scroll(dy=600), (4, 5, 4)),
    (Scroll(at=PLACE, dy=300), (8, 9, 8)),
    (Key(keys=("ctrl", "s")), (6, 7, 6)),
    (Wait(seconds=2), (2, 3, 2)),
    (Back(), (2, 3, 2)),
    (Tab(index=2), (2, 3, 2)),
    (Finish(success=True, text="done"), (5, 6, 5)),
    (Type(text="ab"), (3, 4, 3)),
    (Answer(text="ab"), (3, 4, 3)),
    (AskUser(question="ab"), (3, 4, 3)),
    (Navigate(url="ab"), (3, 4, 3)),
    (Select(at=PLACE, label="ab"), (6, 7, 6)),
    (Upload(at=PLACE, files=("ab",)), (7, 8, 7)),
]


@pytest.mark.parametrize(
    ("action", "forwards"), FORWARDS, ids=[f"{action.kind} {number}" for number, (action, _) in enumerate(FORWARDS)]
)
def test_an_action_costs_so_many_forwards(action: Action, forwards: tuple[int, int, int]) -> None:
    wanted = encode(QWEN.print(action, FRAME))
    counts = []
    for thought, asked in ((0, Prompt((1,))), (600, Prompt((1,))), (600, drafted())):
        found, network = decide(wanted, guide(FRAME, thought), asked)
        assert (found.tokens, found.stop) == (wanted, "stop")
        assert found.forwards == network.forwards
        assert network.widest < 2 * SPARE
        counts.append(found.forwards)
    assert tuple(counts) == forwards


@pytest.mark.parametrize("dialect", ["qwen2.5", "qwen3", "fara", "qwen2", "ui-tars-1.5", "qwen2.5-mobile"])
@pytest.mark.parametrize("frame", [FRAME, LARGEST], ids=["720p", "2160p"])
def test_no_click_costs_more_than_eight_forwards_wherever_it_is(dialect: str, frame: Frame) -> None:
    dice, tongue = random.Random(3), DIALECTS[dialect]
    frame = tongue.frame(frame.width, frame.height, frame.model_width, frame.model_height)
    corners = [Point(x=x, y=y) for x in (0, 9, frame.width - 1) for y in (0, 99, frame.height - 1)]
    places = [Point(x=dice.randrange(frame.width), y=dice.randrange(frame.height)) for _ in range(25)]
    counts: dict[bool, list[int]] = {True: [], False: []}
    for place in (*corners, *places):
        wanted = encode(tongue.print(Click(at=place), frame))
        for asked in (Prompt((1,)), drafted(dialect=dialect)):
            found, _ = decide(wanted, guide(frame, dialect=dialect), asked)
            assert found.tokens == wanted
            counts[bool(asked.draft)].append(found.forwards)
    assert max(counts[False]) <= MOST
    assert max(counts[True]) <= MOST - 2


def test_where_every_token_read_costs_time_a_choice_costs_a_forward() -> None:
    wanted = encode(QWEN.print(Click(at=PLACE), FRAME))
    found, network = decide(wanted, guide(FRAME, 0), spare=0)
    assert (found.tokens, found.forwards) == (wanted, 8)
    assert network.widest < 8
    found, _ = decide(wanted, guide(FRAME, 0), drafted(), spare=0)
    assert (found.tokens, found.forwards) == (wanted, 6)


def test_a_text_that_stands_in_the_task_is_copied_and_one_that_does_not_is_written() -> None:
    task = Prompt(encode('Enter "See you at 10:30" into the text field and press Submit.\n'))
    for text, forwards in (("See you at 10:30", 4), ("See you at 10:31", 5), ("see You AT 22", 12)):
        wanted = encode(QWEN.print(Type(text=text), FRAME))
        found, _ = decide(wanted, guide(FRAME), task)
        assert (found.tokens, found.stop) == (wanted, "stop")
        assert found.forwards == forwards


def test_a_wrong_draft_costs_no_forward() -> None:
    wanted = encode(QWEN.print(Key(keys=("ctrl", "s")), FRAME))
    without, _ = decide(wanted, guide(FRAME))
    for draft in ("click", '<tool_call>{"', "*FUNCTION*: ", QWEN.print(Wait(seconds=60), FRAME), "<|im_end|>", "é\x00"):
        found, _ = decide(wanted, guide(FRAME), Prompt((1,), draft=encode(draft)))
        assert found.tokens == wanted
        assert found.forwards <= without.forwards


@pytest.mark.parametrize("spare", [1, 2, 3, 7, 16, 200])
def test_whatever_room_there_is_the_same_is_written(spare: int) -> None:
    wanted = encode("I see 10 of them, so.\n" + QWEN.print(Drag(path=(PLACE, PLACE)), FRAME))
    found, _ = decide(wanted, guide(FRAME), Prompt((*wanted[:9], 5, *wanted[7:20])), spare)
    assert (found.tokens, found.stop) == (wanted, "stop")


def test_what_was_said_last_behind_the_longest_same_words_comes_first() -> None:
    copy = Copy(Prompt((5, 6, 7, 8, 5, 9, 6, 7, 1, 6)))
    assert copy.next(()) == 7
    assert copy.next((7,)) == 1  # the later one of two
    copy.write((7, 8, 3, 6))
    assert copy.next((7,)) == 8  # what was written counts too
    assert copy.next((7, 8, 5)) == 9
    assert Copy(Prompt((5,))).next(()) is None
    assert [Copy(Prompt((4, 5, 4), draft=(4, 6))).next(chain) for chain in ((), (4,), (4, 6), (5,))] == [4, 6, None, 4]


def test_a_guess_ends_with_the_grammar_and_a_fan_holds_what_goes_on() -> None:
    end = COMPILER.compile('start: "a" /[0-3]/ ("b" | "")').guide()
    assert guess(end.fork(), Copy(Prompt((1,))), 9, fans=True)[0] == encode("a")
    end.take(encode("a"))
    chain, fan = guess(end.fork(), Copy(Prompt((1,))), 9, fans=True)
    assert (chain, set(fan)) == ((), {encode(digit) for digit in "0123"})
    end.take(encode("2"))
    assert guess(end, Copy(Prompt((1,))), 9, fans=True) == ((), ())
    assert guess(end, Copy(Prompt((1,))), 0, fans=True) == ((), ())


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def qwen(request: pytest.FixtureRequest) -> Qwen:
    return network(shape(theta=100.0) if request.param == "qwen2_5_vl" else shape2(theta=100.0), seed=3)


@pytest.mark.parametrize("evicted", [False, True])
def test_lines_of_a_fan_see_the_tokens_before_them_and_not_each_other(qwen: Qwen, evicted: bool) -> None:
    dice, session = random.Random(7), Session(qwen)
    prompt = joined([words(dice), picture(dice), words(dice), picture(dice), words(dice)])
    fan = ((30, 31, 32), (33,), (34, 35))
    feeder: Feeder = Waiting(session, prompt)
    with torch.inference_mode():
        feeder.feed((20,))
        if evicted:
            session.evict(0)
            past = Session(qwen)
            past.read(joined([prompt, Prompt((20,))]))
            past.evict(0)
        states = iter(feeder.logits(feeder.feed((21, 22), fan)))
        for line in ((21,), (21, 22), *((21, 22, *each[: end + 1]) for each in fan for end in range(len(each)))):
            if evicted:
                alike(next(states), past.feed(line))
                past.rewind(past.length - len(line))
            else:
                alike(next(states), whole(qwen, joined([prompt, Prompt((20, *line))])))
        feeder.forget(1)
        if not evicted:
            after = whole(qwen, joined([prompt, Prompt((20, 21, 33))]))
            alike(feeder.logits(feeder.feed((33,)))[-1], after)


def test_large_float32_networks_on_a_cpu_read_nothing_ahead(qwen: Qwen) -> None:
    assert spare(qwen) == SPARE
    large = network(shape() | {"vocab_size": 400})
    large.model.norm.weight = torch.nn.Parameter(torch.ones(LARGE))
    assert spare(large) == 0
    assert spare(large.to(torch.bfloat16)) == SPARE


class Bounded:
    """A guide whose parser cannot go on behind one token, and says so only there."""

    def __init__(self, inner: Guide, last: int) -> None:
        self.inner, self.last = inner, last
        self.forced, self.allowed = inner.forced, inner.allowed

    @property
    def done(self) -> bool:
        return self.inner.done

    def take(self, tokens: Sequence[int]) -> None:
        if self.last in tokens:
            raise GrammarError("too many items")
        self.inner.take(tokens)

    def fork(self) -> Guide:
        return Bounded(self.inner.fork(), self.last)


def test_what_the_parser_cannot_follow_fails_only_where_it_is_wanted() -> None:
    grammar = COMPILER.compile('start: "a" /[0-9]{3}/ "b" /[0-9]/')
    three = encode("3")[0]
    wanted = encode("a124b5")
    found, _ = decide(wanted, Bounded(grammar.guide(), three), Prompt((1,), draft=encode("a13")))
    assert (found.tokens, found.stop) == (wanted, "stop")
    with pytest.raises(GrammarError, match="too many"):
        decide(encode("a134b5"), Bounded(grammar.guide(), three), Prompt((1,), draft=encode("a13")))


def test_a_token_that_would_stand_for_a_picture_is_a_word_in_an_answer(qwen: Qwen) -> None:
    pad = qwen.config.image_token_id
    prompt = joined([words(random.Random(1)), picture(random.Random(2))])
    session = Session(qwen)
    waiting = Waiting(session, prompt)
    states = waiting.logits(waiting.feed((20, pad)))
    plain = Session(qwen)
    alike(states[0], plain.read(prompt))
    alike(states[1], plain.feed((20,)))
    alike(states[2], plain.feed((pad,)))
    assert waiting.ahead == 0
