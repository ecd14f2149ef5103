"""The built-in model goes through one stage: which losses it is given, and what its checkpoints hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from model.train import losses
from model.train.batch import Batch, collate, patches
from model.train.lessons import Data, Lesson, Lessons
from model.train.loop import ALONE, Budget, Run, Schedule, Seat, run
from model.train.samples import glyph_labels
from model.train.stages import Stage
from model.train.student import Student


@dataclass(frozen=True)
class Plan:
    """A run: its stage, its data (folder and weight each), where it writes, and how long it may take."""

    stage: Stage
    data: Data
    out: Path
    init: tuple[Path, ...] = ()
    minutes: float = 10.0
    seed: int = 0
    save_every: float = 120.0  # seconds
    updates: int | None = None  # where it ends sooner

    def __call__(self, seat: Seat) -> None:
        """The part of one of several processes."""
        train(self, seat)


class Course:
    """The built-in model and what it is asked, as the loop takes them."""

    def __init__(self, plan: Plan, seat: Seat) -> None:
        self.stage, self.student = plan.stage, Student(plan.stage, plan.seed)
        for path in plan.init:
            self.student.load(path)
        if not any(path.is_dir() for path in plan.init):  # an exported folder has been through this already
            self.student.amplify(plan.stage.gain)
        self.optimiser = self.student.optimiser
        self.asked = Lessons(plan.stage, plan.data, self.student.config, plan.seed, seat)

    def lessons(self, start: int) -> Iterator[Lesson]:
        """What each update is about; those before `start` are drawn and dropped, so that the next are the same."""
        return islice(self.asked.batches(), start, None)

    def learn(self, lesson: Lesson) -> Mapping[str, float]:
        """One forward and backward pass."""
        total, said = cost(self.student, self.stage, self.asked, lesson)
        torch.autograd.backward(total)
        return said

    def state(self) -> dict[str, object]:
        """All weights, so that a checkpoint can be judged and exported, and what of them this stage has trained."""
        return {"weights": self.student.weights(), "trained": list(self.stage.train)}

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from `state()`."""
        weights = state["weights"]
        assert isinstance(weights, dict)
        for name, value in weights.items():
            self.student.named[name].data.copy_(value)


def train(plan: Plan, seat: Seat = ALONE, clock: Callable[[], float] = time.monotonic) -> None:
    """Run `plan` to the end of its budget, or go on where its checkpoint stands."""
    torch.set_num_threads(1)
    stage = plan.stage
    schedule = Schedule(stage.warmup, stage.floor, flat=0.25)
    budget = Budget(plan.updates, plan.minutes)
    run(Course(plan, seat), Run(plan.out, stage.name, budget, schedule, plan.save_every), seat, clock)


def cost(student: Student, stage: Stage, lessons: Lessons, lesson: Lesson) -> tuple[Tensor, dict[str, float]]:
    """The stage's loss, and what it is made of, with accuracies, as plain numbers."""
    net, heads, vision = student.net, student.heads, student.config.vision
    said: dict[str, Tensor] = {}
    total = torch.zeros(())
    features: Tensor | None = None
    if lesson.pictures:
        pixels = [p.pixels() for p in lesson.pictures]
        grids = [(1, *(side * vision.spatial_merge_size for side in lesson.grid))] * len(pixels)
        with torch.set_grad_enabled(torch.is_grad_enabled() and "visual." in stage.train):
            features = net.visual(patches(pixels, vision.patch_size), grids)
        if stage.ocr:
            glyphs = [glyph_labels(p.glyphs, p.size[1], p.size[0], vision.patch_size) for p in lesson.pictures]
            loss, said["ocr_right"] = losses.read_characters(heads, features, torch.cat(glyphs))
            said["ocr"] = loss
            total = total + stage.ocr * loss
        features = features.unflatten(0, (len(pixels), -1))[list(lesson.owners)].flatten(0, 1)
    if stage.answer:
        batch = collate(lesson.turns, student.config, lesson.grid, 0)
        total = total + _answer(student, stage, lesson.grid, lessons.coordinates, batch, features, said)
    return total, {name: float(value.detach()) for name, value in said.items()}


def _answer(
    student: Student,
    stage: Stage,
    grid: tuple[int, int],
    coordinates: losses.Coordinates,
    batch: Batch,
    features: Tensor | None,
    said: dict[str, Tensor],
) -> Tensor:
    """The decoder's losses: the answer's tokens, and on the way there, the target's place."""
    net, heads = student.net, student.heads
    rotation = net.rotation(batch.positions)
    cos, sin = (r.bfloat16() for r in rotation)
    x = net.embed(batch.tokens, features)
    share = losses.inside(batch.boxes, grid, student.config.vision.factor)
    shown = (batch.image_start >= 0) & (batch.boxes[:, 0] >= 0)
    image = (batch.image_start.clamp(min=0).unsqueeze(1) + torch.arange(share.shape[1])).clamp(max=x.shape[1] - 1)
    total = torch.zeros(())
    depth = len(net.model.layers)
    for index, layer in enumerate(net.model.layers):
        if index in (depth - 2, depth - 1) and stage.look and features is not None:
            loss = losses.look_at_target(net, x, rotation, index, batch, share)
            said[f"look{index}"] = loss.detach()
            total = total + stage.look * loss
        x = layer(x, (cos, sin), None, None, index)
        if index == 0 and stage.place and features is not None and grid == heads.grid:  # it has no more rows to name
            loss = losses.tell_place(heads, x[torch.arange(len(x)).unsqueeze(1), image][batch.image_start >= 0])
            said["place"] = loss.detach()
            total = total + stage.place * loss
        if index in (depth - 4, depth - 3) and stage.mask and features is not None:
            seen = x[torch.arange(len(x)).unsqueeze(1), image]
            loss = losses.find_target(heads.mask[index](losses.even(seen)).squeeze(-1), share, shown)
            said[f"mask{index}"] = loss.detach()
            total = total + stage.mask * loss
    hidden = net.model.norm(x[batch.places[:, 0], batch.places[:, 1]])
    loss, right = losses.answer(net.logits(hidden), batch, coordinates)
    said |= {"answer": loss, "token_right": right.float().mean()}
    whole = torch.ones(len(batch.tokens)).scatter_reduce(0, batch.places[:, 0], right.float(), "amin")
    said["typed_right"] = whole[~shown].mean() if (~shown).any() else torch.tensor(float("nan"))
    return total + stage.answer * loss
