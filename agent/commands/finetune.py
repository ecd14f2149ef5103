"""`handeye train finetune`: a checkpoint learns from files of samples."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.checkpoints import folder_of
from agent.choose import ModelError
from agent.commands import options
from agent.commands.ending import refuse
from agent.commands.training import need, taught
from agent.console import console

if TYPE_CHECKING:
    from model.train.optimiser import Rates
    from model.train.records import Frame
    from model.train.settings import Tuning

SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")

Base = Annotated[str, typer.Option("--model", help="builtin, a checkpoint folder, or OWNER/NAME on the hub")]
Data = Annotated[
    list[str], typer.Option("--data", metavar="FILE[=WEIGHT]", help="JSONL of samples, and how often an epoch has them")
]
Out = Annotated[Path, typer.Option("--out", help="folder of the run; a run that is there goes on")]
WithLora = Annotated[bool, typer.Option("--lora", help="train adapters of low rank and nothing else")]
Rank = Annotated[int, typer.Option("--rank", min=1, help="of adapters")]
Alpha = Annotated[int, typer.Option("--alpha", min=1, help="adapters count alpha / rank")]
Tower = Annotated[bool, typer.Option("--lora-vision", help="adapters for the vision tower too")]
Merge = Annotated[bool, typer.Option("--merge", help="also write OUT/model with the adapters added in")]
Train = Annotated[
    list[str] | None,
    typer.Option(
        "--train",
        metavar="PART|PATTERN",
        help="what moves: vision, merger, decoder, or how names begin; merger and decoder by default",
    ),
]
Rate = Annotated[float | None, typer.Option("--lr", min=0, help="learning rate; 1e-5, with --lora 1e-4")]
TowerRate = Annotated[float | None, typer.Option("--vision-lr", min=0, help="of the tower; a tenth of --lr")]
MergerRate = Annotated[float | None, typer.Option("--merger-lr", min=0, help="of the merger; --lr")]
Epochs = Annotated[float, typer.Option("--epochs", min=0, help="times through the data")]
Updates = Annotated[int | None, typer.Option("--updates", min=1, help="most updates")]
Minutes = Annotated[float | None, typer.Option("--minutes", min=0, help="most minutes")]
Batch = Annotated[int, typer.Option("--batch", min=1, help="samples an update, of all processes together")]
Row = Annotated[int, typer.Option("--row", min=1, help="tokens of samples that go through the network at once")]
Longest = Annotated[int, typer.Option("--longest", min=16, help="tokens of a sample; longer ones end behind an answer")]
Coordinates = Annotated[
    str,
    typer.Option(
        "--coordinates",
        metavar="seen|file|thousand|WxH",
        help="what coordinates are pixels of, where samples do not say: the image as seen, its file, 1000x1000, a size",
    ),
]
Processes = Annotated[
    int, typer.Option("--processes", min=1, help="on this machine, each with a GPU if there are some")
]
Device = Annotated[str, typer.Option("--device", help="cpu or cuda; the latter has not been tried")]
Dtype = Annotated[str, typer.Option("--dtype", help="what is computed in: bfloat16 or float32; masters are float32")]
Shards = Annotated[bool, typer.Option("--shards", help="each process keeps its part of the network alone (FSDP2)")]
Thrift = Annotated[bool, typer.Option("--save-memory", help="compute each block twice instead of keeping what it made")]
Seed = Annotated[int, typer.Option("--seed", min=0)]
Keep = Annotated[int, typer.Option("--keep-every", min=0, help="updates behind which a checkpoint stays; 0: the last")]


def finetune(
    data: Data,
    out: Out,
    model: Base = "builtin",
    lora: WithLora = False,
    rank: Rank = 16,
    alpha: Alpha = 32,
    lora_vision: Tower = False,
    merge: Merge = False,
    train: Train = None,
    lr: Rate = None,
    vision_lr: TowerRate = None,
    merger_lr: MergerRate = None,
    epochs: Epochs = 3.0,
    updates: Updates = None,
    minutes: Minutes = None,
    batch: Batch = 8,
    row: Row = 8192,
    longest: Longest = 8192,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    coordinates: Coordinates = "seen",
    processes: Processes = 1,
    device: Device = "cpu",
    dtype: Dtype = "bfloat16",
    save_memory: Thrift = False,
    shards: Shards = False,
    seed: Seed = 0,
    keep_every: Keep = 0,
    as_json: options.Json = False,
) -> None:
    """Fine-tune a checkpoint: whole, by part, or by adapters. The result loads here and in transformers."""
    need("matplotlib", *(["peft"] if lora else []))
    if lora and train:
        refuse("--lora trains adapters alone; expected no --train beside it")
    if merge and not lora:
        refuse("--merge adds adapters to the weights; expected --lora beside it")
    with taught():
        from model.train.loop import Budget, Run, Schedule
        from model.train.processes import train_together
        from model.train.settings import Lora, Material, Tuning
        from model.train.tuning import Job

        material = Material(tuple(map(_file, data)), _frame(coordinates), min_pixels, max_pixels, longest)
        schedule = Schedule(warmup=3, floor=0.1, fall="cosine")
        tuning = Tuning(
            model=folder_of(model),
            material=material,
            run=Run(out, "finetune", Budget(updates, minutes), schedule, log_every=1, keep_every=keep_every),
            train=tuple(train or ("merger", "decoder")),
            lora=Lora(rank, alpha, lora_vision) if lora else None,
            rates=_rates(lr or (1e-4 if lora else 1e-5), vision_lr, merger_lr, lora),
            epochs=epochs,
            batch=batch,
            row=row,
            seed=seed,
            dtype=dtype,
            device=device,
            saving=save_memory,
            shards=shards,
        )
        train_together(Job(tuning), processes, out)
        folder = _finish(tuning, merge)
    _tell(out, folder, as_json)


def _file(text: str) -> tuple[Path, float]:
    """FILE or FILE=WEIGHT."""
    path, _, weight = text.rpartition("=") if re.search(r"=[\d.]+$", text) else (text, "", "1")
    if (Path(path) / "run.json").is_file():
        raise ModelError(f"--data {path}: a recorded run; write its samples first: handeye export {path} --format sft")
    return Path(path), float(weight)


def _frame(text: str) -> Frame:
    known: dict[str, Frame] = {"seen": "seen", "file": "file", "thousand": "thousand"}
    if text in known:
        return known[text]
    if (size := SIZE.fullmatch(text)) is None:
        raise ModelError(f"--coordinates {text}: expected seen, file, thousand or a size such as 1280x720")
    return float(size[1]), float(size[2])


def _rates(rate: float, vision: float | None, merger: float | None, lora: bool) -> Rates:
    """Of parts as shares of `rate`; adapters all have the whole."""
    from model.train.optimiser import Rates

    tower = rate if lora else rate / 10
    paces = (
        ("visual.merger.", (rate if merger is None else merger) / rate),
        ("visual.", (tower if vision is None else vision) / rate),
    )
    return Rates(rate, paces=paces, decay=0.0 if lora else 0.01, betas=(0.9, 0.999), clip=1.0)


def _finish(tuning: Tuning, merged: bool) -> Path:
    """Where the result is, with adapters added in where that is wanted."""
    out = tuning.run.out
    if tuning.lora is None:
        return out / "model"
    if not merged:
        return out / "adapter"
    from model.train.lora import merge

    shutil.rmtree(out / "model", ignore_errors=True)  # of this run, when its budget was smaller
    merge(tuning.model, out / "adapter", out / "model")
    return out / "model"


def _tell(out: Path, folder: Path, as_json: bool) -> None:
    data = json.loads((out / "data.json").read_text(encoding="utf-8"))
    lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines() if (out / "log.jsonl").exists() else ()
    if not (log := [json.loads(line) for line in lines]):
        refuse("--epochs, --updates, --minutes: the budget ends before the first update; expected more of each")
    told = {"folder": str(folder), "updates": log[-1]["updates"], "loss": [log[0]["loss"], log[-1]["loss"]], **data}
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
        return
    screen = console()
    for reason in data["unusable"][:10]:
        screen.print(f"not used: {reason}", markup=False)
    used = f"{data['samples']} samples, {len(data['unusable'])} that could not be used"
    screen.print(f"{folder}: loss {log[0]['loss']:.3f} -> {log[-1]['loss']:.3f}; {used}", markup=False)
