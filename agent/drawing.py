"""What was found in a picture, drawn into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from actions import Grounded
from env import Image

INSIDE, AROUND = (255, 40, 40), (255, 255, 255)
"""Red with a white rim: it shows on any picture."""


def mark(image: Image, grounded: Grounded, path: Path) -> None:
    """Write `image` to the PNG file `path`, its boxes framed and its points in cross-hairs. Raises OSError."""
    picture = Pillow.fromarray(np.array(image))
    pen = ImageDraw.Draw(picture)
    wide = max(1, round(max(picture.size) / 600))
    for grown, color in ((wide, AROUND), (0, INSIDE)):
        for left, top, right, bottom in grounded.boxes:
            edges = (left, top, max(left, right - 1), max(top, bottom - 1))
            pen.rectangle(edges, outline=color, width=wide + 2 * grown)
        for point in grounded.points:
            arm, thick = 8 * wide + grown, wide // 2 + grown
            pen.rectangle((point.x - arm, point.y - thick, point.x + arm, point.y + thick), fill=color)
            pen.rectangle((point.x - thick, point.y - arm, point.x + thick, point.y + arm), fill=color)
    picture.save(path, format="PNG")
