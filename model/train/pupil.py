"""The network as it learns from rows: what their labels cost, and little memory where that is asked for.

T tokens, P tokens that are predicted, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from model.layout import Grid
from model.qwen import Qwen
from model.train.rows import Row

PART = 1024
"""Places whose logits, one for each word of the vocabulary, are there at a time."""


class Pupil(nn.Module):
    """What rows cost under a network."""

    def __init__(self, net: Qwen) -> None:
        super().__init__()
        self.net = net
        self.meets = False  # other processes in every block, the tower's too

    def forward(self, row: Row) -> tuple[Tensor, Tensor]:
        """Cross-entropy [P] of the row's labels in float32, and whether [P] the network would have said each itself."""
        net = self.net
        x = net.embed(row.tokens, self._features(row))
        if row.patches is None and self.meets:
            x = x + 0 * self._see(*self._blank(x.device)).sum()
        hidden = net.model(x, net.rotation(row.positions), row.samples)[0, row.places]  # [P,D]
        parts = zip(torch.split(hidden, PART), torch.split(row.labels, PART), strict=True)
        told = [checkpoint(self._part, part, labels, use_reentrant=False) for part, labels in parts]
        return torch.cat([losses for losses, _ in told]), torch.cat([right for _, right in told])

    def _features(self, row: Row) -> Tensor | None:
        return None if row.patches is None else self._see(row.patches, row.grids)

    def _see(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        """What the tower makes of pictures; a frozen one leaves nothing behind for gradients."""
        moves = any(parameter.requires_grad for parameter in self.net.visual.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and moves):
            features: Tensor = self.net.visual(patches, grids)
        return features

    def _blank(self, device: torch.device) -> tuple[Tensor, list[Grid]]:
        """The smallest picture."""
        config = self.net.config.vision
        side = config.spatial_merge_size
        return torch.zeros(side**2, config.patch_dim, device=device), [(1, side, side)]

    def _part(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net.logits(hidden).float()
        return F.cross_entropy(logits, labels, reduction="none"), logits.argmax(-1) == labels


def forget(net: Qwen) -> None:
    """Let each block keep its input alone until gradients are wanted, and be computed once more then."""
    for block in (*net.visual.blocks, *net.model.layers):
        forward: Callable[..., Tensor] = block.forward
        block.forward = partial(checkpoint, forward, use_reentrant=False)
