"""Rows of several examples: what each of them loses and learns is what it would alone."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import network, shape, shape2
from PIL import Image
from test_model_train_data import GOLDEN, made, preparer

from model.attention import Apart, attend_apart, plain
from model.qwen import Qwen
from model.train.examples import Example
from model.train.packing import WINDOW, Deal, balance, pack
from model.train.pupil import Pupil, forget
from model.train.rows import Row, join

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    folder = tmp_path_factory.mktemp("rows")
    random = np.random.default_rng(0)
    for name, size in (("a.png", (32, 32)), ("b.png", (32, 48))):
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / name)
    (folder / "v.mp4").touch()
    return [made(folder, record) for record, _ in GOLDEN.values()]


def summed(pupil: Pupil, row: Row) -> tuple[torch.Tensor, torch.Tensor]:
    losses, right = pupil(row)
    return losses.sum(), right.sum()


def gradients(net: Qwen) -> dict[str, torch.Tensor]:
    found = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    return found


@pytest.mark.parametrize("config", [shape(), shape2(), shape(tied=False)], ids=["2.5", "2", "untied"])
def test_a_packed_row_loses_and_learns_what_its_examples_do_alone(
    config: dict[str, object], examples: list[Example], tmp_path: Path
) -> None:
    pupil = Pupil(network(config))
    patches = preparer().patches
    alone = [summed(pupil, join([example], patches)) for example in examples]
    torch.stack([loss for loss, _ in alone]).sum().backward()
    apart = gradients(pupil.net)
    rows = pack([len(example) for example in examples], 200)
    assert max(map(len, rows)) > 2
    packed = [summed(pupil, join([examples[i] for i in row], patches)) for row in rows]
    for row, (loss, hits) in zip(rows, packed, strict=True):
        torch.testing.assert_close(loss, torch.stack([alone[i][0] for i in row]).sum(), rtol=1e-5, atol=0)
        assert int(hits) == sum(int(alone[i][1]) for i in row)
    torch.stack([loss for loss, _ in packed]).sum().backward()
    for name, grad in gradients(pupil.net).items():
        torch.testing.assert_close(grad, apart[name], rtol=1e-3, atol=1e-4 * float(apart[name].abs().max()))


def test_positions_begin_again_with_every_sample_and_labels_never_cross_into_the_next(examples: list[Example]) -> None:
    row = join(examples, preparer().patches)
    starts = [sum(row.samples.lengths[:i]) for i in range(len(examples))]
    assert row.positions[:, 0, starts].tolist() == [[0] * len(examples)] * 3
    assert torch.equal(row.positions[:, 0], torch.cat([example.positions for example in examples], dim=1))
    lasts = {start - 1 for start in starts}
    assert not lasts & set(row.places.tolist())
    assert row.labels.tolist() == [int(i) for example in examples for i in example.ids[example.taught]]
    wanted = [number for number, example in enumerate(examples) for _ in range(int(example.taught.sum()))]
    assert row.owners.tolist() == wanted


def test_the_loss_is_the_cross_entropy_of_the_answers_alone(examples: list[Example]) -> None:
    pupil, example = Pupil(network(shape())), examples[0]
    row = join([example], preparer().patches)
    logits = pupil.net(row.tokens, row.positions)[0].log_softmax(-1)
    wanted = -sum(logits[i - 1, example.ids[i]] for i in range(len(example)) if example.taught[i])
    torch.testing.assert_close(pupil(row)[0].sum(), wanted)


def test_what_is_computed_twice_to_save_memory_learns_the_same(examples: list[Example]) -> None:
    row = join(examples[2:5], preparer().patches)
    found = []
    for saving in (False, True):
        pupil = Pupil(network(shape()))
        if saving:
            forget(pupil.net)
        torch.autograd.backward(pupil(row)[0].sum())
        found.append(gradients(pupil.net))
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_attention_apart_is_attention_under_a_block_mask() -> None:
    samples = Apart((1, 5, 3, 1))
    q, k, v = (torch.randn(2, heads, 10, 8) for heads in (4, 2, 2))
    number = torch.arange(4).repeat_interleave(torch.tensor(samples.lengths))
    mask = (number[:, None] == number) & torch.ones(10, 10, dtype=torch.bool).tril()
    torch.testing.assert_close(attend_apart(q, k, v, samples), plain(q, k, v, mask[None, None]))


def test_samples_that_do_not_fill_their_row_are_refused() -> None:
    q = torch.randn(1, 2, 10, 8)
    with pytest.raises(ValueError, match=r"\[4, 5\] tokens; expected them to fill a row of 10"):
        attend_apart(q, q, q, Apart((4, 5)))


@settings(deadline=None)
@given(lengths, st.integers(20, 100))
def test_every_example_is_packed_once_and_no_row_is_too_long(each: list[int], room: int) -> None:
    rows = pack(each, room)
    assert sorted(i for row in rows for i in row) == list(range(len(each)))
    assert all(sum(each[i] for i in row) <= room or len(row) == 1 for row in rows)
    assert not any(sum(each[i] for i in a + b) <= room for a, b in pairwise(rows))  # none could have been spared


@settings(deadline=None)
@given(lengths, st.integers(1, 4))
def test_no_process_has_more_to_do_than_another_by_more_than_one_row(costs: list[int], parts: int) -> None:
    groups = balance(costs, parts)
    assert sorted(i for group in groups for i in group) == list(range(len(costs)))
    spent = [sum(costs[i] for i in group) for group in groups]
    assert max(spent) - min(spent) <= max(costs)


@settings(deadline=None)
@given(lengths, st.integers(1, 5), st.integers(0, 50))
def test_updates_follow_from_their_number_alone(each: list[int], batch: int, start: int) -> None:
    deal = Deal(tuple(each), (1.0,) * len(each), batch, seed=3)
    assert list(islice(deal(), start, start + 10)) == list(islice(deal(start), 10))


def test_an_epoch_has_every_example_as_often_as_its_weight_says() -> None:
    deal = Deal((5,) * 40, (2.0,) * 10 + (1.0,) * 20 + (0.0,) * 10, 4)
    seen = Counter(i for update in islice(deal(), deal.updates) for i in update)
    assert seen == {**dict.fromkeys(range(10), 2), **dict.fromkeys(range(10, 30), 1)}


def test_updates_cost_alike_however_lengths_are_spread() -> None:
    each = tuple(range(1, 8 * WINDOW + 1))
    deal = Deal(each, (1.0,) * len(each), 8)
    costs = [sum(each[i] for i in update) for update in islice(deal(), deal.updates)]
    assert max(costs) <= 1.05 * min(costs)
