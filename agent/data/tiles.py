"""Tiles: made-up screens of 160x208 pixels with every character's place, for learning to read and to point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import TypedDict

import numpy as np
from playwright.sync_api import Page

from agent.data import filling, layouts
from agent.data.layouts import Sheet
from agent.data.seeds import training_seed
from agent.data.store import Pixels, Record, Shard
from env.miniwob.chromium import Camera, open_page

WIDTH, HEIGHT = 160, 208
COLUMNS, ROWS = 10, 10
PAGES = 4
"""Pages of COLUMNS x ROWS tiles in one shard."""

KINDS = (layouts.dense, layouts.mixed, layouts.scattered, layouts.dialog, filling.form, filling.choices)
WEIGHTS = (34, 20, 5, 5, 26, 10)


class Item(TypedDict):
    """A piece that shows, as the page reports it."""

    role: str
    name: str
    box: tuple[int, int, int, int]


class Measured(TypedDict):
    """A tile as the page reports it."""

    glyphs: list[tuple[str, int, int, int, int]]
    items: list[Item]


def sheets(seed: int, count: int) -> list[Sheet]:
    """`count` made-up screens, the same ones for the same seed."""
    random = Random(training_seed(seed))
    return [random.choices(KINDS, WEIGHTS)[0](Random(random.random())) for _ in range(count)]


def page_of(tiles: Sequence[Sheet]) -> str:
    """One HTML page that shows all `tiles` in rows of COLUMNS."""
    style = files("agent.data").joinpath("tiles.css").read_text()
    drawn = [tile.draw(i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT) for i, tile in enumerate(tiles)]
    return f"<!DOCTYPE html><meta charset=utf-8><style>{style}</style><body>{''.join(drawn)}</body>"


def photograph(page: Page, camera: Camera, tiles: list[Sheet]) -> list[tuple[Pixels, Record]]:
    """The picture and the record of each tile, drawn on one page and taken in one shot."""
    return [(image, _record(tile, seen)) for tile, (image, seen) in zip(tiles, shoot(page, camera, tiles), strict=True)]


def shoot(page: Page, camera: Camera, tiles: Sequence[Sheet]) -> list[tuple[Pixels, Measured]]:
    """The same with what the page reports of each tile."""
    page.set_content(page_of(tiles))
    page.evaluate(files("env.miniwob").joinpath("measure.js").read_text())
    measured: list[Measured] = page.evaluate("measure.tiles()")
    whole = camera.shoot()
    out = []
    for i, seen in enumerate(measured):
        left, top = i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT
        out.append((np.ascontiguousarray(whole[top : top + HEIGHT, left : left + WIDTH]), seen))
    return out


def _record(tile: Sheet, seen: Measured) -> Record:
    x0, y0, x1, y1 = range(4)
    items = {(i["role"], i["name"]): (i["box"][x0], i["box"][y0], i["box"][x1], i["box"][y1]) for i in seen["items"]}
    glyphs = tuple((c, a, b, d, e) for c, a, b, d, e in seen["glyphs"])
    return Record(kind=f"tile-{tile.kind}", glyphs=glyphs, targets=tuple(tile.ask(items)))


def make_shard(seed: int, path: Path, wanted: int = PAGES * COLUMNS * ROWS) -> int:
    """Write the shard of this seed; return how many pictures it holds."""
    shard = Shard()
    with open_page(WIDTH * COLUMNS, HEIGHT * ROWS) as page:
        camera = Camera(page, WIDTH * COLUMNS, HEIGHT * ROWS)
        tiles = sheets(seed, min(PAGES, math.ceil(wanted / (COLUMNS * ROWS))) * COLUMNS * ROWS)
        for start in range(0, len(tiles), COLUMNS * ROWS):
            for image, record in photograph(page, camera, tiles[start : start + COLUMNS * ROWS]):
                shard.add(image, record)
    shard.save(path)
    return len(shard.records)
