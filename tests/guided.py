"""What tests of grammars share: a tokenizer like Qwen's, and a network that has made up its mind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from model_checkpoint import SPECIAL
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from actions import DIALECTS, ActionSpace, Frame
from model.ahead import SPARE, Ahead, Copy
from model.constrained import guided, write
from model.fan import Line
from model.generate import Prompt, Stop
from model.grammar import Compiler, Guide

VOCABULARY = 1024
"""Width of the logits; the tokenizer has fewer tokens."""

EOS = frozenset({0, 2})
FRAME = Frame(1280, 720, 1288, 728)


def qwenlike() -> Tokenizer:
    """Each digit a token, words and punctuation apart, <tool_call> a token that is not special."""
    built = Tokenizer(models.BPE())
    cut = Regex(r"\p{N}|[^\r\n\p{L}\p{N}]?\p{L}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(cut, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    told = [dialect.prompt(ActionSpace.browser(), FRAME) for dialect in DIALECTS.values()]
    calls = ['\n{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [1, 2]}}\n'] * 9
    built.train_from_iterator([*told, *calls], trainer)
    tags = [AddedToken(f"<{slash}tool_call>", normalized=False) for slash in ("", "/")]
    longer = AddedToken(' "{', normalized=False)  # as Qwen's, one that leaves open how a blank and a quote are cut
    built.add_tokens([*tags, longer])
    return built


def compiler(tokenizer: Tokenizer | None = None) -> Compiler:
    return Compiler(tokenizer or qwenlike(), VOCABULARY, EOS)


class Decided:
    """A network that wants to write `wanted` and nothing else; it counts what it is asked.

    The state behind tokens is the number of them that are as wanted, or -1 where one is not.
    """

    def __init__(self, wanted: Sequence[int]) -> None:
        self.wanted, self.forwards, self.most, self.widest = list(wanted), 0, 0, 0
        self.read: list[int] = []

    def feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Tensor:
        assert tokens or not self.forwards
        first, before = not self.forwards, len(self.read)
        self.read += tokens
        self.forwards += 1
        if not first:
            self.widest = max(self.widest, len(tokens) + sum(map(len, fan)))
        behind = [self._state(self.read[:end]) for end in range(before + (not first), len(self.read) + 1)]
        behind += [self._state([*self.read, *line[:end]]) for line in fan for end in range(1, len(line) + 1)]
        return torch.tensor(behind).unsqueeze(1)

    def forget(self, count: int) -> None:
        assert count <= len(self.read)
        del self.read[len(self.read) - count :]

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        logits = torch.zeros(*states.shape[:-1], VOCABULARY)
        flat = logits.view(-1, VOCABULARY)
        for place, state in enumerate(states.flatten().tolist()):
            if 0 <= state < len(self.wanted):
                flat[place, self.wanted[state]] = 5.0
        self.most = max(self.most, VOCABULARY if rows is None else len(rows))
        return logits if rows is None else logits[..., rows]

    def _state(self, tokens: Sequence[int]) -> int:
        return len(tokens) if self.wanted[: len(tokens)] == list(tokens) else -1


@dataclass(frozen=True)
class Found:
    """What was written, and what that took."""

    tokens: tuple[int, ...]
    stop: Stop
    forwards: int


def decide(
    wanted: Sequence[int], guide: Guide, asked: Prompt | None = None, spare: int = SPARE
) -> tuple[Found, Decided]:
    """What a network that wants to write `wanted` writes behind `asked`, and what that took."""
    network = Decided(wanted)
    ahead = Ahead(network, Copy(asked or Prompt((1,))), spare)
    said = write(ahead.logits, guided(guide, eos=EOS, limit=len(wanted) + 9, halted=lambda tokens: False))
    return Found(said.tokens, said.stop, ahead.forwards), network
