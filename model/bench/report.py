"""What the race came to, as lines to read and as data."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from model.bench.gate import Agreement
from model.bench.parts import Decode, Small
from model.bench.work import Load

if TYPE_CHECKING:
    from model.bench.pair import Pair
    from model.bench.race import Lap

Data = Mapping[str, object]


def describe(pair: Pair, dtype: str, load: Load) -> Data:
    """Shapes and sizes."""
    text, tower = pair.config.text, pair.config.vision
    return {
        "dtype": dtype,
        "vision_blocks": tower.depth,
        "layers": text.num_hidden_layers,
        "hidden": text.hidden_size,
        "vocabulary": text.vocab_size,
        "screen": list(load.screen),
        "image_tokens": pair.processor.tokens(*load.screen),
        "words": load.words,
    }


def heading(pair: Pair, dtype: str, load: Load) -> str:
    """One line on what is timed."""
    shape = describe(pair, dtype, load)
    return (
        f"{shape['vision_blocks']} blocks, {shape['layers']} layers of {shape['hidden']}, {dtype}; "
        f"screens of {load.screen[0]}x{load.screen[1]} are {shape['image_tokens']} tokens"
    )


def verdict(gate: Agreement, *, holds: bool) -> str:
    """One line on the tokens chosen."""
    word = "equal" if holds else "NOT EQUAL"
    close = f", {gate.excused} within rounding" if gate.excused else ""
    return f"tokens chosen: {word} ({gate.equal} of {gate.choices}{close}), logits apart {gate.distance:.2%}"


def machine(bandwidth: float, products: float) -> str:
    """One line on the machine."""
    return (
        f"{torch.get_num_threads()} threads; memory is read at {bandwidth:.1f} GB/s, "
        f"matrices are multiplied at {products:.0f} GFLOP/s"
    )


def line(lap: Lap) -> str:
    """One step of one of them."""
    cost = lap.cost
    return (
        f"step {lap.step:2d} {lap.racer:13s} {cost.seconds:8.2f} s = image {cost.image:.2f} + vision {cost.vision:.2f} "
        f"+ prefill {cost.prefill:.2f} + decode {cost.decode:.2f}; {cost.forwards:2d} forwards, "
        f"{cost.prefilled:5d} tokens prefilled, peak {cost.peak / 1e9:.1f} GB"
    )


def table(laps: Sequence[Lap], steps: Sequence[int]) -> list[Data]:
    """What --json calls `steps`: one entry a step, by racer."""
    return [{"step": step, **{lap.racer: lap.cost.data() for lap in laps if lap.step == step}} for step in steps]


def fields(part: Decode | Small) -> Data:
    """A part as data."""
    return asdict(part)


def agreement(gate: Agreement, *, holds: bool) -> Data:
    """Whether the tokens were equal, as data."""
    return {"holds": holds, **asdict(gate)}


def summary(laps: Sequence[Lap], steps: Sequence[int]) -> list[str]:
    """How many times faster than transformers each step was, on the very same prompt."""
    times = {(lap.step, lap.racer): lap.cost.seconds for lap in laps}
    lines = []
    for step in steps:
        kept, newest = times[step, "ours"], times[step, "ours_newest"]
        lines.append(
            f"step {step:2d}: all screens kept {times[step, 'naive'] / kept:5.2f} x transformers, "
            f"{times[step, 'cached'] / kept:5.2f} x with its cache kept by hand; newest screen alone "
            f"{times[step, 'naive_newest'] / newest:5.2f} x and {times[step, 'cached_newest'] / newest:5.2f} x"
        )
    return lines


def growth(laps: Sequence[Lap], last: int) -> Mapping[str, float]:
    """How many times as long the `last` step takes as the second, in medians over all times that each was run."""

    def median(step: int, racer: str) -> float:
        return statistics.median(lap.cost.seconds for lap in laps if (lap.step, lap.racer) == (step, racer))

    return {racer: median(last, racer) / median(2, racer) for racer in ("ours", "ours_newest")}


def grown(growth: Mapping[str, float], last: int) -> str:
    """The same to read."""
    kept, newest = growth["ours"], growth["ours_newest"]
    return f"step {last} takes {kept:.2f} x step 2 with all screens, {newest:.2f} x with the newest"


def rest(look: Mapping[str, float], plain: Decode, eight: Small) -> list[str]:
    """Looking, decoding and int8."""
    return [
        f"looking at a screen: {look['full']:.3f} s; a tenth of its windows new: "
        f"{look['ninety_percent_unchanged']:.3f} s; the same again: {look['unchanged']:.3f} s",
        f"in the approximate way a tenth new: {look['approximate']:.3f} s; features {look['approximate_error']:.1%} "
        f"from exact ones, {look['approximate_error_last']:.1%} on the last screen before all is looked at again",
        f"decoding: {plain.tokens_per_second:.1f} tokens/s, {plain.bandwidth_gb_s:.1f} GB/s, "
        f"{plain.share_of_ceiling:.0%} of the ceiling",
        f"in int8: {eight.decode.tokens_per_second:.1f} tokens/s, {eight.decode.bandwidth_gb_s:.1f} GB/s, "
        f"{eight.decode.share_of_ceiling:.0%} of the ceiling; weights {eight.weights / 1e9:.2f} GB, unrounded "
        f"{eight.weights_plain / 1e9:.2f}; logits apart {eight.distance:.1%}, "
        f"the same token after {eight.agreement:.0%} of prompts",
    ]
