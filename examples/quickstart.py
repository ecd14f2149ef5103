"""One instruction on one page: what the built-in model did, step by step, and a report to look at.

python examples/quickstart.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent import Agent, Check, read_run, write_report

PAGE = Path(__file__).resolve().parent / "pages" / "greet.html"


def main(out: Path) -> int:
    """Enter a name, keep the record in a new folder in `out`, and return the exit code of the outcome."""
    with Agent(out=out) as agent:
        result = agent.run(
            'Enter "Tora" into the name field and press Send.',
            url=PAGE.as_uri(),
            expect=[Check(text="Hello, Tora")],
            until="expect",
            watch=lambda step: print(step.index, step.action or step.error),
        )
    print(result.outcome.value)
    if result.folder:
        print(write_report([read_run(result.folder)]))
    return result.outcome.code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs")))
