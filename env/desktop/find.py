"""Whether a private screen can be opened here; `python -m env.desktop.find` says so, or what brings what is missing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

INSTALL = "apt-get install xvfb jwm"
NESTED = "apt-get install xserver-xephyr"
PIP = "pip install 'handeye[desktop]'"
NEEDED = ("Xvfb", "jwm")


def find(name: str) -> Path | None:
    """Where the program `name` is on the search path; None where it is not."""
    found = shutil.which(name)
    return Path(found) if found else None


def main() -> int:
    """Print where everything is and return 0, or what is missing and return 1."""
    missing = [name for name in NEEDED if find(name) is None]
    if missing:
        print(f"{' and '.join(missing)} not found; install with `{INSTALL}`")
        return 1
    print("\n".join(str(find(name)) for name in NEEDED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
