"""A loaded checkpoint that is spoken to."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from model_checkpoint import TOOLS, shape, write, write_checkpoint
from numpy.typing import NDArray

import model as package
from model import Ask, ChatError, Clip, Config, ConfigError, Generation, Model, load
from model.generate import Prompt, choose, generate
from model.layout import Medium
from model.rope import position_ids

LOOK: list[dict[str, object]] = [
    {"role": "user", "content": [{"type": "text", "text": "Click OK."}, {"type": "image"}]},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random"
    write_checkpoint(path, shape(theta=100.0, layers=3), seed=3)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load(folder)


def picture(width: int = 160, height: int = 208, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def free(model: Model, **options: object) -> Generation:
    """What it says when nothing but the limit ends it."""
    return replace(model, eos=frozenset()).chat(LOOK, [picture()], ask=Ask(max_tokens=40, stop=()))


def test_a_generation_tells_what_was_written_and_what_it_cost(model: Model, folder: Path) -> None:
    said = free(model)
    assert (said.stop, len(said.tokens), len(said.logprobs)) == ("length", 40, 40)
    assert said.text == model.format.decode(said.tokens)
    assert said.image_sizes == ((160, 208, 112, 144),)
    assert said.image_tokens == 7 * 9 == model.processor.tokens(160, 208)
    assert said.prompt_tokens == len(model.format.encode(LOOK, [said.image_tokens]))
    assert all(logprob <= 0 for logprob in said.logprobs)
    assert model.name == "random"
    assert model.hash == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert model.config == Config.read(folder)


def test_each_token_is_the_likeliest_behind_all_before_it(model: Model) -> None:
    said = free(model)
    patches, grid = model.processor(picture())
    tokens = model.format.encode(LOOK, [said.image_tokens]) + said.tokens
    positions = position_ids(tokens, Config.parse(shape()), [Medium(grid)]).unsqueeze(1)
    with torch.inference_mode():
        logits = model.network(torch.tensor([tokens]), positions, patches, [grid])[0]
    chances = logits[said.prompt_tokens - 1 : -1].log_softmax(-1).max(-1)
    assert tuple(chances.indices.tolist()) == said.tokens
    torch.testing.assert_close(torch.tensor(said.logprobs), chances.values, atol=1e-4, rtol=0)


def test_the_same_question_is_answered_alike(model: Model) -> None:
    assert replace(free(model), timings={}) == replace(free(model), timings={})


def test_an_end_token_ends_the_answer_and_is_not_in_its_text(model: Model) -> None:
    said = free(model)
    at = next(i for i in range(4, 40) if said.tokens[i] not in said.tokens[:i])
    ended = replace(model, eos=frozenset({said.tokens[at]})).chat(LOOK, [picture()], ask=Ask(max_tokens=40, stop=()))
    assert ended.stop == "eos"
    assert ended.tokens == said.tokens[: at + 1]
    assert ended.text == model.format.decode(said.tokens[:at])
    assert ended.logprobs == said.logprobs[: at + 1]


def ascii_run(text: str) -> tuple[int, int]:
    """Ends of the longest stretch of plain characters."""
    runs = "".join(c if c.isascii() and c.isprintable() else "\n" for c in text).split("\n")
    longest = max(runs, key=len)
    return text.index(longest), text.index(longest) + len(longest)


def test_a_stop_string_of_several_tokens_ends_the_answer_and_is_its_end(model: Model) -> None:
    said = free(model)
    start, end = ascii_run(said.text)
    assert end - start > 4
    wanted = said.text[start + 1 : end - 1]
    assert model.format.tokenizer.token_to_id(wanted) is None
    stopped = replace(model, eos=frozenset()).chat(LOOK, [picture()], ask=Ask(max_tokens=40, stop=("never", wanted)))
    assert stopped.stop == "stop"
    assert stopped.text == said.text[: said.text.index(wanted) + len(wanted)]
    assert stopped.tokens == said.tokens[: len(stopped.tokens)]
    assert len(stopped.tokens) < len(said.tokens)
    assert wanted not in model.format.decode(stopped.tokens[:-1])


def test_the_first_stop_string_to_end_cuts_the_text(model: Model) -> None:
    said = free(model)
    first = said.text[0]
    stopped = replace(model, eos=frozenset()).chat(
        LOOK, [picture()], ask=Ask(max_tokens=40, stop=(said.text[:3], first))
    )
    assert stopped.text == first


def test_timings_are_those_of_the_clock_handed_in(folder: Path) -> None:
    ticks: Iterator[int] = count()
    said = load(folder, clock=lambda: float(next(ticks))).chat(LOOK, [picture()], ask=Ask(max_tokens=2))
    assert said.timings == {"image": 1.0, "vision": 1.0, "prefill": 1.0, "decode": 1.0}


def test_text_alone_is_answered_and_so_are_two_images(model: Model) -> None:
    text = model.chat([{"role": "user", "content": "hi"}], ask=Ask(max_tokens=3))
    assert (text.image_tokens, text.image_sizes) == (0, ())
    two = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "or"}, {"type": "image"}]}]
    images = [picture(), picture(32, 48, 1)]
    both = model.chat(two, images, ask=Ask(max_tokens=8))
    assert both.image_sizes == ((160, 208, 112, 144), (32, 48, 32, 48))
    assert both.image_tokens == 63 + 6
    swapped = model.chat(two, images[::-1], ask=Ask(max_tokens=8))
    assert both.logprobs != swapped.logprobs


def clip(seed: int = 0, count: int = 3) -> Clip:
    return Clip(np.random.default_rng(seed).integers(0, 256, (count, 48, 64, 3), dtype=np.uint8), fps=2.0)


def test_the_answer_is_told_as_it_is_written(model: Model) -> None:
    told: list[str] = []
    endless = replace(model, eos=frozenset())
    said = endless.chat(LOOK, [picture()], ask=Ask(max_tokens=40, stop=()), watch=told.append)
    assert "".join(told) == said.text
    assert len(told) > 10
    at = next(i for i in range(4, 40) if said.tokens[i] not in said.tokens[:i])
    told.clear()
    ended = replace(model, eos=frozenset({said.tokens[at]})).chat(LOOK, [picture()], watch=told.append)
    assert "".join(told) == ended.text == model.format.decode(said.tokens[:at])


def test_what_a_watcher_raises_ends_the_writing(model: Model) -> None:
    told: list[str] = []

    def watch(piece: str) -> None:
        told.append(piece)
        if len(told) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        replace(model, eos=frozenset()).chat(LOOK, [picture()], ask=Ask(max_tokens=40, stop=()), watch=watch)
    assert len(told) == 3


def test_a_video_is_seen_where_the_message_has_it(model: Model) -> None:
    kinds = ("image", "video", "image", "video")
    talk = [{"role": "user", "content": [{"type": kind} for kind in kinds]}]
    budget = Ask(max_tokens=4, stop=(), min_pixels=256, max_pixels=4096)
    said = model.chat(talk, [picture(), picture(32, 48, 1)], [clip(), clip(1, 2)], ask=budget)
    assert said.image_sizes == ((160, 208, 48, 64), (32, 48, 32, 48))
    assert said.sizes == ((48, 64), (32, 48))
    assert said.video_sizes == ((3, 64, 48, 64, 48), (2, 64, 48, 64, 48))
    assert said.image_tokens == 12 + 2 * 12 + 6 + 12
    swapped = model.chat(talk, [picture(), picture(32, 48, 1)], [clip(1, 2), clip()], ask=budget)
    assert swapped.prompt_tokens == said.prompt_tokens
    assert swapped.logprobs != said.logprobs


def test_media_are_handed_to_the_network_in_the_order_of_the_prompt(model: Model) -> None:
    talk = [{"role": "user", "content": [{"type": kind} for kind in ("video", "image")]}]
    said = replace(model, eos=frozenset()).chat(talk, [picture()], [clip()], ask=Ask(max_tokens=3, stop=()))
    films, shape_of_film = model.videos()(clip())
    patches, grid = model.processor(picture())
    media = (shape_of_film, Medium(grid))
    tokens = model.format.encode(talk, [63], [model.videos().tokens(clip())])
    output = generate(model.network, Prompt(tokens, torch.cat((films, patches)), media), eos=set(), limit=3)
    assert output.tokens == said.tokens
    torch.testing.assert_close(torch.tensor(output.logprobs), torch.tensor(said.logprobs))


def test_the_time_that_a_video_takes_is_told_to_the_network(model: Model) -> None:
    talk = [{"role": "user", "content": [{"type": "video"}]}]
    slow, fast = (
        model.chat(talk, (), [Clip(clip(0, 6).frames, fps)], ask=Ask(max_tokens=3, stop=())) for fps in (0.5, 8.0)
    )
    assert slow.prompt_tokens == fast.prompt_tokens
    assert slow.logprobs != fast.logprobs


def test_tools_are_told_to_the_model_by_the_template_that_knows_them(folder: Path) -> None:
    write(folder, "tokenizer_config.json", {"chat_template": TOOLS})
    tooled = load(folder)
    tool = {"type": "function", "function": {"name": "press"}}
    said, bare = (tooled.chat(LOOK, [picture()], ask=Ask(max_tokens=2, tools=tools)) for tools in ((tool,), ()))
    assert said.prompt_tokens == len(tooled.format.encode(LOOK, [said.image_tokens], (), [tool]))
    assert said.prompt_tokens != bare.prompt_tokens


def test_an_answer_ends_where_the_network_cannot_read_on(model: Model) -> None:
    text = replace(model.config.text, max_position_embeddings=100)
    network = model.network
    kept = network.config
    network.config = replace(kept, text=text)
    try:
        said = replace(model, eos=frozenset()).chat(LOOK, [picture()], ask=Ask(stop=()))
        assert (said.stop, said.prompt_tokens + len(said.tokens)) == ("length", 100)
        long = [{"role": "user", "content": "x " * 100}]
        with pytest.raises(ChatError, match=r"the prompt has \d+ tokens; expected fewer than 100"):
            model.chat(long)
    finally:
        network.config = kept


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.chat(LOOK), "the messages have places for 1 images, 0 were given"),
        (lambda m: m.chat(LOOK, [picture(), picture()]), "places for 1 images, 2 were given"),
        (lambda m: m.chat(LOOK, [picture() / 255]), "image 1: an image is float64; expected a uint8"),
        (lambda m: m.chat(LOOK, [picture(900, 4)]), "image 1: an image of 900x4 pixels is too narrow"),
        (lambda m: m.chat(LOOK, [picture()], [clip()]), "places for 0 videos, 1 were given"),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(max_pixels=100)), "max_pixels: 100; expected at least"),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(min_pixels=0)), "min_pixels: 0; expected at least 1"),
        (
            lambda m: m.chat(
                [{"role": "user", "content": [{"type": "video"}]}], (), [Clip(picture(900, 4)[None], 2.0)]
            ),
            "video 1: a frame: an image of 900x4 pixels is too narrow",
        ),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(tools=[{"type": "function"}])), "tools: "),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(max_tokens=0)), "max_tokens: 0; expected at least 1"),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(stop="</tool_call>")), "stop: '</tool_call>'; expected a list"),
        (lambda m: m.chat(LOOK, [picture()], ask=Ask(stop=[""])), "expected a list of texts that are not empty"),
    ],
)
def test_what_cannot_be_answered_is_refused(model: Model, call: Callable[[Model], Generation], message: str) -> None:
    with pytest.raises(ChatError, match=message):
        call(model)


def test_a_network_that_gives_no_numbers_is_an_error() -> None:
    with pytest.raises(ArithmeticError, match="the network's logits are not numbers"):
        choose(torch.tensor([0.0, float("nan")]))
    assert choose(torch.tensor([1.0, 3.0, 3.0]))[0] == 1


@pytest.mark.parametrize(("dtype", "expected"), [("auto", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_checkpoint_answers_in_each_type(folder: Path, dtype: str, expected: torch.dtype) -> None:
    loaded = load(folder, dtype=dtype)
    assert loaded.network.model.norm.weight.dtype == expected
    said = loaded.chat(LOOK, [picture()], ask=Ask(max_tokens=4))
    assert all(np.isfinite(said.logprobs))


def test_a_network_can_learn_after_it_has_answered(folder: Path) -> None:
    loaded = load(folder)
    loaded.chat(LOOK, [picture()], ask=Ask(max_tokens=2))
    patches, grid = loaded.processor(picture())
    tokens = loaded.format.encode(LOOK, [63])
    positions = position_ids(tokens, Config.parse(shape()), [Medium(grid)]).unsqueeze(1)
    loaded.network(torch.tensor([tokens]), positions, patches, [grid]).logsumexp(-1).mean().backward()
    assert all(parameter.grad is not None for parameter in loaded.network.parameters())


def test_without_an_end_only_the_limit_ends(model: Model) -> None:
    output = generate(model.network, Prompt((10, 11)), eos=set(), limit=5)
    assert (len(output.tokens), output.stop) == (5, "length")
    halted = generate(model.network, Prompt((10, 11)), eos=set(), limit=5, halted=lambda tokens: len(tokens) == 2)
    assert (halted.tokens, halted.stop) == (output.tokens[:2], "stop")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "preprocessor_config.json",
            {"patch_size": 14, "min_pixels": 1, "max_pixels": 10**6},
            "patch_size: 14; config",
        ),
        ("generation_config.json", {"eos_token_id": [2, -1]}, r"generation_config.json: eos_token_id: \[2, -1\]"),
        ("generation_config.json", {}, "generation_config.json: eos_token_id: missing"),
        ("generation_config.json", {"eos_token_id": 384}, "eos_token_id: 384; expected .* from 0 to 383"),
        ("config.json", shape() | {"vocab_size": 300}, "tokenizer.json has id 300; expected ids below 300"),
    ],
)
def test_files_that_contradict_each_other_are_refused(
    name: str, data: dict[str, object], message: str, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, shape())
    write(tmp_path, name, data)
    with pytest.raises(ConfigError, match=message):
        load(tmp_path)


def test_end_tokens_are_read_from_either_file(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, shape())
    assert load(tmp_path).eos == {0, 2}
    write(tmp_path, "generation_config.json", {"eos_token_id": 7})
    assert load(str(tmp_path)).eos == {7}
    (tmp_path / "generation_config.json").unlink()
    assert load(tmp_path).eos == {2}


def test_public_names_are_sorted_and_there() -> None:
    assert package.__all__ == sorted(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


def test_the_package_needs_no_transformers() -> None:
    code = "import sys, model; print('transformers' in sys.modules, 'playwright' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False"]
