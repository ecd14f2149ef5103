"""Examples end to end in one row, as tensors.

T tokens of all, P tokens that are predicted, N patches of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.attention import Apart
from model.layout import Grid
from model.train.examples import Example, Shown


@dataclass(frozen=True, eq=False)
class Row:
    """Each example has positions of its own from 0 and sees nothing of the others."""

    tokens: Tensor  # [1,T]
    positions: Tensor  # [3,1,T]
    places: Tensor  # [P] tokens behind which a label comes
    labels: Tensor  # [P]
    owners: Tensor  # [P] number of the example that each label is of
    samples: Apart
    patches: Tensor | None  # [N, patch_dim]
    grids: tuple[Grid, ...]

    def to(self, device: torch.device) -> Row:
        """The same there."""
        return replace(
            self,
            tokens=self.tokens.to(device),
            positions=self.positions.to(device),
            places=self.places.to(device),
            labels=self.labels.to(device),
            owners=self.owners.to(device),
            patches=None if self.patches is None else self.patches.to(device),
        )


def join(examples: Sequence[Example], patches: Callable[[Shown], Tensor]) -> Row:
    """One row of `examples`; `patches` reads what they show."""
    ids = torch.cat([example.ids for example in examples])
    taught = torch.cat([_behind(example) for example in examples])
    shown = [one for example in examples for one in example.shown]
    counts = torch.tensor([len(example) for example in examples])
    places = taught.nonzero().flatten() - 1
    return Row(
        tokens=ids.unsqueeze(0),
        positions=torch.cat([example.positions for example in examples], dim=1).unsqueeze(1),
        places=places,
        labels=ids[places + 1],
        owners=torch.arange(len(examples)).repeat_interleave(counts)[places + 1],
        samples=Apart(tuple(map(len, examples))),
        patches=torch.cat([patches(one) for one in shown]) if shown else None,
        grids=tuple(one.medium.grid for one in shown),
    )


def _behind(example: Example) -> Tensor:
    """What is taught of it: its first token has none before it that could predict it."""
    taught = example.taught.clone()
    taught[0] = False
    return taught
