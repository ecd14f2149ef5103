"""config.json: what is read, and what is refused with which words."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import shape, shape2

from model import Config, ConfigError

RELEASED_3B = {
    "model_type": "qwen2_5_vl",
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128000,
    "sliding_window": 32768,
    "use_sliding_window": False,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": True,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "vision_config": {
        "hidden_size": 1280,
        "in_chans": 3,
        "out_hidden_size": 2048,
        "spatial_patch_size": 14,
        "tokens_per_second": 2,
    },
}
"""The fields that matter here, with the sparse vision_config of published files."""


def changed(path: str, value: object) -> dict[str, object]:
    """The 3B config with one member, such as "vision_config.depth", set; None removes it."""
    data = json.loads(json.dumps(RELEASED_3B))
    *front, last = path.split(".")
    place = data
    for name in front:
        place = place[name]
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return data


def test_a_sparse_released_config_is_completed() -> None:
    config = Config.parse(RELEASED_3B)
    assert config.text.head_dim == 128
    assert config.text.tie_word_embeddings
    assert (config.vision.depth, config.vision.num_heads, config.vision.head_dim) == (32, 16, 80)
    assert (config.vision.intermediate_size, config.vision.patch_dim, config.vision.window_units) == (3420, 1176, 4)
    assert config.vision.fullatt_block_indexes == (7, 15, 23, 31)
    assert (config.image_token_id, config.vision_start_token_id, config.vision_end_token_id) == (151655, 151652, 151653)


def nested() -> dict[str, object]:
    """The same as newer tools write it: text_config, rope_parameters, in_channels."""
    data = json.loads(json.dumps(RELEASED_3B))
    vision = data.pop("vision_config") | {"in_channels": 3, "patch_size": 14}
    tied, kind = data.pop("tie_word_embeddings"), data.pop("model_type")
    rope = data.pop("rope_scaling") | {"rope_type": "default", "rope_theta": data.pop("rope_theta")}
    text = data | {"rope_parameters": rope, "model_type": "qwen2_5_vl_text", "tie_word_embeddings": False}
    return {"model_type": kind, "tie_word_embeddings": tied, "text_config": text, "vision_config": vision}


def test_nested_and_flat_say_the_same() -> None:
    assert Config.parse(nested()) == Config.parse(RELEASED_3B)


def test_a_head_is_tied_where_either_place_says_so() -> None:
    data = nested() | {"tie_word_embeddings": False}
    assert not Config.parse(data).text.tie_word_embeddings
    text = data["text_config"]
    assert isinstance(text, dict)
    assert Config.parse(data | {"text_config": text | {"tie_word_embeddings": True}}).text.tie_word_embeddings


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model_type", "qwen3_vl", "model_type: 'qwen3_vl'; expected 'qwen2_vl' or 'qwen2_5_vl'"),
        ("model_type", None, "model_type: missing; expected 'qwen2_vl' or 'qwen2_5_vl'"),
        ("model_type", "qwen2_vl", "vision_config.out_hidden_size: 2048; expected nothing: only Qwen2.5-VL has it"),
        ("head_dim", 64, "head_dim: 64; expected hidden_size / num_attention_heads, 128"),
        ("video_token_id", 151655, "video_token_id: 151655; expected another id than image_token_id"),
        ("hidden_size", None, "hidden_size: missing; expected a whole number from 1"),
        ("num_key_value_heads", None, "num_key_value_heads: missing"),
        ("num_hidden_layers", -1, "num_hidden_layers: -1; expected a whole number from 1 to 1024"),
        ("num_hidden_layers", 10**9, "num_hidden_layers: 1000000000; expected"),
        ("vocab_size", 1e6, "vocab_size: 1000000.0; expected a whole number"),
        ("vocab_size", True, "vocab_size: True; expected a whole number"),
        ("vocab_size", 1000, "token ids .*151655.*: expected ids below vocab_size 1000"),
        ("hidden_size", 2049, "num_attention_heads: 16; expected a divisor of hidden_size 2049"),
        ("num_key_value_heads", 3, "num_key_value_heads: 3; expected a divisor of num_attention_heads 16"),
        ("rms_norm_eps", 0, "rms_norm_eps: 0; expected a finite number above zero"),
        ("rope_theta", float("nan"), "rope_theta: nan; expected a finite number"),
        ("rope_theta", "1e6", "rope_theta: '1e6'"),
        ("rope_scaling", None, "rope_scaling.mrope_section: missing"),
        ("rope_scaling.mrope_section", [16, 24], "rope_scaling.mrope_section: .*sum is half the head size 128"),
        ("rope_scaling.mrope_section", [16, 24, -24], "rope_scaling.mrope_section: .*whole numbers from 0"),
        ("rope_scaling.type", "yarn", "rope_scaling.type: 'yarn'; expected 'mrope'"),
        ("rope_scaling", [1], r"rope_scaling: \[1\]; expected an object"),
        ("hidden_act", "gelu", "hidden_act: 'gelu'; expected 'silu'"),
        ("use_sliding_window", True, "use_sliding_window: True; expected false"),
        ("use_sliding_window", "no", "use_sliding_window: 'no'; expected true or false"),
        ("tie_word_embeddings", 1, "tie_word_embeddings: 1; expected true or false"),
        ("image_token_id", -1, "image_token_id: -1; expected a whole number from 0 to 151935"),
        ("quantization_config", {"bits": 4}, "quantization_config: quantised weights cannot be loaded"),
        ("vision_config", None, "vision_config: missing; expected an object"),
        ("vision_config", "big", "vision_config: 'big'; expected an object"),
        ("vision_config.depth", 0, "vision_config.depth: 0; expected a whole number from 1"),
        ("vision_config.num_heads", 3, "vision_config.num_heads: 3; expected a number that cuts"),
        ("vision_config.in_chans", 1, "vision_config.in_chans: 1; expected 3"),
        ("vision_config.in_channels", 1, "vision_config.in_chans: 3; expected 1, as in_channels says"),
        ("vision_config.patch_size", 16, "vision_config.spatial_patch_size: 14; expected 16, as patch_size says"),
        ("vision_config.embed_dim", 1280, "vision_config.embed_dim: 1280; expected nothing: only Qwen2-VL has it"),
        (
            "vision_config.model_type",
            "qwen2_vl",
            r"vision_config.model_type: 'qwen2_vl'; expected one of \['qwen2_5_vl'",
        ),
        ("vision_config.rope_parameters", {"rope_theta": 5}, "vision_config.rope_parameters.rope_theta: 5; expected 1"),
        ("vision_config.window_size", 100, "vision_config.window_size: 100; expected a multiple of the 28"),
        ("vision_config.fullatt_block_indexes", [32], r"fullatt_block_indexes: \[32\]; expected .* to 31"),
        ("vision_config.depth", 8, "vision_config.fullatt_block_indexes: missing; expected .* below depth 8"),
        ("vision_config.out_hidden_size", 3584, "out_hidden_size: 3584; expected the decoder's hidden_size 2048"),
        ("vision_config.hidden_act", "quick_gelu", "vision_config.hidden_act: 'quick_gelu'"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused_by_name(path: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.parse(changed(path, value))


QWEN2 = {
    "model_type": "qwen2_vl",
    "vision_config": {"hidden_size": 2048, "in_chans": 3, "spatial_patch_size": 14},
}


def test_a_sparse_config_of_the_first_generation_is_completed() -> None:
    config = Config.parse(RELEASED_3B | QWEN2)
    assert config.family == "qwen2_vl"
    vision = config.vision
    assert (vision.hidden_size, vision.intermediate_size, vision.out_hidden_size) == (1280, 5120, 2048)
    assert (vision.window_units, vision.fullatt_block_indexes, vision.tokens_per_second) == (None, (), None)
    assert Config.parse(changed("max_position_embeddings", None) | QWEN2).text.max_position_embeddings == 32_768


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("window_size", 112, "vision_config.window_size: 112; expected nothing: only Qwen2.5-VL has it"),
        ("hidden_size", 1280, "vision_config.hidden_size: 1280; expected the decoder's hidden_size 2048"),
        ("hidden_act", "silu", "vision_config.hidden_act: 'silu'; expected 'quick_gelu'"),
        ("mlp_ratio", 1e9, "vision_config.mlp_ratio: 1000000000.0; expected a number that makes embed_dim 1280"),
        ("model_type", "qwen2_5_vl", r"vision_config.model_type: 'qwen2_5_vl'; expected one of \['qwen2_vl'"),
    ],
)
def test_a_tower_of_the_other_generation_is_refused_by_name(member: str, value: object, message: str) -> None:
    vision = dict(QWEN2["vision_config"]) | {member: value}
    with pytest.raises(ConfigError, match=message):
        Config.parse(RELEASED_3B | QWEN2 | {"vision_config": vision})


def test_a_shape_that_is_said_twice_must_be_said_alike() -> None:
    assert Config.parse(nested() | {"vocab_size": 151936}) == Config.parse(RELEASED_3B)
    with pytest.raises(ConfigError, match=r"text_config.vocab_size: 151936; expected 151940, which the file says outs"):
        Config.parse(nested() | {"vocab_size": 151940})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
members = [*shape(), *(f"vision_config.{name}" for name in [*shape()["vision_config"], *shape2()["vision_config"]])]


@settings(deadline=None)
@given(st.sampled_from(members), json_values, st.sampled_from([shape(), shape2()]))
def test_whatever_a_member_holds_the_config_is_read_or_refused(
    path: str, value: object, whole: dict[str, object]
) -> None:
    data = dict(whole)
    if path.startswith("vision_config."):
        vision = data["vision_config"]
        assert isinstance(vision, dict)
        data["vision_config"] = vision | {path.partition(".")[2]: value}
    else:
        data[path] = value
    with suppress(ConfigError):  # any other exception is a defect
        assert Config.parse(data).text.head_dim >= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "config.json: not JSON"),
        (b"\xff\xfe", "config.json: not JSON"),
        (b"[" * 100_000, "config.json: not JSON"),
        (b"[1]", r"config.json: holds \[1\]; expected an object"),
        (b"{}", "config.json: model_type: missing"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_its_path(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        Config.read(tmp_path)


def test_a_folder_without_config_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config.json: no such file; a checkpoint folder holds config.json"):
        Config.read(tmp_path)
