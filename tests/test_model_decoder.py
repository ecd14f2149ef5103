"""The decoder: cached is uncached, a cut prompt is the whole one, a padded batch is each row alone."""

from __future__ import annotations

import pytest
import torch
from model_checkpoint import network, shape
from torch import Tensor

from model.config import Config
from model.decoder import Cache
from model.layout import Medium
from model.qwen import Qwen
from model.rope import position_ids

PAD = 5
TOKENS = [10, 11, 3, *[PAD] * 6, 4, 12, 13, 14, 15, 16, 17]
GRID = (1, 4, 6)


@pytest.fixture(scope="module", params=[(4, 2, 16), (4, 4, 16), (4, 1, 16)], ids=str)
def qwen(request: pytest.FixtureRequest) -> Qwen:
    return network(shape(heads=request.param, layers=3))


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Tokens [1,T], positions [3,1,T], patches."""
    positions = position_ids(TOKENS, Config.parse(shape()), [Medium(GRID)]).unsqueeze(1)
    return torch.tensor([TOKENS]), positions, torch.randn(24, 384, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("cuts", [(9, 1, 1, 1, 1, 1, 1, 1), (16,), (9, 7), (10, 3, 1, 2), (2, 8, 6)], ids=str)
def test_a_prompt_read_in_parts_gives_the_logits_of_the_whole(qwen: Qwen, cuts: tuple[int, ...]) -> None:
    tokens, positions, patches = inputs()
    with torch.inference_mode():
        whole = qwen(tokens, positions, patches, [GRID])
        x = qwen.embed(tokens, qwen.visual(patches, [GRID]))
        cache = Cache(qwen.config.text, 1, len(TOKENS), like=x)
        parts = []
        for part, where in zip(x.split(cuts, dim=1), positions.split(cuts, dim=2), strict=True):
            parts.append(qwen.logits(qwen.model(part, qwen.rotation(where), None, cache)))
    assert cache.length == len(TOKENS)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=2e-5, rtol=0)


def test_a_row_padded_behind_gives_what_it_gives_alone(qwen: Qwen) -> None:
    rows = [[10, 11, 12, 13, 14], [20, 21, 22]]
    tokens = torch.tensor([rows[0], [*rows[1], 0, 0]])
    positions = torch.arange(5).expand(3, 2, 5)
    with torch.inference_mode():
        both = qwen(tokens, positions)
        for index, row in enumerate(rows):
            alone = qwen(torch.tensor([row]), torch.arange(len(row)).expand(3, 1, -1))
            torch.testing.assert_close(both[index, : len(row)], alone[0], atol=2e-5, rtol=0)


def test_a_row_padded_in_front_is_masked(qwen: Qwen) -> None:
    row = [20, 21, 22]
    tokens = torch.tensor([[0, 0, *row]])
    positions = torch.tensor([0, 0, 0, 1, 2]).expand(3, 1, 5)
    with torch.inference_mode():
        masked = qwen(tokens, positions, skip=torch.tensor([2]))
        alone = qwen(torch.tensor([row]), torch.arange(3).expand(3, 1, 3))
    torch.testing.assert_close(masked[0, 2:], alone[0], atol=2e-5, rtol=0)


def test_learning_gives_what_reading_gives(qwen: Qwen) -> None:
    tokens, positions, patches = inputs()
    with torch.inference_mode():
        reading = qwen(tokens, positions, patches, [GRID])
    learning = qwen(tokens, positions, patches, [GRID])
    assert learning.requires_grad
    torch.testing.assert_close(learning.detach(), reading, atol=2e-5, rtol=0)


def test_a_full_cache_refuses_more(qwen: Qwen) -> None:
    cache = Cache(qwen.config.text, 1, 3, like=qwen.model.norm.weight)
    x = torch.zeros(1, 4, qwen.config.text.hidden_size)
    with pytest.raises(ValueError, match="the cache has room for 3 tokens, 4 were given"):
        qwen.model(x, qwen.rotation(torch.arange(4).expand(3, 1, 4)), None, cache)


def test_features_that_do_not_match_the_image_tokens_are_refused(qwen: Qwen) -> None:
    tokens, positions, patches = inputs()
    with pytest.raises(ValueError, match="the prompt has 6 image and video tokens, its media give 0 features"):
        qwen(tokens, positions)
    with pytest.raises(ValueError, match="the prompt has 0 image and video tokens, its media give 6 features"):
        qwen(tokens.masked_fill(tokens == PAD, 9), positions, patches, [GRID])


@pytest.mark.parametrize("last", [1, 2, 8, 16, 17, None])
@pytest.mark.parametrize("cut", [0, 1, 9])
def test_states_of_the_last_tokens_alone_are_those_of_all(qwen: Qwen, last: int | None, cut: int) -> None:
    tokens, positions, patches = inputs()
    with torch.inference_mode():
        x = qwen.embed(tokens, qwen.visual(patches, [GRID]))
        states, lengths = [], []
        for wanted in (last, None):
            cache = Cache(qwen.config.text, 1, len(TOKENS), like=x)
            if cut:
                qwen.model(x[:, :cut], qwen.rotation(positions[:, :, :cut]), None, cache, wanted)
            states.append(qwen.model(x[:, cut:], qwen.rotation(positions[:, :, cut:]), None, cache, wanted))
            lengths.append(cache.length)
    count = min(last or len(TOKENS), len(TOKENS) - cut)
    assert states[0].shape[1] == count
    assert lengths == [len(TOKENS)] * 2
    torch.testing.assert_close(states[0], states[1][:, -count:], atol=1e-5, rtol=0)
