"""A network cut into shards over the processes (FSDP2), for one that does not fit a device.

Each process keeps its part of every parameter, in float32, and of what the optimiser knows of it; a block is put
together where it is needed. The processes meet in every block, so all have to go through the same blocks equally often.
Tried on CPUs over gloo; GPUs are written for and have not been tried.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor


def shard(root: nn.Module, blocks: Iterable[nn.Module], dtype: torch.dtype, device: torch.device) -> None:
    """Leave to this process its part of `root`, whose parameters are replaced; it computes in `dtype`."""
    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for module in (*blocks, root):
        fully_shard(module, mesh=mesh, mp_policy=policy)


def own(tensor: Tensor) -> Tensor:
    """This process's part of a tensor that is shared out, or the tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(part: Tensor, like: Tensor) -> Tensor:
    """All of a tensor of which `part` is this process's, shared out as `like` is; all processes have to ask for it."""
    if not isinstance(like, DTensor):
        return part
    shared = DTensor.from_local(part, like.device_mesh, like.placements, shape=like.shape, stride=like.stride())
    return shared.full_tensor()


def part(full: Tensor, like: Tensor) -> Tensor:
    """This process's part of `full`, shared out as `like` is."""
    if not isinstance(like, DTensor):
        return full
    return distribute_tensor(full.to(like.device), like.device_mesh, like.placements).to_local()
