"""A grammar and its guide: what may come, what must, and where it ends, for any tokenizer."""

from __future__ import annotations

import json

import pytest
from guided import EOS, VOCABULARY, compiler, qwenlike
from model_checkpoint import tokenizer
from test_model_weights import TINY
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from model.grammar import KEPT, Compiler, Grammar, GrammarError, Guide, json_grammar

CALL = r"""start: <tool_call> "\n{\"at\": [" X ", " X "]}\n" </tool_call>
X: /[0-9]|[1-9][0-9]/
"""
WRITTEN = '<tool_call>\n{"at": [7, 42]}\n</tool_call>'
TOKENIZERS = {
    "like Qwen's": (qwenlike(), VOCABULARY, EOS),
    "bytes": (tokenizer(), 384, frozenset({2, 0})),
    "the built-in one": (Tokenizer.from_file(str(TINY / "tokenizer.json")), 1024, frozenset({256, 258})),
}


@pytest.fixture(params=TOKENIZERS)
def built(request: pytest.FixtureRequest) -> Compiler:
    return Compiler(*TOKENIZERS[request.param])


def walk(guide: Guide, wanted: list[int]) -> list[bool]:
    """Go through `wanted`; for each token whether it was forced."""
    forced: list[bool] = []
    while not guide.done and len(forced) < len(wanted):
        new = guide.forced()
        if not new:
            new = (wanted[len(forced)],)
            assert new[0] in guide.allowed().tolist()
            forced.append(False)
        else:
            assert list(new) == wanted[len(forced) : len(forced) + len(new)]
            forced += [True] * len(new)
        guide.take(new)
    return forced


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_is_forced_is_what_the_tokenizer_itself_writes(name: str) -> None:
    own, vocabulary, eos = TOKENIZERS[name]
    guide = Compiler(own, vocabulary, eos).compile(CALL).guide()
    wanted = own.encode(WRITTEN, add_special_tokens=False).ids
    forced = walk(guide, wanted)
    assert guide.done
    assert len(forced) == len(wanted)
    assert sum(forced) >= len(wanted) - 10


def test_a_call_ends_with_its_tag_and_nothing_is_forced_behind_it(built: Compiler) -> None:
    guide = built.compile(CALL).guide()
    guide.take(built.tokenizer.tokenize_str(WRITTEN, parse_special=True))
    assert guide.done
    assert guide.forced() == ()
    assert set(guide.allowed().tolist()) <= set(built.tokenizer.eos_tokens)


def test_a_guide_is_fresh_however_far_another_has_gone(built: Compiler) -> None:
    grammar: Grammar = built.compile(CALL)
    first = grammar.guide()
    start = first.forced()
    assert start
    first.take(start)
    assert grammar.guide().forced() == start
    assert built.compile(CALL) is grammar


def test_only_the_latest_grammars_are_remembered() -> None:
    built = compiler()
    first = built.compile("start: /a/")
    second = built.compile("start: /b/")
    for index in range(KEPT - 1):
        built.compile(f"start: /c{index}/")
        assert built.compile("start: /b/") is second
    assert built.compile("start: /a/") is not first


def test_where_an_answer_may_end_end_tokens_are_allowed_and_ids_ascend() -> None:
    built = compiler()
    guide = built.compile("start: /[0-9]+/").guide()
    digits = sorted(built.tokenizer.tokenize_str("0123456789"))
    assert guide.allowed().tolist() == digits
    guide.take(digits[:1])
    assert guide.allowed().tolist() == sorted([*EOS, *digits])
    assert not guide.done
    guide.take([2])
    assert guide.done


def quoting() -> Tokenizer:
    """Bytes, a blank with a quote, and a quote with a k: as in Qwen's, a quote may be cut off the blank before it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<|endoftext|>", *alphabet, 'Ġ"', '"k']
    built = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, [("Ġ", '"'), ('"', "k")]))
    cut = Regex(r" ?[^\s\p{L}\p{N}]+|[^\s]?\p{L}+|\s+")
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(cut, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    built.decoder = decoders.ByteLevel()
    return built


def test_characters_that_are_forced_are_no_choice_of_how_to_cut_them() -> None:
    """Behind `"action":` a blank and a quote must come; only their cutting is open: together, or the quote with a k."""
    built = Compiler(quoting(), 300, {0})
    guide = built.compile('start: "{\\"action\\": \\"" ("left" | "key")').guide()
    taken: list[int] = []
    while new := guide.forced():
        guide.take(new)
        taken += new
    assert built.tokenizer.decode_str(taken) == '{"action": "'
    assert taken == quoting().encode('{"action": "').ids
    assert {quoting().decode([token]) for token in guide.allowed().tolist()} == {"k", "l"}


@pytest.mark.parametrize("behind", ['" " ("k" | "l")', '"\\"" ("k" | "l")'])
def test_only_the_longest_cut_of_what_is_forced_is_forced(behind: str) -> None:
    """A blank that nothing longer begins with, and a quote where a quote with a k may come."""
    built = Compiler(quoting(), 300, {0})
    guide = built.compile(f'start: "a" {behind}').guide()
    guide.take(built.tokenizer.tokenize_str("a"))
    while new := guide.forced():
        guide.take(new)
    allowed = {quoting().decode([token]) for token in guide.allowed().tolist()}
    assert allowed == ({"k", "l"} if behind.startswith('" "') else {'"', '"k'})


def test_a_special_token_that_a_tokenizer_lacks_is_meant_as_text() -> None:
    built = compiler()
    guide = built.compile(r'start: <think> "\"<b>\"" /<\/think>/ <tool_call>  // <think>').guide()
    taken: list[int] = []
    while new := guide.forced():
        guide.take(new)
        taken += new
    assert guide.done
    assert built.tokenizer.decode_str(taken) == '<think>"<b>"</think><tool_call>'
    assert tuple(taken[-1:]) == tuple(built.tokenizer.tokenize_str("<tool_call>", parse_special=True))


def test_text_that_spells_a_special_token_is_an_error_and_no_nonsense() -> None:
    guide = compiler().compile('start: "say <tool_call>" /[0-9]/').guide()
    with pytest.raises(GrammarError, match="may not stand there"):
        guide.take(guide.forced())


def test_a_text_holds_no_special_token() -> None:
    built = compiler()
    allowed = set(built.compile("start: /(.|\\n){1,9}/").guide().allowed().tolist())
    assert not allowed & set(range(7))
    assert built.tokenizer.tokenize_str("<tool_call>", parse_special=True)[0] not in allowed
    assert max(allowed) < built.tokenizer.vocab_size


def test_a_schema_is_spaced_as_json_is_written_here() -> None:
    built = compiler()
    schema = {
        "type": "object",
        "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 9}, "on": {"type": "boolean"}},
        "required": ["x", "on"],
        "additionalProperties": False,
    }
    guide = built.compile(json_grammar(schema)).guide()
    guide.take(built.tokenizer.tokenize_str(json.dumps({"x": 3, "on": True})))
    assert guide.done
    with pytest.raises(GrammarError, match="may not stand there"):
        built.compile(json_grammar(schema)).guide().take(built.tokenizer.tokenize_str('{"x": 10'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be compiled: Empty grammar"),
        ("start: nothing", 'unknown name: "nothing"'),
        ("start: /(/", "invalid regex"),
        ("start: %json {", "cannot be compiled"),
        ("start: %json []", "cannot be compiled"),
        ('start: "\\q"', "cannot be compiled"),
    ],
)
def test_a_grammar_that_is_none_is_named(text: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message) as caught:
        compiler().compile(text)
    assert len(str(caught.value)) < 600


def test_what_may_not_stand_there_is_named_without_the_state_of_the_parser() -> None:
    guide = compiler().compile(CALL).guide()
    with pytest.raises(GrammarError, match="may not stand there") as caught:
        guide.take([9])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("own", "vocabulary", "eos", "message"),
    [
        (Tokenizer(models.WordLevel({"a": 0}, "a")), 10, {0}, "decoder"),
        (tokenizer(), 10, {2}, "vocab size too small"),
        (tokenizer(), 384, set[int](), "eos"),
    ],
)
def test_a_tokenizer_that_no_grammar_can_be_followed_with_is_named(
    own: Tokenizer, vocabulary: int, eos: set[int], message: str
) -> None:
    with pytest.raises(GrammarError, match=f"with this tokenizer: .*{message}"):
        Compiler(own, vocabulary, eos)
