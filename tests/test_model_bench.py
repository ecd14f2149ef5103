"""The benchmark on the built-in weights: its counts are exact, its gate closes, and it prints what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model.bench import report
from model.bench.__main__ import main
from model.bench.cost import Cost
from model.bench.gate import agree, joined
from model.bench.race import Lap, Racer
from model.bench.work import CALL, changed, screen

TIMES = ((1, 9.0), (2, 2.0), (2, 8.0), (2, 1.0), (5, 5.0), (5, 4.0), (5, 70.0))
"""Steps and seconds whose medians are 2 and 5."""

BUILTIN = Path(__file__).resolve().parent.parent / "model" / "weights" / "tiny"

SMALL = ("--checkpoint", str(BUILTIN), "--steps", "2", "--screen", "160", "210", "--words", "40", "--dtype", "float32")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_all_engines_run_the_same_steps_and_only_ours_reads_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--busy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["steps"]
    assert [step["step"] for step in found["steps"]] == [1, 2]
    for step in (first, second):
        for racer in ("ours", "ours_newest"):  # 2, 3 and 3 digits, some of them two in one
            assert 5 <= step[racer]["forwards"] < CALL.count("c") == 8
        assert step["naive"]["forwards"] == step["cached"]["forwards"] == len(CALL)
        for racer in ("naive", "cached", "ours", "naive_newest", "cached_newest", "ours_newest"):
            parts = sum(step[racer][part] for part in ("image", "vision", "prefill", "decode"))
            assert 0 < parts <= step[racer]["seconds"] * 1.001
    image = found["config"]["image_tokens"]
    prompt = 40 + image + 2 + 5
    assert first["naive"]["prefilled"] == first["ours"]["prefilled"] == prompt
    assert second["naive"]["prefilled"] == prompt + len(CALL) + image + 2 + 5
    # fed already: all but the last choice and what stands behind it, and the choice before where both were foreseen
    behind = len(CALL) - len(CALL.rstrip("f"))
    assert second["ours"]["prefilled"] - (image + 2 + 5 + behind) in (1, 2)
    assert found["gate"]["holds"]
    assert found["agreement"]["equal"] == found["agreement"]["choices"] == 32
    assert found["vision"]["unchanged"] < found["vision"]["full"] / 10
    assert 0 < found["vision"]["approximate_error"] < 1
    assert set(found["decode"]) >= {"tokens_per_second", "bandwidth_gb_s", "share_of_ceiling"}
    assert 0 < found["int8"]["distance"] < 0.2


def test_growth_is_told_by_medians_over_all_times_a_step_was_run() -> None:
    def lap(step: int, racer: Racer, seconds: float) -> Lap:
        return Lap(step, racer, Cost(seconds, 0.0, 0.0, 0.0, 0.0, 1, 1))

    laps = [lap(step, racer, seconds) for racer in ("ours", "ours_newest") for step, seconds in TIMES]
    assert report.growth(laps, 5) == {"ours": 2.5, "ours_newest": 2.5}


def test_nothing_is_timed_on_a_machine_that_is_at_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (64.0, 0.0, 0.0))
    assert main(list(SMALL)) == 2
    assert "load of each core" in capsys.readouterr().err


def test_another_choice_or_far_logits_close_the_gate() -> None:
    theirs = torch.zeros(2, 8)
    theirs[0, 3], theirs[1, 5] = 4.0, 4.0
    ids = torch.tensor([3, 5])
    right = [(ids, torch.tensor([4.0, 0.0])), (ids, torch.tensor([0.0, 4.0]))]
    assert agree(right, theirs, (3, 5), (0, 1)).holds(torch.float32)
    assert not agree(right, theirs, (3, 3), (0, 1)).holds(torch.bfloat16)
    far = [(ids, logits * 1.01) for ids, logits in right]
    assert agree(far, theirs, (3, 5), (0, 1)).holds(torch.bfloat16)
    assert not agree(far, theirs, (3, 5), (0, 1)).holds(torch.float32)
    assert not joined([]).holds(torch.bfloat16)
    with pytest.raises(ValueError, match="1 choices were heard; the call has 2"):
        agree(right[:1], theirs, (3, 5), (0, 1))


def test_screens_are_made_alike_each_time_and_change_where_they_are_told_to() -> None:
    assert (screen(4) == screen(4)).all()
    assert (screen(4) != screen(5)).any(axis=2).mean() > 0.5
    differs = (changed(screen(4), 1) != screen(4)).any(axis=2)
    assert 0 < differs.mean() < 0.1
