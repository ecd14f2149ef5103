"""The whole network: vision tower, decoder, and the head that turns hidden states into logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.attention import Skip
from model.config import Config
from model.decoder import Cache, Decoder
from model.layout import Grid
from model.linear import Head, Linear, Linear8, shrink
from model.rope import Rotation, text_rotation
from model.vision import Vision


class Qwen(nn.Module):
    """Qwen2-VL or Qwen2.5-VL. Parameters carry the names of released checkpoints: visual.*, model.*, lm_head.weight."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.visual = Vision(config.vision)
        self.model = Decoder(config.text)
        self.lm_head: Linear | Linear8 | None = None
        if not config.text.tie_word_embeddings:
            self.lm_head = Linear(config.text.hidden_size, config.text.vocab_size, bias=False)

    @property
    def head(self) -> Head:
        """What turns hidden states into logits: a map of its own, or the embeddings once more."""
        return self.model.embed_tokens if self.lm_head is None else self.lm_head

    def shrink(self, dtype: torch.dtype) -> None:
        """Let decoder and head have int8 weights, still to be loaded, and compute in `dtype`; the tower stays."""
        shrink(self.model, dtype)
        if isinstance(self.lm_head, Linear):
            self.lm_head = Linear8(self.lm_head.in_features, self.lm_head.out_features, bias=False)

    def embed(self, tokens: Tensor, features: Tensor | None = None) -> Tensor:
        """Embeddings [B,T,hidden] of tokens [B,T], features [U,hidden] in place of image and video tokens."""
        x: Tensor = self.model.embed_tokens(tokens)
        where = (tokens == self.config.image_token_id) | (tokens == self.config.video_token_id)
        count, given = int(where.sum()), 0 if features is None else features.shape[0]
        if count != given:
            raise ValueError(f"the prompt has {count} image and video tokens, its media give {given} features")
        if features is None:
            return x
        return x.masked_scatter(where.unsqueeze(-1), features.to(x.dtype))

    def rotation(self, positions: Tensor) -> Rotation:
        """cos and sin for M-RoPE positions [3,B,T]."""
        text = self.config.text
        return text_rotation(positions, text.head_dim, text.rope_theta, text.mrope_section)

    def logits(self, hidden: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits of hidden states [..., hidden] over the vocabulary, or over the tokens `rows` [R] in their order."""
        return self.head.project(hidden, rows)

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor,
        patches: Tensor | None = None,
        grids: Sequence[Grid] = (),
        skip: Skip = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Logits [B,T,vocab] of tokens [B,T] at positions [3,B,T]; patches, grids as the processor gives.

        The first `skip` [B] tokens of each row are padding, or it says which samples lie in the rows.
        """
        features = None if patches is None else self.visual(patches, grids)
        hidden = self.model(self.embed(tokens, features), self.rotation(positions), skip, cache)
        return self.logits(hidden)
