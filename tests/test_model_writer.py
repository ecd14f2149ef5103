"""An answer while it is written: whole characters, whole text, nothing behind a stop."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from model_checkpoint import IMAGE_PAD, SPECIAL, TEMPLATE, tokenizer

from model.chat import Chat
from model.writer import Watcher

CHAT = Chat(tokenizer(), [TEMPLATE], IMAGE_PAD)


def play(tokens: list[int], stop: list[str]) -> tuple[list[str], str, int]:
    """What was told, the text, and how many tokens were read until a stop or the end."""
    told: list[str] = []
    watcher = Watcher(CHAT, stop, told.append)
    for count in range(1, len(tokens) + 1):
        if watcher(tokens[:count]):
            return told, watcher.finish(tokens[:count], stopped=True), count
    return told, watcher.finish(tokens, stopped=False), len(tokens)


written = st.lists(st.integers(0, CHAT.tokenizer.get_vocab_size() - 1), max_size=30) | st.text(max_size=12).map(
    lambda text: CHAT.tokenizer.encode(text).ids
)


@settings(deadline=None, max_examples=300)
@given(written, st.lists(st.sampled_from(["a", "é", "</tool_call>", "the", "\n\n", "日本", SPECIAL[2]]), max_size=3))
@example(CHAT.tokenizer.encode("日本語 🙂 é").ids, [])
@example(CHAT.tokenizer.encode("x🙂").ids[:-1], [])  # ends in half a character
def test_what_is_told_is_the_text_and_ends_with_the_first_stop(tokens: list[int], stop: list[str]) -> None:
    told, text, count = play(tokens, stop)
    assert "".join(told) == text
    whole = CHAT.decode(tokens[:count])
    ends = [whole.find(word) + len(word) for word in stop if word in whole]
    assert text == whole[: min(ends, default=len(whole))]
    assert all(told)
    assert not any(piece.endswith("\ufffd") for piece in told[:-1])
    if not ends:
        assert count == len(tokens)


def test_each_character_is_told_as_soon_as_it_is_whole() -> None:
    told: list[str] = []
    watcher = Watcher(CHAT, (), told.append)
    tokens = CHAT.tokenizer.encode("a🙂b").ids
    assert len(tokens) == 6  # four of them one character
    seen = []
    for count in range(1, 7):
        watcher(tokens[:count])
        seen.append("".join(told))
    assert seen == ["a", "a", "a", "a", "a🙂", "a🙂b"]


def test_nothing_is_told_behind_a_stop_inside_a_token() -> None:
    tokens = [CHAT.tokenizer.encode("the").ids[0], *CHAT.tokenizer.encode("x").ids]
    assert CHAT.decode(tokens[:1]) == "the"
    assert play(tokens, ["h"]) == (["th"], "th", 1)


@pytest.mark.parametrize("text", ["", "a", "é"])
def test_an_answer_without_a_token_has_no_text(text: str) -> None:
    assert Watcher(CHAT, (text,) if text else ()).finish((), stopped=False) == ""
