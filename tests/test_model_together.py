"""Sessions that read side by side give what each gives alone, in the passes and tokens that are promised."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace

import numpy as np
import pytest
import torch
from guided import EOS, FRAME, VOCABULARY, compiler
from model_checkpoint import network, shape, shape2
from model_episodes import alike, joined, picture, whole, words
from test_model_weights import TINY
from torch import Tensor, nn

from actions import DIALECTS, ActionSpace, Bounds, Frame
from model import Ask, ChatError, PlanError, Turn, load, together
from model.features import Features
from model.generate import Prompt, choose
from model.grammar import Grammar
from model.native import small
from model.prefix import Prefixes
from model.qwen import Qwen
from model.resume import Asked, Waiting, resume, resume_batch, resume_guided
from model.session import Session

COMPILER = compiler()


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def qwen(request: pytest.FixtureRequest) -> Qwen:
    config = shape(theta=100.0, tied=False) if request.param == "qwen2_5_vl" else shape2(theta=100.0)
    return network(config | {"vocab_size": VOCABULARY}, seed=3)


@pytest.fixture(autouse=True)
def _layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As large networks are read, whose passes can be counted."""
    monkeypatch.setattr(small, "SMALL", 0)


@contextmanager
def passes(qwen: Qwen) -> Iterator[list[int]]:
    """Tokens of each pass through the decoder."""
    seen: list[int] = []
    mlp = qwen.model.layers[0].mlp
    assert isinstance(mlp, nn.Module)
    hook = mlp.register_forward_hook(lambda module, given, out: seen.append(out.shape[:-1].numel()))
    yield seen
    hook.remove()


@dataclass
class Played:
    """A session, its twin that always reads alone, and what they have been told."""

    session: Session
    twin: Session
    past: list[Prompt]
    evicted: bool = False
    rows: list[Tensor | None] = field(default_factory=list)

    def change(self, dice: random.Random) -> None:
        """Forget a little, let go of a picture, go on with words and pictures."""
        if dice.random() < 0.3:
            del self.past[dice.randint(1, len(self.past)) :]
        self.past += [words(dice) if dice.random() < 0.5 else picture(dice, 4) for _ in range(dice.randint(0, 3))]
        self.past.append(words(dice))
        held = [number for number, sight in enumerate(self.twin.sights) if not sight.hidden]
        if held and dice.random() < 0.3:
            number = dice.choice(held)
            self.session.evict(number)
            self.twin.evict(number)
            self.evicted = True


@pytest.mark.parametrize("seed", range(8))
def test_sessions_side_by_side_give_what_each_gives_alone(qwen: Qwen, seed: int) -> None:
    """Random episodes of words, pictures, rewinds, evictions; some read a prompt while others go on."""
    dice, prefixes, features = random.Random(seed), Prefixes(), Features(qwen.visual)
    system = words(dice, 20)
    played = [
        Played(Session(qwen, prefixes=prefixes, features=features), Session(qwen, prefixes=Prefixes()), [system])
        for _ in range(3)
    ]
    for _ in range(8):
        some = dice.sample(played, dice.randint(1, 3))
        readings, wanted, asked = [], [], list[torch.Tensor | None]()
        for one in some:
            rows = torch.tensor(dice.sample(range(VOCABULARY), 5)) if dice.random() < 0.5 else None
            asked.append(rows)
            if one.session.length and dice.random() < 0.4:
                fed = words(dice)
                one.past.append(fed)
                readings.append(one.session.prepare_feed(fed.tokens))
                wanted.append(one.twin.feed(fed.tokens, rows))
            else:
                one.change(dice)
                prompt = joined(one.past)
                readings.append(one.session.prepare(prompt, shared=len(system.tokens)))
                wanted.append(one.twin.read(prompt, shared=len(system.tokens), rows=rows))
            if not one.evicted:
                full = whole(qwen, joined(one.past))
                alike(wanted[-1], full if rows is None else full[rows])
        with passes(qwen) as seen:
            found = together.read(readings, asked)
        assert seen == [sum(reading.x.shape[1] for reading in readings)]
        for logits, other in zip(found, wanted, strict=True):
            alike(logits, other)
    assert any(one.evicted for one in played)
    for one in played:
        assert one.session.length == one.twin.length
        assert one.session.cache.length == one.twin.cache.length
        assert one.session.counts.forwards == one.twin.counts.forwards


def grammar(dialect: str) -> Grammar:
    text = DIALECTS[dialect].grammar(ActionSpace.browser(), FRAME, Bounds(thought=0, text=6))
    assert text is not None
    return COMPILER.compile(text)


@pytest.mark.parametrize("seed", range(4))
def test_answers_side_by_side_are_those_of_each_alone(qwen: Qwen, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some follow a grammar and some none; who has ended drops out. Nothing is read ahead here, as side by side."""
    monkeypatch.setattr("model.resume.spare", lambda network: 0)
    monkeypatch.setattr("model.ahead.FIRST", 0)
    dice = random.Random(seed)
    held = grammar("qwen2.5"), grammar("ui-tars-1.5"), None, None
    sessions, twins = [Session(qwen) for _ in held], [Session(qwen) for _ in held]
    pasts = [[words(dice)] for _ in held]
    for _ in range(3):
        limits = [60, 60, dice.randint(1, 3), dice.randint(4, 9)]
        for past in pasts:
            past += [picture(dice, 3), words(dice)]
        prompts = [joined(past) for past in pasts]
        asked = [
            Asked(session, prompt, limit, None if own is None else own.guide())
            for session, prompt, limit, own in zip(sessions, prompts, limits, held, strict=True)
        ]
        with passes(qwen) as seen:
            said = resume_batch(asked, eos=EOS)
        alone = [
            resume(twin, prompt, eos=EOS, limit=limit)
            if own is None
            else resume_guided(twin, prompt, own.guide(), eos=EOS, limit=limit)
            for twin, prompt, limit, own in zip(twins, prompts, limits, held, strict=True)
        ]
        for mine, other in zip(said, alone, strict=True):
            assert (mine.tokens, mine.stop) == (other.tokens, other.stop)
            assert (mine.forwards, mine.prefilled) == (other.forwards, other.prefilled)
            torch.testing.assert_close(torch.tensor(mine.logprobs), torch.tensor(other.logprobs), atol=1e-4, rtol=0)
        assert len(seen) == max(one.forwards for one in alone) < sum(one.forwards for one in alone)
        for past, mine in zip(pasts, said, strict=True):
            past += [Prompt(tuple(token for token in mine.tokens if token > 6) or (9,))]
        counted = [session.counts for session in sessions]
        assert [astuple(one)[:3] for one in counted] == [astuple(twin.counts)[:3] for twin in twins]


def test_who_has_ended_goes_through_the_network_no_more(qwen: Qwen) -> None:
    dice = random.Random(3)
    prompts = [words(dice, 9) for _ in range(3)]
    asked = [Asked(Session(qwen), prompt, limit) for prompt, limit in zip(prompts, (1, 3, 5), strict=True)]
    with passes(qwen) as seen:
        said = resume_batch(asked, eos=set())
    assert [one.forwards for one in said] == [1, 3, 5]
    assert seen == [sum(len(prompt.tokens) for prompt in prompts), 2, 2, 1, 1]
    assert [one.prefilled for one in said] == [len(prompt.tokens) for prompt in prompts]


def test_a_beginning_that_several_share_is_read_once(qwen: Qwen) -> None:
    dice, prefixes, alone = random.Random(4), Prefixes(), Prefixes()
    system, other = words(dice, 30), Prompt((300, 301, 302))
    ends = [words(dice) for _ in range(5)]
    begun = [system, system, other, system, system]  # the last knows nobody, the third is the only one of its kind
    owners = [prefixes] * 4 + [alone]
    prompts = [joined([one, end]) for one, end in zip(begun, ends, strict=True)]
    asked = [
        Asked(Session(qwen, prefixes=whose), prompt, 2, shared=len(one.tokens))
        for whose, prompt, one in zip(owners, prompts, begun, strict=True)
    ]
    with passes(qwen) as seen:
        said = resume_batch(asked, eos=set())
    first = len(system.tokens)
    lengths = [len(end.tokens) for end in ends]
    assert seen == [first, sum(lengths) + 3 + first, 5]
    assert [one.prefilled for one in said] == [
        first + lengths[0],
        lengths[1],
        3 + lengths[2],
        lengths[3],
        first + lengths[4],
    ]
    assert [one.forwards for one in said] == [3, 2, 2, 2, 2]
    for one, prompt in zip(said, prompts, strict=True):
        assert one.tokens == resume(Session(qwen), prompt, eos=set(), limit=2).tokens
    with passes(qwen) as seen:  # and never again
        resume_batch([Asked(Session(qwen, prefixes=prefixes), prompts[0], 1, shared=first) for _ in range(2)], eos=EOS)
    assert seen == [2 * lengths[0]]


def test_a_picture_that_several_see_is_looked_at_once(qwen: Qwen) -> None:
    dice, features = random.Random(5), Features(qwen.visual)
    image = picture(dice)
    prompts = [joined([words(dice), image, words(dice)]) for _ in range(3)]
    asked = [Asked(Session(qwen, features=features), prompt, 2) for prompt in prompts]
    said = resume_batch(asked, eos=set())
    assert [(one.session.counts.vision_calls, one.session.counts.vision_hits) for one in asked] == [
        (1, 0),
        (0, 1),
        (0, 1),
    ]
    for one, prompt in zip(said, prompts, strict=True):
        assert one.tokens == resume(Session(qwen), prompt, eos=set(), limit=2).tokens


def test_the_times_of_what_is_done_for_all_are_shared(qwen: Qwen) -> None:
    ticks = iter(range(1000))
    dice = random.Random(0)
    prompts = [joined([picture(dice), words(dice)]), words(dice)]
    sessions = [Session(qwen, clock=lambda: float(next(ticks))) for _ in prompts]
    said = resume_batch([Asked(session, prompt, 2) for session, prompt in zip(sessions, prompts, strict=True)], eos=EOS)
    assert [one.timings["vision"] for one in said] == [1.0, 1.0]
    assert all(min(one.timings.values()) > 0 for one in said)


def test_a_watcher_that_raises_leaves_every_session_where_it_is(qwen: Qwen) -> None:
    class Enough(Exception):
        pass

    def stop(tokens: Sequence[int]) -> bool:
        if len(tokens) > 1:
            raise Enough
        return False

    dice = random.Random(6)
    prompts = [words(dice), words(dice)]
    sessions = [Session(qwen) for _ in prompts]
    asked = [Asked(sessions[0], prompts[0], 5), Asked(sessions[1], prompts[1], 5, halted=stop)]
    with pytest.raises(Enough):
        resume_batch(asked, eos=set())
    for session, prompt in zip(sessions, prompts, strict=True):
        said = resume(session, prompt, eos=set(), limit=5)
        assert said.tokens == resume(Session(qwen), prompt, eos=set(), limit=5).tokens
        assert said.prefilled == 1


def test_what_cannot_be_read_together_is_refused(qwen: Qwen, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, dice = Session(qwen), Session(qwen), random.Random(7)
    prompt = words(dice)
    with pytest.raises(ValueError, match="no sessions to read"):
        together.read([], [])
    with pytest.raises(ValueError, match="no sessions to read"):
        resume_batch([], eos=EOS)
    with pytest.raises(ValueError, match="a session is given twice"):
        resume_batch([Asked(one, prompt, 2), Asked(one, prompt, 2)], eos=EOS)
    stranger = Session(network(shape(), seed=4))
    with pytest.raises(ValueError, match="of several networks"):
        together.read([one.prepare(prompt), stranger.prepare(prompt)], [None, None])
    with pytest.raises(ValueError, match="limit 0; expected"):
        resume_batch([Asked(one, prompt, 2), Asked(two, prompt, 0)], eos=EOS)
    late = one.prepare(prompt)
    one.read(prompt)
    length = len(prompt.tokens)
    with pytest.raises(ValueError, match=rf"prepared behind 0 tokens; the session has read {length} by now"):
        together.read([two.prepare(prompt), late], [None, None])
    readings = [one.prepare_feed((9,)), two.prepare(prompt)]
    monkeypatch.setattr("model.plan.available", lambda device: 1000)
    with pytest.raises(PlanError, match=r"reading 2 prompts at once takes [\d.]+ GB"):
        together.read(readings, [None, None])
    monkeypatch.undo()
    assert (one.length, two.length) == (length, 0)
    alike(together.read(readings, [None, None])[1], whole(qwen, prompt))


def test_a_prompt_that_waits_counts_what_was_forced_in_front_of_the_answer(qwen: Qwen) -> None:
    prompt = words(random.Random(8))
    waiting = [Waiting(Session(qwen), prompt) for _ in range(2)]
    found = together.read([one.prepare((20, 21)) for one in waiting], [None, None])
    for one, logits in zip(waiting, found, strict=True):
        one.was_read()
        alike(logits, whole(qwen, joined([prompt, Prompt((20, 21))])))
        assert (one.ahead, one.prompt) == (2, None)
    assert choose(found[0]) == choose(found[1])


def test_turns_of_several_conversations_are_answered_side_by_side_as_each_alone() -> None:
    model, dialect = load(TINY, dtype="float32"), DIALECTS["qwen2.5"]
    held = dialect.grammar(ActionSpace.browser(), Frame(160, 208, *model.processor.size(160, 208)))
    sessions, twins = ([Session(model.network, prefixes=Prefixes()) for _ in range(3)] for _ in range(2))
    told: list[list[str]] = [[], [], []]
    for step in range(2):
        turns = [
            Turn(
                [{"role": "user", "content": [{"type": "text", "text": f"Instruction: {what}\n"}, {"type": "image"}]}],
                [np.random.default_rng(step + number).integers(0, 256, (208, 160, 3), dtype=np.uint8)],
                ask=Ask(max_tokens=20 * (number + 1), grammar=None if number == 1 else held),
                watch=told[number].append,
            )
            for number, what in enumerate(("Click on OK.", "Click on Cancel.", "Scroll down."))
        ]
        with passes(model.network) as seen:
            said = model.chat_batch(turns, sessions)
        alone = [
            replace(model, session=twin).chat(turn.messages, turn.images, ask=turn.ask)
            for turn, twin in zip(turns, twins, strict=True)
        ]
        assert [replace(one, timings={}, logprobs=(), forwards=0) for one in said] == [
            replace(one, timings={}, logprobs=(), forwards=0) for one in alone
        ]
        assert said[1].forwards == alone[1].forwards
        for mine, other in zip(said, alone, strict=True):
            assert mine.forwards >= other.forwards  # alone, what may come under a grammar is read ahead
            assert set(mine.timings) == set(other.timings)
            torch.testing.assert_close(torch.tensor(mine.logprobs), torch.tensor(other.logprobs), atol=1e-4, rtol=0)
        assert len(seen) == max(one.forwards for one in said)
        assert ["".join(words) for words in told] == [one.text for one in said]
        for words_of in told:
            words_of.clear()
    assert model.session is None
    with pytest.raises(ChatError, match=r"^grammar: .* may not stand there|^grammar: the grammar allows"):
        model.chat_batch([replace(turns[0], ask=Ask(grammar='start: "<|im_end|>" /a/'))], sessions[:1])
    with pytest.raises(ValueError, match="shorter"):
        model.chat_batch(turns, sessions[:2])
