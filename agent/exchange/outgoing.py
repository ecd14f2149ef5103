"""Export: a folder of data made of runs, with a manifest that says what is in it and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from agent.exchange import chatml, osworld, playwright, pyautogui, uitars
from agent.exchange.album import Album, png
from agent.exchange.gather import Named, Split, split, worth
from agent.exchange.lower import Unsaid, carried_out, lowered
from agent.exchange.manifest import NAME, Format, LeftEntry, Manifest, RunEntry
from agent.exchange.sample import Left, Sample, samples
from agent.exchange.shards import Shelf
from agent.exchange.style import Style
from agent.reader import RecordError, Run
from agent.record import replace
from agent.schema import Line

Writer: TypeAlias = Callable[[Sample, Sequence[str]], str]


class ExportError(ValueError):
    """What keeps the whole export from being made."""


@dataclass(frozen=True)
class Order:
    """What is to be made, and where; `val` is the share of runs that are kept for validation."""

    format: Format
    out: Path
    style: Style
    verified: bool = True
    val: float = 0.1


@dataclass
class Ledger:
    """What has come of each run so far."""

    runs: list[RunEntry] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)

    def note(self, named: Named, kept: int, side: Split | None = None) -> None:
        """A run, and how many of its steps are in the data."""
        manifest, look = named.run.manifest, named.run.lines[0].before
        self.runs.append(
            RunEntry(
                run=named.name,
                instruction=manifest.task.instruction,
                outcome=manifest.outcome or "",
                steps=len(named.run.lines),
                kept=kept,
                width=look.width,
                height=look.height,
                split=side or "",
            )
        )

    def manifest(self, order: Order) -> Manifest:
        """All of it, as it stands beside the data."""
        left = tuple(LeftEntry(run=each.run, step=each.step, why=each.why) for each in self.left)
        return Manifest(format=order.format, style=order.style, files=self.files, runs=tuple(self.runs), left_out=left)


def export(runs: Iterable[Named | Left], order: Order) -> Manifest:
    """Make the data; the same runs in the same order give the same bytes.

    Raises `ExportError` where `order.out` is not a new or an empty folder.
    """
    _claim(order.out)
    ledger = Ledger()
    wanted = _worth(runs, order, ledger)
    match order.format:
        case "sft" | "llamafactory":
            _lines(wanted, order, ledger)
        case "shards":
            _shards(wanted, order, ledger)
        case _:
            for named in wanted:
                _tell(named, order, ledger)
    manifest = ledger.manifest(order)
    replace(order.out / NAME, manifest.model_dump_json(indent=1).encode() + b"\n")
    return manifest


def _claim(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise ExportError(f"{out}: holds files already; expected a new or an empty folder")
    except OSError as error:
        raise ExportError(f"{out}: {error.strerror}") from error


def _worth(runs: Iterable[Named | Left], order: Order, ledger: Ledger) -> Iterator[Named]:
    for named in runs:
        if isinstance(named, Left):
            ledger.left.append(named)
        elif left := worth(named, verified=order.verified):
            ledger.left.append(left)
        else:
            yield named


def _sorted(named: Named, order: Order, ledger: Ledger, keep: Callable[[Sample], Left | None]) -> int:
    """How many samples of a run `keep` took; the others are noted."""
    kept = 0
    for found in samples(named.run, named.name, order.style):
        try:
            left = found if isinstance(found, Left) else keep(found)
        except RecordError as error:
            left = Left(named.name, found.step, f"its picture cannot be read: {error}")
        kept += left is None
        ledger.left += [left] if left else []
    return kept


def _lines(runs: Iterable[Named], order: Order, ledger: Ledger) -> None:
    album = Album(order.out, order.style)
    write = chatml.qwen if order.format == "sft" else chatml.llamafactory
    texts: dict[Split, list[str]] = {"train": [], "val": []}
    for named in runs:
        side = split(named.name, order.val)
        keep = partial(_line, album, write, texts[side], named.run)
        ledger.note(named, _sorted(named, order, ledger, keep), side)
    for side, lines in texts.items():
        if lines:  # loaders of data sets stumble over an empty file
            ledger.files[f"{side}.jsonl"] = len(lines)
            replace(order.out / f"{side}.jsonl", "".join(lines).encode())
    if order.format == "llamafactory":
        replace(order.out / "dataset_info.json", chatml.dataset_info(list(ledger.files)).encode())


def _line(album: Album, write: Writer, lines: list[str], run: Run, sample: Sample) -> None:
    lines.append(write(sample, [album.path(run, look) for look in sample.screens]))


def _shards(runs: Iterable[Named], order: Order, ledger: Ledger) -> None:
    shelves: dict[Split, Shelf] = {side: Shelf(order.out / side, order.style) for side in ("train", "val")}
    for named in runs:
        side = split(named.name, order.val)
        ledger.note(named, _sorted(named, order, ledger, partial(shelves[side].add, named.run)), side)
    for side, shelf in shelves.items():
        shelf.close()
        ledger.files[side] = shelf.count


def _tell(named: Named, order: Order, ledger: Ledger) -> None:
    """Write one run as a script or a trajectory, or say why that cannot be done."""
    try:
        found = list(carried_out(named))
        lines = [each for each in found if isinstance(each, Line)]
        if not lines:
            raise Unsaid("no step of it was carried out")
        name = _write(named, lines, order)
    except (Unsaid, RecordError) as why:
        ledger.left.append(Left(named.name, 0, str(why)))
        return
    ledger.left += [each for each in found if isinstance(each, Left)]
    ledger.note(named, len(lines))
    ledger.files[name] = len(lines)


def _write(named: Named, lines: Sequence[Line], order: Order) -> str:
    run, name = named.run, named.name
    match order.format:
        case "osworld":
            osworld.write(run, lines, order.out / name)
            return f"{name}/{osworld.TRAJ}"
        case "pyautogui":
            text, name = pyautogui.write(run.manifest.task.instruction, lines), f"{name}.py"
        case "playwright":
            text, name = playwright.write(run, lines), f"{name}.py"
        case _:
            text, name = uitars.write(lines, order.style), f"{name}.txt"
            _screens(named, lines, order)
    replace(order.out / name, text.encode())
    return name


def _screens(named: Named, lines: Sequence[Line], order: Order) -> None:
    """Put the pictures of a text beside it, numbered as its blocks are."""
    folder = order.out / named.name
    folder.mkdir()
    looks = [line.before for line in lines if line.action for _ in lowered(line.action)]
    for number, look in enumerate(looks, start=1):
        size = order.style.kept(look.width, look.height)
        replace(folder / f"{number:04}.png", png(named.run, look, size))
