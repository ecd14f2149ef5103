"""What a checkpoint's config.json says about the network, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from model.fields import ConfigError, Fields, Json

Family: TypeAlias = Literal["qwen2_vl", "qwen2_5_vl"]
"""The two generations, by the model_type of their config.json."""

DEPTH = 1024
"""Most layers or blocks accepted; released networks have at most 80."""

VOCABULARY = 2**24
"""Most tokens accepted; released vocabularies have 152 064."""


@dataclass(frozen=True)
class VisionConfig:
    """The vision tower; defaults are those a released Qwen2.5-VL config leaves out."""

    depth: int = 32
    hidden_size: int = 1280
    intermediate_size: int = 3420
    num_heads: int = 16
    in_channels: int = 3
    patch_size: int = 14
    temporal_patch_size: int = 2
    spatial_merge_size: int = 2
    window_size: int = 112
    fullatt_block_indexes: tuple[int, ...] = (7, 15, 23, 31)
    out_hidden_size: int = 3584
    tokens_per_second: float = 2.0

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def patch_dim(self) -> int:
        """Numbers in one flattened patch: channels x frames x side x side."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2

    @property
    def factor(self) -> int:
        """Pixels of image a side of one merged token covers."""
        return self.patch_size * self.spatial_merge_size

    @property
    def window_units(self) -> int:
        """Merged tokens along a side of one attention window."""
        return self.window_size // self.factor


@dataclass(frozen=True)
class TextConfig:
    """The Qwen2 decoder."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    mrope_section: tuple[int, ...]
    rope_theta: float = 1_000_000.0
    rms_norm_eps: float = 1e-6
    tie_word_embeddings: bool = False
    max_position_embeddings: int = 128_000

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class Config:
    """A whole Qwen2.5-VL network: decoder, vision tower, and the tokens that join them."""

    text: TextConfig
    vision: VisionConfig
    family: Family
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int

    @classmethod
    def read(cls, folder: Path) -> Config:
        """Read FOLDER/config.json; `ConfigError` names what cannot be used."""
        return _config(Fields.read(folder / "config.json"))

    @classmethod
    def parse(cls, data: Json) -> Config:
        """Accept the flat layout of released files and the nested one that newer tools save."""
        return _config(Fields(data))


def _config(root: Fields) -> Config:
    if root.text("model_type", "") != "qwen2_5_vl":
        raise root.error("model_type", "'qwen2_5_vl', the only family this network builds")
    if "quantization_config" in root.data:
        raise ConfigError(f"{root.where}quantization_config: quantised weights cannot be loaded; use plain ones")
    nested, vision = root.object("text_config"), root.object("vision_config")
    if not vision.data:
        raise root.error("vision_config", "an object with hidden_size, out_hidden_size and so on")
    text = _text(Fields({**root.data, **nested.data}, nested.where if nested.data else root.where), root)
    ids = {
        name: root.integer(name, default, low=0, high=text.vocab_size - 1)
        for name, default in (
            ("image_token_id", 151655),
            ("video_token_id", 151656),
            ("vision_start_token_id", 151652),
            ("vision_end_token_id", 151653),
        )
    }
    config = Config(text=text, vision=_vision(vision), family="qwen2_5_vl", **ids)
    if config.vision.out_hidden_size != text.hidden_size:
        raise vision.error("out_hidden_size", f"the decoder's hidden_size {text.hidden_size}")
    if max(ids.values()) >= text.vocab_size:
        raise ConfigError(f"{root.where}token ids {ids}: expected ids below vocab_size {text.vocab_size}")
    return config


def _text(data: Fields, root: Fields) -> TextConfig:
    rope, newer = data.object("rope_scaling"), data.object("rope_parameters")
    rope = newer if newer.data and not rope.data else rope
    for name in ("type", "rope_type"):
        if rope.text(name, "default") not in ("default", "mrope"):
            raise rope.error(name, "'mrope' or 'default'; scaled positions are not supported")
    if data.text("hidden_act", "silu") != "silu":
        raise data.error("hidden_act", "'silu', as released decoders have")
    if data.flag("use_sliding_window", False):
        raise data.error("use_sliding_window", "false, as released checkpoints have")
    config = TextConfig(
        vocab_size=data.integer("vocab_size", high=VOCABULARY),
        hidden_size=data.integer("hidden_size"),
        intermediate_size=data.integer("intermediate_size"),
        num_hidden_layers=data.integer("num_hidden_layers", high=DEPTH),
        num_attention_heads=data.integer("num_attention_heads"),
        num_key_value_heads=data.integer("num_key_value_heads"),
        mrope_section=rope.integers("mrope_section"),
        rope_theta=rope.number("rope_theta", data.number("rope_theta", 1_000_000.0)),
        rms_norm_eps=data.number("rms_norm_eps", 1e-6),
        # some tools write it beside text_config, some inside, and false in the other place
        tie_word_embeddings=data.flag("tie_word_embeddings", False) or root.flag("tie_word_embeddings", False),
        max_position_embeddings=data.integer("max_position_embeddings", 128_000, high=2**31),
    )
    _check_heads(config, data, rope)
    return config


def _check_heads(config: TextConfig, data: Fields, rope: Fields) -> None:
    heads, kv = config.num_attention_heads, config.num_key_value_heads
    if config.hidden_size % heads:
        raise data.error("num_attention_heads", f"a divisor of hidden_size {config.hidden_size}")
    if heads % kv:
        raise data.error("num_key_value_heads", f"a divisor of num_attention_heads {heads}")
    if len(config.mrope_section) != 3 or 2 * sum(config.mrope_section) != config.head_dim:
        wanted = f"three whole numbers whose sum is half the head size {config.head_dim}"
        raise rope.error("mrope_section", wanted)


def _vision(data: Fields) -> VisionConfig:
    if data.text("hidden_act", "silu") != "silu":
        raise data.error("hidden_act", "'silu', as Qwen2.5-VL has")
    depth = data.integer("depth", 32, high=DEPTH)
    config = VisionConfig(
        depth=depth,
        hidden_size=data.integer("hidden_size", 1280),
        intermediate_size=data.integer("intermediate_size", 3420),
        num_heads=data.integer("num_heads", 16),
        in_channels=data.integer("in_channels", data.integer("in_chans", 3)),
        patch_size=data.integer("patch_size", data.integer("spatial_patch_size", 14)),
        temporal_patch_size=data.integer("temporal_patch_size", 2),
        spatial_merge_size=data.integer("spatial_merge_size", 2),
        window_size=data.integer("window_size", 112),
        fullatt_block_indexes=data.integers("fullatt_block_indexes", (7, 15, 23, 31), high=depth - 1),
        out_hidden_size=data.integer("out_hidden_size", 3584),
        tokens_per_second=data.number("tokens_per_second", 2.0),
    )
    if config.in_channels != 3:
        raise data.error(
            "in_channels" if "in_channels" in data.data else "in_chans", "3: pictures are red, green and blue"
        )
    if config.hidden_size % config.num_heads or config.head_dim % 4:
        wanted = f"a number that cuts hidden_size {config.hidden_size} into heads of a multiple of 4"
        raise data.error("num_heads", wanted)
    if config.window_size % config.factor:
        raise data.error("window_size", f"a multiple of the {config.factor} pixels of a merged token")
    if max(config.fullatt_block_indexes, default=0) >= depth:
        raise data.error("fullatt_block_indexes", f"a list of blocks below depth {depth}; the default goes to 31")
    return config
