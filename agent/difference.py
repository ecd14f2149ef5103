"""Pictures that show what went wrong: where a screen is not the recorded one, and where the last click went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from actions import Grounded, points
from agent.drawing import mark
from agent.reader import Run
from env import Image
from env.observation import changed

PALE = 4
"""What is the same is shown this much fainter."""

RED = (230, 0, 0)


def difference(recorded: Image, actual: Image, path: Path) -> None:
    """Write the PNG file `path`: the recorded screen beside the actual one, whose differing pixels are red.

    What is the same is faint, and a frame stands around all that differs. Raises OSError.
    """
    height, width = np.maximum(recorded.shape[:2], actual.shape[:2])
    left, right = (_canvas(image, int(width), int(height)) for image in (recorded, actual))
    differs = (left != right).any(axis=2)
    shown = 255 - (255 - right) // PALE
    shown[differs] = RED
    both = np.concatenate([left, np.zeros((int(height), 2, 3), np.uint8), shown], axis=1)
    picture = Pillow.fromarray(both)
    _, box = changed(left, right)
    if box:
        x0, y0, x1, y1 = box
        frame = (width + 2 + x0 - 2, y0 - 2, width + 2 + x1 + 1, y1 + 1)
        ImageDraw.Draw(picture).rectangle([float(side) for side in frame], outline=RED)
    picture.save(path, format="PNG")


def _canvas(image: Image, width: int, height: int) -> Image:
    """`image` at the top left of a grey one."""
    canvas = np.full((height, width, 3), 128, np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas


def last(run: Run, path: Path) -> bool:
    """Write the last screen of `run` to the PNG file `path`, with the places of the last action that has any.

    False where the run has no screen.
    """
    line = next(reversed(run.lines), run.pending)
    if line is None:
        return False
    acts = [each.action for each in reversed(run.lines) if each.action]
    places = next((found for act in acts if (found := points(act))), ())
    screen = run.screen((line.after or line.before).screen)
    mark(screen, Grounded(boxes=(), points=tuple(places), labels=("",) * len(places)), path)
    return True
