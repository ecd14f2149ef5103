"""Phones and tablets by the names that Playwright knows them by."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from playwright.async_api import async_playwright
from pydantic import BaseModel, TypeAdapter

from env.browser.options import BrowserOptions
from env.browser.worker import Worker

SECONDS = 30.0  # in which Playwright's driver has to start


@dataclass(frozen=True)
class Device:
    """What Playwright tells of a device; `size` and `screen` are CSS pixels, `screen` with the browser's own bars."""

    size: tuple[int, int]
    screen: tuple[int, int]
    scale: float
    mobile: bool
    touch: bool
    user_agent: str


class Sides(BaseModel):
    """A size as Playwright writes it."""

    width: int
    height: int


class Descriptor(BaseModel):
    """A device as Playwright writes it; the kind of browser it would run is not asked for."""

    viewport: Sides
    screen: Sides | None = None
    device_scale_factor: float
    is_mobile: bool
    has_touch: bool
    user_agent: str


_DESCRIPTORS = TypeAdapter(dict[str, Descriptor])


@cache
def devices() -> Mapping[str, Device]:
    """Every device that the installed Playwright describes, by its name. Asks its driver once."""
    worker = Worker()
    try:
        return worker.run(_read(), SECONDS)
    finally:
        worker.close()


def find(name: str) -> Device:
    """The device called `name`; a ValueError that lists those with a like name where there is none."""
    known = devices()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or ["Pixel 7", "iPhone 15", "Galaxy S24"]
        raise ValueError(f"device {name!r}: unknown; did you mean {', '.join(close)}?")
    return known[name]


def equip(options: BrowserOptions) -> BrowserOptions:
    """`options` with all that their device says; as they are where they name none. ValueError for an unknown one."""
    if not options.device:
        return options
    device = find(options.device)
    return replace(
        options,
        size=device.size,
        screen=device.screen,
        device_scale_factor=device.scale,
        mobile=device.mobile,
        touch=device.touch,
        user_agent=device.user_agent,
    )


async def _read() -> Mapping[str, Device]:
    async with async_playwright() as playwright:
        read = _DESCRIPTORS.validate_python(playwright.devices)
    return MappingProxyType({name: _device(each) for name, each in read.items()})


def _device(read: Descriptor) -> Device:
    screen = read.screen or read.viewport
    return Device(
        size=(read.viewport.width, read.viewport.height),
        screen=(screen.width, screen.height),
        scale=read.device_scale_factor,
        mobile=read.is_mobile,
        touch=read.has_touch,
        user_agent=read.user_agent,
    )
