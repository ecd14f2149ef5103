"""What is written behind a session is what is written anew, to the token."""

from __future__ import annotations

import random

import pytest
import torch
from model_checkpoint import network, shape, shape2
from model_episodes import alike, joined, picture, whole, words

from model.generate import Prompt, generate
from model.plan import PlanError
from model.qwen import Qwen
from model.resume import Waiting, resume
from model.session import Session


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def qwen(request: pytest.FixtureRequest) -> Qwen:
    return network(shape(theta=100.0) if request.param == "qwen2_5_vl" else shape2(theta=100.0), seed=3)


@pytest.mark.parametrize("seed", range(3))
def test_answers_behind_a_session_are_those_of_prompts_read_whole(qwen: Qwen, seed: int) -> None:
    dice, session = random.Random(seed), Session(qwen)
    past = [words(dice)]
    for _ in range(5):
        past = [*past[: dice.randint(1, len(past))], picture(dice, 3), words(dice)]
        prompt = joined(past)
        reused = session.counts.reused_tokens
        said = resume(session, prompt, eos={2}, limit=6)
        alone = generate(qwen, prompt, eos={2}, limit=6)
        assert (said.tokens, said.stop) == (alone.tokens, alone.stop)
        torch.testing.assert_close(torch.tensor(said.logprobs), torch.tensor(alone.logprobs), atol=1e-4, rtol=0)
        assert set(said.timings) == set(alone.timings)
        assert said.forwards == alone.forwards == len(said.tokens)
        assert said.prefilled + session.counts.reused_tokens - reused == len(prompt.tokens) == alone.prefilled
        past += [Prompt(tuple(token for token in said.tokens if token > 6)), words(dice)]


def test_the_timings_add_up_and_looking_is_apart(qwen: Qwen) -> None:
    ticks = iter(range(100))
    session = Session(qwen, clock=lambda: float(next(ticks)))
    dice = random.Random(0)
    said = resume(session, joined([picture(dice), words(dice)]), eos=set(), limit=3)
    assert said.timings == {"vision": 1.0, "prefill": 2.0, "decode": 1.0}
    assert session.counts.forwards == 3


def test_a_prompt_that_waits_is_read_with_the_first_tokens_in_one_forward(qwen: Qwen) -> None:
    session, dice = Session(qwen), random.Random(5)
    prompt, rows = joined([words(dice), picture(dice), words(dice)]), torch.tensor([40, 7, 300])
    waiting = Waiting(session, prompt)
    assert waiting.read is None
    states = waiting.logits(waiting.feed((20, 21)))
    for written, state in enumerate(states):
        alike(state, whole(qwen, joined([prompt, Prompt((20, 21)[:written])])))
    assert waiting.read is not None
    alike(waiting.logits(waiting.feed((22,))[-1], rows), whole(qwen, joined([prompt, Prompt((20, 21, 22))]))[rows])
    waiting.forget(2)
    alike(waiting.logits(waiting.feed((9,))[-1]), whole(qwen, joined([prompt, Prompt((20, 9))])))
    assert session.counts.forwards == 3
    for tokens in ((), (20,)):
        again, reused = Waiting(session, prompt), session.counts.reused_tokens
        alike(again.logits(again.feed(tokens)[0], rows), whole(qwen, prompt)[rows])
        assert session.counts.reused_tokens - reused == len(prompt.tokens) - 1
        with pytest.raises(ValueError, match="no tokens to feed"):
            again.feed(())


def test_who_is_stopped_goes_on_from_there(qwen: Qwen) -> None:
    class Enough(Exception):
        pass

    def stop(tokens: object) -> bool:
        raise Enough

    session, prompt = Session(qwen), words(random.Random(1))
    with pytest.raises(Enough):
        resume(session, prompt, eos=set(), limit=5, halted=stop)
    said = resume(session, prompt, eos=set(), limit=5)
    assert said.tokens == generate(qwen, prompt, eos=set(), limit=5).tokens
    assert said.prefilled == 1


def test_what_cannot_be_answered_is_refused(qwen: Qwen) -> None:
    session = Session(qwen)
    with pytest.raises(ValueError, match="limit 0; expected"):
        resume(session, Prompt((10,)), eos=set(), limit=0)
    image = picture(random.Random(2))
    assert image.patches is not None
    broken = Prompt(image.tokens, image.patches * torch.nan, image.media)
    with pytest.raises(ArithmeticError, match="are not numbers"):
        resume(session, broken, eos=set(), limit=2)
    assert resume(session, Prompt((10, 11)), eos=set(), limit=2).tokens


def test_work_beyond_this_machine_is_refused_and_the_session_stays(qwen: Qwen, monkeypatch: pytest.MonkeyPatch) -> None:
    session, dice = Session(qwen), random.Random(3)
    first = words(dice)
    resume(session, first, eos=set(), limit=2)
    monkeypatch.setattr("model.plan.available", lambda device: 1000)
    with pytest.raises(PlanError, match=r"reading on takes [\d.]+ GB"):
        resume(session, joined([first, picture(dice)]), eos=set(), limit=2)
    monkeypatch.undo()
    assert session.length == len(first.tokens)
    assert resume(session, joined([first, first]), eos=set(), limit=2).prefilled == len(first.tokens)


def test_an_answer_that_the_cache_cannot_grow_for_is_refused_and_the_session_stays(
    qwen: Qwen, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, first = Session(qwen), Prompt(tuple(range(20, 90)))
    session.read(first)
    left = session.cache.room - len(first.tokens)
    monkeypatch.setattr("model.plan.available", lambda device: 1000)
    session.feed([40] * left)
    with pytest.raises(PlanError, match=r"reading on takes [\d.]+ GB \(cache [\d.]+ GB, prefill"):
        session.feed([41])
    monkeypatch.undo()
    alike(session.feed([41]), whole(qwen, Prompt((*first.tokens, *[40] * left, 41))))
