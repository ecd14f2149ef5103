"""`python -m agent.data.pointing --out FOLDER --count PICTURES --seed SEED` makes a grounding set in ScreenSpot's form.

Made-up screens of 160x208 pixels, of the kinds that the built-in model learns from but with seeds kept for judging, and
on each of them one thing to point at, asked for by the words that stand on it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from PIL import Image as Picture

from agent.data import tiles
from agent.data.layouts import Sheet
from agent.data.seeds import JUDGING
from agent.data.tiles import COLUMNS, HEIGHT, KINDS, ROWS, WEIGHTS, WIDTH, Item
from agent.record import replace
from env.miniwob.chromium import Camera, open_page

ANNOTATIONS = "screenspot_tiles.json"
"""The file with the items; their pictures lie beside it in images."""

WORDED = frozenset({"text", "link", "button", "check", "radio", "tab", "select", "filled", "dialog"})
"""Roles whose name is what can be read on them."""


def judging_seed(number: int) -> int:
    """`number`, if nothing is learnt from it; ValueError otherwise."""
    if number < JUDGING:
        raise ValueError(f"seed {number}: expected {JUDGING} or more, which nothing is learnt from")
    return number


def make(out: Path, count: int, seed: int) -> int:
    """Write the set and return how many items it has; a larger one of the same seed begins with the same."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    number, tall = judging_seed(seed) << 20, min(ROWS, -(-count // COLUMNS) + 1)
    with open_page(WIDTH * COLUMNS, HEIGHT * tall) as page:
        camera = Camera(page, WIDTH * COLUMNS, HEIGHT * tall)
        while len(rows) < count:
            chances = [Random(number + each) for each in range(COLUMNS * tall)]
            number += len(chances)
            sheets = [random.choices(KINDS, WEIGHTS)[0](random) for random in chances]
            drawn = tiles.shoot(page, camera, sheets)
            for random, sheet, (image, seen) in zip(chances, sheets, drawn, strict=True):
                wanted = _wanted(random, seen["items"])
                if wanted is None or len(rows) == count:
                    continue
                name = f"tile_{len(rows):05}.png"
                Picture.fromarray(image).save(out / "images" / name)
                rows.append(_row(name, sheet, wanted))
    replace(out / ANNOTATIONS, json.dumps(rows, indent=1, ensure_ascii=False).encode() + b"\n")
    return len(rows)


def _wanted(random: Random, items: Sequence[Item]) -> Item | None:
    """Something whose words stand nowhere else on the screen; None where there is nothing of the kind."""
    names = Counter(item["name"] for item in items)
    fit = [item for item in items if item["role"] in WORDED and item["name"].strip() and names[item["name"]] == 1]
    return random.choice(fit) if fit else None


def _row(picture: str, sheet: Sheet, item: Item) -> dict[str, object]:
    x1, y1, x2, y2 = item["box"]
    return {
        "img_filename": picture,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "instruction": item["name"],
        "data_type": item["role"],
        "data_source": sheet.kind,
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the set anew."""
    parser = argparse.ArgumentParser(prog="python -m agent.data.pointing", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the set")
    parser.add_argument("--count", type=int, required=True, help="how many screens, with one item each")
    parser.add_argument("--seed", type=int, default=JUDGING, help=f"{JUDGING} or more")
    options = parser.parse_args(arguments)
    print(f"{make(options.out, options.count, options.seed)} items in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
