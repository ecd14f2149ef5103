"""Screenshots: taken by the browser's own protocol, decoded to pixels."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image as Pillow
from playwright.async_api import CDPSession

from env.browser.options import BrowserOptions
from env.observation import Image, freeze


async def capture(cdp: CDPSession) -> bytes:
    """A PNG of what the page shows. Waits without end while a dialog is open or a script runs."""
    answer = await cdp.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    return base64.b64decode(answer["data"])


def shown(options: BrowserOptions) -> tuple[int, int]:
    """Width and height of every screenshot in pixels."""
    width, height = options.clip or options.size
    scale = options.device_scale_factor
    return round(width * scale), round(height * scale)


def decode(png: bytes, options: BrowserOptions) -> Image:
    """The pixels of `png`, cut to what the options show."""
    width, height = shown(options)
    with Pillow.open(io.BytesIO(png)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return pixels[:height, :width]


def blank(options: BrowserOptions) -> Image:
    """A white screen, for a page that has opened a dialog before it could be seen at all."""
    width, height = shown(options)
    return freeze(np.full((height, width, 3), 255, np.uint8))
