"""Several conversations side by side: each goes on from its own, and says what it would say alone."""

from __future__ import annotations

import random

import pytest
from model_checkpoint import network, shape
from model_episodes import joined, picture, words

from model.generate import Prompt, generate
from model.qwen import Qwen
from model.resume import resume
from model.sessions import Sessions


@pytest.fixture(scope="module")
def qwen() -> Qwen:
    return network(shape(theta=100.0), seed=3)


def beginning(seed: int, pictures: int = 3) -> Prompt:
    dice = random.Random(seed)
    return joined([piece for _ in range(pictures) for piece in (words(dice), picture(dice), words(dice))])


def test_conversations_that_take_turns_each_read_what_is_new_in_them(qwen: Qwen) -> None:
    sessions, dice = Sessions(qwen, 2), random.Random(9)
    pasts = [beginning(1), beginning(2)]
    for turn in range(3):
        for at, past in enumerate(pasts):
            asked = joined([past, words(dice)])
            said = resume(sessions.pick(asked), asked, eos=set(), limit=4)
            assert said.tokens == generate(qwen, asked, eos=set(), limit=4).tokens
            assert (said.prefilled < 12) == (turn > 0)
            pasts[at] = joined([asked, Prompt(said.tokens)])
    assert len(sessions.held) == 2


def test_a_third_conversation_takes_the_place_of_the_one_used_longest_ago(qwen: Qwen) -> None:
    sessions = Sessions(qwen, 2)
    first, second, third = (beginning(seed) for seed in (1, 2, 3))
    kept = [
        sessions.pick(prompt) for prompt in (first, second) if resume(sessions.pick(prompt), prompt, eos=set(), limit=1)
    ]
    assert sessions.pick(first) is kept[0]
    assert sessions.pick(third) is kept[1]
    resume(kept[1], third, eos=set(), limit=1)
    assert sessions.pick(first) is kept[0]
    assert sessions.pick(second) is kept[1]


def test_sessions_share_what_they_saw(qwen: Qwen) -> None:
    sessions, dice = Sessions(qwen, 2), random.Random(4)
    screen, done = picture(dice), []
    for seed in (5, 6):
        prompt = joined([beginning(seed, 1), screen, words(dice)])
        session = sessions.pick(prompt)
        resume(session, prompt, eos=set(), limit=1)
        done.append(session)
    assert done[0] is not done[1]
    assert done[1].counts.vision_hits == 1


def test_no_session_at_all_is_refused(qwen: Qwen) -> None:
    with pytest.raises(ValueError, match="most: 0; expected at least one"):
        Sessions(qwen, 0)
