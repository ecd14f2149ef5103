"""Decoding under a grammar: jump-forward writes what token by token writes, in so many forwards and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import torch
from guided import EOS, FRAME, VOCABULARY, Decided, compiler, decide, qwenlike
from model_checkpoint import network, shape, shape2
from plain_screen import plain_screen
from test_model_generate import MEDIA, prompt
from test_model_weights import TINY
from torch import Tensor

from actions import DIALECTS, ActionSpace, Bounds, Frame
from model import Ask, ChatError, load
from model.ahead import SPARE, Ahead, Copy
from model.constrained import Want, guided, write
from model.generate import Output, Prompt, choose, generate
from model.grammar import Grammar, GrammarError, Guide
from model.qwen import Qwen
from model.resume import Waiting, resume_guided
from model.rope import position_ids
from model.session import Session
from model.writer import ends

COMPILER = compiler()
TOKENIZER = qwenlike()
SPACE = ActionSpace.browser()
SHORT = Bounds(thought=0, text=6)


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def qwen(request: pytest.FixtureRequest) -> Qwen:
    config = shape(theta=100.0, tied=False) if request.param == "qwen2_5_vl" else shape2(theta=100.0)
    return network(config | {"vocab_size": VOCABULARY}, seed=3)


def compiled(dialect: str, bounds: Bounds = SHORT) -> Grammar:
    text = DIALECTS[dialect].grammar(SPACE, FRAME, bounds)
    assert text is not None
    return COMPILER.compile(text)


def alone(qwen: Qwen, asked: Prompt, guide: Guide, limit: int) -> Output:
    """What a session without a past writes."""
    return resume_guided(Session(qwen), asked, guide, eos=EOS, limit=limit)


@dataclass
class Slow:
    """The twin: the whole text again for every token, all logits, one forced token at a time."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    logits: list[Tensor] = field(default_factory=list)  # behind each choice, of the allowed tokens


def slow(qwen: Qwen, asked: Prompt, grammar: Grammar, limit: int) -> Slow:
    said, guide = Slow(), grammar.guide()
    while not guide.done and len(said.tokens) < limit:
        forced = guide.forced()
        token, chance = (forced[0], 0.0) if forced else (-1, 0.0)
        if not forced:
            tokens = asked.tokens + tuple(said.tokens)
            places = position_ids(tokens, qwen.config, asked.media).unsqueeze(1)
            with torch.inference_mode():
                logits = qwen(torch.tensor([tokens]), places, asked.patches, asked.grids)[0, -1]
            rows = guide.allowed()
            masked = torch.full_like(logits, -torch.inf)
            masked[rows] = logits[rows]
            token, chance = choose(masked)
            if len(rows) > 1:
                said.logits.append(logits[rows])
        guide.take((token,))
        said.tokens.append(token)
        said.logprobs.append(chance)
    return said


@pytest.mark.parametrize("dialect", ["qwen2.5", "ui-tars-1.5"])
def test_behind_a_session_a_grammar_has_the_same_words_in_as_many_forwards(qwen: Qwen, dialect: str) -> None:
    grammar, session = compiled(dialect), Session(qwen)
    for asked in (prompt("a small image"), prompt("a small image", words=9), prompt("a small image"), prompt("words")):
        before, reused = session.counts.forwards, session.counts.reused_tokens
        said = resume_guided(session, asked, grammar.guide(), eos=EOS, limit=60)
        fresh = alone(qwen, asked, grammar.guide(), 60)
        assert (said.tokens, said.stop, said.forwards) == (fresh.tokens, fresh.stop, fresh.forwards)
        torch.testing.assert_close(torch.tensor(said.logprobs), torch.tensor(fresh.logprobs), atol=1e-4, rtol=0)
        assert session.counts.forwards - before == said.forwards
        assert said.prefilled + session.counts.reused_tokens - reused == len(asked.tokens)


class Recorded(Ahead):
    """One that keeps the logits it gives."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.given: list[Tensor] = []

    def logits(self, want: Want) -> Tensor:
        self.given.append(super().logits(want))
        return self.given[-1]


@pytest.mark.parametrize(
    "dialect",
    [
        "qwen2.5",
        "ui-tars-1.5",
        pytest.param("qwen2.5-mobile", marks=pytest.mark.slow),
        pytest.param("qwen2", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", ["words", "two images", "a video and an image"])
def test_jump_forward_writes_what_token_by_token_writes(qwen: Qwen, name: str, dialect: str) -> None:
    assert name in MEDIA
    grammar = compiled(dialect, Bounds(thought=8 * (name == "words"), text=6))
    for seed, spare in enumerate((SPARE, 5, 0)):
        asked = prompt(name, seed)
        wanted = slow(qwen, asked, grammar, 200)
        asked = replace(asked, draft=(*wanted.tokens[: 9 * seed], 7))
        ahead = Recorded(Waiting(Session(qwen), asked), Copy(asked), spare)
        found = write(ahead.logits, guided(grammar.guide(), eos=EOS, limit=200, halted=lambda tokens: False))
        assert list(found.tokens) == wanted.tokens
        assert found.stop == "stop"
        torch.testing.assert_close(torch.tensor(found.logprobs), torch.tensor(wanted.logprobs), atol=1e-4, rtol=0)
        assert ahead.forwards <= len(ahead.given) == len(wanted.logits)
        assert ahead.forwards < len(found.tokens)
        for one, other in zip(ahead.given, wanted.logits, strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_few_rows_of_the_head_are_computed_alone_and_give_the_same(qwen: Qwen) -> None:
    hidden = torch.randn(3, qwen.config.text.hidden_size)
    whole = qwen.logits(hidden)
    for rows in ([5], [7, 1000, 3], list(range(0, VOCABULARY, 2))):
        torch.testing.assert_close(qwen.logits(hidden, torch.tensor(rows)), whole[:, rows], atol=1e-5, rtol=0)


def call(inside: str) -> list[int]:
    text = f'<tool_call>\n{{"name": "computer_use", "arguments": {{{inside}}}}}\n</tool_call>'
    return TOKENIZER.encode(text, add_special_tokens=False).ids


def test_the_limit_cuts_in_the_middle_of_what_is_forced(qwen: Qwen) -> None:
    asked, grammar = prompt("a small image"), compiled("qwen2.5")
    whole = alone(qwen, asked, grammar.guide(), 200)
    assert whole.stop == "stop"
    for limit in range(1, len(whole.tokens) + 1):
        cut = alone(qwen, asked, grammar.guide(), limit)
        assert cut.tokens == whole.tokens[:limit]
        assert cut.logprobs == pytest.approx(whole.logprobs[:limit], abs=1e-4)
        assert cut.stop == ("stop" if limit == len(whole.tokens) else "length")


def test_an_end_token_ends_what_may_end_and_a_watcher_may_stop_it() -> None:
    grammar = COMPILER.compile("start: /[0-9]+/")
    digits = TOKENIZER.encode("12").ids
    found, _ = decide([*digits, 2], grammar.guide())
    assert (list(found.tokens), found.stop, found.forwards) == ([*digits, 2], "eos", 2)
    seen: list[int] = []

    def halt(tokens: Sequence[int]) -> bool:
        seen.append(len(tokens))
        return len(tokens) == 1

    ahead = Ahead(Decided([*digits, 2]), Copy(Prompt((1,))))
    found = write(ahead.logits, guided(grammar.guide(), eos=EOS, limit=9, halted=halt))
    assert (list(found.tokens), found.stop, seen) == (digits[:1], "stop", [1])


def test_what_is_forced_costs_no_forward_and_has_no_doubt(qwen: Qwen) -> None:
    grammar = COMPILER.compile('start: <tool_call> "{\\"action\\": \\"wait\\"}" </tool_call>')
    found = alone(qwen, prompt("a small image"), grammar.guide(), 99)
    assert (found.forwards, set(found.logprobs), found.stop) == (0, {0.0}, "stop")
    assert list(found.timings) == ["vision", "prefill", "decode"]


def test_plain_decoding_counts_its_forwards_too(qwen: Qwen) -> None:
    assert generate(qwen, prompt("words"), eos=set(), limit=7).forwards == 7


def test_a_network_without_numbers_is_named_under_a_grammar_too(qwen: Qwen) -> None:
    broken = network(shape() | {"vocab_size": VOCABULARY})
    with torch.no_grad():
        broken.model.norm.weight.fill_(torch.nan)
    with pytest.raises(ArithmeticError, match="not numbers"):
        alone(broken, prompt("words"), compiled("qwen2.5").guide(), 99)


INSTRUCTIONS = (
    'Click on the link "Tora".',
    'Enter "Bob" into the text field and press Submit.',
    'Click on the "OK" button.',
    'Click on the "Submit" button.',
)


def test_the_built_in_model_writes_the_same_where_it_was_valid() -> None:
    model, dialect = load(TINY, dtype="float32"), DIALECTS["qwen2.5"]
    frame = Frame(160, 208, *model.processor.size(160, 208))
    grammar = dialect.grammar(SPACE, frame)
    same = 0
    for instruction in INSTRUCTIONS:
        text = f"Instruction: {instruction}\nPrevious actions: None\n"
        messages = [{"role": "user", "content": [{"type": "text", "text": text}, {"type": "image"}]}]
        free = model.chat(messages, [plain_screen()], ask=Ask(max_tokens=64))
        held = model.chat(messages, [plain_screen()], ask=Ask(max_tokens=64, grammar=grammar))
        dialect.parse(free.text, frame)  # valid, and so the grammar has nothing to change
        assert held.text == free.text
        assert held.tokens == free.tokens
        assert held.forwards < free.forwards == len(free.tokens)
        assert all(mine >= other - 1e-4 for mine, other in zip(held.logprobs, free.logprobs, strict=True))
        same += 1
    assert same == len(INSTRUCTIONS)


def test_a_grammar_that_is_none_is_told_before_anything_is_computed() -> None:
    model = load(TINY)
    with pytest.raises(ChatError, match=r"^grammar: the grammar cannot be compiled"):
        model.chat([{"role": "user", "content": "hi"}], ask=Ask(grammar="start: nothing"))
    with pytest.raises(ChatError, match=r"^grammar: .* may not stand there|^grammar: the grammar allows"):
        model.chat([{"role": "user", "content": "hi"}], ask=Ask(grammar='start: "<|im_end|>" /a/'))


def test_text_inside_an_answer_does_not_end_it() -> None:
    model, told = load(TINY), list[str]()
    grammar = 'start: "say </tool_call> and go on"'
    said = model.chat([{"role": "user", "content": "hi"}], ask=Ask(grammar=grammar), watch=told.append)
    assert said.text == "".join(told) == "say </tool_call> and go on"
    assert (said.stop, said.forwards) == ("stop", 0)


def test_a_grammar_without_a_way_out_is_named() -> None:
    guide = COMPILER.compile("start: /[0-9]/").guide()
    with pytest.raises(GrammarError, match="may not stand there"):
        guide.take([9])


def test_the_logs_of_a_stretch_of_text_are_those_of_the_tokens_that_write_it() -> None:
    model, grammar = load(TINY), 'start: "at [" /[0-9]/ ", " /[0-9]/ "] é"'
    said = model.chat([{"role": "user", "content": "hi"}], ask=Ask(grammar=grammar))
    assert said.ends[-1] == len(said.text)
    assert list(said.ends) == sorted(said.ends)
    first, second = said.text.index("[") + 1, said.text.index(",") + 2
    whole = said.logprob(0, len(said.text))
    assert whole == pytest.approx(sum(said.logprobs))
    assert said.logprob(0, 2) == 0.0  # forced
    assert said.logprob(first, first + 1) < 0
    assert said.logprob(first, first + 1) + said.logprob(second, second + 1) == pytest.approx(whole)
    free = model.chat([{"role": "user", "content": "hi"}], ask=Ask(max_tokens=5))
    assert len(free.ends) == len(free.tokens) - (free.stop == "eos")


def test_half_a_character_is_no_character_yet() -> None:
    chat = load(TINY).format
    assert ends(chat, chat.tokenizer.encode("a🙂b").ids) == (1, 1, 1, 1, 2, 3)
