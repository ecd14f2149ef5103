"""Muon for matrices and AdamW for the rest, on float32 masters of bfloat16 weights, over several processes.

Source: Muon (Keller Jordan, 2024): momentum whose update is made orthogonal by a Newton-Schulz iteration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, distributed, nn

Named = tuple[str, nn.Parameter]


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
    """One parameter's master copy and moments."""

    parameter: nn.Parameter
    master: Tensor
    first: Tensor
    second: Tensor | None  # none for matrices under Muon
    pace: float = 1.0  # of the learning rate


class Optimiser:
    """Steps bfloat16 parameters through float32 masters; gradients are averaged over the processes."""

    def __init__(
        self,
        named: Sequence[Named],
        muon_lr: float,
        adam_lr: float,
        decay: float = 0.05,
        paces: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.muon_lr, self.adam_lr, self.decay, self.steps = muon_lr, adam_lr, decay, 0
        self.slots: dict[str, Slot] = {}
        for name, parameter in named:
            master = parameter.detach().float().clone()
            second = None if _is_matrix(name, parameter) else torch.zeros_like(master)
            pace = next((pace for prefix, pace in paces.items() if name.startswith(prefix)), 1.0)
            self.slots[name] = Slot(parameter, master, torch.zeros_like(master), second, pace)

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on, by name."""
        out: dict[str, Tensor] = {"steps": torch.tensor(self.steps)}
        for name, slot in self.slots.items():
            out |= {f"master.{name}": slot.master, f"first.{name}": slot.first}
            if slot.second is not None:
                out[f"second.{name}"] = slot.second
        return out

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state()`; parameters that it does not hold keep what they have."""
        self.steps = int(state["steps"])
        for name, slot in self.slots.items():
            if f"master.{name}" not in state:
                continue
            slot.master.copy_(state[f"master.{name}"])
            slot.first.copy_(state[f"first.{name}"])
            if slot.second is not None:
                slot.second.copy_(state[f"second.{name}"])
            slot.parameter.data.copy_(slot.master)

    @torch.no_grad()
    def step(self, scale: float) -> float:
        """Average gradients, move every parameter by its rule times `scale`; returns the gradient's norm."""
        self.steps += 1
        grads = self._gradients()
        norm = float(torch.stack([g.norm() for g in grads.values()]).norm())
        clip = min(1.0, 4.0 / (norm + 1e-6))
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
            slot.parameter.data.copy_(slot.master)
            slot.parameter.grad = None
        return norm

    def _gradients(self) -> dict[str, Tensor]:
        shapes = {n: s.master.shape for n, s in self.slots.items()}
        flat = torch.cat([_grad(s).flatten() for s in self.slots.values()])
        if distributed.is_initialized():
            distributed.all_reduce(flat)
            flat /= distributed.get_world_size()
        pieces = torch.split(flat, [shape.numel() for shape in shapes.values()])
        return {n: piece.view(shapes[n]) for n, piece in zip(shapes, pieces, strict=True)}

    def _adam(self, slot: Slot, grad: Tensor, scale: float) -> None:
        assert slot.second is not None
        slot.first.lerp_(grad, 0.1)
        slot.second.lerp_(grad.square(), 0.02)
        first = slot.first / (1 - 0.9**self.steps)
        second = slot.second / (1 - 0.98**self.steps)
        slot.master.sub_(self.adam_lr * slot.pace * scale * first / (second.sqrt() + 1e-8))

    def _muon(self, slots: Sequence[Slot], grads: Sequence[Tensor], scale: float) -> None:
        """Nesterov momentum, made orthogonal for all matrices of one shape at once."""
        stack = torch.stack([g.flatten(1).lerp(s.first.flatten(1), 0.95) for g, s in zip(grads, slots, strict=True)])
        gain = max(1.0, stack.shape[1] / stack.shape[2]) ** 0.5
        for slot, update in zip(slots, orthogonalise(stack), strict=True):
            rate = self.muon_lr * slot.pace * scale
            slot.master.mul_(1 - rate * self.decay)
            slot.master.sub_(rate * gain * update.view_as(slot.master))


def _grad(slot: Slot) -> Tensor:
    return torch.zeros_like(slot.master) if slot.parameter.grad is None else slot.parameter.grad.float()


def _is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Hidden matrices; embeddings, the first convolution, norms, biases and training heads go by AdamW."""
    outer = name.startswith("heads.") or "embed_tokens" in name or "patch_embed" in name or "lm_head" in name
    return parameter.ndim >= 2 and not outer
