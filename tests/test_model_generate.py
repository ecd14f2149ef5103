"""Several prompts in one forward pass: each answer is what its prompt gets alone."""

from __future__ import annotations

import math

import pytest
import torch
from model_checkpoint import IMAGE_PAD, VIDEO_PAD, network, shape, shape2

from model.generate import Output, Prompt, generate, generate_batch
from model.layout import Medium
from model.qwen import Qwen

MEDIA = {
    "words": (),
    "a small image": (Medium((1, 4, 6)),),
    "a large image": (Medium((1, 22, 26)),),
    "two images": (Medium((1, 2, 14)), Medium((1, 8, 8))),
    "a video": (Medium((3, 6, 4), 2.5),),
    "a video and an image": (Medium((2, 4, 4), 1.0), Medium((1, 6, 6))),
}


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen2_vl"])
def qwen(request: pytest.FixtureRequest) -> Qwen:
    return network(shape(theta=100.0) if request.param == "qwen2_5_vl" else shape2(theta=100.0), seed=3)


def prompt(name: str, seed: int = 0, words: int = 4) -> Prompt:
    """Words, each medium with a word behind it, and words that the seed draws."""
    random = torch.Generator().manual_seed(seed)
    media = MEDIA[name]
    tokens = list(range(10, 10 + words))
    for medium in media:
        pad = IMAGE_PAD if medium.seconds_per_grid is None else VIDEO_PAD
        tokens += [3, *[pad] * (math.prod(medium.grid) // 4), 4, 20]
    tokens += torch.randint(7, 300, (3,), generator=random).tolist()
    size = sum(math.prod(medium.grid) for medium in media)
    return Prompt(tuple(tokens), torch.randn(size, 384, generator=random) if media else None, media)


def alike(one: Output, other: Output) -> None:
    assert one.tokens == other.tokens
    assert one.stop == other.stop
    torch.testing.assert_close(torch.tensor(one.logprobs), torch.tensor(other.logprobs), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "names",
    [
        list(MEDIA),
        ["a large image", "words"],
        ["words", "words"],
        ["a video", "a video", "a video"],
        ["a small image"],
    ],
    ids=len,
)
def test_a_batch_answers_what_each_prompt_is_answered_alone(qwen: Qwen, names: list[str]) -> None:
    prompts = [prompt(name, seed, words=1 + 3 * seed) for seed, name in enumerate(names)]
    together = generate_batch(qwen, prompts, eos=set(), limit=10)
    alone = [generate(qwen, one, eos=set(), limit=10) for one in prompts]
    for one, other in zip(together, alone, strict=True):
        alike(one, other)
    assert len({token for output in alone for token in output.tokens}) > 3


def test_logits_of_every_word_do_not_depend_on_the_padding_in_front(qwen: Qwen) -> None:
    from model.rope import position_ids

    long, short = prompt("a large image"), prompt("a small image", 1)
    rows = [(one, position_ids(one.tokens, qwen.config, one.media)) for one in (long, short)]
    gap = len(long.tokens) - len(short.tokens)
    tokens = torch.tensor([long.tokens, (0,) * gap + short.tokens])
    positions = torch.stack([rows[0][1], torch.nn.functional.pad(rows[1][1], (gap, 0))], dim=1)
    assert long.patches is not None
    assert short.patches is not None
    patches = torch.cat((long.patches, short.patches))
    with torch.inference_mode():
        both = qwen(tokens, positions, patches, long.grids + short.grids, skip=torch.tensor([0, gap]))
        for index, (one, ids) in enumerate(rows):
            alone = qwen(torch.tensor([one.tokens]), ids.unsqueeze(1), one.patches, one.grids)[0]
            torch.testing.assert_close(both[index, -len(one.tokens) :], alone, atol=1e-4, rtol=0)


def test_who_has_ended_writes_no_more_and_the_others_go_on(qwen: Qwen) -> None:
    prompts = [prompt("a small image", 5), prompt("words", 6)]
    free = [generate(qwen, one, eos=set(), limit=12) for one in prompts]
    end = next(token for token in free[0].tokens if token not in free[1].tokens)
    together = generate_batch(qwen, prompts, eos={end}, limit=12)
    assert together[0].stop == "eos"
    assert together[0].tokens == free[0].tokens[: free[0].tokens.index(end) + 1]
    alike(together[1], free[1])
    halted = generate_batch(qwen, prompts, eos=set(), limit=12, halted=lambda tokens: tokens[-1] == end)
    assert [output.stop for output in halted] == ["stop", "length"]


@pytest.mark.parametrize("image_token", [0, 1])
def test_padding_is_never_taken_for_an_image(image_token: int) -> None:
    config = shape() | {"image_token_id": image_token, "video_token_id": 1 - image_token}
    built = network(config)
    with_image = Prompt((9, image_token, 9), torch.randn(4, 384), (Medium((1, 2, 2)),))
    outputs = generate_batch(built, [with_image, Prompt((9,))], eos=set(), limit=2)
    assert [len(output.tokens) for output in outputs] == [2, 2]


@pytest.mark.parametrize(
    ("prompts", "limit", "message"),
    [
        ([], 3, "0 prompts and limit 3; expected"),
        ([Prompt(())], 3, "expected prompts of some tokens"),
        ([Prompt((10, 11))], 0, "limit 0; expected"),
        ([Prompt((10, IMAGE_PAD))], 3, "the prompt has 1 image tokens, its 0 images need 0"),
        ([Prompt((10,), torch.zeros(4, 384))], 3, r"patches are \[4, 384\]; the grids \[\] need \[0, 384\]"),
        ([Prompt((10, IMAGE_PAD), None, (Medium((1, 2, 2)),))], 3, "has 1 image and video tokens, its media give 0"),
    ],
)
def test_prompts_that_cannot_be_answered_are_refused(
    qwen: Qwen, prompts: list[Prompt], limit: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        generate_batch(qwen, prompts, eos=set(), limit=limit)
