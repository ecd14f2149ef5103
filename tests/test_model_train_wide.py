"""Fine-tuning at the widths of a released checkpoint, two layers deep; test_model_train_tuning is the fast twin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_checkpoint import write_files, write_random
from test_model_train_tuning import both, losses, theirs, write_samples

from model.config import Config
from model.qwen import Qwen
from model.train.loop import Budget, Run, Schedule
from model.train.lora import merge
from model.train.optimiser import Rates
from model.train.settings import Lora, Material, Tuning
from model.train.tuning import tune

RELEASED = Path(__file__).parent / "released" / "qwen2.5-vl-3b.json"


def wide() -> dict[str, object]:
    """The 3B's config, two blocks and two layers of it, with the ids of the tests' tokenizer."""
    config = json.loads(RELEASED.read_text("utf-8"))
    config["vision_config"] |= {"depth": 2, "fullatt_block_indexes": [1]}
    ids = {"bos_token_id": 0, "eos_token_id": 2, "image_token_id": 5, "video_token_id": 6}
    return config | ids | {"num_hidden_layers": 2, "vision_start_token_id": 3, "vision_end_token_id": 4}


@pytest.mark.slow
def test_adapters_at_real_widths_lower_the_loss_of_twenty_episodes(tmp_path: Path) -> None:
    config = wide()
    base = tmp_path / "base"
    write_files(base, {**config, "vision_config": {"patch_size": 14}})
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with torch.device("meta"):
        shapes = {name: tuple(t.shape) for name, t in Qwen(Config.parse(config)).state_dict().items()}
    write_random(base / "model.safetensors", shapes)
    data = write_samples(tmp_path / "data", 20, (168, 140))
    run = Run(tmp_path / "run", "wide", Budget(6), Schedule(1, 0.2), log_every=1, draws=False)
    rates = Rates(2e-3, decay=0.0, betas=(0.9, 0.999), clip=1.0)
    tuning = Tuning(base, Material(((data, 1.0),)), run, lora=Lora(8, 16), rates=rates, batch=20, row=1024)
    tune(replace(tuning, saving=True))
    told = losses(tmp_path / "run")
    assert told[-1] < 0.8 * told[0]
    merge(base, tmp_path / "run" / "adapter", tmp_path / "merged")
    one = tmp_path / "data" / "one.jsonl"
    one.write_text(data.read_text("utf-8").splitlines()[0], "utf-8")
    mine, their = both(tmp_path / "merged", theirs(tmp_path / "merged"), one)
    torch.testing.assert_close(mine, their, rtol=1e-3, atol=1e-3)
