"""The Qwen2 decoder with M-RoPE and a key/value cache.

B batch, T new tokens, S cached and new tokens, H query heads, K key/value heads, D head size.
Names are those of released checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from model import native
from model.attention import Skip, attend_among, attend_behind
from model.config import TextConfig
from model.linear import Embedding, Embedding8, Linear, onto
from model.native import small
from model.norm import RMSNorm
from model.rope import Rotation


class Cache:
    """Keys and values of what the decoder has read, for each layer [2,B,K,room,D]; the first `length` rows count.

    The rows of a layer are allocated ahead, so that no token costs a copy of those before it.
    """

    def __init__(self, config: TextConfig, batch: int, room: int, like: Tensor) -> None:
        shape = (2, batch, config.num_key_value_heads, room, config.head_dim)
        self.layers = [
            torch.empty(shape, dtype=like.dtype, device=like.device) for _ in range(config.num_hidden_layers)
        ]
        self.device = like.device
        self.length = 0
        self.sees: Tensor | None = None

    @property
    def room(self) -> int:
        return self.layers[-1].shape[3]  # the last to have grown

    @property
    def itemsize(self) -> int:
        return self.layers[0].itemsize

    @property
    def nbytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    def write(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put k, v [B,K,T,D] behind what `layer` holds and return views of all of it, [B,K,S,D]."""
        end = self.length + k.shape[2]
        if end > self.room:
            raise ValueError(f"the cache has room for {self.room} tokens, {end} were given")
        held = self.layers[layer]
        held[0, :, :, self.length : end] = k
        held[1, :, :, self.length : end] = v
        return held[0, :, :, :end], held[1, :, :, :end]

    @contextmanager
    def branching(self, sees: Tensor | None) -> Iterator[None]:
        """Meanwhile the T tokens that are read see of each other what `sees` [T,T] says, and all that is held."""
        self.sees = None if sees is None else sees.to(self.device)
        try:
            yield
        finally:
            self.sees = None

    def grow(self, room: int) -> None:
        """Make room for `room` rows, layer after layer, so that one layer at most is there twice."""
        for index, layer in enumerate(self.layers):
            larger = layer.new_empty((*layer.shape[:3], room, layer.shape[4]))
            larger[:, :, :, : self.length] = layer[:, :, :, : self.length]
            self.layers[index] = larger

    def drop(self, start: int, end: int) -> None:
        """Take the rows from `start` to `end` out; those behind move up."""
        for layer in self.layers:
            layer[:, :, :, start : self.length - (end - start)] = layer[:, :, :, end : self.length].clone()
        self.length -= end - start

    def rows(self, end: int) -> Tensor:
        """A copy of the first `end` rows, [layers,2,B,K,end,D]."""
        return torch.stack([layer[:, :, :, :end] for layer in self.layers])

    def put(self, rows: Tensor) -> None:
        """Let `rows`, as `rows` gave them, be all that is held."""
        for layer, own in zip(self.layers, rows, strict=True):
            layer[:, :, :, : own.shape[3]] = own
        self.length = rows.shape[4]


class Attention(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        kv = config.num_key_value_heads * config.head_dim
        self.q_proj = Linear(config.hidden_size, config.hidden_size)
        self.k_proj = Linear(config.hidden_size, kv)
        self.v_proj = Linear(config.hidden_size, kv)
        self.o_proj = Linear(config.hidden_size, config.hidden_size, bias=False)

    def heads(self, x: Tensor, rotation: Rotation, last: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries [B,H,T,D], rotated keys and values [B,K,T,D] of x [B,T,hidden].

        With `last` the queries of so many tokens at the end alone.
        """
        cos, sin = rotation
        q = native.rotate_heads(self.q_proj(x[:, -last:]), cos[:, :, -last:], sin[:, :, -last:])
        k = native.rotate_heads(self.k_proj(x), cos, sin)
        return q, k, self.v_proj(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x: Tensor, rotation: Rotation, skip: Skip, cache: Cache | None, layer: int) -> Tensor:
        """What the tokens of x [B,T,hidden] see, [B,T,hidden], for `o_proj` to map."""
        q, k, v = self.heads(x, rotation)
        if cache is not None:
            k, v = cache.write(layer, k, v)
        if cache is not None and cache.sees is not None:
            out = attend_among(q, k, v, cache.sees)
        else:
            out = attend_behind(q, k, v, skip)
        return out.transpose(1, 2).flatten(2)

    def finish(self, x: Tensor, rotation: Rotation, cache: Cache, layer: int, last: int) -> Tensor:
        """`forward` for the `last` tokens alone: of those before, only keys and values are wanted."""
        q, k, v = self.heads(x, rotation, last)
        k, v = cache.write(layer, k, v)
        return attend_behind(q, k, v, None).transpose(1, 2).flatten(2)


class MLP(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """y plus what it makes of x, [B,T,hidden] both."""
        return onto(self.down_proj, y, native.silu_mul(self.gate_proj(x), self.up_proj(x)))


class Layer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rotation: Rotation, skip: Skip, cache: Cache | None, layer: int) -> Tensor:
        seen = self.self_attn(self.input_layernorm(x), rotation, skip, cache, layer)
        return self.behind(x, seen)

    def parts(self) -> small.Parts:
        """Its weights in the order of `small.Parts`; none where they are int8."""
        at, mlp = self.self_attn, self.mlp
        maps = (at.q_proj, at.k_proj, at.v_proj, at.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        if not all(isinstance(part, Linear) for part in maps):
            return ()
        first = [part for own in maps[:3] for part in (own.weight, own.bias)]
        behind = self.post_attention_layernorm.weight, *(part.weight for part in maps[4:])
        return (self.input_layernorm.weight, *first, at.o_proj.weight, *behind)

    def finish(self, x: Tensor, rotation: Rotation, cache: Cache, layer: int, last: int) -> Tensor:
        """`forward` for the `last` tokens alone, whose states nobody else needs in the last layer."""
        seen = self.self_attn.finish(self.input_layernorm(x), rotation, cache, layer, last)
        return self.behind(x[:, -last:], seen)

    def behind(self, x: Tensor, seen: Tensor) -> Tensor:
        """What the layer makes of x and of what its tokens have seen, [B,T,hidden] both."""
        x = onto(self.self_attn.o_proj, x, seen)
        return self.mlp(x, self.post_attention_layernorm(x))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Embeddings in, normalised hidden states out."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens: Embedding | Embedding8 = Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self,
        x: Tensor,
        rotation: Rotation,
        skip: Skip = None,
        cache: Cache | None = None,
        last: int | None = None,
    ) -> Tensor:
        """x [B,T,hidden] and the rotation of its tokens; the first `skip` [B] tokens of each row are padding, or
        it says which samples lie in the rows.

        With `last` and a cache the states of so many tokens at the end alone, [B,last,hidden].
        """
        T = x.shape[1]
        cos, sin = rotation
        rotation = cos.to(x.dtype), sin.to(x.dtype)
        if skip is None and cache is not None and (found := self._small(x, rotation, cache, last)) is not None:
            cache.length += T
            return self.norm(found)  # type: ignore[no-any-return]
        ends = None if last is None or last >= T or cache is None or skip is not None else last
        for index, layer in enumerate(self.layers):
            if ends is not None and cache is not None and index == len(self.layers) - 1:
                x = layer.finish(x, rotation, cache, index, ends)  # type: ignore[operator]
            else:
                x = layer(x, rotation, skip, cache, index)
        if cache is not None:
            cache.length += T
        return self.norm(x)  # type: ignore[no-any-return]

    def _small(self, x: Tensor, rotation: Rotation, cache: Cache, last: int | None) -> Tensor | None:
        """States behind all layers, in one native call; None where that does not serve."""
        if cache.length + x.shape[1] > cache.room:
            return None
        layers = [layer.parts() for layer in self.layers]  # type: ignore[operator]
        if not small.decodes(x, layers, cache.layers):
            return None
        eps = self.config.rms_norm_eps
        return small.decode(x, rotation, layers, cache.layers, cache.length, eps=eps, last=last, sees=cache.sees)
