"""The pictures of exported data: files that are named by their content."""

from __future__ import annotations

from pathlib import Path

from agent.exchange.style import Style
from agent.picture import digest, encode, resize
from agent.reader import Run
from agent.record import replace
from agent.schema import Look

FOLDER = "images"


class Album:
    """Puts each picture into `folder`/images once."""

    def __init__(self, folder: Path, style: Style) -> None:
        self.folder, self.style = folder, style
        self._known: dict[tuple[str, tuple[int, int]], str] = {}
        (folder / FOLDER).mkdir()

    def path(self, run: Run, look: Look) -> str:
        """Where the picture of `look` lies, relative to the data. Raises `RecordError` where it is gone."""
        size = self.style.kept(look.width, look.height)
        if (look.screen, size) not in self._known:
            data = png(run, look, size)
            name = f"{FOLDER}/{digest(data)}.png"
            if not (self.folder / name).exists():
                replace(self.folder / name, data)
            self._known[look.screen, size] = name
        return self._known[look.screen, size]


def png(run: Run, look: Look, size: tuple[int, int]) -> bytes:
    """The file of a screen at this size: as it was kept, where that is its own. Raises `RecordError`."""
    if size == (look.width, look.height):
        return run.picture(look.screen)
    return encode(resize(run.screen(look.screen), size))
