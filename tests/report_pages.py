"""What the tests of reports share: a page open in a browser, and questions to it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actions import Key
from env import Browser, Image, Task

DRAWN = """async () => {
  for (;;) {
    const open = [...document.querySelectorAll('article:not([hidden]) canvas')].filter((c) => c.checkVisibility());
    if (open.length && open.every((c) => 'drawn' in c.dataset)) return open.length;
    await new Promise(requestAnimationFrame);
  }
}"""
PIXELS = """(name) => {
  const canvas = document.querySelector(`article:not([hidden]) .${name} canvas`);
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let text = '';
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [canvas.height, canvas.width, btoa(text)];
}"""


@dataclass(frozen=True)
class Page:
    """A report that is open in a browser."""

    env: Browser

    def open(self, path: Path, step: str = "") -> Page:
        """Open it, at the step that the address names."""
        self.env.reset(Task(start=path.as_uri() + (f"#{step}" if step else "")))
        return self

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.env.step(Key(keys=(key,)))

    def ask(self, script: str) -> object:
        """What a script gives."""
        return self.env.evaluate(script)

    def here(self) -> object:
        """The id of the step that is shown; of all, where it is not one."""
        found = self.ask("[...document.querySelectorAll('article')].filter(a => a.checkVisibility()).map(a => a.id)")
        assert isinstance(found, list)
        return found[0] if len(found) == 1 else found

    def drawn(self) -> object:
        """How many pictures are drawn, once all that are shown are."""
        return self.ask(DRAWN)

    def picture(self, name: str) -> Image:
        """The pixels of a picture of the step that is shown."""
        self.drawn()
        found = self.env.evaluate(PIXELS, name)
        assert isinstance(found, list)
        height, width, data = map(str, found)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(int(height), int(width), 4)[:, :, :3]

    def seen(self) -> str:
        """All text of the page, shown or not."""
        return str(self.ask("document.querySelector('main').textContent"))


def shown(page: Page, names: Sequence[str]) -> dict[str, object]:
    """Which figures of the step can be seen."""
    ask = "document.querySelector(`article:not([hidden]) .{}`)?.checkVisibility() ?? false"
    return {name: page.ask(ask.format(name)) for name in names}
