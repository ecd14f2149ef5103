"""Muon for matrices and AdamW for the rest, or AdamW for all, on float32 masters, over several processes.

Sources: Muon (Keller Jordan, 2024): momentum whose update is made orthogonal by a Newton-Schulz iteration; AdamW
(arXiv 1711.05101).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

from model.train.moving import begins
from model.train.shard import own, part, whole


@dataclass(frozen=True)
class Rates:
    """How fast parameters move; without `muon` matrices move by AdamW too, and decay there."""

    adam: float
    muon: float | None = None
    paces: tuple[tuple[str, float], ...] = ()  # shares of the rates by pattern; the first that fits counts
    decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 4.0  # most that the norm of AdamW's gradients may be

    def pace(self, name: str) -> float:
        """The share of the rates that a parameter has."""
        return next((pace for pattern, pace in self.paces if begins(name, [pattern])), 1.0)


def orthogonalise(update: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrices with all singular values about 1, for a stack [n,rows,cols], in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = update.bfloat16()
    if tall := x.shape[1] > x.shape[2]:
        x = x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return (x.transpose(1, 2) if tall else x).float()


@dataclass
class Slot:
    """One parameter's master copy, its moments, and the gradients of this update so far."""

    parameter: nn.Parameter
    master: Tensor
    first: Tensor
    second: Tensor | None  # none for matrices under Muon
    pace: float = 1.0  # of the learning rate
    decay: float = 0.0
    grad: Tensor | None = None

    def collect(self) -> None:
        """Add the parameter's gradient in float32, and take it away from it."""
        if (new := self.parameter.grad) is not None:
            self.grad = own(new).float() if self.grad is None else self.grad.add_(own(new))
            self.parameter.grad = None

    def show(self) -> None:
        """Let the parameter be its master, rounded to its type."""
        own(self.parameter.data).copy_(self.master)

    def take(self) -> Tensor:
        """The gradient of the whole update; none is left."""
        self.collect()
        taken, self.grad = self.grad, None
        return torch.zeros_like(self.master) if taken is None else taken


class Optimiser:
    """Steps parameters, of whatever type, through float32 masters; gradients are averaged over the processes."""

    def __init__(self, named: Mapping[str, nn.Parameter], rates: Rates) -> None:
        self.rates, self.steps = rates, 0
        self.slots: dict[str, Slot] = {}
        for name, parameter in named.items():
            master = own(parameter.detach()).float().clone()
            second = None if rates.muon is not None and _is_matrix(name, parameter) else torch.zeros_like(master)
            decays = second is None or (rates.muon is None and parameter.ndim >= 2)
            decay = rates.decay if decays else 0.0
            self.slots[name] = Slot(parameter, master, torch.zeros_like(master), second, rates.pace(name), decay)

    def collect(self) -> None:
        """Take over the gradients of one backward pass out of several of an update, without rounding their sum."""
        for slot in self.slots.values():
            slot.collect()

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on, by name; where parameters are in shards, all processes have to ask."""
        out: dict[str, Tensor] = {"steps": torch.tensor(self.steps)}
        for name, slot in self.slots.items():
            held = {"master": slot.master, "first": slot.first, "second": slot.second}
            out |= {f"{kind}.{name}": whole(t, slot.parameter) for kind, t in held.items() if t is not None}
        return out

    def masters(self) -> dict[str, Tensor]:
        """What has been learnt, in float32."""
        return {name: whole(slot.master, slot.parameter) for name, slot in self.slots.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state()`; parameters that it does not hold keep what they have."""
        self.steps = int(state["steps"])
        for name, slot in self.slots.items():
            if f"master.{name}" not in state:
                continue
            slot.master.copy_(part(state[f"master.{name}"], slot.parameter))
            slot.first.copy_(part(state[f"first.{name}"], slot.parameter))
            if slot.second is not None:
                slot.second.copy_(part(state[f"second.{name}"], slot.parameter))
            slot.show()

    @torch.no_grad()
    def step(self, scale: float) -> float:
        """Average gradients, move every parameter by its rule times `scale`; returns the gradient's norm."""
        self.steps += 1
        grads = self._gradients()
        norm = self._norm(grads)
        clip = min(1.0, self.rates.clip / (norm + 1e-6))
        groups: dict[tuple[int, ...], list[str]] = {}
        for name, slot in self.slots.items():
            if slot.second is None:
                slot.first.lerp_(grads[name], 0.05)
                groups.setdefault(tuple(slot.master.flatten(1).shape), []).append(name)
            else:
                self._adam(slot, grads[name] * clip, scale)
        for names in groups.values():
            self._muon([self.slots[n] for n in names], [grads[n] for n in names], scale)
        for slot in self.slots.values():
            slot.show()
        return norm

    @property
    def sharded(self) -> bool:
        """Whether each process holds a part of every parameter, whose gradients have been averaged already."""
        return any(isinstance(slot.parameter, DTensor) for slot in self.slots.values())

    def _norm(self, grads: Mapping[str, Tensor]) -> float:
        """That of all gradients, in whichever process they are."""
        norms = torch.stack([grad.norm() for grad in grads.values()])
        if not self.sharded:
            return float(norms.norm())
        total = norms.square().sum()
        distributed.all_reduce(total)
        return float(total.sqrt())

    def _gradients(self) -> dict[str, Tensor]:
        grads = {name: slot.take() for name, slot in self.slots.items()}
        if not distributed.is_initialized() or self.sharded:
            return grads
        flat = torch.cat([grad.flatten() for grad in grads.values()])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        pieces = torch.split(flat, [grad.numel() for grad in grads.values()])
        return {name: piece.view_as(grads[name]) for name, piece in zip(grads, pieces, strict=True)}

    def _adam(self, slot: Slot, grad: Tensor, scale: float) -> None:
        assert slot.second is not None
        keep, square = self.rates.betas
        slot.first.lerp_(grad, 1 - keep)
        slot.second.lerp_(grad.square(), 1 - square)
        first = slot.first / (1 - keep**self.steps)
        second = slot.second / (1 - square**self.steps)
        rate = self.rates.adam * slot.pace * scale
        slot.master.mul_(1 - rate * slot.decay)
        slot.master.sub_(rate * first / (second.sqrt() + 1e-8))

    def _muon(self, slots: Sequence[Slot], grads: Sequence[Tensor], scale: float) -> None:
        """Nesterov momentum, made orthogonal for all matrices of one shape at once."""
        stack = torch.stack([g.flatten(1).lerp(s.first.flatten(1), 0.95) for g, s in zip(grads, slots, strict=True)])
        gain = max(1.0, stack.shape[1] / stack.shape[2]) ** 0.5
        for slot, update in zip(slots, orthogonalise(stack), strict=True):
            rate = (self.rates.muon or 0.0) * slot.pace * scale
            slot.master.mul_(1 - rate * slot.decay)
            slot.master.sub_(rate * gain * update.view_as(slot.master))


def _is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Hidden matrices; embeddings, the first convolution, norms, biases and training heads go by AdamW."""
    outer = name.startswith("heads.") or "embed_tokens" in name or "patch_embed" in name or "lm_head" in name
    return parameter.ndim >= 2 and not outer
