"""The network as it learns from rows: the loss of what is to be learnt, and little memory where that is asked for.

T tokens, P tokens that are predicted, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from model.qwen import Qwen
from model.train.rows import Row

PART = 1024
"""Places whose logits, one for each word of the vocabulary, are there at a time."""


class Pupil(nn.Module):
    """Loss and hits of rows under a network."""

    def __init__(self, net: Qwen) -> None:
        super().__init__()
        self.net = net

    def forward(self, row: Row) -> tuple[Tensor, Tensor]:
        """Sum of the cross-entropy over the row's labels, and how many the network would have said itself."""
        net = self.net
        features = None if row.patches is None else net.visual(row.patches, row.grids)
        x = net.embed(row.tokens, features)
        hidden = net.model(x, net.rotation(row.positions), row.samples)[0, row.places]  # [P,D]
        loss, hits = x.new_zeros((), dtype=torch.float32), x.new_zeros((), dtype=torch.long)
        for part, labels in zip(torch.split(hidden, PART), torch.split(row.labels, PART), strict=True):
            each, right = checkpoint(self._part, part, labels, use_reentrant=False)
            loss, hits = loss + each, hits + right
        return loss, hits

    def _part(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net.logits(hidden).float()
        return F.cross_entropy(logits, labels, reduction="sum"), (logits.argmax(-1) == labels).sum()


def forget(net: Qwen) -> None:
    """Let each block keep its input alone until gradients are wanted, and be computed once more then."""
    for block in (*net.visual.blocks, *net.model.layers):
        forward: Callable[..., Tensor] = block.forward
        block.forward = partial(checkpoint, forward, use_reentrant=False)
