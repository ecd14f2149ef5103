"""A run as a moving picture: each screen with what was done on it, and a line that says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from agent.describe import clean, describe
from agent.reader import Run
from agent.schema import Line, Look
from agent.view.card import last
from agent.view.marks import Marks, Spot, marks

SECONDS = 1.6
"""How long a step is shown."""

LAST = 3.0
"""How long the end is shown."""

WIDEST, NARROW = 1280, 480
"""Screens are shrunk to the one, and drawn larger, by whole numbers, while they stay within the other."""

MARK, RIM, CHANGED = (224, 36, 94), (255, 255, 255), (31, 95, 208)
BAR, INK = (24, 25, 28), (240, 240, 236)


class FilmError(ValueError):
    """A film that cannot be made: which, why, and what would do."""


@dataclass(frozen=True)
class Frame:
    """One picture of the film and the seconds that it stays."""

    picture: Pillow.Image
    seconds: float


@dataclass(frozen=True)
class Canvas:
    """The size of all frames; screens lie in the middle of what is above the line of words."""

    width: int
    height: int
    line: int


Writer = Callable[[Iterator[Frame], Path], None]


def write_film(run: Run, path: Path) -> Path:
    """Write `run` as a film to `path`, by its ending .gif, .mp4 or .webm, and return where; the whole film or none.

    Raises `FilmError` for another ending, a run without a step, or where the extra `video` is missing, and
    `RecordError` where a picture of the run is.
    """
    writer = _writer(path)
    if not run.lines:
        raise FilmError(f"{run.folder}: a film needs at least one step, and this run has none")
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        writer(frames(run), beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def frames(run: Run) -> Iterator[Frame]:
    """Each step on the screen before it, with its marks; then the last screen and what the run came to."""
    canvas = _canvas(run)
    total = len(run.lines)
    for line in run.lines:
        yield Frame(draw(canvas, _screen(run, line.before), marks(line), _caption(line, total)), SECONDS)
    end = last(run.lines)
    outcome = run.manifest.outcome or "unfinished"
    stop = run.manifest.stop
    said = f"{outcome} · {stop.reason} {clean(stop.detail, 120)}" if stop else f"{outcome} · cut off"
    yield Frame(draw(canvas, _screen(run, end), Marks(), said), LAST)


def draw(canvas: Canvas, screen: Pillow.Image, shown: Marks, caption: str) -> Pillow.Image:
    """One frame."""
    scale, left, top = _placed(canvas, screen.size)
    how = Pillow.Resampling.NEAREST if scale >= 1 else Pillow.Resampling.LANCZOS
    size = round(screen.width * scale), round(screen.height * scale)
    picture = Pillow.new("RGB", (canvas.width, canvas.height), BAR)
    picture.paste(screen if size == screen.size else screen.resize(size, how), (left, top))
    pen = ImageDraw.Draw(picture)
    _mark(pen, shown, lambda x, y: (left + (x + 0.5) * scale, top + (y + 0.5) * scale), scale)
    font = ImageFont.load_default(canvas.line * 0.5)
    words = _fit(caption, font, canvas.width - canvas.line * 0.6)
    pen.text((canvas.line * 0.3, canvas.height - canvas.line / 2), words, fill=INK, font=font, anchor="lm")
    return picture


def _placed(canvas: Canvas, size: tuple[int, int]) -> tuple[float, int, int]:
    """The scale of a screen in a frame, and where its corner lies."""
    room = canvas.height - canvas.line
    scale = min(canvas.width / size[0], room / size[1])
    scale = float(int(scale)) if scale >= 1 else scale
    return scale, round((canvas.width - size[0] * scale) / 2), round((room - size[1] * scale) / 2)


def _canvas(run: Run) -> Canvas:
    """Room for every screen of the run; both sides are even, as video codecs ask for."""
    looks = [look for line in run.lines for look in (line.before, line.after) if look]
    width, height = max(look.width for look in looks), max(look.height for look in looks)
    scale = max(1, NARROW // width) if width <= WIDEST else WIDEST / width
    width, height = round(width * scale), round(height * scale)
    line = max(24, width // 32 // 2 * 2)
    return Canvas(width + width % 2, height + height % 2 + line, line)


def _mark(pen: ImageDraw.ImageDraw, shown: Marks, to: Callable[[float, float], Spot], scale: float) -> None:
    radius = max(9.0, shown.radius * scale)
    spots = [to(x, y) for x, y in shown.points]
    if shown.box:
        x0, y0, x1, y1 = shown.box
        pen.rectangle((*to(x0 - 1, y0 - 1), *to(x1, y1)), outline=CHANGED, width=2)
    arrow = [to(x, y) for x, y in shown.arrow] if shown.arrow else []
    for color, wide in ((RIM, 6), (MARK, 3)):
        for path in (spots, arrow):
            if len(path) > 1:
                pen.line(path, fill=color, width=wide)
        for x, y in dict.fromkeys((*spots[:1], *spots[-1:])):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=color, width=wide)
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=MARK)
    for head in shown.heads:
        pen.polygon([to(x, y) for x, y in head], fill=MARK)


def _fit(words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float) -> str:
    """`words`, cut short where they are wider than `room`."""
    if font.getlength(words) <= room:
        return words
    while words and font.getlength(words + "…") > room:
        words = words[:-1]
    return words + "…"


def _caption(line: Line, total: int) -> str:
    action = describe(line.action) if line.action else "no action"
    return f"{line.index}/{total}  {action}{f' — {clean(line.error, 120)}' if line.error else ''}"


def _screen(run: Run, look: Look) -> Pillow.Image:
    return Pillow.fromarray(np.asarray(run.screen(look.screen)))


def _writer(path: Path) -> Writer:
    match path.suffix.lower():
        case ".gif":
            return write_gif
        case ".mp4" | ".webm":
            try:
                from agent.view.video import write_video
            except ImportError as error:
                raise FilmError(f"{path.name} needs the extra `video`: pip install 'handeye[video]'") from error
            return write_video
    raise FilmError(f"{path.name}: a film ends in .gif, .mp4 or .webm")


def write_gif(shown: Iterator[Frame], path: Path) -> None:
    """A GIF that runs for ever, its frames each with a palette of their own."""
    whole = list(shown)
    pictures = [frame.picture.quantize(256, dither=Pillow.Dither.NONE) for frame in whole]
    spans = [round(frame.seconds * 1000) for frame in whole]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=spans, loop=0, disposal=1)
