"""What the built-in model is taught, beside the next token: characters, the target's place, where to look.

B turns, T tokens, U image tokens a picture, P answer tokens, D width. The extra heads exist only in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.decoder import Layer
from model.qwen import Qwen
from model.rope import Rotation
from model.train.batch import Batch
from model.train.samples import BLANK, CLASSES, SLOTS


class Heads(nn.Module):
    """Readers of the network's hidden states that are dropped when the model is exported."""

    def __init__(self, width: int, depth: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.place = nn.Linear(width, sum(grid))
        self.ocr = nn.Linear(width, 4 * SLOTS * CLASSES)
        self.mask = nn.ModuleList(nn.Linear(width, 1) for _ in range(depth))


def even(x: Tensor) -> Tensor:
    """x at a root mean square of one, so that a reader's gradients do not depend on the stream's scale."""
    return F.rms_norm(x, x.shape[-1:])


@dataclass(frozen=True)
class Coordinates:
    """The token ids of columns and rows, so that a near miss costs less than a far one."""

    columns: Tensor  # [n] token of column 0..n-1
    rows: Tensor  # [n]


def read_characters(heads: Heads, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the characters in every patch, and the share of characters read right.

    features [B*U,D] of the merger, labels [B*N,SLOTS]. Blanks outnumber characters and weigh a fifth.
    """
    logits = heads.ocr(even(features)).view(-1, SLOTS, CLASSES).flatten(0, 1).float()
    flat = labels.flatten()
    each = F.cross_entropy(logits, flat, reduction="none")
    inked = flat != BLANK
    loss = each[inked].mean() + 0.2 * each[~inked].mean()
    with torch.no_grad():
        right = (logits[inked].argmax(-1) == flat[inked]).float().mean()
    return loss, right


def inside(boxes: Tensor, grid: tuple[int, int], unit: int) -> Tensor:
    """Share [B,U] of each image token's square of `unit` pixels that lies in the target box."""
    y = torch.arange(grid[0]).repeat_interleave(grid[1]) * unit
    x = torch.arange(grid[1]).repeat(grid[0]) * unit
    x0, y0, x1, y1 = (side.unsqueeze(1) for side in boxes.unbind(1))
    wide = (torch.minimum(x1, x + unit) - torch.maximum(x0, x)).clamp(min=0)
    high = (torch.minimum(y1, y + unit) - torch.maximum(y0, y)).clamp(min=0)
    return (wide * high).float() / unit**2


def tell_place(heads: Heads, seen: Tensor) -> Tensor:
    """Each image token says in which row and column it stands: seen [b,U,D], U in reading order.

    Nothing in the vision tower or in the values of attention carries an absolute place, so the decoder has to learn
    to work it out before it can name a coordinate.
    """
    rows, columns = heads.grid
    row, column = heads.place(even(seen)).float().flatten(0, 1).split([rows, columns], dim=-1)
    wanted_row = torch.arange(rows).repeat_interleave(columns).repeat(seen.shape[0])
    wanted_column = torch.arange(columns).repeat(rows * seen.shape[0])
    return F.cross_entropy(row, wanted_row) + F.cross_entropy(column, wanted_column)


def find_target(logits: Tensor, share: Tensor, pointing: Tensor) -> Tensor:
    """Each image token says whether it belongs to the target: logits, share [B,U]; only `pointing` turns count."""
    if not pointing.any():
        return logits.sum() * 0
    wanted = (share[pointing] > 0.2) | (share[pointing] >= share[pointing].amax(1, keepdim=True))
    each = F.binary_cross_entropy_with_logits(logits[pointing].float(), wanted.float(), reduction="none")
    yes = (each * wanted).sum(1) / wanted.sum(1)
    no = (each * ~wanted).sum(1) / (~wanted).sum(1)
    return (yes + no).mean()


def answer(logits: Tensor, batch: Batch, coordinates: Coordinates) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the answers' tokens [P,vocab]; coordinates against a bell around the target's middle.

    Returns the mean and, for each answer token, whether the greedy choice is right.
    """
    flat = logits.float()
    turn = batch.places[:, 0]
    loss = F.cross_entropy(flat, batch.labels, reduction="none")
    for tokens, low, high in ((coordinates.columns, 0, 2), (coordinates.rows, 1, 3)):
        number = torch.full((flat.shape[1],), -1)
        number[tokens] = torch.arange(len(tokens))
        here = (number[batch.labels] >= 0) & (batch.boxes[turn, 0] >= 0)
        if not here.any():
            continue
        side = (batch.boxes[turn[here], high] - batch.boxes[turn[here], low]).float()
        sigma = (side / 8).clamp(1.2, 6.0).unsqueeze(1)
        off = torch.arange(len(tokens)) - number[batch.labels[here]].unsqueeze(1)
        bell = (-0.5 * (off / sigma).square()).softmax(-1)
        soft = -(bell * flat[here].log_softmax(-1)[:, tokens]).sum(-1)
        floor = (bell * bell.clamp(min=1e-9).log()).sum(-1)
        loss = loss.masked_scatter(here, soft + floor)
    with torch.no_grad():
        right = flat.argmax(-1) == batch.labels
    return loss.mean(), right


def look_at_target(net: Qwen, x: Tensor, rotation: Rotation, layer: int, batch: Batch, share: Tensor) -> Tensor:
    """-log of the attention that one head of `layer` pays to the target when it predicts a coordinate.

    x [B,T,D] is the input of that layer.
    """
    pointing = (batch.boxes[:, 0] >= 0) & (batch.image_start >= 0)
    if not pointing.any():
        return x.sum() * 0
    block = net.model.layers[layer]
    assert isinstance(block, Layer)
    cos, sin = (r[pointing].to(x.dtype) for r in rotation)
    q, k, _ = block.self_attn.heads(block.input_layernorm(x[pointing]), (cos, sin))
    at = _coordinate_places(batch)[pointing]  # [b,2]
    start, U = batch.image_start[pointing], share.shape[1]
    rows = torch.arange(len(at)).unsqueeze(1)
    query = q[rows, 0, at]  # [b,2,d] of head 0
    scores = (query @ k[:, 0].transpose(1, 2)).float() * q.shape[-1] ** -0.5  # [b,2,T]
    later = torch.arange(k.shape[2]) > at.unsqueeze(-1)
    weights: Tensor = scores.masked_fill(later, -torch.inf).softmax(-1)
    image = start.unsqueeze(1) + torch.arange(U)
    seen = weights.gather(2, image.unsqueeze(1).expand(-1, 2, -1))
    wanted = (share[pointing] > 0.2) | (share[pointing] >= share[pointing].amax(1, keepdim=True))
    return -(seen * wanted.unsqueeze(1)).sum(-1).clamp(min=1e-6).log().mean()


def _coordinate_places(batch: Batch) -> Tensor:
    """The tokens [B,2] that predict the column and the row: the third and fourth of a click's answer."""
    first = torch.zeros(batch.tokens.shape[0], dtype=torch.long)
    first.scatter_reduce_(0, batch.places[:, 0], batch.places[:, 1], "amin", include_self=False)
    return torch.stack((first + 2, first + 3), dim=1)
