"""The built-in checkpoint is a true Qwen2.5-VL folder: transformers loads it and says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model import load
from model.layout import Medium
from model.rope import position_ids

TINY = Path(__file__).resolve().parent.parent / "model" / "weights" / "tiny"


@pytest.mark.filterwarnings("ignore")
def test_transformers_loads_the_built_in_folder_and_gives_the_same_logits() -> None:
    from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

    theirs = Qwen2_5_VLForConditionalGeneration.from_pretrained(TINY, dtype=torch.float32).eval()
    ours = load(TINY, dtype="float32")
    picture = np.random.default_rng(0).integers(0, 256, (208, 160, 3), dtype=np.uint8)
    prompt = 'Instruction: Click on the link "Tora".\nPrevious actions: None\n'
    messages = [{"role": "user", "content": [{"type": "text", "text": prompt}, {"type": "image"}]}]
    ids = torch.tensor([ours.format.encode(messages, [130])])
    text = AutoTokenizer.from_pretrained(TINY).apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    pad = "<|image_pad|>"
    assert AutoTokenizer.from_pretrained(TINY)(text.replace(pad, pad * 130))["input_ids"] == ids[0].tolist()
    patches, grid = ours.processor(picture)
    pads = ids == ours.config.image_token_id
    with torch.inference_mode():
        wanted = theirs(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=patches,
            image_grid_thw=torch.tensor([grid]),
            mm_token_type_ids=pads.int(),
        ).logits
        places = position_ids(ids[0].tolist(), ours.config, [Medium(grid)]).unsqueeze(1)
        found = ours.network(ids, places, patches, [grid])
    assert float((wanted - found).abs().max()) < 1e-4
    assert torch.equal(wanted[0, -1].argmax(), found[0, -1].argmax())


def test_the_built_in_weights_are_half_precision_and_small() -> None:
    file = TINY / "model.safetensors"
    assert file.stat().st_size < 40_000_000
    assert {p.dtype for p in load(TINY).network.parameters()} == {torch.bfloat16}


def test_the_card_names_data_scores_and_limits() -> None:
    card = (TINY / "README.md").read_text(encoding="utf-8")
    for heading in ("## Data and training", "## Scores", "## Limits"):
        assert heading in card
    assert "@@" not in card
