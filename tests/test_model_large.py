"""A checkpoint with the true shapes of Qwen2-VL-2B, with random weights: it loads in its own size and answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from model_checkpoint import write_random

from model import Config, Qwen

RELEASED = Path(__file__).parent / "released" / "qwen2-vl-2b.json"

ANSWER = """
import json, sys, time
from pathlib import Path
import numpy as np
from model import ImageProcessor, Prompt, generate
from model.checkpoint import load_network
from model.layout import Medium

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

start = time.perf_counter()
network, _ = load_network(Path(sys.argv[1]))
loaded, seconds = peak(), time.perf_counter() - start
pixels = np.random.default_rng(0).integers(0, 256, (224, 336, 3), dtype=np.uint8)
patches, grid = ImageProcessor()(pixels)
pad = network.config.image_token_id
tokens = (8948, 151652, *[pad] * (grid[1] * grid[2] // 4), 151653, 74785, 419)
said = generate(network, Prompt(tokens, patches, (Medium(grid),)), eos=set(), limit=4)
print(json.dumps({
    "loaded": loaded, "answered": peak(), "load seconds": seconds, "tokens": said.tokens, "dtype": str(patches.dtype),
    "timings": dict(said.timings), "kind": str(network.model.norm.weight.dtype), "logprobs": said.logprobs,
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_checkpoint_of_two_billion_parameters_loads_in_its_own_size_and_answers(tmp_path: Path) -> None:
    if (free := psutil.virtual_memory().available) < 7e9:
        pytest.skip(f"needs 7 GB of memory, {free / 1e9:.1f} GB are available")
    if (free := shutil.disk_usage(tmp_path).free) < 6e9:
        pytest.skip(f"needs 6 GB on disk, {free / 1e9:.1f} GB are free")
    data = json.loads(RELEASED.read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(data), encoding="utf-8")
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Qwen(Config.parse(data)).state_dict().items()}
    weights = tmp_path / "model.safetensors"
    try:
        write_random(weights, shapes)
        size = weights.stat().st_size
        run = subprocess.run(
            [sys.executable, "-c", ANSWER, str(tmp_path)],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        weights.unlink(missing_ok=True)
    said = json.loads(run.stdout)
    print(f"file {size}, {said}")
    assert size > 4.4e9
    assert said["kind"] == "torch.bfloat16"
    assert said["loaded"] <= 1.15 * size
    assert len(said["tokens"]) == 4
    assert said["answered"] <= 1.25 * size
