"""A screen such as the built-in model knows: on noise nobody can say what it will write."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def plain_screen(width: int = 160, height: int = 208) -> NDArray[np.uint8]:
    """uint8 [height, width, 3]: a bar with a request, a field, a link and two buttons."""
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(10)
    draw.rectangle((0, 0, width, 50), fill="yellow")
    draw.text((3, 3), 'Click on the "OK" button.', "black", font)
    draw.rectangle((6, 62, 110, 78), outline="grey")
    draw.text((6, 90), "Tora", "blue", font)
    for left, name in ((6, "OK"), (50, "Submit")):
        draw.rectangle((left, 120, left + 38, 138), outline="grey", fill="lightgrey")
        draw.text((left + 4, 123), name, "black", font)
    return np.asarray(image)
