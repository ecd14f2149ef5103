"""A browser that is used for long takes no more memory than at first, and leaves no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PAGE = """<!doctype html><title>0</title><style>body { margin: 0 } button { width: 200px; height: 100px }</style>
<button onclick="n.textContent = +n.textContent + 1; document.title = n.textContent">more</button><b id=n>0</b>
<input style="position:absolute;left:0;top:150px;width:300px"><div style="height:3000px"></div>"""
LOOP = """
import json, sys
from pathlib import Path
import psutil
from actions import Click, Key, Point, Scroll, Type
from env import Browser, BrowserOptions, Task
steps, url = int(sys.argv[1]), sys.argv[2]
field = Point(x=100, y=160)
turn = [Click(at=Point(x=100, y=50)), Type(text="word", at=field, replace=True), Key(keys=("tab",)),
        Scroll(at=field, dy=300), Scroll(at=field, dy=-300)]
used = {}
with Browser(BrowserOptions(size=(640, 400))) as env:
    env.reset(Task(start=url))
    for step in range(1, steps + 1):
        seen = env.step(turn[step % len(turn)])
        if step % 50 == 0:
            used[step] = psutil.Process().memory_info().rss
    assert seen.title == str(steps // len(turn)), seen.title
print(json.dumps(used))
"""


def used(folder: Path, steps: int) -> dict[int, int]:
    """Bytes of resident memory after every fiftieth step of a process of its own, which leaves no temporary file."""
    page = folder / "page.html"
    page.write_text(PAGE)
    place = Path(tempfile.mkdtemp(prefix="leak-"))  # the name of a browser's socket has to be short
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(steps), page.as_uri()],
        env=os.environ | {"TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    left = [path.name for path in place.iterdir()]
    assert not left
    place.rmdir()
    return {int(step): size for step, size in json.loads(done.stdout).items()}


def test_fifty_steps_more_take_no_more_memory_and_leave_no_file(tmp_path: Path) -> None:
    memory = used(tmp_path, 100)
    assert memory[100] < memory[50] * 1.05


@pytest.mark.slow
def test_a_thousand_steps_take_no_more_memory_than_a_hundred(tmp_path: Path) -> None:
    memory = used(tmp_path, 1000)
    print({step: f"{size / 2**20:.1f} MB" for step, size in memory.items()})
    assert memory[1000] < memory[100] * 1.05
