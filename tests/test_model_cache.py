"""The decoder's cache: what is dropped is cut out, what grows keeps its rows, whatever was interrupted."""

from __future__ import annotations

import pytest
import torch
from model_checkpoint import shape
from torch import Tensor

from model.config import Config
from model.decoder import Cache

CONFIG = Config.parse(shape(layers=3)).text


def filled(rows: int, room: int) -> Cache:
    cache = Cache(CONFIG, 1, room, like=torch.empty(0))
    dice = torch.Generator().manual_seed(rows)
    for layer in range(CONFIG.num_hidden_layers):
        cache.write(layer, *torch.randn(2, 1, 2, rows, 16, generator=dice))
    cache.length = rows
    return cache


def held(cache: Cache) -> Tensor:
    return cache.rows(cache.length)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("rows", "start", "end"), [(9, 0, 4), (9, 3, 5), (9, 5, 9), (9, 4, 4), (30_000, 7, 1300)])
def test_what_is_dropped_is_cut_out_and_the_rest_stays(rows: int, start: int, end: int, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    cache = filled(rows, rows + 5)
    wanted = torch.cat([held(cache)[..., :start, :], held(cache)[..., end:, :]], dim=-2)
    cache.drop(start, end)
    torch.set_num_threads(before)
    assert cache.length == rows - (end - start)
    assert torch.equal(held(cache), wanted)
    assert cache.room == rows + 5


def test_a_cache_that_grows_keeps_every_row_and_takes_as_many_as_it_has_room_for() -> None:
    cache = filled(5, 5)
    wanted = held(cache)
    cache.grow(7)
    assert torch.equal(held(cache), wanted)
    assert (cache.room, cache.length) == (7, 5)
    assert cache.nbytes == 3 * 2 * 2 * 7 * 16 * 4
    k = torch.ones(1, 2, 2, 16)
    keys, values = cache.write(1, k, 2 * k)
    assert torch.equal(keys, torch.cat([wanted[1, 0], k], dim=2))
    assert torch.equal(values, torch.cat([wanted[1, 1], 2 * k], dim=2))
    with pytest.raises(ValueError, match="room for 7 tokens, 8 were given"):
        cache.write(0, torch.ones(1, 2, 3, 16), torch.ones(1, 2, 3, 16))


def test_a_cache_that_was_stopped_while_it_grew_has_the_room_of_its_smallest_layer() -> None:
    cache = filled(5, 5)
    wanted = held(cache)
    larger = cache.layers[0].new_empty(2, 1, 2, 9, 16)
    larger[:, :, :, :5] = cache.layers[0]
    cache.layers[0] = larger  # as where memory gave out behind the first layer
    assert cache.room == 5
    cache.grow(9)
    assert cache.room == 9
    assert torch.equal(held(cache), wanted)


def test_rows_are_copies_and_are_all_that_is_held_where_they_are_put() -> None:
    cache, other = filled(6, 8), filled(8, 8)
    rows = cache.rows(4)
    cache.layers[0].zero_()
    other.put(rows)
    assert other.length == 4
    assert torch.equal(held(other), rows)
    assert rows[0].abs().sum() > 0
