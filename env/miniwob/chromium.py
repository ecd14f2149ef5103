"""A bare Chromium page for making training data: no receipts, just a page with the pickers of ours and its pixels."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image as Picture
from playwright.sync_api import CDPSession, Page, sync_playwright

from env.browser import pickers, script
from env.browser.find import find
from env.browser.launch import FLAGS
from env.observation import Image


@contextmanager
def open_page(width: int, height: int) -> Iterator[Page]:
    """A page of this size in CSS pixels, one pixel each, in a browser of its own that ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find(),
            args=list(FLAGS),
            chromium_sandbox=os.geteuid() != 0,  # the sandbox refuses to run for root
        )
        try:
            page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
            page.add_init_script(script.source("quiet.js"))
            page.add_init_script(pickers.source())
            yield page
        finally:
            browser.close()


class Camera:
    """Takes pictures of the top left corner of a page."""

    def __init__(self, page: Page, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}

    def shoot(self) -> Image:
        """The pixels of the next frame, uint8 [height, width, 3]."""
        reply = self._session.send(
            "Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True, "clip": self._clip}
        )
        with Picture.open(io.BytesIO(base64.b64decode(reply["data"]))) as picture:
            return np.asarray(picture.convert("RGB"))
