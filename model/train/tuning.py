"""Fine-tuning of a checkpoint on files of samples: whole, by part, or with adapters of low rank."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, distributed

from model.model import Model, load
from model.train.examples import Counted, Example, Preparer, Reader, prepare
from model.train.files import write_checkpoint
from model.train.loop import ALONE, STATE, Budget, Seat, run
from model.train.moving import PARTS, release
from model.train.optimiser import Optimiser
from model.train.packing import Deal, balance, pack
from model.train.pupil import Pupil, forget
from model.train.records import read_file
from model.train.rows import Row, join
from model.train.settings import DTYPES, Material, Tuning, TuningError

DATA = "data.json"
"""What became of the samples, in a run's folder."""


@dataclass(frozen=True)
class Lesson:
    """An update: the rows of one process, as numbers of examples, and how many labels all processes have.

    `company` are rows that it goes through only because others have more, where all have to meet.
    """

    rows: tuple[tuple[int, ...], ...]
    labels: int
    company: tuple[tuple[int, ...], ...] = ()


class Course:
    """A checkpoint and the examples that it learns from, as the loop takes them."""

    def __init__(self, tuning: Tuning, seat: Seat) -> None:
        self.tuning, self.seat = tuning, seat
        if tuning.dtype not in DTYPES:
            raise TuningError(f"dtype: {tuning.dtype!r}; expected one of {', '.join(DTYPES)}")
        if tuning.shards and seat.ranks == 1:
            raise TuningError("shards: there is one process; expected several that a network can be shared out to")
        model = load(tuning.model, dtype="float32" if tuning.shards else "auto", device=tuning.device)
        self.model, self.preparer = model, preparer(model, tuning.material)
        self.data = gather(tuning.material, self.preparer)
        self._release()
        if tuning.saving:
            forget(model.network)
        self.pupil = Pupil(model.network)
        self.optimiser = self._optimiser()
        examples, weights = self.data.examples, self.data.weights
        self.deal = Deal(tuple(map(len, examples)), weights, tuning.batch, tuning.seed)

    def _optimiser(self) -> Optimiser:
        """Over masters that are made before the network is rounded to what it computes in, or over its shards."""
        net, dtype = self.model.network, DTYPES[self.tuning.dtype]
        if self.tuning.shards:
            from model.train.shard import shard

            blocks = (*net.visual.blocks, *net.model.layers)
            shard(self.pupil, blocks, dtype, torch.device(self.tuning.device))
            self.pupil.meets = True
        optimiser = Optimiser({n: p for n, p in net.named_parameters() if p.requires_grad}, self.tuning.rates)
        if not self.tuning.shards:
            net.to(dtype)
        return optimiser

    def _release(self) -> None:
        """Put adapters in where those are to learn, and let move what shall."""
        net = self.model.network
        if self.tuning.lora is not None:
            from model.train.lora import attach

            torch.manual_seed(self.tuning.seed)  # every process draws the same adapters
            attach(net, self.tuning.lora)
        patterns = self.tuning.patterns
        if net.lm_head is None:
            patterns = tuple(pattern for pattern in patterns if pattern != "lm_head.")
        try:
            release(dict(net.named_parameters()), patterns)
        except ValueError as error:
            raise TuningError(f"train: {error}, or a part: {', '.join(PARTS)}") from None

    def lessons(self, start: int) -> Iterator[Lesson]:
        """Rows of an update's examples, dealt out to the processes so that all have as much to do."""
        lengths = self.deal.lengths
        for drawn in self.deal(start):
            rows = pack([lengths[i] for i in drawn], self.tuning.row)
            costs = [sum(lengths[drawn[i]] for i in row) for row in rows]
            groups = balance(costs, self.seat.ranks)
            own = groups[self.seat.rank]
            more = max(map(len, groups)) - len(own) if self.tuning.shards else 0
            labels = sum(int(self.data.examples[i].taught.sum()) for i in drawn)
            mine = tuple(tuple(drawn[i] for i in rows[number]) for number in own)
            yield Lesson(mine, labels, ((drawn[0],),) * more)

    def learn(self, lesson: Lesson) -> Mapping[str, float]:
        """Gradients of the mean over all labels of the update, whichever process has them."""
        sums: dict[str, float] = defaultdict(float)
        share = self.seat.ranks / lesson.labels
        for numbers in lesson.rows:
            examples = [self.data.examples[i] for i in numbers]
            row, losses, right = self._pass(examples, share)
            _add(sums, examples, losses, right, row.owners)
        for numbers in lesson.company:
            self._pass([self.data.examples[i] for i in numbers], 0.0)
        said = _means(_shared(sums, self.seat))
        if not math.isfinite(said["loss"]):
            raise TuningError(f"lr: the loss is {said['loss']}; expected a smaller rate than {self.tuning.rates.adam}")
        return said

    def _pass(self, examples: Sequence[Example], share: float) -> tuple[Row, Tensor, Tensor]:
        """Forward and backward through one row; its labels' losses, and which the network would have said."""
        row = join(examples, self.preparer.patches).to(torch.device(self.tuning.device))
        losses, right = self.pupil(row)
        torch.autograd.backward(losses.sum() * share)
        self.optimiser.collect()
        return row, losses.detach(), right

    def state(self) -> dict[str, object]:
        """Frozen weights are the checkpoint's; what learns is in the optimiser's masters."""
        return {"tuning": self.fingerprint}

    def restore(self, state: Mapping[str, object]) -> None:
        """Refuse to go on from what something else has learnt."""
        if state.get("tuning") != self.fingerprint:
            out = self.tuning.run.out
            raise TuningError(
                f"{out}: holds a checkpoint of a run with other settings or data; expected another folder"
            )

    @property
    def fingerprint(self) -> str:
        """What updates follow from, besides the weights."""
        tuning = self.tuning
        told = (tuning.patterns, tuning.lora, tuning.rates, tuning.batch, tuning.row, tuning.seed, tuning.dtype)
        digest = hashlib.sha256(repr((told, self.data.weights, self.model.hash)).encode())
        for example in self.data.examples:
            digest.update(example.ids.numpy().tobytes() + example.taught.numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Gathered(Counted):
    """Examples of several files, and how often an epoch has each."""

    weights: tuple[float, ...] = ()

    def told(self) -> dict[str, object]:
        """The same in numbers and names."""
        names = {"unusable": list(self.unusable), "shortened": list(self.shortened)}
        return {"samples": len(self.examples), "kinds": self.kinds, **names}


def preparer(model: Model, material: Material) -> Preparer:
    """Makes examples as the checkpoint reads them."""
    try:
        images = model.processor.budget(material.min_pixels, material.max_pixels)
    except ValueError as error:
        raise TuningError(str(error)) from None
    videos = model.videos(material.min_pixels, material.max_pixels)
    longest = min(material.longest, model.config.text.max_position_embeddings)
    return Preparer(model.config, model.format, images, videos, longest, _video_reader())


def _video_reader() -> Reader | None:
    try:
        from model.frames import read_video
    except ModuleNotFoundError:  # the extra `video`; who needs it is told by the sample's name
        return None
    return lambda path, processor: read_video(path, processor=processor)


def gather(material: Material, by: Preparer) -> Gathered:
    """Every sample of every file. Raises `TuningError` where none can be used."""
    found: list[tuple[Counted, float]] = []
    for path, weight in material.files:
        if not 0 < weight <= 100:
            raise TuningError(f"data: {path}={weight}; expected a weight above 0 and at most 100")
        try:
            found.append((prepare(read_file(path, material.frame), by), weight))
        except OSError as error:
            raise TuningError(f"{path}: cannot be read: {error.strerror}; expected a JSON or JSONL file") from None
    unusable = tuple(reason for counted, _ in found for reason in counted.unusable)
    weights = tuple(weight for counted, weight in found for _ in counted.examples)
    examples = tuple(example for counted, _ in found for example in counted.examples)
    if not examples:
        raise TuningError(f"no sample can be used: {'; '.join(unusable[:3]) or 'the files are empty'}")
    return Gathered(examples, unusable, weights)


def _add(sums: dict[str, float], examples: Sequence[Example], losses: Tensor, right: Tensor, owners: Tensor) -> None:
    for number, example in enumerate(examples):
        own = owners == number
        for name in ("all", example.kind):
            sums[f"loss.{name}"] += float(losses[own].sum())
            sums[f"right.{name}"] += float(right[own].sum())
            sums[f"count.{name}"] += float(own.sum())


def _shared(sums: Mapping[str, float], seat: Seat) -> dict[str, float]:
    """The sums of all processes."""
    names = [
        f"{part}.{kind}" for kind in ("all", "dialogue", "grounding", "agent") for part in ("loss", "right", "count")
    ]
    values = torch.tensor([sums.get(name, 0.0) for name in names], dtype=torch.float64)
    if seat.ranks > 1:
        distributed.all_reduce(values)
    return dict(zip(names, values.tolist(), strict=True))


def _means(sums: Mapping[str, float]) -> dict[str, float]:
    """Loss and accuracy of all labels, and of those of each kind that there were."""
    said: dict[str, float] = {}
    for kind in ("all", "dialogue", "grounding", "agent"):
        if count := sums[f"count.{kind}"]:
            ending = "" if kind == "all" else f"/{kind}"
            said |= {f"loss{ending}": sums[f"loss.{kind}"] / count, f"accuracy{ending}": sums[f"right.{kind}"] / count}
    return said


@dataclass(frozen=True)
class Job:
    """A tuning as one of several processes takes part in it, each on a GPU of its own where there are some."""

    tuning: Tuning

    def __call__(self, seat: Seat) -> None:
        torch.set_num_threads(1)
        own = f"cuda:{seat.rank}" if self.tuning.device == "cuda" else self.tuning.device
        tune(replace(self.tuning, device=own), seat)


def tune(tuning: Tuning, seat: Seat = ALONE) -> None:
    """Run to the end of the budget, or go on; then write OUT/model, or OUT/adapter. OUT/data.json tells of samples."""
    course = Course(tuning, seat)
    if (known := tuning.run.out / STATE).exists():
        course.restore(torch.load(known, weights_only=True, mmap=True))
    if seat.rank == 0:
        tuning.run.out.mkdir(parents=True, exist_ok=True)
        (tuning.run.out / DATA).write_text(json.dumps(course.data.told(), indent=1) + "\n", encoding="utf-8")
    run(course, replace(tuning.run, budget=_budget(course)), seat)
    masters = course.optimiser.masters()
    if seat.rank == 0:
        _write(course, masters)


def _budget(course: Course) -> Budget:
    """The run's, and the epochs as updates."""
    budget, epochs = course.tuning.run.budget, course.tuning.epochs
    if epochs is None:
        return budget
    updates = math.ceil(epochs * course.deal.updates)
    return replace(budget, updates=updates if budget.updates is None else min(updates, budget.updates))


def _write(course: Course, masters: Mapping[str, Tensor]) -> None:
    tuning = course.tuning
    folder = tuning.run.out / ("model" if tuning.lora is None else "adapter")
    if folder.exists():
        shutil.rmtree(folder)  # of this run, when its budget was smaller
    if tuning.lora is not None:
        from model.train.lora import save_adapter

        save_adapter(folder, masters, tuning.lora, str(tuning.model))
    else:
        write_checkpoint(folder, masters, tuning.model, course.model.weights)
