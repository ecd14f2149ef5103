"""What tests of grammars share: a tokenizer like Qwen's, and a network that has made up its mind."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from model_checkpoint import SPECIAL
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from actions import DIALECTS, ActionSpace, Frame
from model.grammar import Compiler

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
    """A network that wants to write `wanted` and nothing else; it counts what it is asked."""

    def __init__(self, wanted: Sequence[int]) -> None:
        self.wanted, self.at, self.forwards, self.most = list(wanted), 0, 0, 0

    def feed(self, tokens: Sequence[int], rows: Tensor | None = None) -> Tensor:
        assert list(tokens) == self.wanted[self.at : self.at + len(tokens)]
        self.at += len(tokens)
        self.forwards += 1
        logits = torch.zeros(VOCABULARY)
        logits[self.wanted[self.at]] = 5.0
        if rows is None:
            return logits
        self.most = max(self.most, len(rows))
        return logits[rows]
