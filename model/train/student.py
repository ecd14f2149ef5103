"""The built-in model as it is trained: the network in bfloat16, its training heads, and what moves them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from model.config import Config
from model.qwen import Qwen
from model.train import losses
from model.train.moving import begins, release
from model.train.optimiser import Optimiser, Rates
from model.train.stages import Stage
from model.train.tiny import SIZE, config, read_weights


class Student:
    """The network in bfloat16 with its training heads and the optimiser that moves them."""

    def __init__(self, stage: Stage, seed: int) -> None:
        torch.manual_seed(seed)
        self.config: Config = config()
        self.net = Qwen(self.config)
        unit = self.config.vision.factor
        grid = (SIZE[1] // unit, SIZE[0] // unit)
        self.heads = losses.Heads(self.config.text.hidden_size, self.config.text.num_hidden_layers, grid)
        _initialise(self.net)
        named = [*self.net.named_parameters(), *((f"heads.{n}", p) for n, p in self.heads.named_parameters())]
        self.named = dict(named)
        rates = Rates(stage.adam_lr, stage.muon_lr, paces=(("visual.", stage.visual),))
        self.optimiser = Optimiser(release(self.named, stage.train), rates)
        self.net.bfloat16()
        self.heads.bfloat16()

    def load(self, path: Path) -> None:
        """Take weights (not moments): of an exported folder, or what another run's checkpoint has trained."""
        weights, trained = read_weights(path)
        for key, value in weights.items():
            if key in self.named and begins(key, trained):
                self.named[key].data.copy_(value)
                if (slot := self.optimiser.slots.get(key)) is not None:
                    slot.master.copy_(value)

    def amplify(self, gain: float) -> None:
        """Scale the image features, which the decoder's residual stream would else drown."""
        for name in ("visual.merger.mlp.2.weight", "visual.merger.mlp.2.bias"):
            self.named[name].data.mul_(gain)
            if (slot := self.optimiser.slots.get(name)) is not None:
                slot.master.mul_(gain)

    def weights(self) -> dict[str, Tensor]:
        """Float32 masters where there are any, else the frozen weights."""
        slots = self.optimiser.slots
        return {n: slots[n].master if n in slots else p.detach().float() for n, p in self.named.items()}


def _initialise(net: Qwen) -> None:
    for name, parameter in net.named_parameters():
        if parameter.ndim >= 2:
            torch.nn.init.normal_(parameter, std=0.02 if "embed_tokens" in name else parameter[0].numel() ** -0.5)
        if name.endswith(("proj.weight", "down_proj.weight")) and "patch_embed" not in name and "attn" in name:
            parameter.data.mul_(0.5)
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
