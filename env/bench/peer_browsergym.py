"""A step of BrowserGym on a page, run by an interpreter that has it: a line in is a step, its seconds are a line out.

Arguments: the browser's executable, milliseconds that each of its calls is slowed by, and its delay before it observes.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partialmethod

from browsergym.core.action.highlevel import HighLevelActionSet
from browsergym.core.env import BrowserEnv
from browsergym.core.task import OpenEndedTask
from playwright.sync_api import BrowserType

EXECUTABLE, SLOW, DELAY = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
SIZE = {"width": int(sys.argv[4]), "height": int(sys.argv[5])}
CLICK = f"mouse_click({sys.argv[6]}, {sys.argv[7]})"

# Its chat opens a browser too, and only this lets both find the one that is here.
BrowserType.launch = partialmethod(BrowserType.launch, executable_path=EXECUTABLE)  # type: ignore[method-assign, assignment]


def begin(url: str) -> BrowserEnv:
    """An environment that shows the page."""
    env = BrowserEnv(
        OpenEndedTask,
        {"start_url": url},
        viewport=SIZE,
        slow_mo=SLOW,
        pre_observation_delay=DELAY,
        action_mapping=HighLevelActionSet(["coord"]).to_python_code,
    )
    env.reset()
    return env


def main() -> None:
    """Serve steps until standard input ends; an address begins anew."""
    env: BrowserEnv | None = None
    for line in sys.stdin:
        order, started = line.strip(), time.perf_counter()
        if env is not None and order == "step":
            env.step(CLICK)
        else:
            if env is not None:
                env.close()
            env = begin(order)
        print(json.dumps(time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
