"""A finished conversation as tokens, and which of them the assistant said.

Turns are told apart by the special tokens that the template wrote (ChatML), never by words in them: a text may say
"assistant", or spell a special token, and stays text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from model.chat import Chat
from model.messages import ChatError

START, END = "<|im_start|>", "<|im_end|>"
VISION = ("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>")

MARKS = frozenset(f"<|{name}_{side}|>" for name in ("object_ref", "box", "quad") for side in ("start", "end"))
"""Special tokens that answers of released checkpoints hold around names and places."""


@dataclass(frozen=True)
class Transcript:
    """Tokens, and for each the number of the answer, from 1, that it is part of; 0 where the assistant is silent."""

    ids: tuple[int, ...]
    answers: tuple[int, ...]


def transcribe(
    chat: Chat,
    messages: Sequence[Mapping[str, object]],
    sizes: Sequence[int],
    videos: Sequence[int] = (),
    tools: Sequence[Mapping[str, object]] = (),
) -> Transcript:
    """`messages` as `Chat.encode` takes them, to their end.

    An answer is what follows the prompt that `Chat.encode` would give, down to the token, and the <|im_end|> behind
    it; what stands for images and videos belongs to none. Raises `ChatError`.
    """
    counts = {"image": sizes, "video": videos}
    ids: list[int] = []
    answers: list[int] = []
    for piece, meant, answer in _spoken(chat.pieces(messages, counts, tools, MARKS)):
        own = chat.ids(piece, meant)
        ids += own
        answers += [answer] * len(own)
    given = sum(message["role"] == "assistant" for message in messages)
    if (found := max(answers, default=0)) != given:
        raise ChatError(f"the chat template shows {found} answers of {given}; expected ChatML with each of them")
    times = chat.repeats(ids, counts)
    return Transcript(*(_repeated(row, times) for row in (ids, answers)))


def _spoken(pieces: Iterator[tuple[str, bool]]) -> Iterator[tuple[str, bool, int]]:
    """Each piece with the number of its answer; the heads of turns are pieces of their own, as in a prompt."""
    answer, speaks, begins = 0, False, False
    for piece, meant in pieces:
        if meant and piece == START:
            speaks, begins = False, True
            yield piece, meant, 0
            continue
        words = piece
        if begins and not meant:
            role, line, words = piece.partition("\n")
            begins, speaks = False, role == "assistant"
            answer += speaks
            yield role + line, False, 0
        yield words, meant, answer if speaks and not (meant and words in VISION) else 0
        speaks = speaks and not (meant and words == END)


def _repeated(row: Collection[int], times: Sequence[int]) -> tuple[int, ...]:
    return tuple(i for value, count in zip(row, times, strict=True) for i in (value,) * count)
