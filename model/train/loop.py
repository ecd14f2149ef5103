"""One training loop for every stage: tokens, pixels and labels in, better weights out.

A checkpoint holds the float32 masters, the optimiser's moments, the seconds and the updates spent, so that a run
that was cut goes on from its last one. The budget is time: learning rates follow the share of it that is spent.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, distributed

from model.config import Config
from model.qwen import Qwen
from model.train import copying, losses, tokens
from model.train.batch import Batch, collate, patches
from model.train.muon import Optimiser
from model.train.samples import Encoded, Encoder, Picture, Source, Turn, glyph_labels
from model.train.stages import Stage
from model.train.tiny import SIZE, config

JUDGING = 1_000_000
"""Seeds from here up are for judging; every seed that training draws is below."""


@dataclass(frozen=True)
class Plan:
    """A run: its stage, its data (folder and weight each), where it writes, and how long it may take."""

    stage: Stage
    data: tuple[tuple[Path, float], ...]
    out: Path
    init: tuple[Path, ...] = ()
    minutes: float = 10.0
    seed: int = 0
    save_every: float = 120.0  # seconds


class Student:
    """The network in bfloat16 with its training heads and the optimiser that moves them."""

    def __init__(self, stage: Stage, seed: int) -> None:
        torch.manual_seed(seed)
        self.config: Config = config()
        self.net = Qwen(self.config)
        unit = self.config.vision.factor
        grid = (SIZE[1] // unit, SIZE[0] // unit)
        self.heads = losses.Heads(self.config.text.hidden_size, self.config.text.num_hidden_layers, grid)
        _initialise(self.net)
        named = [*self.net.named_parameters(), *((f"heads.{n}", p) for n, p in self.heads.named_parameters())]
        for name, parameter in named:
            parameter.requires_grad_(name.startswith(stage.train))
        self.named = dict(named)
        moving = [(n, p) for n, p in named if p.requires_grad]
        self.optimiser = Optimiser(moving, stage.muon_lr, stage.adam_lr, paces={"visual.": stage.visual})
        self.net.bfloat16()
        self.heads.bfloat16()

    def load(self, path: Path) -> None:
        """Take weights (not moments): of an exported folder, or what another run's checkpoint has trained."""
        for key, value in _trained(path).items():
            if key in self.named:
                self.named[key].data.copy_(value)
                if (slot := self.optimiser.slots.get(key)) is not None:
                    slot.master.copy_(value)

    def amplify(self, gain: float) -> None:
        """Scale the image features, which the decoder's residual stream would else drown."""
        for name in ("visual.merger.mlp.2.weight", "visual.merger.mlp.2.bias"):
            self.named[name].data.mul_(gain)
            if (slot := self.optimiser.slots.get(name)) is not None:
                slot.master.mul_(gain)

    def weights(self) -> dict[str, Tensor]:
        """Float32 masters where there are any, else the frozen weights."""
        slots = self.optimiser.slots
        return {n: slots[n].master if n in slots else p.detach().float() for n, p in self.named.items()}


def _trained(path: Path) -> dict[str, Tensor]:
    if path.is_dir():
        return {name: value.float() for name, value in load_file(path / "model.safetensors").items()}
    state = torch.load(path, weights_only=True)
    return {n: v for n, v in state["weights"].items() if n.startswith(tuple(state["trained"]))}


def _initialise(net: Qwen) -> None:
    for name, parameter in net.named_parameters():
        if parameter.ndim >= 2:
            torch.nn.init.normal_(parameter, std=0.02 if "embed_tokens" in name else parameter[0].numel() ** -0.5)
        if name.endswith(("proj.weight", "down_proj.weight")) and "patch_embed" not in name and "attn" in name:
            parameter.data.mul_(0.5)
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)


@dataclass(frozen=True)
class Lesson:
    """One batch: turns about pictures, then turns without one; `owners` gives each of the former its picture."""

    pictures: Sequence[Picture]
    owners: Sequence[int]
    turns: Sequence[Encoded]


class Lessons:
    """Draws batches: pictures by the weights of their folders, one turn each, and turns without a picture."""

    def __init__(self, plan: Plan, net: Config, rank: int, ranks: int, updates: int) -> None:
        self.stage, self.config = plan.stage, net
        self.random = random.Random(f"{plan.seed}/{rank}/{updates}")  # a resumed run draws other turns
        seed = self.random.randrange(JUDGING)
        self.sources = [iter(Source(folder, seed, rank, ranks)) for folder, _ in plan.data]
        self.shares = [weight for _, weight in plan.data]
        self.copies = copying.turns(seed)
        tokenizer = tokens.build()
        unit = net.vision.factor
        self.grid = (SIZE[1] // unit, SIZE[0] // unit)
        self.encoder = Encoder(tokenizer, self.grid[0] * self.grid[1])
        self.coordinates = losses.Coordinates(
            torch.tensor([tokenizer.token_to_id(tokens.column(i)) for i in range(tokens.NUMBERS)]),
            torch.tensor([tokenizer.token_to_id(tokens.row(i)) for i in range(tokens.NUMBERS)]),
        )

    def batches(self) -> Iterator[Lesson]:
        """Lessons of `stage.batch` pictures (or pairs of turns without one), lengths alike in each."""
        size = self.stage.batch
        while True:
            pool = [self._draw() for _ in range(size * 8)]
            pool.sort(key=lambda item: max(len(turn.ids) for turn in item[1]))
            groups = [pool[i : i + size] for i in range(0, len(pool), size)]
            self.random.shuffle(groups)
            for group in groups:
                pictures = [picture for picture, _ in group if picture is not None]
                shown = [turns for picture, turns in group if picture is not None]
                bare = [turn for picture, turns in group if picture is None for turn in turns]
                owners = [number for number, turns in enumerate(shown) for _ in turns]
                yield Lesson(pictures, owners, [*(turn for turns in shown for turn in turns), *bare])

    def _draw(self) -> tuple[Picture | None, list[Encoded]]:
        if self.random.random() < self.stage.copying:
            return None, [self.encoder(next(self.copies), image=False) for _ in range(2)]
        while True:
            picture = next(self.random.choices(self.sources, self.shares)[0])
            if self.stage.answer == 0:
                return picture, [self.encoder(Turn("", "", None))]
            if picture.turns:
                return picture, [self.encoder(turn) for turn in self._turns(picture)]

    def _turns(self, picture: Picture) -> list[Turn]:
        """What the page itself asks for, and one more question: the vision tower's work is shared."""
        first, *others = picture.turns
        return [first, *self.random.sample(others, min(1, len(others)))]


def train(plan: Plan, rank: int = 0, ranks: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
    """Run `plan` to the end of its budget, or go on where its checkpoint stands."""
    torch.set_num_threads(1)
    student = Student(plan.stage, plan.seed)
    for path in plan.init:
        student.load(path)
    if not any(path.is_dir() for path in plan.init):  # an exported folder has been through this already
        student.amplify(plan.stage.gain)
    spent, updates = _resume(plan, student)
    lessons = Lessons(plan, student.config, rank, ranks, updates)
    log: dict[str, list[float]] = defaultdict(list)
    saved = last = clock()
    for lesson in lessons.batches():
        share = spent / (60 * plan.minutes)
        if share >= 1:
            break
        for name, value in learn(student, plan.stage, lessons, lesson).items():
            log[name].append(value)
        norm = student.optimiser.step(_rate(plan.stage, share, updates))
        log["norm"].append(norm)
        updates += 1
        now = clock()
        spent, last = _agree(spent + now - last), now
        if rank == 0 and updates % 50 == 0:
            _write(plan, {"updates": updates, "seconds": round(spent), **_means(log)})
            log.clear()
        if rank == 0 and now - saved > plan.save_every:
            _save(plan, student, spent, updates)
            saved = now
    if rank == 0:
        _save(plan, student, spent, updates)


def learn(student: Student, stage: Stage, lessons: Lessons, lesson: Lesson) -> dict[str, float]:
    """One forward and backward pass; returns the losses and accuracies as plain numbers."""
    net, heads, vision = student.net, student.heads, student.config.vision
    said: dict[str, Tensor] = {}
    total = torch.zeros(())
    features: Tensor | None = None
    if lesson.pictures:
        pixels = [p.pixels() for p in lesson.pictures]
        grids = [(1, SIZE[1] // vision.patch_size, SIZE[0] // vision.patch_size)] * len(pixels)
        with torch.set_grad_enabled("visual." in stage.train):
            features = net.visual(patches(pixels, vision.patch_size), grids)
        if stage.ocr:
            glyphs = [glyph_labels(p.glyphs, SIZE[1], SIZE[0], vision.patch_size) for p in lesson.pictures]
            loss, said["ocr_right"] = losses.read_characters(heads, features, torch.cat(glyphs))
            said["ocr"] = loss
            total = total + stage.ocr * loss
        features = features.unflatten(0, (len(pixels), -1))[list(lesson.owners)].flatten(0, 1)
    if stage.answer:
        batch = collate(lesson.turns, student.config, lessons.grid, 0)
        total = total + _answer(student, stage, lessons, batch, features, said)
    torch.autograd.backward(total)
    return {name: float(value.detach()) for name, value in said.items()}


def _answer(
    student: Student,
    stage: Stage,
    lessons: Lessons,
    batch: Batch,
    features: Tensor | None,
    said: dict[str, Tensor],
) -> Tensor:
    """The decoder's losses: the answer's tokens, and on the way there, the target's place."""
    net, heads = student.net, student.heads
    rotation = net.rotation(batch.positions)
    cos, sin = (r.bfloat16() for r in rotation)
    x = net.embed(batch.tokens, features)
    share = losses.inside(batch.boxes, lessons.grid, student.config.vision.factor)
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
        if index == 0 and stage.place and features is not None:
            loss = losses.tell_place(heads, x[torch.arange(len(x)).unsqueeze(1), image][batch.image_start >= 0])
            said["place"] = loss.detach()
            total = total + stage.place * loss
        if index in (depth - 4, depth - 3) and stage.mask and features is not None:
            seen = x[torch.arange(len(x)).unsqueeze(1), image]
            loss = losses.find_target(heads.mask[index](losses.even(seen)).squeeze(-1), share, shown)
            said[f"mask{index}"] = loss.detach()
            total = total + stage.mask * loss
    hidden = net.model.norm(x[batch.places[:, 0], batch.places[:, 1]])
    loss, right = losses.answer(net.logits(hidden), batch, lessons.coordinates)
    said |= {"answer": loss, "token_right": right.float().mean()}
    whole = torch.ones(len(batch.tokens)).scatter_reduce(0, batch.places[:, 0], right.float(), "amin")
    said["typed_right"] = whole[~shown].mean() if (~shown).any() else torch.tensor(float("nan"))
    return total + stage.answer * loss


def _rate(stage: Stage, share: float, updates: int) -> float:
    """Linear warm-up, then flat, then linear down to the floor over the last three quarters of the budget."""
    return min(1.0, (updates + 1) / stage.warmup, 1 - (1 - stage.floor) * max(0.0, (4 * share - 1) / 3))


def _agree(seconds: float) -> float:
    """The first process's clock, so that all stop at the same update."""
    if not distributed.is_initialized():
        return seconds
    shared = torch.tensor([seconds], dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared)


def _means(log: Mapping[str, Sequence[float]]) -> dict[str, float]:
    kept = {name: [v for v in values if v == v] for name, values in log.items()}
    return {name: round(sum(values) / len(values), 4) for name, values in kept.items() if values}


def _write(plan: Plan, line: Mapping[str, float]) -> None:
    text = json.dumps({"stage": plan.stage.name, **line})
    print(text, flush=True)
    with (plan.out / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def _save(plan: Plan, student: Student, spent: float, updates: int) -> None:
    state = {
        "weights": student.weights(),
        "trained": list(plan.stage.train),
        "optimiser": student.optimiser.state(),
        "spent": spent,
        "updates": updates,
    }
    torch.save(state, plan.out / "state.pt.part")
    os.replace(plan.out / "state.pt.part", plan.out / "state.pt")


def _resume(plan: Plan, student: Student) -> tuple[float, int]:
    plan.out.mkdir(parents=True, exist_ok=True)
    if not (path := plan.out / "state.pt").exists():
        return 0.0, 0
    state = torch.load(path, weights_only=True)
    for name, value in state["weights"].items():
        student.named[name].data.copy_(value)
    student.optimiser.restore(state["optimiser"])
    return float(state["spent"]), int(state["updates"])
