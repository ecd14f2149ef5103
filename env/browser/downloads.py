"""Files that pages send: kept in a folder of ours under names of ours."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

from playwright.async_api import Download as Arriving

from env.observation import Download

LONGEST = 100  # characters of a file name


class Downloads:
    """The files that arrived in one episode."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files: list[Download] = []
        self.pending = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called, in the order of their arrival."""
        return tuple(each.name for each in self.files)

    async def save(self, download: Arriving) -> None:
        """Keep the file once it is complete; a download that fails leaves no name."""
        self.pending += 1
        try:
            name = self._free(sanitise(download.suggested_filename))
            await download.save_as(self.folder / name)
            self.files.append(await asyncio.to_thread(weigh, self.folder / name))
        finally:
            self.pending = max(self.pending - 1, 0)

    def _free(self, name: str) -> str:
        stem, dot, suffix = name.rpartition(".")
        stem, end = (stem, dot + suffix) if stem else (name, "")
        number, free = 1, name
        while (self.folder / free).exists():
            number += 1
            free = f"{stem} ({number}){end}"
        return free


def weigh(path: Path) -> Download:
    """A file that has arrived, with its size and the hash of what is in it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        size = file.tell()
    return Download(path.name, str(path), digest.hexdigest(), size)


def sanitise(name: str) -> str:
    """A plain file name made of what a page suggests: no folders, no control characters, not hidden."""
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^\w .()\[\]+,=@-]", "_", last).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    if dot and len(plain) > LONGEST:
        plain = stem[: max(LONGEST - len(suffix) - 1, 1)] + dot + suffix[: LONGEST // 2]
    return plain[: LONGEST * 2] or "download"
