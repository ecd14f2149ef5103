"""A task script in Python: two steps, and a typed result.

python examples/shop.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import BaseModel

from actions import Answer, Click, Point
from agent import Agent, Check, Leg, Script, Value
from agent.place import Place

PAGES = Path(__file__).resolve().parent / "pages"


class Cart(BaseModel):
    """What is brought back."""

    total: float
    things: list[str]


SCRIPT = Script(
    name="shop",
    start="shop.html",
    environment=Place(width=308, height=224),
    steps=(
        Leg(
            name="choose",
            instruction="Put bread into the cart.",
            expect=(Check(element="#count", value="1"),),
            actions=(Click(at=Point(x=255, y=98)),),
        ),
        Leg(
            name="tell",
            instruction="Open the cart and tell what is in it.",
            expect=(Check(text="Total 2.50 EUR"),),
            extract={
                "total": Value(element="#total", type="number", pattern="[0-9.]+"),
                "things": Value(schema={"type": "array", "items": {"type": "string"}}),
            },
            actions=(Click(at=Point(x=255, y=20)), Answer(text='{"things": ["Bread"]}')),
        ),
    ),
)


def main(out: Path, model: str = "script") -> int:
    """Play it with `model`, by default with its own actions, and return the exit code of the outcome."""
    with Agent(model, out=out) as agent:
        result = agent.play(SCRIPT, folder=PAGES, watch=lambda step: print(step.leg, step.index, step.action))
    print(result.outcome.value, result.read(Cart) if result.outcome.code == 0 else result.stop)
    return result.outcome.code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"), *sys.argv[2:3]))
