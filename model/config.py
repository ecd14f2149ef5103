"""What a checkpoint's config.json says about the network, checked once.

Where a released file leaves a member out, the default here is the value that the released weights were made
with. transformers' class defaults are others (tokens_per_second 4, rms_norm_eps 1e-5) and fit no released weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from model.fields import LARGE, ConfigError, Fields, Json

Family: TypeAlias = Literal["qwen2_vl", "qwen2_5_vl"]
"""The two generations, by the model_type of their config.json."""

DEPTH = 1024
"""Most layers or blocks accepted; released networks have at most 80."""

VOCABULARY = 2**24
"""Most tokens accepted; released vocabularies have 152 064."""

SHAPE = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
"""Members that every decoder's config must state."""

TOKENS = {
    "image_token_id": 151655,
    "video_token_id": 151656,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
}
"""Ids of the released vocabulary, for files that leave them out."""


@dataclass(frozen=True)
class VisionConfig:
    """The vision tower. Qwen2-VL has no windows and no clock: those members are None or empty."""

    family: Family
    depth: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    in_channels: int
    patch_size: int
    temporal_patch_size: int
    spatial_merge_size: int
    out_hidden_size: int
    window_size: int | None = None  # pixels of image along a side
    fullatt_block_indexes: tuple[int, ...] = ()
    tokens_per_second: float | None = None  # time ids that a second of video counts

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
    def front(self) -> int:
        """Blocks before the first in which a patch sees its whole frame: what they give depends on the window alone."""
        return min(self.fullatt_block_indexes, default=self.depth) if self.window_units else 0

    @property
    def window_units(self) -> int | None:
        """Merged tokens along a side of one attention window; None: a frame is one window."""
        return None if self.window_size is None else self.window_size // self.factor


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
    rope_theta: float
    rms_norm_eps: float
    tie_word_embeddings: bool
    max_position_embeddings: int

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class Config:
    """A whole Qwen2-VL or Qwen2.5-VL network: decoder, vision tower, and the tokens that join them."""

    text: TextConfig
    vision: VisionConfig
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int

    @property
    def family(self) -> Family:
        return self.vision.family

    @classmethod
    def read(cls, folder: Path) -> Config:
        """Read FOLDER/config.json; `ConfigError` names what cannot be used."""
        return _config(Fields.read(folder / "config.json"))

    @classmethod
    def parse(cls, data: Json) -> Config:
        """Accept the flat layout of released files and the nested one that newer tools save."""
        return _config(Fields(data))


def _config(root: Fields) -> Config:
    family = _family(root)
    if "quantization_config" in root.data:
        raise ConfigError(f"{root.where}quantization_config: quantised weights cannot be loaded; use plain ones")
    nested, vision = root.object("text_config"), root.object("vision_config")
    if not vision.data:
        raise root.error("vision_config", "an object with hidden_size and so on")
    _check_kind(nested, (family, f"{family}_text"))
    _check_kind(vision, (family, f"{family}_vision"))
    text = _text(_joined(root, nested), root, family)
    tower = _tower2(vision, text.hidden_size) if family == "qwen2_vl" else _tower25(vision, text.hidden_size)
    ids = {name: root.integer(name, default, low=0, high=text.vocab_size - 1) for name, default in TOKENS.items()}
    if max(ids.values()) >= text.vocab_size:
        raise ConfigError(f"{root.where}token ids {ids}: expected ids below vocab_size {text.vocab_size}")
    if ids["image_token_id"] == ids["video_token_id"]:
        raise root.error("video_token_id", "another id than image_token_id")
    return Config(text=text, vision=tower, **ids)


def _family(root: Fields) -> Family:
    found = root.text("model_type", "")
    if found == "qwen2_vl":
        return "qwen2_vl"
    if found == "qwen2_5_vl":
        return "qwen2_5_vl"
    raise root.error("model_type", "'qwen2_vl' or 'qwen2_5_vl', the families that this network builds")


def _check_kind(part: Fields, allowed: tuple[str, ...]) -> None:
    if part.text("model_type", allowed[0]) not in allowed:
        raise part.error("model_type", f"one of {list(allowed)}, as the model_type of the whole file says")


def _joined(root: Fields, nested: Fields) -> Fields:
    """The decoder's members, wherever the file keeps them; a file that says a shape twice must say it alike."""
    if not nested.data:
        return root
    for name in ("vocab_size", *SHAPE):
        outside, inside = root.data.get(name), nested.data.get(name)
        if outside is not None and inside is not None and outside != inside:
            raise nested.error(name, f"{outside!r}, which the file says outside text_config")
    return Fields({**root.data, **nested.data}, nested.where)


def _text(data: Fields, root: Fields, family: Family) -> TextConfig:
    shape = {name: data.integer(name, high=DEPTH if name == "num_hidden_layers" else LARGE) for name in SHAPE}
    rope, newer = data.object("rope_scaling"), data.object("rope_parameters")
    rope = newer if newer.data and not rope.data else rope
    for name in ("type", "rope_type"):
        if rope.text(name, "default") not in ("default", "mrope"):
            raise rope.error(name, "'mrope' or 'default'; scaled positions are not supported")
    if data.text("hidden_act", "silu") != "silu":
        raise data.error("hidden_act", "'silu', as released decoders have")
    if data.flag("use_sliding_window", False):
        raise data.error("use_sliding_window", "false, as released checkpoints have")
    if (kinds := data.data.get("layer_types")) is not None and kinds != ["full_attention"] * shape["num_hidden_layers"]:
        raise data.error("layer_types", "full_attention for each of num_hidden_layers, as released checkpoints have")
    config = TextConfig(
        **shape,
        vocab_size=data.integer("vocab_size", high=VOCABULARY),
        mrope_section=rope.integers("mrope_section"),
        rope_theta=rope.number("rope_theta", data.number("rope_theta", 1_000_000.0)),
        rms_norm_eps=data.number("rms_norm_eps", 1e-6),
        # some tools write it beside text_config, some inside, and false in the other place
        tie_word_embeddings=data.flag("tie_word_embeddings", False) or root.flag("tie_word_embeddings", False),
        max_position_embeddings=data.integer(
            "max_position_embeddings", 32_768 if family == "qwen2_vl" else 128_000, high=2**31
        ),
    )
    _check_heads(config, data, rope)
    return config


def _check_heads(config: TextConfig, data: Fields, rope: Fields) -> None:
    heads, kv = config.num_attention_heads, config.num_key_value_heads
    if config.hidden_size % heads:
        raise data.error("num_attention_heads", f"a divisor of hidden_size {config.hidden_size}")
    if heads % kv:
        raise data.error("num_key_value_heads", f"a divisor of num_attention_heads {heads}")
    if data.integer("head_dim", config.head_dim) != config.head_dim:
        raise data.error("head_dim", f"hidden_size / num_attention_heads, {config.head_dim}")
    if len(config.mrope_section) != 3 or 2 * sum(config.mrope_section) != config.head_dim:
        wanted = f"three whole numbers whose sum is half the head size {config.head_dim}"
        raise rope.error("mrope_section", wanted)


def _tower2(data: Fields, width: int) -> VisionConfig:
    """Qwen2-VL: `embed_dim` is the tower's width and `hidden_size` the decoder's."""
    _refuse(data, ("out_hidden_size", "window_size", "fullatt_block_indexes", "tokens_per_second"), "Qwen2.5-VL")
    _check_act(data, "quick_gelu")
    hidden = data.integer("embed_dim", 1280)
    ratio = data.number("mlp_ratio", 4.0)
    if not 1 <= int(hidden * ratio) <= LARGE:
        raise data.error("mlp_ratio", f"a number that makes embed_dim {hidden} a width")
    return _tower(data, width, "qwen2_vl", (hidden, int(hidden * ratio)))


def _tower25(data: Fields, width: int) -> VisionConfig:
    """Qwen2.5-VL: `hidden_size` is the tower's width and `out_hidden_size` the decoder's."""
    _refuse(data, ("embed_dim", "mlp_ratio"), "Qwen2-VL")
    _check_act(data, "silu")
    sizes = data.integer("hidden_size", 1280), data.integer("intermediate_size", 3420)
    return _tower(data, width, "qwen2_5_vl", sizes)


def _tower(data: Fields, width: int, family: Family, sizes: tuple[int, int]) -> VisionConfig:
    """What both generations say alike, and the windows and the clock of the second."""
    newer = family == "qwen2_5_vl"
    depth = data.integer("depth", 32, high=DEPTH)
    config = VisionConfig(
        family=family,
        depth=depth,
        hidden_size=sizes[0],
        intermediate_size=sizes[1],
        num_heads=data.integer("num_heads", 16),
        in_channels=_either(data, "in_channels", "in_chans", 3),
        patch_size=_either(data, "patch_size", "spatial_patch_size", 14),
        temporal_patch_size=data.integer("temporal_patch_size", 2),
        spatial_merge_size=data.integer("spatial_merge_size", 2),
        out_hidden_size=data.integer("out_hidden_size" if newer else "hidden_size", width),
        window_size=data.integer("window_size", 112) if newer else None,
        fullatt_block_indexes=_full(data, depth) if newer else (),
        tokens_per_second=data.number("tokens_per_second", 2.0) if newer else None,
    )
    if config.out_hidden_size != width:
        raise data.error("out_hidden_size" if newer else "hidden_size", f"the decoder's hidden_size {width}")
    _check_tower(config, data)
    return config


def _check_tower(config: VisionConfig, data: Fields) -> None:
    if config.in_channels != 3:
        name = "in_channels" if "in_channels" in data.data else "in_chans"
        raise data.error(name, "3: pictures are red, green and blue")
    if config.hidden_size % config.num_heads or config.head_dim % 4:
        wanted = f"a number that cuts the width {config.hidden_size} into heads of a multiple of 4"
        raise data.error("num_heads", wanted)
    if config.window_size is not None and config.window_size % config.factor:
        raise data.error("window_size", f"a multiple of the {config.factor} pixels of a merged token")
    rope = data.object("rope_parameters")
    if rope.number("rope_theta", 10_000.0) != 10_000.0:
        raise rope.error("rope_theta", "10000, as released towers have")


def _full(data: Fields, depth: int) -> tuple[int, ...]:
    found = data.integers("fullatt_block_indexes", (7, 15, 23, 31), high=depth - 1)
    if max(found, default=0) >= depth:
        raise data.error("fullatt_block_indexes", f"a list of blocks below depth {depth}; the default goes to 31")
    return found


def _either(data: Fields, name: str, older: str, default: int) -> int:
    """A number that files of different age call by different names."""
    found = data.integer(name, data.integer(older, default))
    if data.integer(older, found) != found:
        raise data.error(older, f"{found}, as {name} says")
    return found


def _check_act(data: Fields, wanted: str) -> None:
    if data.text("hidden_act", wanted) != wanted:
        raise data.error("hidden_act", f"{wanted!r}, as released towers have")


def _refuse(data: Fields, names: tuple[str, ...], other: str) -> None:
    """Members of the other generation's tower: the file contradicts its model_type."""
    for name in names:
        if data.data.get(name) is not None:
            raise data.error(name, f"nothing: only {other} has it")
