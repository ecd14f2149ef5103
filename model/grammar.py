"""What an answer may look like: a grammar, compiled for a checkpoint's tokenizer, that allows and forces tokens.

The seam in front of llguidance: nothing else here imports it. A grammar is text in its variant of Lark
(github.com/guidance-ai/llguidance, docs/syntax.md). A special token such as <tool_call> is written without quotes;
where a tokenizer has no such token, the same characters are meant. A literal text that spells a special token can
be followed only up to there: write the token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from pydantic import JsonValue
from tokenizers import Tokenizer
from torch import Tensor

KEPT = 64
"""Compiled grammars that are remembered: a screen of another size makes another one."""

FEW = 32
"""Allowed tokens among which the spelling of forced characters is looked for."""

_SHOWN = 400
_TOKENS = re.compile(r'"(?:\\.|[^"\\\n])*"|/(?:\\.|[^/\\\n])+/|//[^\n]*|(?P<special></?[A-Za-z_][\w-]*>|<\|[\w-]+\|>)')


class GrammarError(ValueError):
    """A grammar that cannot be compiled, or text that has left it."""


class Guide(Protocol):
    """Follows one answer through a grammar."""

    @property
    def done(self) -> bool:
        """Whether the answer is whole and nothing can follow but its end."""
        ...

    def forced(self) -> tuple[int, ...]:
        """The tokens that have to come now, as the tokenizer itself would cut them; empty where there is a choice."""
        ...

    def allowed(self) -> Tensor:
        """Ids, ascending, of the tokens that may come now; end tokens among them where the answer may end."""
        ...

    def take(self, tokens: Sequence[int]) -> None:
        """Go on behind `tokens`; a GrammarError where one of them may not stand there."""
        ...

    def fork(self) -> Guide:
        """Another one that stands at the same place and goes on by itself."""
        ...


@dataclass(frozen=True)
class Grammar:
    """A compiled grammar."""

    start: LLMatcher
    tokenizer: LLTokenizer

    def guide(self) -> Guide:
        """One that stands at the beginning of an answer."""
        return _Guide(self.start.deep_copy(), self.tokenizer)


class Compiler:
    """Compiles grammars for one tokenizer, and remembers the latest.

    `vocabulary` is the width of the logits, which may be more than the tokenizer has tokens; `eos` end an answer.
    Raises GrammarError for a tokenizer that is no byte-level BPE, and without any end.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: int, eos: Set[int]) -> None:
        try:
            self.tokenizer = LLTokenizer(tokenizer.to_str(), n_vocab=vocabulary, eos_token=sorted(eos))
        except ValueError as error:
            raise GrammarError(f"no grammar can be followed with this tokenizer: {error}") from None
        self.special = {name for name in tokenizer.get_vocab() if _is_special(name)}
        self._compiled: dict[str, Grammar] = {}

    def compile(self, text: str) -> Grammar:
        """The grammar that `text` describes; a GrammarError where it describes none."""
        if (known := self._compiled.pop(text, None)) is None:
            known = self._compile(text)
        self._compiled[text] = known  # the latest stands last
        if len(self._compiled) > KEPT:
            del self._compiled[next(iter(self._compiled))]
        return known

    def _compile(self, text: str) -> Grammar:
        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_lark(self._spell(text)), log_level=0)
        if matcher.is_error():
            raise GrammarError(f"the grammar cannot be compiled: {_reason(matcher)}")
        return Grammar(matcher, self.tokenizer)

    def _spell(self, text: str) -> str:
        """`text` with the special tokens that this tokenizer does not have as plain characters."""

        def spelled(found: re.Match[str]) -> str:
            name = found["special"]
            return found.group() if name is None or name in self.special else json.dumps(name)

        return _TOKENS.sub(spelled, text)


@dataclass
class _Guide:
    matcher: LLMatcher
    tokenizer: LLTokenizer

    @property
    def done(self) -> bool:
        return self.matcher.is_stopped()

    def forced(self) -> tuple[int, ...]:
        if self.done:
            return ()
        return tuple(self.matcher.compute_ff_tokens()) or self._only()

    def allowed(self) -> Tensor:
        bits = np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8)
        return torch.from_numpy(np.flatnonzero(np.unpackbits(bits, bitorder="little")))

    def take(self, tokens: Sequence[int]) -> None:
        if not self.matcher.consume_tokens(list(tokens)):
            shown = self.tokenizer.dbg_tokens(list(tokens))
            raise GrammarError(f"{shown} may not stand there: {_reason(self.matcher)}")

    def fork(self) -> Guide:
        return _Guide(self.matcher.deep_copy(), self.tokenizer)

    def _only(self) -> tuple[int, ...]:
        """The one token that spells forced characters best, where none that is allowed reaches further than it."""
        coming = self.matcher.compute_ff_bytes()
        if not coming or len(allowed := self.allowed()) > FEW:
            return ()
        longest = max(len(self.tokenizer.decode_bytes([token])) for token in allowed.tolist())
        token = self.tokenizer.tokenize_bytes(coming)[0]
        whole = token in allowed.tolist() and len(self.tokenizer.decode_bytes([token])) == longest
        return (token,) if whole else ()


def json_grammar(schema: Mapping[str, JsonValue]) -> str:
    """The grammar of the JSON values that `schema` describes, spaced as json.dumps does."""
    return f"start: {json_term(schema)}"


def json_term(schema: Mapping[str, JsonValue]) -> str:
    """The same as part of a rule."""
    spaced = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return f"%json {json.dumps({**schema, 'x-guidance': spaced})}"


def _reason(matcher: LLMatcher) -> str:
    """What went wrong, without the state of the parser."""
    return matcher.get_error().partition("\n<state>")[0].strip()[:_SHOWN]


def _is_special(name: str) -> bool:
    """Whether llguidance takes a token for a special one: it goes by the angle brackets, whatever its file says."""
    return re.fullmatch(r"<[^<>]+>", name) is not None
