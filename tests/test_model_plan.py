"""What work takes is told before it is begun, and what cannot fit is refused with what would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_checkpoint import network, shape, write

from model import Config, PlanError, Prompt, Qwen, generate, plan
from model.checkpoint import load_network
from model.decoder import Cache
from model.layout import Medium
from model.plan import Left, Need, Request, budget, check, need

CPU = torch.device("cpu")


def released(name: str) -> Config:
    return Config.parse(json.loads((Path(__file__).parent / "released" / f"{name}.json").read_text(encoding="utf-8")))


CONFIG = released("qwen2.5-vl-7b")
SCREEN = Medium((1, 78, 138))  # 1932 x 1092, what 1920 x 1080 becomes


def test_the_cache_of_a_screenshot_is_the_known_147_mebibytes() -> None:
    cost = {name: need(released(name), [Request(0, (SCREEN,), 0)], torch.bfloat16).cache for name in NAMES}
    assert {name: round(size / 2**20) for name, size in cost.items()} == NAMES


NAMES = {"qwen2.5-vl-7b": 147, "qwen2.5-vl-3b": 95, "qwen2.5-vl-72b": 841}


def test_a_4k_screen_takes_less_than_one_matrix_of_its_patches() -> None:
    screen = Medium((1, 154, 274))  # 3836 x 2156
    cost = need(CONFIG, [Request(200, (screen,), 512)], torch.bfloat16)
    assert cost.total < 16 * (154 * 274) ** 2 * 2  # the scores of 16 heads
    assert cost.total > cost.cache + 154 * 274 * CONFIG.vision.hidden_size * 2 * 6


def test_a_refusal_names_the_numbers_and_a_budget_that_fits() -> None:
    request = Request(300, (SCREEN, SCREEN, Medium((4, 20, 20), 1.0)), 512)
    whole = need(CONFIG, [request], torch.bfloat16)
    free = whole.total * 2 // 3
    most = budget(CONFIG, [request], torch.bfloat16, free)
    assert most is not None
    error = PlanError("answering", whole, free, most)
    gigabytes = re.findall(r"(\d+\.\d\d) GB", str(error))
    assert gigabytes[0] == f"{whole.total / 1e9:.2f}"
    assert gigabytes[-1] == f"{free / 1e9:.2f}"
    assert f"max_pixels {most} would fit" in str(error)
    assert (error.need, error.available, error.max_pixels) == (whole, free, most)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)).map(lambda g: (g[0], 2 * g[1], 2 * g[2])),
        max_size=4,
    ),
    st.integers(0, 2000),
    st.floats(0.05, 1.2),
)
def test_the_budget_is_the_largest_that_fits(grids: list[tuple[int, int, int]], words: int, share: float) -> None:
    request = Request(words + 1, tuple(Medium(grid, 1.0) for grid in grids), 10)
    free = int(need(CONFIG, [request], torch.float32).total * share)
    most, area = budget(CONFIG, [request], torch.float32, free), CONFIG.vision.patch_size**2

    def total(pixels: int) -> int:
        return need(CONFIG, [request], torch.float32, most=pixels // area).total

    if most is None:
        assert not grids or total(CONFIG.vision.factor**2) > free
    else:
        assert total(most) <= free
        largest = max(rows * cols for _, rows, cols in grids) * area
        assert most == largest or total(most + CONFIG.vision.factor**2) > free


def test_only_the_longest_prompt_of_a_batch_counts_for_all() -> None:
    small, large = Request(10, (), 5), Request(100, (), 50)
    one, both = (need(CONFIG, some, torch.bfloat16) for some in ([large], [small, large]))
    assert both.cache == 2 * one.cache
    assert both.prefill > 2 * one.prefill  # and the mask of the padding


def test_what_a_session_keeps_counts_up_to_the_room_that_is_left() -> None:
    """Features and windows of a screen, and a beginning of 100 words; no windows of a video, and none in Qwen2-VL."""
    cache = Cache(CONFIG.text, 1, 16, like=torch.empty(0, dtype=torch.bfloat16))
    ample, none = Left(2**40, 2**40, 2**40), Left(0, 0, 0)
    request = Request(120, (SCREEN, Medium((1, 4, 4))), 0, shared=100)
    patches = 78 * 138 + 16
    features, windows = patches // 4 * 3584 * 2, patches * 1280 * 2
    beginning = 100 * plan.row_bytes(CONFIG, 2)
    assert plan.session(CONFIG, request, cache, ample).kept == features + windows + beginning
    assert plan.session(CONFIG, request, cache, none).kept == 0
    assert plan.session(CONFIG, request, cache, Left(10, 200, 3000)).kept == 3210
    video = Request(120, (Medium((2, 78, 138), 1.0),), 0)
    assert plan.session(CONFIG, video, cache, ample).kept == 78 * 138 // 2 * 3584 * 2
    older = released("qwen2-vl-2b")
    assert plan.session(older, Request(0, (SCREEN,), 0), cache, ample).kept == 78 * 138 // 4 * 1536 * 2


def test_what_is_kept_lasts_while_the_work_is_done() -> None:
    assert Need(5, 3, 10, 7, 100).total == 118
    assert str(Need(0, 0, 10**9, 0, 2 * 10**9)) == "3.00 GB (kept 2.00 GB, vision 1.00 GB)"


def test_looking_and_reading_do_not_add_up() -> None:
    assert Need(5, 3, 10, 7).total == 18
    assert str(Need(0, 2 * 10**9, 10**9, 0)) == "3.00 GB (cache 2.00 GB, vision 1.00 GB)"


def test_work_beyond_this_machine_is_refused_before_it_begins() -> None:
    built = network(shape())
    with pytest.raises(PlanError, match=r"answering takes [\d.]+ GB \(cache .*, [\d.]+ GB are available$") as caught:
        generate(built, Prompt((10, 11)), eos=set(), limit=10**12)
    assert caught.value.max_pixels is None
    assert isinstance(caught.value, MemoryError)


def test_images_beyond_this_machine_are_refused_with_a_budget_that_fits() -> None:
    free = plan.available(CPU)
    side = 2 * int((free / plan.patch_bytes(CONFIG, 2)) ** 0.5 / 2)
    request = Request(10, (Medium((1, side, side)),), 5)
    with pytest.raises(PlanError, match=r"images and frames of at most max_pixels \d+ would fit") as caught:
        check(CONFIG, [request], torch.bfloat16, CPU)
    assert caught.value.max_pixels is not None
    fitting = replace(request, media=(Medium((1, 2, caught.value.max_pixels // 196 // 4)),))
    assert need(CONFIG, [fitting], torch.bfloat16).total < caught.value.available


def test_weights_beyond_this_machine_are_refused_before_they_are_read(tmp_path: Path) -> None:
    config = shape(tied=False) | {"vocab_size": 2**24, "hidden_size": 2**14, "num_attention_heads": 1024}
    vision = config["vision_config"]
    assert isinstance(vision, dict)
    config["vision_config"] = vision | {"out_hidden_size": 2**14}
    write(tmp_path, "config.json", config)
    with torch.device("meta"):
        held = {name: list(tensor.shape) for name, tensor in Qwen(Config.parse(config)).state_dict().items()}
    header, at = {}, 0
    for name, size in held.items():
        end = at + 2 * torch.Size(size).numel()
        header[name] = {"dtype": "BF16", "shape": size, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + at)  # a terabyte that takes no place on disk
    with pytest.raises(PlanError, match=r"loading in bfloat16 takes 11\d\d\.\d\d GB \(weights 11.*GB are available"):
        load_network(tmp_path)


MEASURE = """
import json, sys
from pathlib import Path
import torch
from model import Config, Prompt, Qwen, plan
from model.layout import Medium

def bytes_of(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

torch.set_num_threads(1)
network = Qwen(Config.parse(json.loads(sys.argv[1]))).eval()
medium = Medium((1, 64, 128))
with torch.inference_mode():
    network.visual(torch.randn(16, network.config.vision.patch_dim), [(1, 4, 4)])
    before = bytes_of("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    network.visual(torch.randn(64 * 128, network.config.vision.patch_dim), [medium.grid])
planned = plan.need(network.config, [plan.Request(0, (medium,), 1)], torch.float32).vision
print(planned, bytes_of("VmHWM") - before)
"""


def test_the_tower_takes_what_was_planned() -> None:
    config = shape(tower=(4, 64), window=4, depth=1, full=())
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(config)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    planned, measured = map(int, run.stdout.split())
    assert 0.5 * planned < measured < planned
