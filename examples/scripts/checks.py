"""Checks that order.yaml names: they look at more than an expectation can say."""

from __future__ import annotations

from pathlib import Path

from agent import Ending
from env import Browser


def adds_up(ending: Ending) -> None:
    """The receipt lists what was bought, and nothing else."""
    assert isinstance(ending.env, Browser)
    (receipt,) = ending.env.received()
    lines = [line.split(",") for line in Path(receipt.path).read_text(encoding="utf-8").splitlines()]
    assert [name for name, _ in lines] == ["Soup", "Tea"], f"the receipt has {lines}"
    assert sum(float(price) for _, price in lines) == 6.0
